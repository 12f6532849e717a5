"""No page of the back-office has a fault of accessibility that axe-core finds, light or dark."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from tests.analytics.test_answers import post_event
from tests.back_office.examples import make_example
from tests.back_office.test_browser import PAGES, BrowserSession, browser, pytestmark  # noqa: F401
from tests.factories import Hub

MORE_PAGES = (
    "customers/{person}/", "customers/{person}/edit/", "customers/{person}/identity/",
    "customers/{person}/delete/", "events/{event}/", "events/new/?type=completedOrder",
    "events/{event}/edit/", "../../customers/datasubjectrequest/", "../../customers/datasubjectrequest/add/",
    "../../customers/suppressedvalue/", "../../customers/deletedcustomer/", "../workspaces/", "../../configuration/apiclient/", "../../configuration/apiclient/add/",
    "../help/back-office/", "../../segments/segment/", "../../segments/segment/add/",
    "../../customers/webhook/add/", "../../customers/quarantinedrequest/",
    "../../events/product/", "../../customers/erasurereceipt/", "settings/nodes/{node}/", "settings/nodes/{node}/recognition/",
)  # fmt: skip
# Of the theme: each area that scrolls is a region with the same name.
OF_THE_THEME = {"landmark-unique"}
# The dark scheme differs in colours only.
RULES: dict[str, Any] = {
    "light": {},
    "dark": {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}},
}


@pytest.mark.timeout(600)  # it opens all pages
def test_axe_finds_nothing(
    live_hub: Hub,
    live_server: Any,
    browser: Browser,  # noqa: F811
) -> None:
    browser_session = BrowserSession(
        live_hub, live_server, browser, color_scheme="light", bypass_csp=True
    )
    person = live_hub.post_customer(
        base={
            "firstName": "Ada",
            "contacts": {"email": "ada@x.it", "phone": "+39 051 1"},
            "subscriptions": [{"id": "news", "name": "News", "subscribed": True}],
            "jobs": [{"id": "a", "companyName": "Acme"}],
        },
        tags={"manual": ["vip"]},
        consents={"profiling": {"online": {"status": True}}},
    )["id"]
    event = post_event(
        live_hub, person, "completedOrder", "ECOMMERCE", "2026-01-01T00:00:00Z",
        orderId="A1", amount={"total": 12}, products=[{"id": "p", "name": "Glass"}],
    )  # fmt: skip
    example = make_example(live_hub)
    found = []
    for path in (*PAGES, *MORE_PAGES, *example.addresses()):
        page = browser_session.open(path.format(person=person, event=event, node=live_hub.node.id))
        expect(page.locator("#main")).to_have_attribute("role", "main")
        page.wait_for_load_state("networkidle")
        for scheme, options in RULES.items():
            if scheme == "dark":
                page.emulate_media(color_scheme="dark")
                page.evaluate("document.documentElement.classList.add('dark')")
            for each in Axe().run(page, options=options).response["violations"]:
                if each["id"] not in OF_THE_THEME:
                    found.append((path, scheme, each["id"], each["nodes"][0]["html"][:200]))
        page.emulate_media(color_scheme="light")
    assert found == [], "\n".join(map(str, found))
    browser_session.page.context.close()


def test_the_first_key_leads_past_the_menu(
    live_hub: Hub,
    live_server: Any,
    browser: Browser,  # noqa: F811
) -> None:
    page = BrowserSession(live_hub, live_server, browser).open("customers/")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    page.context.close()
