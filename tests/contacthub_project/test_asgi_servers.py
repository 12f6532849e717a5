"""The same application under the server of the product and under another one."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.product import ROOT, Product, free_port, running

pytestmark = pytest.mark.timeout(180)


@dataclass
class Server:
    product: Product
    port: int

    def ask(
        self, method: str, path: str, body: bytes = b"", **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        given = {"Authorization": f"Bearer {self.product.facts['tokens']['trusted']}"}
        if body:
            given["Content-Type"] = "application/json"
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            connection.request(method, path, body or None, given)
            answer = connection.getresponse()
            return (
                answer.status,
                {name.lower(): value for name, value in answer.getheaders()},
                answer.read(),
            )
        finally:
            connection.close()

    def raw(self, text: bytes) -> bytes:
        """The first line of the answer to what is sent as it is."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as connection:
            connection.sendall(text)
            return connection.makefile("rb").readline()

    @property
    def workspace(self) -> str:
        return f"/hub/v1/workspaces/{self.product.facts['workspaceId']}"

    def posted(self, email: str) -> dict[str, Any]:
        body = {"nodeId": self.product.facts["nodeIds"][0], "base": {"contacts": {"email": email}}}
        status, _, content = self.ask(
            "POST", f"{self.workspace}/customers", json.dumps(body).encode()
        )
        assert status == 201
        made: dict[str, Any] = json.loads(content)
        return made


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    with running(tmp_path_factory.mktemp("servers") / "data") as started:
        yield started


@pytest.fixture(scope="module", params=["granian", "uvicorn"])
def server(request: pytest.FixtureRequest, product: Product) -> Iterator[Server]:
    if request.param == "granian":
        yield Server(product, product.port)
        return
    other = Server(product, free_port())
    hidden = {"SHARED_VERSION_FILE", "DATABASE_URL", "REDIS_URL"}
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    process = subprocess.Popen(
        [
            sys.executable, "-m", "uvicorn", "contacthub_project.asgi:application",
            "--port", str(other.port), "--log-level", "warning",
        ],
        cwd=ROOT,
        env=environment | {"CONTACTHUB_DATA": str(product.data), "HTTPS": "false"},
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 60
        while True:
            assert time.monotonic() < deadline
            try:
                if other.ask("GET", "/hub/v1/health")[0] == 200:
                    break
            except OSError:
                time.sleep(0.2)
        yield other
    finally:
        process.terminate()
        process.wait(30)


def test_a_customer(server: Server) -> None:
    made = server.posted(f"{server.port}@example.com")
    path = f"{server.workspace}/customers/{made['id']}"
    status, headers, content = server.ask("GET", path, X_Tracing_ID="order-17")
    assert (status, json.loads(content)["id"]) == (200, made["id"])
    assert (headers["x-tracing-id"], headers["etag"]) == ("order-17", '"1"')
    assert server.ask("GET", path, If_None_Match='"1"')[::2] == (304, b"")
    assert server.ask("HEAD", path)[::2] == (200, b"")
    change = json.dumps({"base": {"firstName": "Ada"}}).encode()
    assert server.ask("PATCH", path, change)[0] == 200
    assert server.ask("POST", path, change, X_HTTP_Method_Override="PATCH")[0] == 200
    assert server.ask("OPTIONS", path)[0] == 204
    assert server.ask("PUT", f"{server.workspace}/customers", change)[0] == 405
    assert server.ask("DELETE", path)[0] in {200, 204}
    assert server.ask("GET", path)[0] == 404


def test_browsers_may_ask(server: Server) -> None:
    headers = {"Origin": "https://shop.example", "Access_Control_Request_Method": "PATCH"}
    status, response, _ = server.ask("OPTIONS", f"{server.workspace}/customers", **headers)
    assert (status, response["access-control-allow-origin"]) == (200, "*")


@pytest.mark.parametrize(
    ("path", "status"),
    [("/hub/v1/nope", 404), ("/nope", 404), ("/sign-in/", 200), ("/docs", 200), ("/admin/", 302),
     ("/static/office/office.css", 200), ("/openapi.json", 200), ("/", 302)],
)  # fmt: skip
def test_pages_and_unknown_paths(server: Server, path: str, status: int) -> None:
    assert server.ask("GET", path)[0] == status


@pytest.mark.parametrize(
    ("line", "statuses"),
    [
        (b"GET /hub/v1/%ff%fe HTTP/1.1", {404}),
        (b"GET /hub/v1/workspaces/%00/customers HTTP/1.1", {401, 403, 404}),
        (b"GET /hub/v1/me?a=%ff&b=%00 HTTP/1.1", {401}),
        (b"GET /hub/v1/me?\xff\xfe HTTP/1.1", {400, 401}),
        (b"GET /hub/v1/health HTTP/1.1\r\nX_Tracing_ID: x", {200}),
        (b"BREW /hub/v1/me HTTP/1.1", {405}),
        (b"GET /hub/v1/health HTTP/1.1\r\nBig: " + b"x" * 200_000, {400, 431, 413}),
    ],
    ids=range(7),
)
def test_hostile_lines(server: Server, line: bytes, statuses: set[int]) -> None:
    first = server.raw(line + b"\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert int(first.split()[1]) in statuses


def test_headers_with_underscores_are_nobodys(server: Server) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.putrequest("GET", "/hub/v1/health")
    connection.putheader("X_Tracing_ID", "order-17")
    connection.endheaders()
    answer = connection.getresponse()
    assert answer.status == 200
    assert answer.headers["X-Tracing-ID"] != "order-17"
    connection.close()


def test_events_as_they_happen(server: Server) -> None:
    request = (
        f"GET {server.workspace}/updates HTTP/1.1\r\nHost: localhost\r\n"
        f"Authorization: Bearer {server.product.facts['tokens']['trusted']}\r\n"
        "Accept: text/event-stream\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(request.encode())
        lines = connection.makefile("rb")
        assert b"200" in lines.readline()
        made = server.posted(f"stream{server.port}@example.com")["id"].encode()
        while made not in lines.readline():
            pass


def test_a_poll_that_waits(server: Server) -> None:
    _, _, content = server.ask("GET", f"{server.workspace}/updates/last-offset")
    last = json.loads(content)["lastOffset"]
    started = time.monotonic()
    status, _, content = server.ask("GET", f"{server.workspace}/updates?offset={last}&wait=1")
    assert (status, json.loads(content)["updates"]) == (200, [])
    assert 0.8 < time.monotonic() - started < 10


def test_an_upload_and_an_export(server: Server) -> None:
    form = (
        b'--b\r\nContent-Disposition: form-data; name="operation"\r\n\r\nUPSERT\r\n'
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="f.csv"\r\n\r\n'
        b"base.contacts.email\nup@example.com\r\n--b--\r\n"
    )
    node = f"{server.workspace}/nodes/{server.product.facts['nodeIds'][0]}"
    content_type = "multipart/form-data; boundary=b"
    status, _, _ = server.ask("POST", f"{node}/bulk-jobs", form, Content_Type=content_type)
    assert status == 201
    status, headers, content = server.ask("GET", f"{node}/export")
    assert (status, headers["content-type"]) == (200, "text/csv; charset=utf-8")
    assert content.count(b"\r\n") >= 1
