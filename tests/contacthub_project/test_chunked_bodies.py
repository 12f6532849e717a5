"""Bodies without a length, as streaming clients and proxies send them, at a real server."""

from __future__ import annotations

import http.client
import json
import re
import select
import socket
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import cycle, repeat
from typing import Any
from urllib.parse import urlencode

import pytest

from customers.actions.validation import CUSTOMER_BYTES
from events.api.viewsets.event_batches import BATCH_BYTES
from tests.product import Product, running

pytestmark = pytest.mark.timeout(300)

ODD_SIZES = (1, 7, 1021, 65_537)
BULK_BYTES = 300_000
FORM = "multipart/form-data; boundary=b"
URLENCODED = "application/x-www-form-urlencoded"
CSV = "base.contacts.email\n" + "".join(f"chunk{n}@example.com\n" for n in range(500))


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    with running(tmp_path_factory.mktemp("chunks") / "data", BULK_BYTES=str(BULK_BYTES)) as started:
        yield started


@dataclass(frozen=True)
class Reply:
    status: int
    headers: http.client.HTTPMessage
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)


def pieces(body: bytes, sizes: Iterable[int] = ODD_SIZES) -> Iterator[bytes]:
    start = 0
    for size in cycle(sizes):
        if start >= len(body):
            return
        yield body[start : start + size]
        start += size


def send(
    product: Product,
    path: str,
    chunks: Iterable[bytes],
    *,
    method: str = "POST",
    content_type: str = "application/json",
    headers: str = "",
) -> Reply:
    """Send chunks until there are no more or the server has answered."""
    if path.startswith("/hub"):
        headers += f"Authorization: Bearer {product.facts['tokens']['trusted']}\r\n"
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: localhost:{product.port}\r\n"
        f"Content-Type: {content_type}\r\n{headers}Transfer-Encoding: chunked\r\n\r\n"
    )
    with socket.create_connection(("localhost", product.port), timeout=60) as connection:
        connection.sendall(head.encode())
        try:
            for chunk in chunks:
                connection.sendall(b"%x\r\n%b\r\n" % (len(chunk), chunk))
                if select.select([connection], [], [], 0)[0]:
                    break
            else:
                connection.sendall(b"0\r\n\r\n")
        except (BrokenPipeError, ConnectionResetError):
            pass  # it has been answered, and the rest is not wanted
        response = http.client.HTTPResponse(connection, method=method)
        response.begin()
        return Reply(response.status, response.headers, response.read())


def workspace(product: Product) -> str:
    return f"/hub/v1/workspaces/{product.facts['workspaceId']}"


def customer(product: Product, email: str) -> dict[str, Any]:
    return {"nodeId": product.facts["nodeIds"][0], "base": {"contacts": {"email": email}}}


def form(content: str, end: str = "--b--\r\n") -> bytes:
    text = (
        '--b\r\nContent-Disposition: form-data; name="operation"\r\n\r\nUPSERT\r\n'
        '--b\r\nContent-Disposition: form-data; name="file"; filename="f.csv"\r\n\r\n'
        f"{content}\r\n{end}"
    )
    return text.encode()


@pytest.mark.parametrize("sizes", [(1,), (3, 5), ODD_SIZES])
def test_json_in_chunks(product: Product, sizes: tuple[int, ...]) -> None:
    body = json.dumps(customer(product, f"sizes{len(sizes)}@example.com")).encode()
    created = send(product, f"{workspace(product)}/customers", pieces(body, sizes))
    assert created.status == 201
    path = f"{workspace(product)}/customers/{created.json['id']}"
    change = json.dumps({"base": {"firstName": "Ada"}}).encode()
    patched = send(product, path, pieces(change, sizes), method="PATCH")
    assert (patched.status, patched.json["base"]["firstName"]) == (200, "Ada")
    put = send(product, path, pieces(json.dumps(patched.json).encode(), sizes), method="PUT")
    assert (put.status, put.json["base"]["firstName"]) == (200, "Ada")


def test_an_empty_body_in_chunks_is_empty(product: Product) -> None:
    answer = send(product, f"{workspace(product)}/customers", [])
    assert (answer.status, answer.json["message"]) == (400, "The body is not JSON")


def test_a_body_at_its_limit(product: Product) -> None:
    path = f"{workspace(product)}/customers"
    body = json.dumps(customer(product, "limit@example.com")).encode()
    exact = body + b" " * (CUSTOMER_BYTES - len(body))
    assert send(product, path, pieces(exact)).status == 201
    assert send(product, path, pieces(exact + b" ")).status == 413
    status, _ = product.post("limit@example.com")
    assert status == 200


