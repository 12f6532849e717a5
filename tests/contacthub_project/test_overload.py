"""More clients than there is room for: real sockets at the real server."""

from __future__ import annotations

import contextlib
import copy
import http.client
import os
import select
import socket
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families

from contacthub_project.runtime import open_files
from contacthub_project.runtime.embedded import PostgresServer
from tests.contacthub_project.test_slow_clients import (
    answer,
    connected,
    head,
    timed,
    upload_request,
    workspace,
)
from tests.product import ROOT, Product, free_port, running

pytestmark = pytest.mark.timeout(300)

WORKERS = min(os.cpu_count() or 1, 8)
REQUESTS = 20  # that a process of the small product serves at once
PLACES = 4
LIMITS = {
    "WEB_REQUESTS": str(REQUESTS),
    "WEB_CONCURRENCY": "1",  # so two slots for searches, of which one workspace gets one
    "WEB_QUEUE_PLACES": str(PLACES),
    "WEB_QUEUE_SECONDS": "2",
    "WEB_UPLOADS": "1",
    "BODY_SECONDS": "120",
    "SEARCH_TIMEOUT": "60",
}
LIMITS_OF_UPLOADS = ("uploads", "places", "requests")
POLLS = 5000
PATIENCE = 60.0


class Refusal(NamedTuple):
    status: int
    retry_after: str | None


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    with running(tmp_path_factory.mktemp("small") / "data", **LIMITS) as started:
        yield started


@pytest.fixture
def one_process(product: Product) -> Iterator[Product]:
    """One more web process at the product's data, with the usual limits."""
    other = copy.copy(product)
    other.port = free_port()
    hidden = {"SHARED_VERSION_FILE", "DATABASE_URL", "REDIS_URL"}
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    process = subprocess.Popen(
        [sys.executable, "manage.py", "web", "--port", str(other.port), "--workers", "1"],
        cwd=ROOT,
        env=environment | {"CONTACTHUB_DATA": str(product.data), "HTTPS": "false"},
    )
    try:
        until_health_is_200(other)
        yield other
    finally:
        process.terminate()
        process.wait(60)


def until_health_is_200(product: Product) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        with contextlib.suppress(OSError):
            if health(product) == 200:
                return
        assert time.monotonic() < deadline
        time.sleep(0.1)


def health(product: Product) -> int:
    with connected(product, 1) as (connection,):
        connection.sendall(head(product, "GET", "/hub/v1/health"))
        return answer(connection)[0]


def read_answer(connection: socket.socket) -> Refusal:
    response = http.client.HTTPResponse(connection)
    response.begin()
    response.read()
    return Refusal(response.status, response.getheader("Retry-After"))


def responses_of(
    connections: list[socket.socket], least: int, silence: int | None = None
) -> list[Refusal]:
    """The answers that have come, once there are so many, and none for `silence` milliseconds."""
    waiting = {each.fileno(): each for each in connections}
    poll = select.poll()
    for number in waiting:
        poll.register(number, select.POLLIN)
    found: list[Refusal] = []
    deadline = time.monotonic() + PATIENCE
    while len(found) < least:
        assert time.monotonic() < deadline, Counter(found)
        for number, _ in poll.poll(1000):
            poll.unregister(number)
            found.append(read_answer(waiting.pop(number)))
    while silence and (ready := poll.poll(silence)):
        for number, _ in ready:
            poll.unregister(number)
            found.append(read_answer(waiting.pop(number)))
    return found


def refused(product: Product) -> Counter[tuple[str, str]]:
    """How many requests were refused, by class of work and reason."""
    with urllib.request.urlopen(f"http://127.0.0.1:{product.port + 1}/metrics") as got:
        families = text_string_to_metric_families(got.read().decode())
    return Counter(
        {
            (sample.labels["work_class"], sample.labels["reason"]): int(sample.value)
            for family in families
            for sample in family.samples
            if sample.name == "contacthub_refused_requests_total"
        }
    )


