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
    "", "customers/", "customers/new/", "events/", "events/new/", "jobs/", "settings/",
    "settings/nodes/", "settings/properties/", "settings/events/", "settings/sources/",
    "settings/users/", "settings/retention/", "operations/", "audit/",
)  # fmt: skip
SECONDS = 1000


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        # The driver's loop runs in this thread; the tests' own queries are none of its business.
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


class Desk:
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
def desk(live_hub: Hub, live_server: Any, browser: Browser) -> Iterator[Desk]:
    desk = Desk(live_hub, live_server, browser)
    yield desk
    assert desk.failures == []
    desk.page.context.close()


def test_finding_somebody_among_twenty_thousand(desk: Desk) -> None:
    for _ in seed_customers(desk.hub.node.id, 20_000):
        pass
    person = Customer.objects.filter(node=desk.hub.node).order_by("id")[777]
    email = person.base["contacts"]["email"]
    page = desk.open("customers/")
    expect(page.locator("tbody tr")).to_have_count(20)
    expect(page.get_by_text("20000 in this node")).to_be_visible()
    page.fill("input[name=q]", f'"{email}"')
    page.get_by_role("button", name="Search").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    page.locator("tbody a").first.click()
    expect(page.get_by_role("heading", level=2, name=person.base["lastName"])).to_be_visible()
    # By a rule as well, and the API's own query beside it.
    page = desk.open("customers/")
    page.get_by_text("Rules, columns, order").click()
    page.fill("input[name=attribute]", "base.contacts.email")
    page.select_option("select[name=operator]", "EQUALS")
    page.fill("input[name=value]", email)
    page.get_by_role("button", name="Search").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_text("The same as the API's query").click()
    expect(page.locator("pre")).to_contain_text('"operator": "EQUALS"')


def test_a_person_edited_followed_and_forgotten(desk: Desk) -> None:
    person = desk.hub.post_customer(base={"contacts": {"email": "ada@x.it"}})["id"]
    for minute in range(45):
        post_event(desk.hub, person, "loggedIn", "WEB", f"2026-01-01T00:{minute:02d}:00Z")
    page = desk.open(f"customers/{person}/")
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
    page.get_by_role("link", name="Forget").click()
    page.get_by_label("To confirm").fill("somebody@else.it")
    page.get_by_role("button", name="Forget for good").click()
    expect(page.get_by_text("Nothing has been done")).to_be_visible()
    page.get_by_label("To confirm").fill("ada@x.it")
    page.get_by_role("button", name="Forget for good").click()
    expect(page.get_by_text("The person is forgotten.")).to_be_visible()
    assert Customer.objects.get(id=person).deleted == -1


def test_an_event_added_and_duplicated(desk: Desk) -> None:
    person = desk.hub.post_customer()["id"]
    page = desk.open(f"events/new/?customer={person}")
    page.get_by_label("Type of event").select_option("completedOrder")
    page.get_by_role("button", name="Go on").click()
    page.get_by_label("Order id").fill("A-1")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The event is there.")).to_be_visible()
    page.get_by_role("link", name="Duplicate").click()
    expect(page.get_by_label("Order id")).to_have_value("A-1")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The event is there.")).to_be_visible()
    page.locator(".office").get_by_role("link", name="Delete").click()
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("The event is deleted.")).to_be_visible()


