"""The Content-Security-Policy of pages, as a real browser applies it: nothing of ours is against it."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.contrib import admin
from django.urls import reverse
from playwright.sync_api import Browser, Page, expect

from contacthub_project.admin.urls import urlpatterns
from customers.models import Customer
from tests.analytics.test_answers import post_event
from tests.back_office.test_browser import CHROMIUM, BrowserSession, browser
from tests.factories import Hub

__all__ = ["browser"]  # a fixture
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium: apt-get install chromium"),
    pytest.mark.timeout(300),
]
NOTED = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => window.violations.push(
  `${event.effectiveDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`));
"""


class Watched:
    """A page with all that the browser complains of."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        self._said: list[str] = []
        page.add_init_script(NOTED)
        page.on("pageerror", lambda error: self._said.append(str(error)))
        page.on("console", self._note)

    def _note(self, message: Any) -> None:
        if message.type in {"error", "warning"}:
            self._said.append(message.text)

    def open(self, address: str) -> None:
        response = self.page.goto(address)
        assert response is not None, address
        assert response.status == 200, address
        assert "content-security-policy" in response.all_headers(), address
        self.page.wait_for_timeout(500)
        self.note(address)

    def note(self, address: str) -> None:
        """Keep what the page has said up to now."""
        for violation in self.page.evaluate("window.violations.splice(0)") + self._said:
            self.complaints.append(f"{address}: {violation}")
        self._said.clear()


def addresses(hub: Hub, root: str) -> Iterator[str]:
    """Of all pages of the back-office that are pages, and of Django's own."""
    person = hub.post_customer(base={"contacts": {"email": "ada@x.it"}, "firstName": "Ada"})["id"]
    event = post_event(hub, person, "loggedIn", "WEB", "2026-01-01T00:00:00Z")
    known = {
        "workspace_id": hub.workspace.id, "customer_id": person, "event_id": event,
        "node_id": hub.node.id,
    }  # fmt: skip
    for pattern in urlpatterns:
        expected = set(pattern.pattern.converters)
        if pattern.name in FILES or not expected <= known.keys():
            continue
        parts = {each: known[each] for each in expected}
        yield root + reverse(f"office:{pattern.name}", kwargs=parts)
    for model in admin.site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        yield root + reverse(f"{name}_changelist")
    for name in ("bulkjobs_bulkjob", "bulkjobs_exportjob", "django_celery_beat_periodictask"):
        yield root + reverse(f"admin:{name}_add")
    yield root + reverse("admin:password_change")
    yield root + reverse("account_reauthenticate")
    for name in ("mfa_index", "mfa_activate_totp", "mfa_add_webauthn", "mfa_list_webauthn"):
        yield root + reverse(name)


# Files, parts of pages, and what needs a change to be undone.
FILES = {
    "download-properties", "customer-events", "aggregate-node", "count-customers", "undo-change",
    "aggregate-progress", "aggregate-preview",
}  # fmt: skip
# The documentation's Redoc asks for the sign of those who made it. It does not get it.
REDOC_LOGO = "https://cdn.redoc.ly/"


@pytest.fixture
def watched(live_hub: Hub, live_server: Any, browser: Browser) -> Iterator[Watched]:
    browser_session = BrowserSession(live_hub, live_server, browser)
    yield Watched(browser_session.page)
    browser_session.page.context.close()


def test_no_page_is_against_the_policy(live_hub: Hub, live_server: Any, watched: Watched) -> None:
    page, root = watched.page, live_server.url
    for address in addresses(live_hub, root):
        watched.open(address)
    watched.open(f"{root}/docs")
    expect(page.locator("#swagger-ui .opblock").first).to_be_visible(timeout=60_000)
    watched.open(f"{root}/redoc")
    title = page.get_by_role("heading", name=re.compile("Contacthub API"))
    expect(title).to_be_visible(timeout=60_000)
    watched.note("/redoc")
    assert [each for each in watched.complaints if REDOC_LOGO not in each] == []


def test_the_theme_works_without_eval(live_hub: Hub, live_server: Any, watched: Watched) -> None:
    page = watched.page
    watched.open(f"{live_server.url}/admin/office/{live_hub.workspace.id}/")
    menu, side = (
        page.get_by_text("dock_to_right").locator("visible=true"),
        page.locator("#nav-sidebar"),
    )
    menu.click()
    expect(side).to_be_hidden()
    page.reload()
    expect(side).to_be_hidden()
    menu.click()
    expect(side).to_be_visible()
    page.locator("#nav-sidebar").get_by_text("unfold_more").last.click()
    page.get_by_text("dark_mode").locator("visible=true").click()
    expect(page.locator("html")).to_have_class("dark")
    page.keyboard.press("Escape")
    page.locator("body").press("Control+k")
    box = page.locator("#search-input-command")
    expect(box).to_be_focused()  # it is shown a moment after the keys
    box.press_sequentially("produ")
    expect(page.locator("#command-results-list a").first).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/admin/events/product/"))
    watched.note("the theme")
    assert watched.complaints == []


