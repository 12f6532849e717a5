"""The tag on a page of another origin, in Chromium."""

from __future__ import annotations

import gzip
import shutil
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import Browser, Page, sync_playwright

from contacthub_project.api import web_tag
from tests.product import Product, running

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
in_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no chromium: apt-get install chromium")
MILLISECONDS = 30_000


def test_the_script_is_small_and_kept_by_browsers() -> None:
    client = Client()
    answer = client.get("/tag.js", {"v": web_tag.version()}, headers={"Accept-Encoding": "gzip"})
    assert answer.status_code == 200
    assert len(answer.content) < 6 * 1024
    assert gzip.decompress(answer.content) == web_tag.content()
    assert answer["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert answer["Content-Type"] == "text/javascript; charset=utf-8"
    assert not answer.cookies
    plain = client.get("/tag.js")
    assert plain.content == web_tag.content()
    assert plain["Cache-Control"] == "public, max-age=3600"


def test_the_line_that_embeds_it_quotes_what_it_is_given() -> None:
    line = web_tag.snippet("https://hub.example", workspace_id="w", node_id='"><b>', token="chs_t")
    assert "&quot;&gt;&lt;b&gt;" in line
    assert f'src="https://hub.example/tag.js?v={web_tag.version()}"' in line


class WebSite:
    """A web site of another origin than the hub's, and the source that its pages send as."""

    def __init__(self, product: Product, *sites: str, **data: str) -> None:
        self.product = product
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        source = {
            "provider": "API", "name": "Pages", "trusted": False, "nodes": self.nodes[:1],
            "properties": {"allowedURLs": list(sites or [self.url])},
        }  # fmt: skip
        self.source = self.call("POST", "/configuration/sources", source)
        line = web_tag.snippet(
            product.facts["baseUrl"], workspace_id=product.facts["workspaceId"],
            node_id=self.nodes[0], token=self.source["token"],
        )  # fmt: skip
        more = "".join(f' data-{name}="{value}"' for name, value in data.items())
        self.head = line.replace("></script>", f"{more}></script>")
        self.elements: list[dict[str, Any]] = []
        self.after = self.call("GET", "/events/live")["next"]

    @property
    def nodes(self) -> list[str]:
        nodes: list[str] = self.product.facts["nodeIds"]
        return nodes

    def call(self, method: str, path: str, body: Any = None) -> Any:
        url = f"{self.product.workspace}{path}"
        return self.product.call(method, url, body, token="admin")[1]

    def seen(self) -> list[dict[str, Any]]:
        """What the live view has shown of the source so far."""
        query = f"?sourceId={self.source['id']}&after={self.after}"
        page = self.call("GET", f"/events/live{query}")
        self.elements += page["elements"]
        self.after = page["next"]
        return self.elements

    def viewed(self) -> list[str]:
        """The paths of the pages that were seen, in the order in which they were."""
        views = [each["body"] for each in self.seen() if each["type"] == "viewedPage"]
        return [each["properties"]["path"] for each in sorted(views, key=lambda each: each["date"])]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                page = f"<html><head><title>Shoes</title>{site.head}</head><body>Shop</body></html>"
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.end_headers()
                self.wfile.write(page.encode())

            def log_message(self, *_: Any) -> None:
                pass

        return Handler


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    with running(tmp_path_factory.mktemp("tag") / "data") as started:
        yield started


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_context().new_page()
    page.set_default_timeout(MILLISECONDS)
    failures: list[str] = []
    page.on("pageerror", lambda error: failures.append(str(error)))
    yield page
    assert failures == []
    page.context.close()


def until(page: Page, is_so: Callable[[], bool]) -> None:
    for _ in range(150):
        if is_so():
            return
        page.wait_for_timeout(200)
    assert is_so()


def waiting(page: Page) -> int:
    count: int = page.evaluate(
        "Object.keys(localStorage).filter(k => k.endsWith('.queue'))"
        ".reduce((sum, key) => sum + JSON.parse(localStorage[key]).length, 0)"
    )
    return count


@in_chromium
@pytest.mark.timeout(180)
def test_page_views_events_and_who_it_was(product: Product, page: Page) -> None:
    site = WebSite(product, consent="given")
    page.goto(f"{site.url}/first?utm_source=letter&x=1")
    until(page, lambda: site.viewed() == ["/first"])
    page.evaluate("history.pushState({}, '', '/second')")
    until(page, lambda: site.viewed() == ["/first", "/second"])
    first, second = (each["body"] for each in site.elements)
    assert first["properties"]["title"] == "Shoes"
    assert first["tracking"]["ga"]["utm_source"] == "letter"
    assert second["properties"]["referer"].startswith(f"{site.url}/first")
    assert first["bringBackProperties"] == second["bringBackProperties"]
    page.evaluate("contacthub('event', 'searched', {keyword: 'boots'})")
    page.evaluate("contacthub('identify', {base: {contacts: {email: 'ada@tag.example'}}})")
    found = f"/customers?nodeId={site.nodes[0]}&email=ada@tag.example"

    def events() -> list[Any]:
        people = site.call("GET", found)["elements"]
        ids = [
            each["id"] for each in people if each["base"]["contacts"]["email"] == "ada@tag.example"
        ]
        return site.call("GET", f"/events?customerId={ids[0]}")["elements"] if ids else []

    until(page, lambda: len(events()) == 3)
    page.goto(f"{site.url}/third")
    until(page, lambda: len(events()) == 4)
    page.evaluate("contacthub('event', 'nothing', {})")
    until(page, lambda: len(site.seen()) == 5)
    assert [(each["outcome"], each["type"]) for each in site.elements] == [
        ("ACCEPTED", "viewedPage"), ("ACCEPTED", "viewedPage"), ("ACCEPTED", "searched"),
        ("ACCEPTED", "viewedPage"), ("REFUSED", None),
    ]  # fmt: skip
    assert waiting(page) == 0


@in_chromium
@pytest.mark.timeout(180)
def test_nothing_is_lost_when_the_network_is_cut(product: Product, page: Page) -> None:
    site = WebSite(product, consent="given")
    pattern = f"{product.facts['baseUrl']}/hub/v1/**"
    page.route(pattern, lambda route: route.abort())
    page.goto(f"{site.url}/first")
    until(page, lambda: waiting(page) == 1)
    page.goto(f"{site.url}/second")  # left with the first unsent
    until(page, lambda: waiting(page) == 2)
    page.unroute(pattern)
    page.route(pattern, lambda route: route.fulfill(status=503))
    page.evaluate("window.dispatchEvent(new Event('online'))")
    page.wait_for_timeout(500)
    assert waiting(page) == 2
    page.unroute(pattern)

    # The hub takes it in, and its answer is lost on the way.
    def without_answer(route: Any) -> None:
        if route.request.method == "POST":
            route.fetch()
        route.abort()

    page.route(pattern, without_answer)
    page.evaluate("window.dispatchEvent(new Event('online'))")
    until(page, lambda: site.viewed() == ["/first", "/second"])
    assert waiting(page) == 2
    page.unroute(pattern)
    page.evaluate("window.dispatchEvent(new Event('online'))")
    until(page, lambda: waiting(page) == 0)
    assert site.viewed() == ["/first", "/second"]


@in_chromium
@pytest.mark.timeout(180)
def test_nothing_happens_before_the_site_says_so(product: Product, page: Page) -> None:
    site = WebSite(product)
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.goto(f"{site.url}/first")
    page.wait_for_function("typeof contacthub === 'function'")
    page.evaluate("history.pushState({}, '', '/second')")
    page.wait_for_timeout(700)
    assert not [each for each in requests if "/hub/v1/" in each]
    assert page.evaluate("localStorage.length") == 0
    assert page.context.cookies() == []
    page.evaluate("contacthub('consent', true)")
    until(page, lambda: site.viewed() == ["/first", "/second"])
    page.goto(f"{site.url}/third")  # remembered
    until(page, lambda: site.viewed() == ["/first", "/second", "/third"])
    page.evaluate("contacthub('consent', false)")
    assert page.evaluate("localStorage.length") == 0
    page.goto(f"{site.url}/fourth")
    page.wait_for_function("typeof contacthub === 'function'")
    page.wait_for_timeout(500)
    assert len(site.viewed()) == 3


@in_chromium
@pytest.mark.timeout(180)
@pytest.mark.parametrize("signal", ["globalPrivacyControl", "doNotTrack"])
def test_who_does_not_want_to_be_followed_is_not(product: Product, page: Page, signal: str) -> None:
    site = WebSite(product, consent="given")
    value = "'1'" if signal == "doNotTrack" else "true"
    page.add_init_script(
        f"Object.defineProperty(navigator, '{signal}', {{get: () => {value}, configurable: true}})"
    )
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.goto(f"{site.url}/first")
    page.wait_for_function("typeof contacthub === 'function'")
    page.evaluate("contacthub('consent', true); contacthub('event', 'searched', {keyword: 'x'})")
    page.wait_for_timeout(500)
    assert not [each for each in requests if "/hub/v1/" in each]
    assert page.evaluate("localStorage.length") == 0


@in_chromium
@pytest.mark.timeout(180)
def test_other_sites_may_not_use_the_token(product: Product, page: Page) -> None:
    site = WebSite(product, "https://shop.example", consent="given")
    with page.expect_response(lambda response: "/events/batch" in response.url) as found:
        page.goto(f"{site.url}/first")
    assert found.value.status == 403
    assert site.seen() == []
