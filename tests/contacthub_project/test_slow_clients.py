"""Clients that send or read slowly keep nobody waiting: real sockets at the real server."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest

from tests.product import ROOT, Product, running

pytestmark = pytest.mark.timeout(300)

CUSTOMERS = 60_000
WARM_UP = 20
REQUESTED = 150  # requests that are timed
FLOOR = 0.1  # seconds: what is quicker is quick enough, whatever the machine does besides
SLOW = {"BODY_SECONDS": "4", "BODY_BYTES_PER_SECOND": "100", "WRITE_TIMEOUT": "3"}


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    with running(tmp_path_factory.mktemp("slow") / "data", **SLOW) as started:
        yield started


@pytest.fixture(scope="module")
def large_product(product: Product) -> Product:
    """With so many customers that an export is larger than what sockets buffer."""
    subprocess.run(
        [sys.executable, "manage.py", "seed_demo", "--customers", str(CUSTOMERS), "--events", "0"],
        cwd=ROOT,
        env=os.environ | {"CONTACTHUB_DATA": str(product.data), "HTTPS": "false"},
        check=True,
        capture_output=True,
    )
    return product


@contextlib.contextmanager
def connected(product: Product, count: int) -> Iterator[list[socket.socket]]:
    with contextlib.ExitStack() as stack:
        opened = []
        for _ in range(count):
            each = stack.enter_context(socket.socket())
            each.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            each.settimeout(30)
            each.connect(("127.0.0.1", product.port))
            opened.append(each)
        yield opened


def head(product: Product, method: str, path: str, **headers: str) -> bytes:
    lines = [
        f"{method} {path} HTTP/1.1",
        f"Host: localhost:{product.port}",
        f"Authorization: Bearer {product.facts['tokens']['trusted']}",
        "Content-Type: application/json",
        *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode()


def answer(connection: socket.socket) -> tuple[int, bytes]:
    """The status and body of an answer with a length."""
    with connection.makefile("rb") as lines:
        status = int(lines.readline().split()[1])
        length = 0
        while (line := lines.readline()).strip():
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        return status, lines.read(length)


def slowest(product: Product, *, requested: int = REQUESTED) -> float:
    """The 99th percentile of the seconds that a GET by id takes, asked one after the other."""
    status, created = product.post(f"p{time.monotonic_ns()}@example.com")
    assert status == 201
    request = head(product, "GET", f"{workspace(product)}/customers/{created['id']}")
    return timed(product, request, requested)


def timed(product: Product, request: bytes, requested: int = REQUESTED) -> float:
    """The 99th percentile of the seconds that a request takes, sent one after the other."""
    took = []
    with connected(product, 1) as (connection,):
        for _ in range(WARM_UP):
            connection.sendall(request)
            answer(connection)
        for _ in range(requested):
            started = time.perf_counter()
            connection.sendall(request)
            assert answer(connection)[0] in {200, 202}
            took.append(time.perf_counter() - started)
    return sorted(took)[int(len(took) * 0.99)]


def workspace(product: Product) -> str:
    return f"/hub/v1/workspaces/{product.facts['workspaceId']}"


def test_silent_slow_and_unread_clients_keep_nobody_waiting(large_product: Product) -> None:
    before = slowest(large_product)
    export = f"{workspace(large_product)}/nodes/{large_product.facts['nodeIds'][0]}/export"
    customers = f"{workspace(large_product)}/customers"
    stopped = threading.Event()

    def send_slowly(connections: list[socket.socket]) -> None:
        while not stopped.wait(1):
            for each in connections:
                with contextlib.suppress(OSError):
                    each.sendall(b" ")

    with (
        connected(large_product, 500),
        connected(large_product, 50) as slow,
        connected(large_product, 50) as unread,
    ):
        for each in slow:
            each.sendall(head(large_product, "POST", customers, Content_Length="1000") + b"{")
        for each in unread:
            each.sendall(head(large_product, "GET", export))
        dripping = threading.Thread(target=send_slowly, args=(slow,))
        dripping.start()
        try:
            time.sleep(1)
            under = slowest(large_product)
        finally:
            stopped.set()
            dripping.join()
    assert under < max(2 * before, FLOOR)


def test_a_slow_body_is_refused(product: Product) -> None:
    with connected(product, 1) as (connection,):
        path = f"{workspace(product)}/customers"
        connection.sendall(head(product, "POST", path, Content_Length="1000") + b"{")
        started = time.monotonic()
        status, body = answer(connection)
        assert status == 408
        assert 3 < time.monotonic() - started < 15
        assert set(json.loads(body)) == {"message", "logref", "data", "errors"}


def test_an_export_that_is_not_read_ends_without_its_end(large_product: Product) -> None:
    path = f"{workspace(large_product)}/nodes/{large_product.facts['nodeIds'][0]}/export"
    with connected(large_product, 1) as (connection,):
        connection.sendall(head(large_product, "GET", path))
        time.sleep(8)  # twice WRITE_TIMEOUT and more
        content = b""
        with contextlib.suppress(ConnectionResetError):
            while piece := connection.recv(65536):
                content += piece
    assert content.startswith(b"HTTP/1.1 200")
    assert not content.endswith(b"0\r\n\r\n")


def test_an_export_that_is_read_is_whole(large_product: Product) -> None:
    url = f"{large_product.workspace}/nodes/{large_product.facts['nodeIds'][0]}/export"
    import urllib.request

    token = large_product.facts["tokens"]["trusted"]
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=60) as got:
        lines = got.read().count(b"\r\n")
    assert lines > CUSTOMERS // len(large_product.facts["nodeIds"])


def test_many_wait_for_changes_at_once(product: Product) -> None:
    path = f"{workspace(product)}/updates"
    last = product.call("GET", f"{product.workspace}/updates/last-offset")[1]["lastOffset"]
    request = head(product, "GET", f"{path}?offset={last}&wait=50")
    with connected(product, 300) as waiting:
        for each in waiting:
            each.sendall(request)
        time.sleep(2)
        assert slowest(product, requested=30) < 1
        # What `slowest` has made wakes them all.
        for each in waiting:
            status, body = answer(each)
            assert status == 200
            assert json.loads(body)["updates"]


def test_large_bodies_only_of_who_is_known(product: Product) -> None:
    path = f"{workspace(product)}/events/batch"
    request = head(product, "POST", path, Content_Length="1000000")
    anonymous = request.replace(product.facts["tokens"]["trusted"].encode(), b"unknown")
    for sent, expected in ((anonymous, 401), (request, 400)):
        with connected(product, 1) as (connection,):
            connection.sendall(sent + b" " * 1_000_000 if expected == 400 else sent)
            assert answer(connection)[0] == expected


def test_a_refused_body_gets_its_response_when_all_is_sent(product: Product) -> None:
    path = f"{workspace(product)}/customers"
    size = 8_000_000
    with connected(product, 1) as (connection,):
        connection.sendall(head(product, "POST", path, Content_Length=str(size)))
        connection.sendall(b" " * size)
        assert answer(connection)[0] == 413


def upload_request(product: Product, size: int, **headers: str) -> bytes:
    path = f"{workspace(product)}/nodes/{product.facts['nodeIds'][0]}/bulk-jobs"
    kind = b"Content-Type: multipart/form-data; boundary=b"
    plain = head(product, "POST", path, Content_Length=str(size), **headers)
    return plain.replace(b"Content-Type: application/json", kind)


def test_slow_uploads_keep_no_other_from_uploading(product: Product) -> None:
    form = (
        b'--b\r\nContent-Disposition: form-data; name="operation"\r\n\r\nUPSERT\r\n'
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="f.csv"\r\n\r\n'
        b"base.contacts.email\nslow@example.com\r\n--b--\r\n"
    )
    request = upload_request(product, len(form))
    with connected(product, 40) as slow:
        for each in slow:
            each.sendall(request + form[:10])
        slow[0].sendall(form[10:])
        status, body = answer(slow[0])
    assert (status, json.loads(body)["status"]) == (201, "LOADED"), body


@pytest.mark.parametrize(("token", "expected"), [("unknown", 401), ("untrusted", 403)])
def test_an_upload_is_refused_before_it_is_sent(
    product: Product, token: str, expected: int
) -> None:
    given = product.facts["tokens"].get(token, token).encode()
    request = upload_request(product, 1_000_000)
    with connected(product, 1) as (connection,):
        connection.sendall(request.replace(product.facts["tokens"]["trusted"].encode(), given))
        assert answer(connection)[0] == expected


def requests_of_another(product: Product) -> dict[str, bytes]:
    """Requests in a new workspace, to whom the searches of the demo's are nothing."""
    slug = f"shoes-{time.monotonic_ns()}"
    new = {"name": "Shoes", "slug": slug, "groupPk": 4, "shard": "default"}
    made = product.call("POST", f"{product.hub}/workspaces", new, token="operator")[1]
    base = f"{product.hub}/workspaces/{made['id']}"
    entries = f"{base}/configuration/nodes/entries"
    node = product.call("POST", entries, {"name": "Tills"}, token="operator")[1]["id"]
    source = {"provider": "API", "name": "Tills", "nodes": [node], "properties": {}}
    sources = f"{base}/configuration/sources"
    token = product.call("POST", sources, source, token="operator")[1]["token"]
    product.facts["tokens"]["other"] = token
    customer = {"nodeId": node, "base": {"contacts": {"email": "ada@example.com"}}}
    one = product.call("POST", f"{base}/customers", customer, token="other")[1]["id"]
    properties = {"url": "https://shop.example/", "title": "t"}
    event = {"customerId": one, "type": "viewedPage", "context": "WEB", "properties": properties}
    body = json.dumps(event).encode()
    path = f"/hub/v1/workspaces/{made['id']}"
    ours, theirs = product.facts["tokens"]["trusted"].encode(), token.encode()
    posted = head(product, "POST", f"{path}/events", Content_Length=str(len(body))) + body
    return {
        "GET": head(product, "GET", f"{path}/customers/{one}").replace(ours, theirs),
        "POST": posted.replace(ours, theirs),
        "health": head(product, "GET", "/hub/v1/health"),
    }


