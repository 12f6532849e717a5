"""Database connections of the process: a bounded pool for each class of work.

A pool holds Django's connections (`DatabaseWrapper`): taking one and giving it back are two
assignments, while Django's own pool (`OPTIONS["pool"]`) sets a connection up for each request.
Django's rules decide how long they live (`CONN_MAX_AGE`) and what happens after a failure.
"""

from __future__ import annotations

import copy
import os
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import Error as DatabaseError

Result = TypeVar("Result")

CHECKED_AFTER = 1.0  # idle seconds after which a connection is checked before it is used
CLOSED_AFTER = 60.0  # idle seconds after which a connection is closed


class ConnectionPool:
    """Lends connections to threads; those used last are lent first (LIFO).

    It holds as many as were ever lent at once, so bounding the borrowers bounds the pool.
    `statement_timeout` in seconds replaces that of the settings.
    """

    def __init__(self, *, statement_timeout: int | None = None) -> None:
        self._statement_timeout = statement_timeout
        self._lock = threading.Lock()
        self._idle: list[tuple[BaseDatabaseWrapper, float]] = []

    @contextmanager
    def borrowed(self) -> Iterator[BaseDatabaseWrapper]:
        """Make `django.db.connection` of this thread one of the pool's, within the context."""
        connection = self.acquire()
        connections[DEFAULT_DB_ALIAS] = connection
        try:
            yield connection
        finally:
            del connections[DEFAULT_DB_ALIAS]
            self.release(connection)

    @staticmethod
    def using(
        connection: BaseDatabaseWrapper, function: Callable[[], Result]
    ) -> Callable[[], Result]:
        """Return the function wrapped to run with `connection` as `django.db.connection`."""

        def run() -> Result:
            before = connections[DEFAULT_DB_ALIAS]
            connections[DEFAULT_DB_ALIAS] = connection
            try:
                return function()
            finally:
                connections[DEFAULT_DB_ALIAS] = before

        return run

    def acquire(self) -> BaseDatabaseWrapper:
        """Return a connection, which must be given back; it is opened when it is first used."""
        with self._lock:
            found = self._idle.pop() if self._idle else None
        if found is None:
            return self._made()
        connection, since = found
        if time.monotonic() - since > CHECKED_AFTER and not _is_alive(connection):
            self._close(connection)
            self.close_idle()
        return connection

    def release(self, connection: BaseDatabaseWrapper) -> None:
        """Return a connection to the pool, without state of this borrower."""
        raw = connection.connection
        if raw is not None:
            try:
                if connection.in_atomic_block:
                    raise DatabaseError("given back within a transaction")
                connection.close_if_unusable_or_obsolete()
            except DatabaseError:
                self._close(connection)
            if connection.connection is None and raw.broken:
                # A lost connection means that the database ended: only one request fails.
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
        """Close every idle connection."""
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


@contextmanager
def closed_after(seconds: float) -> Iterator[None]:
    """Within the block this thread's connection ends with an OperationalError after so long.

    For a server that does not answer: `statement_timeout` is the server's to keep.
    """
    connection = connections[DEFAULT_DB_ALIAS]
    connection.ensure_connection()  # within connect_timeout
    timer = threading.Timer(seconds, _shut_down_socket, [connection.connection.fileno()])
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _shut_down_socket(file: int) -> None:
    with suppress(OSError), socket.socket(fileno=os.dup(file)) as duplicate:
        duplicate.shutdown(socket.SHUT_RDWR)


def _is_alive(connection: BaseDatabaseWrapper) -> bool:
    """Return whether the server has not closed the connection: an open one has no data to read."""
    raw = connection.connection
    if raw is None:
        return True
    if raw.closed:
        return False
    poll = select.poll()
    poll.register(raw.fileno(), select.POLLIN | select.POLLHUP | select.POLLERR)
    return not poll.poll(0)
