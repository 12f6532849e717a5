"""A day of each role before a real browser: from signing in to what the role is there for."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from configuration.models import StaffChange, User
from customers.models import Customer, DataSubjectRequest, ErasureReceipt
from tests.analytics.test_answers import post_event
from tests.back_office import test_browser
from tests.customers.test_erasure import DAY, delete, post
from tests.factories import Hub, make_user

browser, pytestmark = test_browser.browser, test_browser.pytestmark
SECONDS = test_browser.SECONDS
SCREENSHOTS = os.environ.get("SCREENSHOTS")  # a folder for pictures of the pages

SignIn = Callable[..., "Day"]


class Day:
    """Somebody with one role, signed in."""

    def __init__(self, hub: Hub, server: Any, browser: Browser, role: str) -> None:
        user: User = make_user(role, workspaces=(hub.workspace,), grants={hub.node: "RW"})
        user.set_password("let me in")
        user.is_staff = True
        user.save()
        self.user = user
        self.page: Page = browser.new_context().new_page()
        self.page.set_default_timeout(20 * SECONDS)
        self.refused: list[str] = []
        self.page.on("response", self._note_refusal)
        self.page.goto(f"{server.url}/admin/")
        self.page.fill("input[name=username]", user.username)
        self.page.fill("input[name=password]", "let me in")
        self.page.click("button[type=submit]")
        self.page.wait_for_url("**/admin/**")

    def _note_refusal(self, response: Any) -> None:
        if response.status in {403, 500}:
            self.refused.append(f"{response.status} {response.url}")

    def menu(self, title: str) -> Page:
        """Follow an entry of the menu."""
        self.page.locator("#nav-sidebar").get_by_role("link", name=title, exact=True).first.click()
        return self.page

    def picture(self, name: str) -> None:
        if not SCREENSHOTS:
            return
        for scheme in ("light", "dark"):
            self.page.emulate_media(color_scheme=scheme)
            for width in (1300, 390):
                self.page.set_viewport_size({"width": width, "height": 1000})
                file = Path(SCREENSHOTS) / f"{name}-{scheme}-{width}.png"
                self.page.screenshot(path=file, full_page=True)
        self.page.emulate_media(color_scheme="light")
        self.page.set_viewport_size({"width": 1300, "height": 1000})


@pytest.fixture
def sign_in(live_hub: Hub, live_server: Any, browser: Browser) -> Iterator[SignIn]:
    days: list[Day] = []

    def signed_in(role: str) -> Day:
        days.append(Day(live_hub, live_server, browser, role))
        return days[-1]

    yield signed_in
    assert [each for day in days for each in day.refused] == []
    for day in days:
        day.page.context.close()


def test_the_day_of_a_privacy_officer(live_hub: Hub, sign_in: SignIn) -> None:
    hub = live_hub
    given = {"marketing": {"automatic": {"email": {"status": True}}}}
    base = {"firstName": "Ada", "lastName": "Bianchi"}
    ada = post(hub, "ada@x.it", base=base, consents=given)
    post(hub, "ada@x.it", hub.other_node, base=base)
    post_event(hub, ada, "searched", "WEB", DAY, keyword="red shoes")
    mistake = post(hub, "mistake@x.it")
    delete(hub, mistake)
    day = sign_in("DPO")
    page = day.page
    expect(page.get_by_role("heading", name="Whom are you looking for?")).to_be_visible()
    day.menu("Requests")
    page.get_by_role("link", name=re.compile("Add request")).first.click()
    page.get_by_label("What somebody wants").select_option("ERASURE")
    page.get_by_label("Who asks").fill("Ada Bianchi, by letter")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("The request is in the register.")).to_be_visible()
    day.picture("requests")
    day.menu("Find a person")
    page.get_by_label("What is known").fill("ada@x.it")
    page.get_by_label("Why you look").fill("Her letter")
    page.get_by_role("button", name="Look up").click()
    expect(page.get_by_role("link", name="Ada Bianchi")).to_have_count(2)
    day.picture("found")
    page.locator(f"a[href*='{ada}']").click()
    expect(page.get_by_text("Consent · marketing / automatic / email · yes")).to_be_visible()
    page.get_by_role("button", name="That is the one").click()
    expect(page.get_by_text("The request names this person now.")).to_be_visible()
    page.get_by_role("button", name="Restrict").click()
    expect(page.get_by_text("Every consent is limited now.")).to_be_visible()
    day.picture("person")
    with page.expect_download() as download:
        page.get_by_role("button", name="Export to read").click()
    assert "red shoes" in Path(download.value.path()).read_text()
    page.get_by_role("link", name="Erase…").click()
    day.picture("erase")
    expect(page.get_by_text("the same person by a matching policy")).to_be_visible()
    page.get_by_label("To confirm").fill(f"erase {ada[-8:]}")
    page.get_by_role("button", name="Erase for good").click()
    expect(page.get_by_text("The person is erased.")).to_be_visible()
    expect(page.get_by_role("button", name="Print")).to_be_visible()
    day.picture("receipt")
    assert ErasureReceipt.objects.filter(workspace_id=hub.workspace.id).count() == 1
    request = DataSubjectRequest.objects.get(type="ERASURE")
    assert (request.state, request.subject) == ("DONE", "")
    day.menu("Deleted people")
    page.get_by_role("link", name="Restore").click()
    page.get_by_role("button", name="Restore").click()
    expect(page.get_by_text("The person is there again")).to_be_visible()
    assert Customer.objects.get(id=mistake).deleted == 0
    for title in ("Receipts", "Suppressions", "Consent log", "Audit log"):
        day.menu(title)
    expect(page.get_by_text("Forget customer").first).to_be_visible()
    day.picture("audit-log")


def test_the_day_of_an_administrator(live_hub: Hub, sign_in: SignIn) -> None:
    hub = live_hub
    mistake = post(hub, "mistake@x.it")
    delete(hub, mistake)
    day = sign_in("ADMIN")
    page = day.page
    for title in ("Dashboard", "Customers", "Imports", "Exports", "Workspace", "Nodes", "Sources"):
        day.menu(title)
    day.menu("Retention")
    page.get_by_label("Days for which deleted people").fill("7")
    page.locator("button[value=people]").click()
    expect(page.get_by_text("What is kept of people is changed.")).to_be_visible()
    day.picture("retention")
    day.menu("Deleted people")
    page.get_by_role("link", name="Restore").click()
    page.get_by_role("button", name="Restore").click()
    expect(page.get_by_text("The person is there again")).to_be_visible()
    for title in ("Users", "Properties", "Operations", "Audit log"):
        day.menu(title)
    expect(page.locator("#nav-sidebar").get_by_text("Find a person")).to_have_count(0)


def test_the_day_of_a_user(live_hub: Hub, sign_in: SignIn) -> None:
    ada = post(live_hub, "ada@x.it")
    day = sign_in("USER")
    page = day.page
    day.menu("Customers")
    page.locator(f"tbody a[href*='{ada}']").first.click()
    page.get_by_role("link", name="Edit").click()
    page.get_by_label("First name").fill("Ada")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Your changes are kept.")).to_be_visible()
    for title in ("Dashboard", "Imports", "Exports", "Retention", "Audit log"):
        day.menu(title)
    for closed in ("Users", "Find a person", "Deleted people", "Consent log"):
        expect(page.locator("#nav-sidebar").get_by_text(closed, exact=True)).to_have_count(0)
    views = StaffChange.objects.filter(user=day.user, summary="View of a customer")
    assert {str(each.customer_id) for each in views} == {ada}


def test_the_day_of_a_guest(live_hub: Hub, sign_in: SignIn) -> None:
    ada = post(live_hub, "ada@x.it")
    day = sign_in("GUEST")
    page = day.page
    day.menu("Customers")
    expect(page.get_by_role("link", name="New customer")).to_have_count(0)
    expect(page.get_by_role("button", name="Export as CSV")).to_have_count(0)
    page.locator(f"tbody a[href*='{ada}']").first.click()
    expect(page.get_by_role("heading", level=2, name="ada@x.it")).to_be_visible()
    for closed in ("Edit", "Delete", "Erase…", "Add an event"):
        expect(page.get_by_role("link", name=closed, exact=True)).to_have_count(0)
    for title in ("Dashboard", "Imports", "Retention"):
        day.menu(title)
    expect(page.locator("#nav-sidebar").get_by_text("Webhooks", exact=True)).to_have_count(0)