def heavy_search(product: Product) -> bytes:
    """A search that looks into every customer of a node."""
    names = ("street", "city", "zip", "province", "country")
    conditions = [
        {"type": "atomic", "attribute": f"base.address.{name}", "operator": "IN", "value": "qzqz"}
        for name in names
    ]
    either = {"type": "composite", "conjunction": "or", "conditions": conditions}
    query = {"name": "", "query": {"name": "1", "type": "simple", "are": {"condition": either}}}
    values = urlencode({"nodeId": product.facts["nodeIds"][0], "query": json.dumps(query)})
    return head(product, "GET", f"{workspace(product)}/customers?{values}")


def test_heavy_searches_of_one_workspace_slow_no_other(large_product: Product) -> None:
    requests = requests_of_another(large_product)
    search = heavy_search(large_product)
    idle = {name: timed(large_product, request, 60) for name, request in requests.items()}
    stopped = threading.Event()
    statuses: list[int] = []

    def searching() -> None:
        with connected(large_product, 1) as (connection,):
            while not stopped.is_set():
                connection.sendall(search)
                statuses.append(answer(connection)[0])

    threads = [threading.Thread(target=searching) for _ in range(12)]
    for thread in threads:
        thread.start()
    try:
        time.sleep(2)
        under = {name: timed(large_product, request, 60) for name, request in requests.items()}
    finally:
        stopped.set()
        for thread in threads:
            thread.join()
    assert set(statuses) <= {200, 503}
    assert 200 in statuses
    for name, seconds in under.items():
        assert seconds < max(2 * idle[name], FLOOR), (name, idle, under)