def test_sixteen_mebibytes_of_events(product: Product) -> None:
    _, created = product.post("batch@example.com")
    event = {
        "customerId": created["id"],
        "type": "viewedPage",
        "context": "WEB",
        "properties": {"url": "https://shop.example/", "title": "t" * 2_000},
    }
    path = f"{workspace(product)}/events/batch"
    body = json.dumps({"events": [event] * 1000}).encode()
    assert len(body) > 2 * 1024 * 1024
    for sent in (body, body + b" " * (BATCH_BYTES - len(body))):
        answer = send(product, path, pieces(sent, ODD_SIZES[2:]))
        assert answer.status == 202
        assert {each["status"] for each in answer.json["elements"]} == {202}
    assert send(product, path, pieces(sent + b" ", ODD_SIZES[2:])).status == 413
    status, _ = product.call(
        "POST", f"{product.workspace}/events/batch", {"events": [event] * 1000}
    )
    assert status == 202


def test_a_form_of_oauth2(product: Product) -> None:
    body = urlencode({"grant_type": "client_credentials", "client_id": "x", "client_secret": "y"})
    answer = send(product, "/oauth2/token/", pieces(body.encode()), content_type=URLENCODED)
    assert (answer.status, answer.json["error"]) == (401, "invalid_client")


def test_a_page_with_a_form(product: Product) -> None:
    with urllib.request.urlopen(f"http://localhost:{product.port}/sign-in/?next=/admin/") as page:
        text = page.read().decode()
        cookie = f"Cookie: {page.headers['Set-Cookie'].partition(';')[0]}\r\n"
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', text)
    assert token is not None
    login = product.facts["login"]
    fields = {
        "csrfmiddlewaretoken": token[1],
        "username": login["username"],
        "password": login["password"],
        "next": "/admin/",
    }
    sent = pieces(urlencode(fields).encode(), (3,))
    answer = send(product, "/sign-in/", sent, content_type=URLENCODED, headers=cookie)
    assert (answer.status, answer.headers["Location"]) == (302, "/admin/")
    endless = repeat(b"username=" * 1000)
    answer = send(product, "/sign-in/", endless, content_type=URLENCODED, headers=cookie)
    assert answer.status == 413


def test_an_upload(product: Product) -> None:
    path = f"{workspace(product)}/nodes/{product.facts['nodeIds'][0]}/bulk-jobs"
    answer = send(product, path, pieces(form(CSV)), content_type=FORM)
    assert (answer.status, answer.json["filename"]) == (201, "f.csv")
    files = [file.read_text() for file in (product.data / "uploads").rglob("*") if file.is_file()]
    assert CSV in files


@pytest.mark.parametrize("end", ["", "--b", "--b-"])
def test_an_upload_that_breaks_off(product: Product, end: str) -> None:
    path = f"{workspace(product)}/nodes/{product.facts['nodeIds'][0]}/bulk-jobs"
    answer = send(product, path, pieces(form(CSV, end)), content_type=FORM)
    assert (answer.status, answer.json["message"]) == (400, "The form could not be read")
    headers = {
        "Authorization": f"Bearer {product.facts['tokens']['trusted']}",
        "Content-Type": FORM,
    }
    url = f"http://localhost:{product.port}{path}"
    with pytest.raises(urllib.error.HTTPError, match="400") as refused:
        urllib.request.urlopen(urllib.request.Request(url, form(CSV, end), headers))
    refused.value.close()


@pytest.mark.parametrize(
    ("path", "content_type", "start"),
    [
        ("{}/customers", "application/json", b'{"nodeId": "'),
        ("{}/events", "application/json", b"["),
        ("{}/events/batch", "application/json", b'{"events": ['),
        ("{}/nodes/{node}/bulk-jobs", FORM, form("", "")),
        ("/oauth2/token/", URLENCODED, b"grant_type="),
        ("/oauth2/token/", FORM, form("", "")),
    ],
)
def test_a_body_without_end(product: Product, path: str, content_type: str, start: bytes) -> None:
    path = path.format(workspace(product), node=product.facts["nodeIds"][0])

    def endless() -> Iterator[bytes]:
        yield start
        yield from repeat(b"1" * 4099)

    answer = send(product, path, endless(), content_type=content_type)
    assert answer.status == 413
    assert set(answer.json) == {"message", "logref", "data", "errors"}