def test_a_script_that_got_into_a_page_does_not_run(
    live_hub: Hub, live_server: Any, watched: Watched
) -> None:
    page = watched.page
    watched.open(f"{live_server.url}/admin/office/{live_hub.workspace.id}/")
    page.evaluate("""
      document.body.insertAdjacentHTML("beforeend", '<img src="x:" onerror="window.ran = 1">');
      document.body.appendChild(document.createElement("script")).textContent = "window.ran = 2";
      // Later: what a debugger runs may use eval.
      setTimeout(() => (0, eval)("window.ran = 3"), 10);
    """)
    page.wait_for_timeout(500)
    assert page.evaluate("window.ran") is None
    refused = {each.split()[0] for each in page.evaluate("window.violations")}
    assert refused == {"script-src-attr", "script-src-elem", "script-src", "img-src"}


GIF = bytes.fromhex(
    "47494638396101000100800000ff0000ffffff21f90400000000002c00000000010001000002024401003b"
)


class PictureSite:
    """Another site: a picture, one that nobody else may show, and one that leads elsewhere."""

    def __init__(self) -> None:
        self.requested: list[dict[str, str]] = []
        self.leads_to = ""
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.requested.append({name.lower(): value for name, value in self.headers.items()})
                leads = self.path == "/leads.gif"
                self.send_response(302 if leads else 200)
                if leads:
                    self.send_header("Location", site.leads_to)
                if self.path != "/private.gif":
                    self.send_header("Access-Control-Allow-Origin", "*")
                self.send_header("Content-Type", "image/gif")
                self.end_headers()
                self.wfile.write(b"" if leads else GIF)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def site() -> Iterator[PictureSite]:
    site = PictureSite()
    yield site
    site.server.shutdown()
    site.server.server_close()


def test_pictures_are_loaded_from_elsewhere_only_and_as_nobody(
    live_hub: Hub, live_server: Any, watched: Watched, site: PictureSite, settings: Any
) -> None:
    settings.ALLOWED_HOSTS = ["localhost", "testserver", ".hub.example"]
    page, hub = watched.page, live_hub
    person = hub.post_customer(base={"contacts": {"email": "ada@x.it"}, "firstName": "Ada"})["id"]
    address = f"{live_server.url}/admin/office/{hub.workspace.id}/customers/{person}/"
    secret = f"{live_server.url}/admin/office/{hub.workspace.id}/customers/"
    picture, initial = page.locator(".office-person img"), page.locator(".office-initial")

    def show(url: str) -> None:
        Customer.objects.filter(id=person).update(
            base={"contacts": {"email": "ada@x.it"}, "firstName": "Ada", "pictureUrl": url}
        )
        page.goto(address)
        page.wait_for_timeout(500)

    show(f"{site.url}/a.gif")
    expect(initial).to_be_hidden()
    assert picture.evaluate("each => each.naturalWidth") == 1
    (requested,) = site.requested
    assert not {"cookie", "referer", "authorization"} & requested.keys()
    assert requested["sec-fetch-mode"] == "cors"
    watched.note("a picture")
    assert watched.complaints == []

    # A site that does not let others read its pictures, and one that leads to an address of ours.
    show(f"{site.url}/private.gif")
    expect(picture).to_have_count(0)
    expect(initial).to_be_visible()
    requests: list[str] = []
    page.on("response", lambda response: requests.append(response.url))
    site.leads_to = secret
    show(f"{site.url}/leads.gif")
    expect(picture).to_have_count(0)
    expect(initial).to_be_visible()
    assert secret not in requests
    assert any(each.startswith("img-src") for each in page.evaluate("window.violations"))

    # Never asked for at all: our own addresses, by any of our names, and what is no http address.
    for url in (
        secret, secret.replace("localhost", "LOCALHOST"), "http://localhost:1/a.gif",
        "https://a.hub.example/a.gif", "/admin/", "admin/logout/", "javascript:alert(1)",
        "data:image/gif;base64,R0lGODlhAQABAAAAACw=", "//localhost/a.gif", "https://u@a.it/a.gif",
        "https://a.it;script-src 'unsafe-inline'/a.gif",
    ):  # fmt: skip
        show(url)
        expect(initial).to_be_visible()
        assert picture.count() == 0, url
        policy = page.goto(address).all_headers()["content-security-policy"]  # type: ignore[union-attr]
        assert "unsafe" not in policy
