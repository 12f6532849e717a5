"""Gathering (micro-batching).

Rows that arrive during a statement are sent together in the next one.

A `Gatherer` has a few lanes. While one is free for a group (a workspace, say), the waiting rows of
the group are sent at once; rows that arrive meanwhile wait, and are sent together when a lane is
free. There are no timers: sets grow with the load, and each row gets its result after its set is
committed. Groups are served in turn. See docs/decisions/0018-gathering.md.

Rows are gathered in an event loop. In a thread, which may be within a transaction, a row is sent by
itself.
"""

from __future__ import annotations

import asyncio
import select
import time
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Sequence
from contextlib import asynccontextmanager
from functools import cached_property, partial
from typing import Any, Generic, NamedTuple, TypeVar

import psycopg
from django.db import DEFAULT_DB_ALIAS, InterfaceError, OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg.pq import TransactionStatus

from contacthub_project.runtime.blocking import in_event_loop, in_thread

MOST = 64  # rows of a set
LANES = 4
SLOW_SECONDS = 0.003  # mean of sets from which on a group has several: they mostly wait
WEIGHT = 0.1  # of the latest set in the moving average
MOST_SECONDS = 600.0  # age after which a connection is closed
CONNECTION_LOST = ("08", "57P")  # classes of PostgreSQL's codes

Group = TypeVar("Group", bound=Hashable)
Row = TypeVar("Row")
Result = TypeVar("Result")

# Runs the rows of one group and returns a result for each, in order. An exception that is
# returned as a result is raised to the row's caller; one that is raised fails the whole set.
Run = Callable[[Group, Sequence[Row]], Awaitable[Sequence["Result | Exception"]]]


class _Alone(Exception):
    """Run the row by itself: its set has failed."""


class _Ticket(NamedTuple):
    """A waiting row and the future of its result."""

    row: Any
    done: asyncio.Future[Any]