def test_a_file_previewed_uploaded_and_watched(desk: Desk, settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"
    bad, file = tmp_path / "bad.csv", tmp_path / "people.csv"
    rows = "".join(f"p{number}@x.it,Name {number}\n" for number in range(300))
    bad.write_text("base.contacts.email,base.nonsense\n" + rows)
    page = desk.open(f"jobs/?node={desk.hub.node.id}")
    page.set_input_files("input[name=file]", bad)
    expect(page.locator("#preview .office-fault")).to_contain_text("base.nonsense")
    file.write_text("base.contacts.email,base.firstName\n" + rows)
    page.set_input_files("input[name=file]", file)
    expect(page.locator("#preview")).to_contain_text("The columns fit")
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_text("The file is taken in.")).to_be_visible()
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("cell", name="STOPPED")).to_be_visible()
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("cell", name="SCHEDULED")).to_be_visible()
    assert process(seconds=60)
    # It moves without the page being loaded again.
    expect(page.get_by_role("cell", name="PROCESSED")).to_be_visible()
    expect(page.get_by_text("300 of 300")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Results").click()
    assert "created" in Path(download.value.path()).read_text()
    assert BulkJob.objects.get().processed == 300


def test_settings_and_a_token_shown_once(desk: Desk) -> None:
    page = desk.open("settings/sources/")
    page.get_by_label("Name").fill("Till")
    page.get_by_label("Nodes").select_option(desk.hub.node.name)
    page.get_by_role("button", name="Create, and show the token").click()
    token = page.locator("#token").text_content()
    assert token
    assert token.startswith("chs_")
    page = desk.open("settings/sources/")
    expect(page.get_by_text("Till")).to_be_visible()
    expect(page.locator("#token")).to_have_count(0)
    page = desk.open("settings/events/?q=logged+in")
    page.get_by_role("switch", name="Logged in").click()
    expect(page.get_by_text("loggedIn is off.")).to_be_visible()
    page = desk.open("audit/")
    for path in ("/configuration/sources", "/configuration/events/loggedIn"):
        expect(page.locator("details.office-card", has_text=path)).to_have_count(1)
    page.locator("summary", has_text="/configuration/sources").click()
    expect(page.locator("details[open]").get_by_role("cell").first).to_be_visible()


def test_after_an_hour_the_password_is_asked_for_and_nothing_is_lost(desk: Desk) -> None:
    desk.hub.post_customer(base={"contacts": {"email": "ada@x.it"}})
    page = desk.open("../clients/")
    page.get_by_label("Name").fill("Nightly import")
    (cookie,) = [each for each in page.context.cookies() if each["name"] == "sessionid"]
    age_session(SessionStore(cookie["value"]))
    page.get_by_role("button", name="Create").click()
    page.get_by_label(re.compile("^Password of ")).fill("let me in")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Go on?")).to_be_visible()
    expect(page.get_by_text("Nightly import")).to_be_visible()
    page.get_by_role("button", name="Go on").click()
    expect(page.locator("#client-secret")).to_be_visible()
    age_session(SessionStore(cookie["value"]))
    desk.open("customers/")
    page.get_by_role("button", name="Export as CSV").click()
    page.get_by_label(re.compile("^Password of ")).fill("let me in")
    page.keyboard.press("Enter")
    with page.expect_download() as download:
        page.get_by_role("button", name="Go on").click()
    assert "ada@x.it" in Path(download.value.path()).read_text()


def test_the_first_day_of_an_installation(desk: Desk) -> None:
    page = desk.open("../workspaces/")
    page.fill("input[name=name]", "Nordic")
    page.fill("input[name=slug]", "nordic")
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_text("Make the first node")).to_be_visible()
    form = page.locator("form", has=page.get_by_role("heading", name="New entry node"))
    form.get_by_label("Name").fill("Shop")
    form.get_by_role("button", name="Create").click()
    expect(page.get_by_role("link", name="Shop", exact=True)).to_be_visible()
    page.get_by_role("link", name="Users", exact=True).click()
    form = page.locator("form", has=page.get_by_role("heading", name="New person"))
    form.get_by_label("User name").fill("grace")
    form.get_by_label("Administrator").check()
    form.get_by_label("Password").fill("correct horse battery")
    form.get_by_role("button", name="Add").click()
    expect(page.get_by_role("heading", name="grace")).to_be_visible()
    page.get_by_role("link", name="API clients").click()
    page.get_by_label("Name").fill("Nightly export")
    page.get_by_role("button", name="Create").click()
    expect(page.locator("#client-secret")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_fits_a_phone(
    live_hub: Hub, live_server: Any, browser: Browser, scheme: str
) -> None:
    person = live_hub.post_customer()["id"]
    desk = Desk(
        live_hub, live_server, browser,
        viewport={"width": 390, "height": 800}, color_scheme=scheme,
    )  # fmt: skip
    of_all = ("../workspaces/", "../clients/")
    for path in (*PAGES, f"customers/{person}/", f"customers/{person}/edit/", *of_all):
        page = desk.open(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
        assert page.evaluate(UNLABELLED) == [], path
        assert page.locator(".material-symbols-outlined:not([aria-hidden])").count() == 0, path
        assert page.evaluate("document.documentElement.classList.contains('dark')") == (
            scheme == "dark"
        )
    assert desk.failures == []


def test_the_keyboard_is_enough(desk: Desk) -> None:
    desk.hub.post_customer(base={"contacts": {"email": "ada@x.it"}})
    page = desk.open("customers/")
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