def test_more_requests_than_a_process_serves_are_refused_at_once(product: Product) -> None:
    post = head(product, "POST", f"{workspace(product)}/customers", Content_Length="1000") + b"{"
    get = head(product, "GET", f"{workspace(product)}/customers/none")
    serving = 0
    requests = 0
    deadline = time.monotonic() + PATIENCE
    with contextlib.ExitStack() as stack:
        # The kernel may give most connections to one process: until each of them is full.
        while serving < REQUESTS * WORKERS:
            assert time.monotonic() < deadline, serving
            more = stack.enter_context(connected(product, 2 * REQUESTS * WORKERS))
            for each in more:
                each.sendall(post)
            requests += len(more)
            found = responses_of(more, len(more) - (REQUESTS * WORKERS - serving), silence=2000)
            assert set(found) == {Refusal(503, "2")}
            serving += len(more) - len(found)
        with connected(product, 1) as (another,):
            another.sendall(get)
            assert read_answer(another) == Refusal(503, "2")
        assert health(product) == 200
    deadline = time.monotonic() + PATIENCE
    while True:  # until the server has seen that they have gone
        with connected(product, 1) as (another,):
            another.sendall(get)
            if read_answer(another).status == 404:
                break
        assert time.monotonic() < deadline
    assert refused(product)[("write", "requests")] >= requests - REQUESTS * WORKERS


def test_more_searches_than_may_wait_are_refused(product: Product) -> None:
    search = head(
        product, "GET", f"{workspace(product)}/customers?nodeId={product.facts['nodeIds'][0]}"
    )
    configuration = head(product, "GET", f"{workspace(product)}/configuration/properties")
    count = 3 * (PLACES + 1) * WORKERS
    address = PostgresServer(product.data)._address("contacthub")
    with connected(product, count) as searching:
        with psycopg.connect(address) as blocking:
            blocking.execute("LOCK TABLE customers_customer IN ACCESS EXCLUSIVE MODE")
            for each in searching:
                each.sendall(search)
            # All but those that are at work: at once, or after their time to wait.
            found = responses_of(searching, count - WORKERS)
            assert set(found) == {Refusal(503, "2")}
            assert timed(product, head(product, "GET", "/hub/v1/health"), 20) < PATIENCE
            with connected(product, 1) as (another,):
                another.sendall(configuration)
                assert read_answer(another).status in {200, 404}
        left = [each for each in searching if each.fileno() >= 0]
        assert left
    counts = refused(product)
    # A process that was given more of the connections has refused more of them.
    assert len(found) <= counts[("search", "places")] + counts[("search", "seconds")] <= count
    assert counts[("search", "places")] > 0
    assert counts[("search", "seconds")] > 0


def test_more_uploads_than_are_received_are_refused(product: Product) -> None:
    upload = upload_request(product, 100_000)
    count = 6 * WORKERS
    with connected(product, count) as sending:
        for each in sending:
            each.sendall(upload + b"--b")
        found = responses_of(sending, count - WORKERS)
    assert set(found) == {Refusal(503, "2")}
    # A process that takes longer to report than the gatherer waits is counted at the next look. One
    # may have refused more than was read, or some because it still served the searches.
    deadline = time.monotonic() + PATIENCE
    while sum(refused(product)[("upload", each)] for each in LIMITS_OF_UPLOADS) < len(found):
        assert time.monotonic() < deadline, refused(product)
        time.sleep(0.2)
    assert refused(product)[("upload", "uploads")] > 0


def test_five_thousand_wait_for_changes_in_one_process(one_process: Product) -> None:
    open_files.raise_limit()
    last = one_process.call("GET", f"{one_process.workspace}/updates/last-offset")[1]["lastOffset"]
    path = f"{workspace(one_process)}/updates?offset={last}&wait=60"
    request = head(one_process, "GET", path)
    get = head(one_process, "GET", f"{workspace(one_process)}/updates/last-offset")
    with connected(one_process, POLLS) as waiting:
        for each in waiting:
            each.sendall(request)
        timed(one_process, get, 30)  # others are answered meanwhile
        assert health(one_process) == 200
        poll = select.poll()
        for each in waiting:
            poll.register(each.fileno(), select.POLLIN)
        assert not poll.poll(0)
        status, _ = one_process.post(f"woken{time.monotonic_ns()}@example.com")
        assert status == 201
        found = responses_of(waiting, POLLS)
    assert Counter(each.status for each in found) == {200: POLLS}
