"""Gathering: rows that arrive while a statement is under way go together in the next one.

A `Gatherer` has a few lanes. While one of them is free for a group (a workspace, say) a row of the
group goes at once, alone; rows that arrive meanwhile wait, and go together when a lane is back.
Nobody waits for a timer, sets grow with the load, and each row is answered after its set is
committed. Groups take turns.

Threads call `submit`, coroutines `asubmit`. The thread whose row heads a set works for all of it;
for coroutines a thread of the gatherer does. See docs/decisions/0018-gathering.md.
"""

from __future__ import annotations

import asyncio
import contextlib
import select
import threading
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

import psycopg
from django.db import InterfaceError, OperationalError, connection
from psycopg.pq import TransactionStatus

MOST = 64  # rows of a set
LANES = 4
MOST_SECONDS = 600.0  # that a connection is kept
CONNECTION_LOST = ("08", "57P")  # classes of PostgreSQL's codes

Group = TypeVar("Group", bound=Hashable)
Row = TypeVar("Row")
Result = TypeVar("Result")

# Does what is asked of the rows of one group; a result for each row, in order. An exception that is
# returned as a result is raised to the row's caller; one that is raised fails the whole set.
Run = Callable[[Group, Sequence[Row]], Sequence["Result | Exception"]]


class _Ticket(Generic[Row, Result]):
    """A row that waits, and what became of it.

    With a `turn`, the thread that waits for the row is to work for that set; a coroutine never is.
    """

    __slots__ = ("failure", "is_alone", "is_of_thread", "result", "row", "turn", "wake")

    def __init__(self, row: Row, wake: Callable[[], None], *, is_of_thread: bool) -> None:
        self.row = row
        self.wake = wake
        self.is_of_thread = is_of_thread
        self.result: Result | None = None
        self.failure: BaseException | None = None
        self.is_alone = False
        self.turn: _Turn[Any, Row, Result] | None = None

    def outcome(self) -> Result:
        if self.failure is not None:
            raise self.failure
        return cast("Result", self.result)


@dataclass(slots=True)
class _Turn(Generic[Group, Row, Result]):
    """A set that a lane is to work on."""

    group: Group
    tickets: list[_Ticket[Row, Result]]


