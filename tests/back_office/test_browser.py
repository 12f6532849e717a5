"""What staff do, done with a real browser."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from bulkjobs.actions.processing import process
from bulkjobs.models import BulkJob
from configuration.models import User
from configuration.models.user_session import SessionStore
from contacthub_project.runtime import blocking
from customers.actions.seeding import seed_customers
from customers.models import Customer
from tests.analytics.test_answers import post_event
from tests.back_office.test_reauthentication import age_session
from tests.factories import Hub, make_user

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium: apt-get install chromium"),
    pytest.mark.timeout(180),
]
PAGES = (
    "../access/",
    "", "customers/", "customers/new/", "events/", "events/new/", "settings/",
    "settings/properties/", "settings/events/",
    "settings/retention/", "operations/", "data-quality/",
    "../../configuration/node/", "../../configuration/node/add/",
    "../../configuration/user/", "../../configuration/workspace/",
    "../../configuration/source/", "../../configuration/source/add/",
    "../../configuration/staffchange/", "../../customers/consentlogentry/",
    "../../customers/erasurereceipt/", "../../customers/datasubjectrequest/",
    "../../customers/suppressedvalue/", "../../customers/deletedcustomer/",
    "../../bulkjobs/bulkjob/", "../../bulkjobs/bulkjob/add/",
    "../../bulkjobs/exportjob/", "../../bulkjobs/exportjob/add/",
)  # fmt: skip
SECONDS = 1000
IMPORTS = "../../bulkjobs/bulkjob/"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        # The driver's loop runs in this thread; the tests' own queries are none of its business.
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
        blocking.ignores_event_loops = True
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]
    blocking.ignores_event_loops = False


class BrowserSession:
    """A signed-in person before a browser."""

    def __init__(self, hub: Hub, server: Any, browser: Browser, **options: Any) -> None:
        self.hub = hub
        self.office = f"{server.url}/admin/office/{hub.workspace.id}/"
        user: User = make_user(
            "CLAB_OPERATOR", "DPO", workspaces=(hub.workspace,), grants={hub.node: "RW"}
        )
        user.set_password("let me in")
        user.is_staff = True
        user.save()
        self.page: Page = browser.new_context(**options).new_page()
        self.page.set_default_timeout(20 * SECONDS)
        self.failures: list[str] = []
        self.page.on("pageerror", lambda error: self.failures.append(str(error)))
        self.page.on("request", self._note_strangers)
        self.page.goto(f"{server.url}/admin/")
        self.page.fill("input[name=username]", user.username)
        self.page.fill("input[name=password]", "let me in")
        self.page.click("button[type=submit]")
        expect(self.page).to_have_title(re.compile("Dashboard"))

    def _note_strangers(self, request: Any) -> None:
        if not request.url.startswith(("http://localhost", "http://127.0.0.1", "data:", "blob:")):
            self.failures.append(f"asked the network for {request.url}")

    def open(self, path: str) -> Page:
        self.page.goto(self.office + path)
        return self.page


@pytest.fixture
def browser_session(live_hub: Hub, live_server: Any, browser: Browser) -> Iterator[BrowserSession]:
    browser_session = BrowserSession(live_hub, live_server, browser)
    yield browser_session
    assert browser_session.failures == []
    browser_session.page.context.close()


def test_finding_somebody_among_twenty_thousand(browser_session: BrowserSession) -> None:
    for _ in seed_customers(browser_session.hub.node.id, 20_000):
        pass
    person = Customer.objects.filter(node=browser_session.hub.node).order_by("id")[777]
    email = person.base["contacts"]["email"]
    page = browser_session.open("customers/")
    expect(page.locator("tbody tr")).to_have_count(20)
    expect(page.get_by_text("20,000 in this node")).to_be_visible()
    page.fill("input[name=q]", f'"{email}"')
    page.get_by_role("button", name="Search", exact=True).click()
    expect(page.locator("tbody tr")).to_have_count(1)
    page.locator("tbody a").first.click()
    expect(page.get_by_role("heading", level=2, name=person.base["lastName"])).to_be_visible()
    # By a rule as well, and the API's own query beside it.
    page = browser_session.open("customers/")
    page.get_by_text("Rules", exact=True).click()
    page.get_by_role("button", name="Add a rule").click()
    page.get_by_label("Property").select_option("base.contacts.email")
    page.get_by_label("Comparison").select_option("EQUALS")
    page.get_by_label("Value").fill(email)
    expect(page.get_by_text("These find 1 customer.")).to_be_visible()
    page.get_by_role("button", name="Add a group").click()
    group = page.locator("fieldset fieldset")
    group.get_by_role("button", name="Add what they did").click()
    group.get_by_label("Did or did not").select_option("false")
    expect(page.get_by_text("These find 1 customer.")).to_be_visible()
    group.get_by_label("Did or did not").select_option("true")
    expect(page.get_by_text("These find 0 customers.")).to_be_visible()
    group.get_by_role("button", name="Remove this group").click()
    expect(group).to_have_count(0)
    page.get_by_role("button", name="Search", exact=True).click()
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_text("The same as the API's query").click()
    expect(page.locator("pre")).to_contain_text('"operator": "EQUALS"')


def test_a_person_edited_followed_and_forgotten(browser_session: BrowserSession) -> None:
    person = browser_session.hub.post_customer(base={"contacts": {"email": "ada@x.it"}})["id"]
    for minute in range(45):
        post_event(
            browser_session.hub, person, "loggedIn", "WEB", f"2026-01-01T00:{minute:02d}:00Z"
        )
    page = browser_session.open(f"customers/{person}/")
    expect(page.locator("#timeline article").first).to_be_visible()
    for _ in range(6):
        page.mouse.wheel(0, 20_000)
        page.wait_for_timeout(300)
    expect(page.locator("#timeline article")).to_have_count(45)
    page.get_by_role("link", name="Edit").click()
    page.get_by_label("First name").fill("Ada")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Your changes are kept.")).to_be_visible()
    expect(page.get_by_role("heading", level=2, name="Ada")).to_be_visible()
    page.get_by_role("link", name="Erase…").click()
    expect(page.get_by_text("Events: 45")).to_be_visible()
    page.get_by_label("To confirm").fill("erase somebody")
    page.get_by_role("button", name="Erase for good").click()
    expect(page.get_by_text("Nothing has been done")).to_be_visible()
    page.get_by_label("To confirm").fill(f"erase {person[-8:]}")
    page.get_by_role("button", name="Erase for good").click()
    expect(page.get_by_text("This is the receipt.")).to_be_visible()
    assert Customer.objects.get(id=person).deleted == -1


def test_an_event_added_and_duplicated(browser_session: BrowserSession) -> None:
    person = browser_session.hub.post_customer()["id"]
    page = browser_session.open(f"events/new/?customer={person}")
    page.get_by_label("Type of event").select_option("completedOrder")
    page.get_by_role("button", name="Go on").click()
    page.get_by_label("Order id").fill("A-1")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The event is there.")).to_be_visible()
    page.get_by_role("link", name="Duplicate", exact=True).click()
    expect(page.get_by_label("Order id")).to_have_value("A-1")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The event is there.")).to_be_visible()
    page.locator(".office").get_by_role("link", name="Delete").click()
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("The event is deleted.")).to_be_visible()


def test_a_file_dropped_tried_and_imported(
    browser_session: BrowserSession, settings: Any, tmp_path: Path
) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"
    file = tmp_path / "people.csv"
    rows = "".join(f"p{number}@x.it,Name {number}\n" for number in range(300))
    file.write_text("Email,Vorname\n" + rows + "nobody,X\n")
    page = browser_session.open(IMPORTS + "add/")
    page.get_by_label("Drop a file here").set_input_files(file)
    preview = page.locator("#preview")
    expect(preview.get_by_role("alert")).to_contain_text("Vorname")
    page.get_by_label("Property of Vorname").fill("base.firstName")
    page.get_by_role("button", name="Try it").click()
    expect(page.get_by_text("0 of 301 rows")).to_be_visible()
    assert process(seconds=60)
    trial = page.locator("#trial")
    expect(trial.get_by_text("would be created")).to_be_visible()
    expect(trial.get_by_text("nobody", exact=True).first).to_be_visible()
    assert not Customer.objects.exists()
    page.get_by_role("button", name="Import", exact=True).click()
    stop = page.get_by_role("button", name="Stop")
    expect(stop).to_be_visible()
    columns = page.get_by_role("link", name="Imports").first
    columns.focus()
    page.evaluate("window.before = document.querySelector('#content-main table')")
    assert process(seconds=60)
    # It moves without the page being loaded again, and focus stays where it was.
    expect(page.get_by_text("301 of 301 rows", exact=True)).to_be_visible()
    expect(page.get_by_role("status")).to_contain_text(
        "people.csv: done. 301 of 301 rows, 1 refused"
    )
    expect(columns).to_be_focused()
    expect(stop).to_be_hidden()
    assert page.evaluate("window.before.isConnected")
    with page.expect_download() as download:
        page.get_by_role("link", name="Refused rows, to mend").click()
    assert "nobody,X," in Path(download.value.path()).read_text()
    assert BulkJob.objects.get(dry_run=False).processed == 301
    # Nothing moves any more: nothing is asked for.
    requested: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    page.wait_for_timeout(2500)
    assert requested == []


def test_a_deletion_by_file_needs_its_number(
    browser_session: BrowserSession, settings: Any, tmp_path: Path
) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"
    for name in ("a", "b", "c"):
        browser_session.hub.post_customer(base={"contacts": {"email": f"{name}@x.it"}})
    file = tmp_path / "gone.csv"
    file.write_text("Email\na@x.it\nb@x.it\n")
    page = browser_session.open(IMPORTS + "add/")
    page.get_by_label("What to do").select_option("DELETE")
    page.get_by_label("Drop a file here").set_input_files(file)
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.locator("#import-faults")).to_contain_text("Try it first")
    page.get_by_role("button", name="Try it").click()
    expect(page.get_by_text("0 of 2 rows")).to_be_visible()
    assert process(seconds=60)
    expect(page.locator("[data-deletions]")).to_have_text("2")
    page.get_by_label("These are deleted for good").fill("3")
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.locator("#import-faults")).to_contain_text("not the number")
    page.get_by_label("These are deleted for good").fill("2")
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    assert process(seconds=60)
    expect(page.get_by_text("2 of 2 rows", exact=True)).to_be_visible()
    assert Customer.objects.filter(deleted=0).count() == 1


def test_settings_and_a_token_displayed_once(browser_session: BrowserSession) -> None:
    page = browser_session.open("../../configuration/source/add/")
    page.get_by_label("Name").fill("Till")
    page.get_by_label(browser_session.hub.node.name).check()
    page.get_by_role("button", name="Save", exact=True).click()
    token = page.locator("#token").text_content()
    assert token
    assert token.startswith("chs_")
    page.get_by_role("link", name="To the list").click()
    expect(page.get_by_role("link", name="Till")).to_be_visible()
    expect(page.locator("#token")).to_have_count(0)
    page = browser_session.open("settings/events/?q=logged+in")
    page.get_by_role("switch", name="Logged in").click()
    expect(page.get_by_text("loggedIn is off.")).to_be_visible()
    page = browser_session.open("../../configuration/staffchange/")
    expect(page.get_by_text("/configuration/events/loggedIn")).to_be_visible()
    page.get_by_role("link", name="Create source").click()
    expect(page.get_by_role("cell", name="Till")).to_be_visible()


def test_after_an_hour_the_password_is_required_and_nothing_is_lost(
    browser_session: BrowserSession,
) -> None:
    browser_session.hub.post_customer(base={"contacts": {"email": "ada@x.it"}})
    page = browser_session.open("../../configuration/apiclient/add/")
    page.get_by_label("Name").fill("Nightly import")
    (cookie,) = [each for each in page.context.cookies() if each["name"] == "sessionid"]
    age_session(SessionStore(cookie["value"]))
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_label(re.compile("Password of ")).fill("let me in")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Go on?")).to_be_visible()
    expect(page.get_by_text("Nightly import")).to_be_visible()
    page.get_by_role("button", name="Go on").click()
    expect(page.locator("#client-secret")).to_be_visible()
    age_session(SessionStore(cookie["value"]))
    browser_session.open("customers/")
    page.get_by_role("button", name="Export as CSV").click()
    page.get_by_label(re.compile("Password of ")).fill("let me in")
    page.keyboard.press("Enter")
    with page.expect_download() as download:
        page.get_by_role("button", name="Go on").click()
    assert "ada@x.it" in Path(download.value.path()).read_text()


def test_the_first_day_of_an_installation(browser_session: BrowserSession) -> None:
    page = browser_session.open("../workspaces/")
    page.get_by_role("link", name=re.compile("Add workspace")).first.click()
    page.fill("input[name=name]", "Nordic")
    page.fill("input[name=slug]", "nordic")
    page.get_by_label("Customer group").fill("1")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Make the first node")).to_be_visible()
    page.get_by_role("link", name=re.compile("Add node")).first.click()
    page.fill("input[name=name]", "Shop")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("link", name="Shop", exact=True)).to_be_visible()
    page.get_by_role("link", name="Users", exact=True).click()
    page.get_by_role("link", name=re.compile("Add user")).first.click()
    page.fill("input[name=username]", "grace")
    page.get_by_label("Administrator").check()
    page.fill("input[name=password]", "correct horse battery")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("link", name="grace").first).to_be_visible()
    page.get_by_role("link", name="API clients").click()
    page.get_by_role("link", name=re.compile("Add API client")).first.click()
    page.get_by_label("Name").fill("Nightly export")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#client-secret")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_fits_a_phone(
    live_hub: Hub, live_server: Any, browser: Browser, scheme: str
) -> None:
    person = live_hub.post_customer()["id"]
    browser_session = BrowserSession(
        live_hub, live_server, browser,
        viewport={"width": 390, "height": 800}, color_scheme=scheme,
    )  # fmt: skip
    of_all = (
        "../workspaces/",
        "../../configuration/apiclient/",
        "../../configuration/apiclient/add/",
    )
    for path in (*PAGES, f"customers/{person}/", f"customers/{person}/edit/", *of_all):
        page = browser_session.open(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
        assert page.evaluate(UNLABELLED) == [], path
        assert page.locator(".material-symbols-outlined:not([aria-hidden])").count() == 0, path
        assert page.evaluate("document.documentElement.classList.contains('dark')") == (
            scheme == "dark"
        )
    assert browser_session.failures == []


def test_the_keyboard_is_enough(browser_session: BrowserSession) -> None:
    browser_session.hub.post_customer(base={"contacts": {"email": "ada@x.it"}})
    page = browser_session.open("customers/")
    page.focus("input[name=q]")
    page.keyboard.type("ada")
    page.keyboard.press("Enter")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.locator("tbody a").first.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=2, name="ada@x.it")).to_be_visible()


UNLABELLED = """
Array.from(document.querySelectorAll(".office input, .office select, .office textarea, .office button"))
  .filter(each => each.type !== "hidden" && !each.closest("noscript")
    && !(each.labels && each.labels.length) && !each.getAttribute("aria-label")
    && !each.textContent.trim())
  .map(each => each.outerHTML.slice(0, 100))
"""
