"""Passkeys, with a real browser and the authenticator that it simulates for tests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from configuration.actions.workspaces import demand_second_factor
from configuration.models import User
from tests.back_office.test_browser import SECONDS, browser, pytestmark  # noqa: F401
from tests.factories import Hub, make_user

PASSWORD = "let me in"


@pytest.fixture
def person(live_hub: Hub) -> User:
    user = make_user("ADMIN", workspaces=(live_hub.workspace,))
    user.set_password(PASSWORD)
    user.is_staff = True
    user.save()
    return user


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:  # noqa: F811
    """A browser of somebody who has a phone with a fingerprint reader, say."""
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(20 * SECONDS)
    devtools = context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True,
        "hasUserVerification": True, "isUserVerified": True, "automaticPresenceSimulation": True,
    }  # fmt: skip
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    yield page
    context.close()


def sign_in(page: Page, server: str, person: User) -> None:
    page.goto(f"{server}/admin/")
    page.fill("input[name=username]", person.username)
    page.fill("input[name=password]", PASSWORD)
    page.click("button[type=submit]")


def test_a_passkey_is_set_up_and_required(
    live_hub: Hub, live_server: Any, page: Page, person: User
) -> None:
    server = live_server.url.replace("127.0.0.1", "localhost")  # passkeys belong to names
    demand_second_factor(live_hub.workspace, demanded=True)
    sign_in(page, server, person)
    expect(page.get_by_role("heading", name="Second factor")).to_be_visible()
    page.get_by_role("link", name="Add a passkey").click()
    page.fill("input[name=name]", "My phone")
    page.click("#passkey-add")
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    page.get_by_role("link", name="Go on").click()
    expect(page).to_have_title("Dashboard | Contacthub")
    assert person.has_second_factor()
    page.context.clear_cookies()
    sign_in(page, server, person)
    expect(page.get_by_role("heading", name="Second factor")).to_be_visible()
    page.click("#passkey-use")
    expect(page).to_have_title("Dashboard | Contacthub")
    page.goto(f"{server}/sign-in/second-factor/webauthn/")
    expect(page.get_by_text("My phone")).to_be_visible()
    # Another browser has no such passkey: the page says so.
    page.context.clear_cookies()
    sign_in(page, server, person)
    page.evaluate("() => { navigator.credentials.get = async () => { throw new Error() }; }")
    page.click("#passkey-use")
    expect(page.locator("#passkey-fault")).to_be_visible()
    page.goto(f"{server}/admin/")
    expect(page).to_have_title("Sign in to Contacthub | Contacthub")
