"""Pools of database connections."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import DEFAULT_DB_ALIAS, OperationalError, connection, connections, transaction

from contacthub_project.db import pools
from contacthub_project.db.pools import ConnectionPool
from contacthub_project.runtime import health
from contacthub_project.runtime.database_connections import (
    missing_connections,
    needed_connections,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def pool() -> Iterator[ConnectionPool]:
    mine = connections[DEFAULT_DB_ALIAS]
    made = ConnectionPool()
    yield made
    made.close_idle()
    connections[DEFAULT_DB_ALIAS] = mine


def backend() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def terminate(process: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [process])


def test_a_server_that_answers_nothing_is_down_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "ANSWER_SECONDS", 0.3)
    assert health._database() == health.UP
    stopped = backend()
    os.kill(stopped, signal.SIGSTOP)
    try:
        assert health._database() == health.DOWN
    finally:
        os.kill(stopped, signal.SIGCONT)
    assert health._database() == health.UP
    assert backend() != stopped


def test_a_connection_goes_from_one_to_the_next(pool: ConnectionPool) -> None:
    with pool.borrowed():
        first = backend()
    seen = []

    def work() -> None:
        with pool.borrowed():
            seen.append(backend())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [first]


def test_two_at_once_have_two(pool: ConnectionPool) -> None:
    one, other = pool.acquire(), pool.acquire()
    assert pool.using(one, backend)() != pool.using(other, backend)()
    pool.release(one)
    pool.release(other)


def test_what_breaks_is_not_lent_again(pool: ConnectionPool) -> None:
    other = pool.acquire()
    pool.using(other, backend)()
    with pool.borrowed():
        first = backend()
        pool.release(other)
        with pytest.raises(OperationalError), connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    assert other.connection is None, "the others of the pool have gone with it"
    with pool.borrowed():
        assert backend() != first


def test_what_died_meanwhile_is_not_lent(
    pool: ConnectionPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pools, "CHECKED_AFTER", 0.0)
    living, dying = pool.acquire(), pool.acquire()
    alive, dead = pool.using(living, backend)(), pool.using(dying, backend)()
    pool.release(dying)
    pool.using(living, lambda: terminate(dead))()
    with pool.borrowed():
        assert backend() not in {alive, dead}
    pool.release(living)


def test_an_open_transaction_is_not_passed_on(pool: ConnectionPool) -> None:
    with pool.borrowed():
        first = backend()
        transaction.set_autocommit(False)
        backend()
    with pool.borrowed():
        assert connection.get_autocommit()
        assert backend() != first


def test_too_few_connections_are_reported(settings: Any) -> None:
    assert missing_connections(1) is None
    settings.WEB_STREAMS = 100_000
    reported = missing_connections(2)
    assert reported is not None
    assert str(needed_connections(2)) in reported


def test_a_class_has_its_statement_timeout() -> None:
    pool = ConnectionPool(statement_timeout=7)
    mine = connections[DEFAULT_DB_ALIAS]
    with pool.borrowed(), connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("7s",)
    pool.close_idle()
    connections[DEFAULT_DB_ALIAS] = mine
