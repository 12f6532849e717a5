"""Database connections of the process, a bounded pool for each class of work.

A pool keeps Django's connections (`DatabaseWrapper`), not bare ones: taking one and giving it back
are two assignments, where Django's own pool (`OPTIONS["pool"]`) sets a connection up anew for each
request. Django's rules decide how long they live (`CONN_MAX_AGE`) and what a failure leaves.
"""

from __future__ import annotations

import copy
import select
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import Error as DatabaseError

Result = TypeVar("Result")

CHECKED_AFTER = 1.0  # seconds of rest after which a connection is looked at before it is lent
CLOSED_AFTER = 60.0  # seconds of rest after which a connection is closed


class ConnectionPool:
    """Lends connections to threads, one to each at a time; those used last go first.

    It holds as many as were ever lent at once, so whoever bounds the borrowers bounds it.
    `statement_timeout` in seconds replaces that of the settings.
    """

    def __init__(self, *, statement_timeout: int | None = None) -> None:
        self._statement_timeout = statement_timeout
        self._lock = threading.Lock()
        self._idle: list[tuple[BaseDatabaseWrapper, float]] = []

    @contextmanager
    def lent(self) -> Iterator[BaseDatabaseWrapper]:
        """While it lasts, `django.db.connection` of this thread is one of the pool's."""
        connection = self.take()
        connections[DEFAULT_DB_ALIAS] = connection
        try:
            yield connection
        finally:
            del connections[DEFAULT_DB_ALIAS]
            self.give_back(connection)

    @staticmethod
    def using(
        connection: BaseDatabaseWrapper, function: Callable[[], Result]
    ) -> Callable[[], Result]:
        """The function, with `django.db.connection` being one that was taken."""

        def run() -> Result:
            before = connections[DEFAULT_DB_ALIAS]
            connections[DEFAULT_DB_ALIAS] = connection
            try:
                return function()
            finally:
                connections[DEFAULT_DB_ALIAS] = before

        return run

    def take(self) -> BaseDatabaseWrapper:
        """A connection, which must be given back; it is opened when it is first used."""
        with self._lock:
            found = self._idle.pop() if self._idle else None
        if found is None:
            return self._made()
        connection, since = found
        if time.monotonic() - since > CHECKED_AFTER and not _is_alive(connection):
            self._close(connection)
            self.close_idle()
        return connection

    def give_back(self, connection: BaseDatabaseWrapper) -> None:
        """Keep a connection for the next borrower, without what this one left in it."""
        had = connection.connection
        if had is not None:
            try:
                if connection.in_atomic_block:
                    raise DatabaseError("given back within a transaction")
                connection.close_if_unusable_or_obsolete()
            except DatabaseError:
                self._close(connection)
            if connection.connection is None and had.broken:
                # When the database goes, all of its connections go: one request learns it.
                self.close_idle()
        now = time.monotonic()
        stale = None
        with self._lock:
            self._idle.append((connection, now))
            if now - self._idle[0][1] > CLOSED_AFTER:
                stale, _ = self._idle.pop(0)
        if stale is not None:
            self._close(stale)

    def close_idle(self) -> None:
        """Close every connection that nobody has at the moment."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection, _ in idle:
            self._close(connection)

    def _made(self) -> BaseDatabaseWrapper:
        template = connections.settings[DEFAULT_DB_ALIAS]
        options: dict[str, Any] = copy.deepcopy(template)
        if self._statement_timeout is not None:
            given = options["OPTIONS"].get("options", "")
            timeout = f"-c statement_timeout={self._statement_timeout}s"
            options["OPTIONS"]["options"] = f"{given} {timeout}".strip()
        made = connections.create_connection(DEFAULT_DB_ALIAS)
        made.settings_dict = options
        made.inc_thread_sharing()
        return made

    @staticmethod
    def _close(connection: BaseDatabaseWrapper) -> None:
        with suppress(DatabaseError):
            connection.close()
        connection.connection = None
        connection.in_atomic_block = False
        connection.closed_in_transaction = False
        connection.savepoint_ids = []
        connection.needs_rollback = False


def _is_alive(connection: BaseDatabaseWrapper) -> bool:
    """Whether the server has not closed the connection: a socket with nothing to read is open."""
    raw = connection.connection
    if raw is None:
        return True
    if raw.closed:
        return False
    poll = select.poll()
    poll.register(raw.fileno(), select.POLLIN | select.POLLHUP | select.POLLERR)
    return not poll.poll(0)
