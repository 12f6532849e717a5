"""The whole product on a small disk of its own, which somebody else fills."""

from __future__ import annotations

import contextlib
import os
import random
import threading
import time
import urllib.error
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from contacthub_project.runtime.disk_reserve import FILE
from contacthub_project.runtime.embedded import PostgresServer, ValkeyServer
from contacthub_project.runtime.embedded.postgres import LOG_FILES_READY
from tests.product import Product, running
from tests.small_disk import NoDiskError, small_disk

pytestmark = pytest.mark.timeout(200)

MIB = 1 << 20
DISK = 384 * MIB
FREE_BYTES = 64 * MIB
SETTINGS = {"FREE_BYTES": str(FREE_BYTES), "DISK_RESERVE": str(64 * MIB)}
SECONDS_UNTIL_BACK = 10.0


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of DISK bytes."""
    try:
        with small_disk(tmp_path / "disk", size=DISK) as folder:
            yield folder
    except NoDiskError as failure:
        pytest.skip(str(failure))


@pytest.fixture
def product(disk: Path) -> Iterator[Product]:
    with running(disk / "data", **SETTINGS) as started:
        yield started


@dataclass(frozen=True)
class Answer:
    at: float  # by time.monotonic
    what: str
    status: int  # 0: none
    retry_after: str | None
    body: Any


class Clients:
    """Write, read, upload and ask for the health, each again and again from a thread."""

    def __init__(self, product: Product) -> None:
        self.product = product
        self.answers: list[Answer] = []
        self._is_over = threading.Event()
        self._number = 0
        kinds = {"write": self._write, "read": self._read, "upload": self._upload}
        kinds["health"] = self._health
        self._threads = [
            threading.Thread(target=self._repeat, args=(what, ask))
            for what, ask in kinds.items()
            for _ in range(2 if what == "write" else 1)
        ]

    def __enter__(self) -> Clients:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join()

    def statuses(self, what: str, *, since: float = 0.0, until: float = 1e18) -> Counter[int]:
        return Counter(
            each.status for each in self.answers if each.what == what and since <= each.at < until
        )

    def acknowledged(self, what: str) -> list[Any]:
        return [each.body for each in self.answers if each.what == what and each.status == 201]

    def within(self, seconds: float, what: str, status: int) -> float:
        """Wait until something is answered so; the seconds that it took."""
        started = time.monotonic()
        while not self.statuses(what, since=started)[status]:
            taken = time.monotonic() - started
            assert taken < seconds, (what, self.statuses(what, since=started))
            time.sleep(0.05)
        return time.monotonic() - started

    def _repeat(self, what: str, ask: Callable[[], tuple[int, Any]]) -> None:
        while not self._is_over.is_set():
            began, retry_after, body = time.monotonic(), None, None
            try:
                status, body = ask()
            except urllib.error.HTTPError as refused:
                status, retry_after = refused.code, refused.headers["Retry-After"]
                body = refused.read()
            except OSError:
                status = 0
            self.answers.append(Answer(began, what, status, retry_after, body))
            self._is_over.wait(0.5 if what == "upload" else 0.02)

    def _write(self) -> tuple[int, Any]:
        self._number += 1
        name = f"{self._number}-{threading.get_ident()}"
        return self.product.post(f"{name}@example.com")

    def _read(self) -> tuple[int, Any]:
        node = self.product.facts["nodeIds"][0]
        for path in (f"customers?nodeId={node}", "updates?offset=0", "stats"):
            token = "operator" if path.startswith("updates") else "trusted"
            status, _ = self.product.call("GET", f"{self.product.workspace}/{path}", token=token)
            assert status == 200
        return 200, None

    def _upload(self) -> tuple[int, Any]:
        self._number += 1
        rows = "".join(f"row{self._number}-{row}@example.com\n" for row in range(200))
        job = self.product.upload(f"base.contacts.email\n{rows}")
        return 201, job

    def _health(self) -> tuple[int, Any]:
        return self.product.call("GET", f"{self.product.hub}/health")


def fill(file: Path) -> None:
    """Write to the last byte, as fast as it goes."""
    with open(file, "ab", buffering=0) as filler:
        for size in (8 * MIB, 4096, 1):
            with contextlib.suppress(OSError):
                while True:
                    filler.write(bytes(size))


def fill_repeatedly(file: Path, *, seconds: float) -> None:
    """As a process that has to share its processor: it fills all there is, and pauses."""
    chance, until = random.Random(1), time.monotonic() + seconds
    while time.monotonic() < until:
        fill(file)
        time.sleep(chance.uniform(0.0, 0.1))


def processes(product: Product) -> dict[int, str]:
    """What was started by ids: web, worker, beat and servers, without sessions of PostgreSQL."""
    assert product.process is not None
    found = {}
    for child in psutil.Process(product.process.pid).children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            if child.name() != "postgres":
                found[child.pid] = " ".join(child.cmdline())
    for server in (PostgresServer(product.data), ValkeyServer(product.data)):
        found[server.pid() or 0] = server.title
    return found


def rows(product: Product, statement: str) -> set[str]:
    with psycopg.connect(PostgresServer(product.data)._address("contacthub")) as connection:
        return {row[0] for row in connection.execute(statement)}


def grow_log(product: Product, segments: int) -> None:
    """Have PostgreSQL go on to so many more files of its write-ahead log, of 16 MiB each."""
    address = PostgresServer(product.data)._address("contacthub")
    for _ in range(segments):
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute("SELECT pg_logical_emit_message(true, 'test', 'something')")
            connection.execute("SELECT pg_switch_wal()")


def check_nothing_is_lost(product: Product, clients: Clients) -> None:
    customers = {body["id"] for body in clients.acknowledged("write")}
    assert len(customers) > 20
    known = rows(product, "SELECT id::text FROM customers_customer")
    assert not customers - known, "acknowledged and lost"
    jobs = {body["id"] for body in clients.acknowledged("upload")}
    deadline = time.monotonic() + 60
    done = "SELECT id::text FROM bulkjobs_bulkjob WHERE status = 'PROCESSED' AND processed = 200"
    while jobs - rows(product, done):
        assert time.monotonic() < deadline, "jobs are not gone on with"
        time.sleep(0.2)
    assert jobs == rows(product, "SELECT id::text FROM bulkjobs_bulkjob")
    assert not list((product.data / "uploads" / "bulk-jobs").iterdir()), "files of no job"


def test_reads_go_on_while_the_disk_is_full_and_writes_come_back(
    product: Product, disk: Path
) -> None:
    before = processes(product)
    filler = disk / "filler"
    with Clients(product) as clients:
        time.sleep(4)
        filled_from = time.monotonic()
        fill(filler)
        full_from = time.monotonic()
        fill_repeatedly(filler, seconds=2)
        time.sleep(3)  # the reserve gives room for two files of the log, in portions
        grow_log(product, segments=3)
        time.sleep(3)
        assert os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize < FREE_BYTES
        clients.within(5, "write", 503)
        empty_from = time.monotonic()
        filler.unlink()
        for what in ("write", "upload"):
            clients.within(SECONDS_UNTIL_BACK, what, 201)
        time.sleep(1)
    assert clients.statuses("write", until=filled_from)[201] > 20
    failed = [each for each in clients.answers if each.what == "read" and each.status != 200]
    assert not failed, [(each.at - full_from, each.status) for each in failed]
    assert set(clients.statuses("health")) == {200}
    full = {"since": full_from + 1, "until": empty_from}
    for what in ("write", "upload"):
        assert set(clients.statuses(what)) <= {201, 503}
        assert set(clients.statuses(what, **full)) == {503}
    refused = [each for each in clients.answers if each.status == 503]
    assert all(int(each.retry_after or 0) > 0 for each in refused)
    reported = [each.body for each in clients.answers if each.what == "health"]
    assert {"DEGRADED", "UP"} == {each["disk"]["status"] for each in reported}
    assert {each["worker"]["status"] for each in reported} == {"UP"}
    assert product.call("GET", f"{product.hub}/health")[1]["status"] == "UP"
    check_nothing_is_lost(product, clients)
    assert processes(product) == before, "nothing was started again"


def test_all_is_back_when_even_the_reserve_was_taken(product: Product, disk: Path) -> None:
    filler = disk / "filler"
    with Clients(product) as clients:
        time.sleep(4)
        until = time.monotonic() + 8
        while time.monotonic() < until:
            fill(filler)
            time.sleep(0.01)
        assert os.statvfs(disk).f_bavail == 0
        assert (product.data / FILE).stat().st_size > 0, (
            "it was not given to whoever fills the disk"
        )
        os.truncate(product.data / FILE, 0)
        fill(filler)
        with contextlib.suppress(psycopg.OperationalError):
            grow_log(product, segments=LOG_FILES_READY + 5)
            pytest.fail("the log cannot grow on a full disk")
        time.sleep(5)
        filler.unlink()
        for what in ("write", "upload", "read", "health"):
            clients.within(SECONDS_UNTIL_BACK, what, 201 if what in {"write", "upload"} else 200)
        time.sleep(1)
    for what in ("write", "upload", "read", "health"):
        assert set(clients.statuses(what)) <= {200, 201, 503}
    assert product.call("GET", f"{product.hub}/health")[1]["status"] == "UP"
    check_nothing_is_lost(product, clients)
    assert product.process is not None
    assert product.process.poll() is None