class Gatherer(Generic[Group, Row, Result]):
    """Runs sets of rows: at a time at most `lanes` altogether, and `lanes_of_group` of one group.

    A set that fails unexpectedly is undone as a whole. Then each of its rows is tried by itself, by
    `alone`, so that the failure costs the row that it is about and no other; but what may have been
    done, as the connection was lost, is not done again unless the gatherer `repeats`.
    """

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
        self._lock = threading.Lock()
        self._free = lanes
        self._lanes = lanes
        self._lanes_of_group = lanes_of_group
        self._busy: Counter[Group] = Counter()
        self._waiting: OrderedDict[Group, deque[_Ticket[Row, Result]]] = OrderedDict()
        self._threads: ThreadPoolExecutor | None = None

    def submit(self, group: Group, row: Row) -> Result:
        """What became of a row; the calling thread waits, and may work for others meanwhile."""
        gate = threading.Lock()
        gate.acquire()
        ticket: _Ticket[Row, Result] = _Ticket(row, gate.release, is_of_thread=True)
        with self._lock:
            turn = ticket.turn = self._joined(group, ticket)
        if turn is None:
            gate.acquire()  # until the row is done, or heads a set
        if ticket.turn is not None:
            self._work(ticket.turn)
        if ticket.is_alone:
            return self._alone(group, row)
        return ticket.outcome()

    async def asubmit(self, group: Group, row: Row) -> Result:
        """The same for a coroutine."""
        loop = asyncio.get_running_loop()
        done = loop.create_future()

        def tell() -> None:
            if not done.done():  # its caller may have gone
                done.set_result(None)

        def wake() -> None:
            with contextlib.suppress(RuntimeError):  # so may the loop
                loop.call_soon_threadsafe(tell)

        ticket: _Ticket[Row, Result] = _Ticket(row, wake, is_of_thread=False)
        with self._lock:
            turn = self._joined(group, ticket)
        if turn is not None:
            self._executor().submit(self._work, turn)
        await done
        if ticket.is_alone:
            return await asyncio.to_thread(self._alone, group, row)
        return ticket.outcome()

    def is_under_way(self, group: Group) -> bool:
        """Whether a set of the group is being worked on."""
        return group in self._busy

    def _joined(
        self, group: Group, ticket: _Ticket[Row, Result]
    ) -> _Turn[Group, Row, Result] | None:
        """Have a row wait; the set that a free lane can begin with now, if there is one."""
        self._waiting.setdefault(group, deque()).append(ticket)
        return self._next()

    def _next(self) -> _Turn[Group, Row, Result] | None:
        """The next set of the group whose turn it is, None when no lane or no group is free."""
        if not self._free:
            return None
        most = self._lanes_of_group
        group = next((each for each in self._waiting if self._busy[each] < most), None)
        if group is None:
            return None
        queue = self._waiting[group]
        tickets = [queue.popleft() for _ in range(min(len(queue), self._most))]
        if queue:
            self._waiting.move_to_end(group)
        else:
            del self._waiting[group]
        self._busy[group] += 1
        self._free -= 1
        return _Turn(group, tickets)

    def _work(self, turn: _Turn[Group, Row, Result]) -> None:
        """Run a set, have somebody run the next one, and tell those whose rows are done."""
        try:
            self._do(turn)
        finally:
            with self._lock:
                self._busy[turn.group] -= 1
                if not self._busy[turn.group]:
                    del self._busy[turn.group]
                self._free += 1
                following = self._next()
            if following is not None:
                self._hand_over(following)
            for ticket in turn.tickets:
                if ticket.turn is not turn:  # which is the one that does this
                    ticket.wake()

    def _hand_over(self, turn: _Turn[Group, Row, Result]) -> None:
        head = turn.tickets[0]
        if head.is_of_thread:
            head.turn = turn
            head.wake()
        else:
            self._executor().submit(self._work, turn)

    def _do(self, turn: _Turn[Group, Row, Result]) -> None:
        tickets = turn.tickets
        try:
            results = self._run(turn.group, [ticket.row for ticket in tickets])
        except Exception as failure:
            for ticket in tickets:
                ticket.failure = failure
                ticket.is_alone = self._repeats or is_undone(failure)
        except BaseException as failure:
            for ticket in tickets:
                ticket.failure = failure
            raise
        else:
            for ticket, result in zip(tickets, results, strict=True):
                if isinstance(result, Exception):
                    ticket.failure = result
                else:
                    ticket.result = result

    def _executor(self) -> ThreadPoolExecutor:
        if self._threads is None:
            self._threads = ThreadPoolExecutor(self._lanes, thread_name_prefix="gatherer")
        return self._threads


class GatheringConnections:
    """The connections that sets are sent by: of this process, autocommitting, one for each lane.

    They are Django's in all their settings, and no transaction of Django's ever is on them.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._free: list[tuple[psycopg.Connection[Any], float]] = []

    @contextmanager
    def connection(self) -> Iterator[psycopg.Connection[Any]]:
        """One that works, for as long as a set takes; exceptions are Django's."""
        with connection.wrap_database_errors:
            raw, opened = self._taken()
            try:
                yield raw
            finally:
                if raw.closed or raw.info.transaction_status != TransactionStatus.IDLE:
                    raw.close()
                else:
                    with self._lock:
                        self._free.append((raw, opened))

    def close(self) -> None:
        """Close those that nobody uses."""
        with self._lock:
            free, self._free = self._free, []
        for raw, _ in free:
            raw.close()

    def _taken(self) -> tuple[psycopg.Connection[Any], float]:
        while True:
            with self._lock:
                if not self._free:
                    break
                raw, opened = self._free.pop()
            if time.monotonic() - opened < MOST_SECONDS and not _was_ended(raw):
                return raw, opened
            raw.close()
        parameters = connection.get_connection_params()
        del parameters["cursor_factory"]
        raw = psycopg.connect(**parameters, autocommit=True)
        # As Django does: what is read of moments is taken to be in this time zone.
        raw.execute("SELECT set_config('TimeZone', %s, FALSE)", [connection.timezone_name])
        return raw, time.monotonic()


gathering_connections = GatheringConnections()
"""Those of this process."""


def is_undone(failure: BaseException) -> bool:
    """Whether what failed has surely left nothing: not when the connection was lost meanwhile."""
    if not isinstance(failure, (OperationalError, InterfaceError)):
        return True
    code = getattr(failure.__cause__, "sqlstate", None)
    return code is not None and not code.startswith(CONNECTION_LOST)


def _was_ended(raw: psycopg.Connection[Any]) -> bool:
    """Whether the server has hung up: an idle connection has nothing to read but that."""
    if raw.closed:
        return True
    poll = select.poll()
    poll.register(raw.fileno(), select.POLLIN)
    return bool(poll.poll(0))
