"""What goes wrong meanwhile."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable

import psutil
import psycopg

from contacthub_project.runtime.embedded import PostgresServer, ValkeyServer
from tests.product import Product


def kill_web(product: Product) -> None:
    _kill(product, "granian")


def kill_worker(product: Product) -> None:
    _kill(product, "worker")


def kill_valkey(product: Product) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(ValkeyServer(product.data).pid() or 0, signal.SIGKILL)


def kill_postgres(product: Product) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(PostgresServer(product.data).pid() or 0, signal.SIGKILL)


def exhaust_connections(product: Product) -> None:
    """Take every connection the server still has, for a while."""
    taken = []
    with contextlib.suppress(psycopg.OperationalError):
        for _ in range(500):
            taken.append(psycopg.connect(PostgresServer(product.data)._address("contacthub")))
    time.sleep(1)
    for connection in taken:
        with contextlib.suppress(psycopg.OperationalError):
            connection.close()


def refuse_uploads(product: Product) -> None:
    """The storage of uploads takes nothing, as a full disk would not."""
    place = product.data / "uploads" / "bulk-jobs"
    aside = place.with_name("aside")
    with contextlib.suppress(FileNotFoundError):
        place.rename(aside)
    place.touch()
    time.sleep(1)
    place.unlink()
    with contextlib.suppress(FileNotFoundError):
        aside.rename(place)


FAULTS: dict[str, Callable[[Product], None]] = {
    "web process killed": kill_web,
    "worker killed": kill_worker,
    "PostgreSQL killed": kill_postgres,
    "Valkey killed": kill_valkey,
    "connections exhausted": exhaust_connections,
    "uploads cannot be stored": refuse_uploads,
}


def _kill(product: Product, word: str) -> None:
    """The youngest process of a kind: not the one that watches over the others."""
    assert product.process is not None
    found = []
    for child in psutil.Process(product.process.pid).children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            if any(word in part for part in child.cmdline()):
                found.append(child)
    for child in sorted(found, key=lambda each: -each.create_time())[:1]:
        with contextlib.suppress(psutil.NoSuchProcess):
            child.kill()
