"""A queue of jobs for a bounded number of slots, shared fairly by workspace.

A job starts at once while a slot is free; otherwise it waits in the queue of its workspace, and
free slots are given to the queues in turn (round robin).
"""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from contacthub_project.core.errors import Unavailable
from contacthub_project.runtime import metrics

SWEEP_SECONDS = 0.5


class TooManyWaiting(Unavailable):
    """There are more requests of the class than places to wait, or they waited too long."""

    message = "Too many requests of this kind are waiting; try again"
    retry_after = 2


@dataclass(slots=True, eq=False)
class Job:
    key: str
    function: Callable[[], Any]
    future: asyncio.Future[Any]
    deadline: float
    started: float = 0.0

    def run(self) -> None:
        try:
            outcome, failure = self.function(), None
        except BaseException as raised:
            outcome, failure = None, raised
        with suppress(RuntimeError):  # the loop has ended: nothing waits for the result
            self.future.get_loop().call_soon_threadsafe(settle, self.future, outcome, failure)


def settle(future: asyncio.Future[Any], outcome: Any, failure: BaseException | None) -> None:
    if future.done():
        return  # the request was cancelled
    if failure is None:
        future.set_result(outcome)
    else:
        future.set_exception(failure)


class FairQueue:
    """Jobs that wait for one of `slots`, by workspace.

    At most `places` wait, for at most `seconds`; beyond, TooManyWaiting is raised.
    """

    def __init__(self, name: str, *, slots: int, places: int, seconds: float) -> None:
        self.name = name
        self.slots = slots
        self.places = places
        self.seconds = seconds
        self._lock = threading.Lock()
        self._waiting: OrderedDict[str, deque[Job]] = OrderedDict()
        self._waiters = 0
        self._running: Counter[str] = Counter()
        self._sweeping = False

    @property
    def waiting(self) -> int:
        """The number of jobs that wait for a slot."""
        return self._waiters

    def _enqueue(self, job: Job) -> None:
        """Add a job to its queue. The lock is held."""
        if self._waiters >= self.places and job.deadline != math.inf:
            metrics.count_refused(self.name, "places")
            raise TooManyWaiting
        self._waiting.setdefault(job.key, deque()).append(job)
        self._waiters += 1

    def _next_job(self) -> Job | None:
        """Return the next job, marked as running; None if none may start now."""
        contested = len(self._waiting) > 1
        may_start = (
            key for key in self._waiting if self._running[key] < self._slot_limit(key, contested)
        )
        key = next(may_start, None)
        if key is None:
            return None
        queue = self._waiting[key]
        job = queue.popleft()
        self._waiters -= 1
        if queue:
            self._waiting.move_to_end(key)
        else:
            del self._waiting[key]
        self._running[key] += 1
        return job

    def _slot_limit(self, key: str, contested: bool) -> int:
        """Return the number of slots that a workspace may have now."""
        if contested:
            return max(1, self.slots // 2)
        return max(1, self.slots - 1)

    def _ended(self, key: str) -> None:
        self._running[key] -= 1
        if not self._running[key]:
            del self._running[key]

    def _watch(self) -> None:
        """Schedule the check for jobs that have waited too long; called in the event loop."""
        if not self._sweeping and self._waiters:
            self._sweeping = True
            asyncio.get_running_loop().call_later(SWEEP_SECONDS, self._sweep)

    def _sweep(self) -> None:
        """Refuse jobs that have waited too long; repeated while any job waits."""
        now = time.monotonic()
        late: list[Job] = []
        with self._lock:
            for key, queue in list(self._waiting.items()):
                gone = [job for job in queue if job.deadline <= now or job.future.done()]
                if not gone:
                    continue
                late += gone
                self._waiters -= len(gone)
                kept = deque(job for job in queue if job not in gone)
                if kept:
                    self._waiting[key] = kept
                else:
                    del self._waiting[key]
            self._sweeping = self._waiters > 0
        if self._sweeping:
            asyncio.get_running_loop().call_later(SWEEP_SECONDS, self._sweep)
        for job in late:
            if not job.future.done():
                metrics.count_refused(self.name, "seconds")
                job.future.set_exception(TooManyWaiting())