class Gatherer(Generic[Group, Row, Result]):
    """Runs sets of rows: at most `lanes` at a time, and `lanes_of_group` of one group.

    A group gets another lane only while sets are slow, or when as many rows wait as a set may have:
    two sets at a time are half as large, and cost more for each row, but one alone leaves rows
    waiting for a disk that could take them as well.

    A set that fails unexpectedly is rolled back as a whole. Then each of its rows is run by itself,
    by `alone` in a thread, so that only the faulty row fails. A set whose result is unknown, as the
    connection was lost, is not repeated unless the gatherer `repeats`.
    """

    _free: int
    _busy: Counter[Group]
    _mean: float  # moving average of a set's seconds
    _waiting: OrderedDict[Group, deque[_Ticket]]
    _is_due: bool
    _sets: set[asyncio.Task[None]]

    def __init__(
        self,
        run: Run[Group, Row, Result],
        *,
        alone: Callable[[Group, Row], Result],
        lanes: int = LANES,
        lanes_of_group: int = 1,
        most: int = MOST,
        repeats: bool = False,
    ) -> None:
        self._run = run
        self._repeats = repeats
        self._alone = alone
        self._most = most
        self._lanes = lanes
        self._lanes_of_group = lanes_of_group
        self._loop: asyncio.AbstractEventLoop | None = None

    async def submit(self, group: Group, row: Row) -> Result:
        """Return the result of a row.

        In a thread it runs by itself, within the current transaction.
        """
        if not in_event_loop():
            return self._alone(group, row)
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._begin_in(loop)
        done = loop.create_future()
        self._waiting.setdefault(group, deque()).append(_Ticket(row, done))
        if not self._is_due:
            # Rows that arrive in the same turn of the loop are sent with it.
            self._is_due = True
            loop.call_soon(self._start)
        try:
            result: Result = await done
        except _Alone:
            return await in_thread(partial(self._alone, group, row))
        return result

    def is_under_way(self, group: Group) -> bool:
        """Return whether a set of the group is running."""
        return self._loop is not None and group in self._busy

    def _begin_in(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._free = self._lanes
        self._busy = Counter()
        self._mean = 0.0
        self._waiting = OrderedDict()
        self._is_due = False
        self._sets = set()

    def _start(self) -> None:
        """Start sets of the next groups, while lanes are free."""
        self._is_due = False
        while self._free and (group := self._next()) is not None:
            queue = self._waiting[group]
            tickets = [queue.popleft() for _ in range(min(len(queue), self._most))]
            if queue:
                self._waiting.move_to_end(group)
            else:
                del self._waiting[group]
            self._busy[group] += 1
            self._free -= 1
            working = asyncio.ensure_future(self._work(group, tickets))
            self._sets.add(working)  # the loop keeps only weak references
            working.add_done_callback(self._sets.discard)

    def _next(self) -> Group | None:
        return next((each for each in self._waiting if self._may_start(each)), None)

    def _may_start(self, group: Group) -> bool:
        busy = self._busy[group]
        if busy == 0 or busy >= self._lanes_of_group:
            return busy == 0
        return self._mean > SLOW_SECONDS or len(self._waiting[group]) >= self._most

    async def _work(self, group: Group, tickets: Sequence[_Ticket]) -> None:
        """Run a set and set the futures of its rows; then start the next one."""
        results: Sequence[Any]
        started = time.monotonic()
        try:
            results = await self._run(group, [ticket.row for ticket in tickets])
        except Exception as failure:
            is_tried_again = self._repeats or is_undone(failure)
            results = [_Alone() if is_tried_again else failure] * len(tickets)
        finally:
            self._mean += WEIGHT * (time.monotonic() - started - self._mean)
            self._busy[group] -= 1
            if not self._busy[group]:
                del self._busy[group]
            self._free += 1
            self._start()
        for ticket, result in zip(tickets, results, strict=True):
            if ticket.done.done():
                continue  # the request was cancelled
            if isinstance(result, Exception):
                ticket.done.set_exception(result)
            else:
                ticket.done.set_result(result)


class GatheringConnections:
    """The autocommitting connections for sets: of one event loop, one for each lane.

    They have the settings of Django's connections, and Django does not use them.
    """

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._free: list[tuple[psycopg.AsyncConnection[Any], float]] = []

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
        """Lend a working connection for a set; exceptions are Django's."""
        with self._template.wrap_database_errors:
            raw, opened = await self._taken()
            try:
                yield raw
            finally:
                if raw.closed or raw.info.transaction_status != TransactionStatus.IDLE:
                    await raw.close()
                else:
                    self._free.append((raw, opened))

    def close(self) -> None:
        """Close the idle ones."""
        free, self._free = self._free, []
        for raw, _ in free:
            raw.pgconn.finish()

    @cached_property
    def _template(self) -> BaseDatabaseWrapper:
        """Return a wrapper with Django's connection settings; it never connects."""
        return connections.create_connection(DEFAULT_DB_ALIAS)

    async def _taken(self) -> tuple[psycopg.AsyncConnection[Any], float]:
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self.close()
            self._loop = loop
        while self._free:
            raw, opened = self._free.pop()
            if time.monotonic() - opened < MOST_SECONDS and not _was_ended(raw):
                return raw, opened
            await raw.close()
        parameters = self._template.get_connection_params()
        del parameters["cursor_factory"]
        made = await psycopg.AsyncConnection.connect(**parameters, autocommit=True)
        # As Django does: date-times are read in this time zone.
        zone = self._template.timezone_name
        await made.execute("SELECT set_config('TimeZone', %s, FALSE)", [zone])
        return made, time.monotonic()


gathering_connections = GatheringConnections()
"""Those of this process."""


def is_undone(failure: BaseException) -> bool:
    """Return whether a failed set surely has no effects: not when the connection was lost."""
    if not isinstance(failure, (OperationalError, InterfaceError)):
        return True
    code = getattr(failure.__cause__, "sqlstate", None)
    return code is not None and not code.startswith(CONNECTION_LOST)


def _was_ended(raw: psycopg.AsyncConnection[Any]) -> bool:
    """Return whether the server has closed the connection: an idle open one has nothing to read."""
    if raw.closed:
        return True
    poll = select.poll()
    poll.register(raw.fileno(), select.POLLIN)
    return bool(poll.poll(0))
