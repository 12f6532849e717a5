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

import pytest

from tests.product import ROOT, Product

pytestmark = pytest.mark.timeout(300)

CUSTOMERS = 60_000
ASKED = 150  # requests that are timed
FLOOR = 0.06  # seconds: what is quicker is quick enough, whatever the machine does besides
SLOW = {"BODY_SECONDS": "4", "BODY_BYTES_PER_SECOND": "100", "WRITE_TIMEOUT": "3"}


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    running = Product(tmp_path_factory.mktemp("slow") / "data")
    with pytest.MonkeyPatch.context() as environment:
        for name, value in SLOW.items():
            environment.setenv(name, value)
        running.start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def many(product: Product) -> Product:
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
            each = socket.socket()
            each.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            each.settimeout(30)
            each.connect(("127.0.0.1", product.port))
            opened.append(stack.enter_context(each))
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


def slowest(product: Product, *, asked: int = ASKED) -> float:
    """The 99th percentile of the seconds that a GET by id takes, asked one after the other."""
    status, created = product.post(f"p{time.monotonic_ns()}@example.com")
    assert status == 201
    path = f"{product.workspace.removeprefix(product.facts['baseUrl'])}/customers/{created['id']}"
    request = head(product, "GET", path)
    took = []
    with connected(product, 1) as (connection,):
        for _ in range(asked):
            started = time.perf_counter()
            connection.sendall(request)
            assert answer(connection)[0] == 200
            took.append(time.perf_counter() - started)
    return sorted(took)[int(len(took) * 0.99)]


def workspace(product: Product) -> str:
    return f"/hub/v1/workspaces/{product.facts['workspaceId']}"


def test_silent_slow_and_unread_clients_keep_nobody_waiting(many: Product) -> None:
    before = slowest(many)
    export = f"{workspace(many)}/nodes/{many.facts['nodeIds'][0]}/export"
    customers = f"{workspace(many)}/customers"
    stopped = threading.Event()

    def drip(connections: list[socket.socket]) -> None:
        while not stopped.wait(1):
            for each in connections:
                with contextlib.suppress(OSError):
                    each.sendall(b" ")

    with (
        connected(many, 500),
        connected(many, 50) as slow,
        connected(many, 50) as unread,
    ):
        for each in slow:
            each.sendall(head(many, "POST", customers, Content_Length="1000") + b"{")
        for each in unread:
            each.sendall(head(many, "GET", export))
        dripping = threading.Thread(target=drip, args=(slow,))
        dripping.start()
        try:
            time.sleep(1)
            under = slowest(many)
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


def test_an_export_that_is_not_read_ends_without_its_end(many: Product) -> None:
    path = f"{workspace(many)}/nodes/{many.facts['nodeIds'][0]}/export"
    with connected(many, 1) as (connection,):
        connection.sendall(head(many, "GET", path))
        time.sleep(8)  # twice WRITE_TIMEOUT and more
        content = b""
        with contextlib.suppress(ConnectionResetError):
            while piece := connection.recv(65536):
                content += piece
    assert content.startswith(b"HTTP/1.1 200")
    assert not content.endswith(b"0\r\n\r\n")


def test_an_export_that_is_read_is_whole(many: Product) -> None:
    url = f"{many.workspace}/nodes/{many.facts['nodeIds'][0]}/export"
    import urllib.request

    token = many.facts["tokens"]["trusted"]
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=60) as got:
        lines = got.read().count(b"\r\n")
    assert lines > CUSTOMERS // len(many.facts["nodeIds"])


def test_many_wait_for_changes_at_once(product: Product) -> None:
    path = f"{workspace(product)}/updates"
    last = product.call("GET", f"{product.workspace}/updates/last-offset")[1]["lastOffset"]
    request = head(product, "GET", f"{path}?offset={last}&wait=50")
    with connected(product, 300) as waiting:
        for each in waiting:
            each.sendall(request)
        time.sleep(2)
        assert slowest(product, asked=30) < 1
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


def test_a_refused_body_is_answered_when_all_is_sent(product: Product) -> None:
    path = f"{workspace(product)}/customers"
    size = 8_000_000
    with connected(product, 1) as (connection,):
        connection.sendall(head(product, "POST", path, Content_Length=str(size)))
        connection.sendall(b" " * size)
        assert answer(connection)[0] == 413
