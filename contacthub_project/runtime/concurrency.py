"""Slots of one class of work, in threads and in the event loop, shared fairly by workspace.

A class has a bounded number of slots. A job starts at once while one is free; otherwise it waits in
the queue of its workspace, and free slots are given to the queues in turn (round robin). One
workspace never has the last slot, and at most half of them while another waits, so that another
workspace's next job finds one. A workspace whose jobs in threads are slow gets one slot, until they
are fast again. A job that has waited too long, or finds too many waiting, is refused.

The event loop submits; threads take jobs without the event loop, which would cost a switch between
two threads for each.
"""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, TypeVar

import structlog

from contacthub_project.runtime.fair_queue import FairQueue, Job
from contacthub_project.runtime.logs import failure_details

log = structlog.get_logger("contacthub.concurrency")

Result = TypeVar("Result")

LONG_SECONDS = 0.5  # mean seconds from which on a workspace's jobs are slow
WEIGHT = 0.3  # of the latest job in a workspace's moving average
KNOWN_WORKSPACES = 10_000


@dataclass(slots=True, eq=False)
class _Worker:
    """A thread and its current job; between jobs it waits for `wake`."""

    wake: threading.Lock = field(default_factory=threading.Lock)
    job: Job | None = None


class FairThreadPool(FairQueue):
    """Runs functions in at most `slots` threads, each within a `context`."""

    def __init__(
        self,
        name: str,
        *,
        slots: int,
        places: int,
        seconds: float,
        context: Callable[[], AbstractContextManager[Any]] = nullcontext,
    ) -> None:
        super().__init__(name, slots=slots, places=places, seconds=seconds)
        self._context = context
        self._threads = 0
        self._idle: list[_Worker] = []
        self._started: dict[int, Job] = {}
        self._mean: OrderedDict[str, float] = (
            OrderedDict()
        )  # moving average of seconds, by workspace

    def run(
        self, key: str, function: Callable[[], Any], *, is_begun: bool = False
    ) -> asyncio.Future[Any]:
        """Return the function's result, once a slot is free for the workspace `key`.

        A job that `is_begun` waits without limit: refusing it would lose its result.
        """
        loop = asyncio.get_running_loop()
        deadline = math.inf if is_begun else time.monotonic() + self.seconds
        job = Job(key, function, loop.create_future(), deadline)
        with self._lock:
            self._enqueue(job)
            self._dispatch()
        self._watch()
        return job.future

    def _dispatch(self) -> None:
        """Give jobs that may start to free threads. The lock is held."""
        while self._waiters and (self._idle or self._threads < self.slots):
            job = self._next_job()
            if job is None:
                return
            if self._idle:
                worker = self._idle.pop()
            else:
                self._threads += 1
                worker = _Worker()
                worker.wake.acquire()
                threading.Thread(
                    target=self._work, args=(worker,), daemon=True, name=f"{self.name}-work"
                ).start()
            worker.job = job
            worker.wake.release()

    def _next_job(self) -> Job | None:
        job = super()._next_job()
        if job is not None:
            job.started = time.monotonic()
            self._started[id(job)] = job
        return job

    def _slot_limit(self, key: str, contested: bool) -> int:
        return 1 if self._is_slow(key) else super()._slot_limit(key, contested)

    def _is_slow(self, key: str) -> bool:
        if self._mean.get(key, 0.0) > LONG_SECONDS:
            return True
        if not self._running[key]:
            return False
        before = time.monotonic() - LONG_SECONDS
        return any(job.key == key and job.started < before for job in self._started.values())

    def _finished(self, job: Job) -> None:
        self._ended(job.key)
        del self._started[id(job)]
        mean = self._mean.pop(job.key, 0.0)
        elapsed = time.monotonic() - job.started
        mean += WEIGHT * (elapsed - mean)
        if mean > LONG_SECONDS / 10:  # fast workspaces are not recorded
            self._mean[job.key] = mean
            if len(self._mean) > KNOWN_WORKSPACES:
                self._mean.popitem(last=False)

    def _work(self, worker: _Worker) -> None:
        while True:
            worker.wake.acquire()
            job = worker.job
            while job is not None:
                try:
                    with self._context():
                        job.run()
                except Exception as failure:  # of the context: the thread continues
                    log.error("a thread's context failed", **failure_details(failure))
                with self._lock:
                    self._finished(job)
                    worker.job = job = self._next_job() if self._waiters else None
                    if job is None:
                        self._idle.append(worker)
                    if self._waiters:
                        self._dispatch()


class FairSlots(FairQueue):
    """Lets at most `slots` coroutines of an event loop run at once.

    Waiting coroutines hold no thread and no connection, so their duration is not limited.
    """

    def __init__(self, name: str, *, slots: int, places: int, seconds: float) -> None:
        super().__init__(name, slots=slots, places=places, seconds=seconds)
        self._taken = 0

    async def run(self, key: str, function: Callable[[], Awaitable[Result]]) -> Result:
        """Return the result of the coroutine that `function` makes, once `key` has a slot."""
        if not self._takes_free_slot(key):
            await self._wait_for_slot(key, function)
        try:
            return await function()
        finally:
            self._release(key)

    def _takes_free_slot(self, key: str) -> bool:
        """Take a slot if one is free for `key` and no job waits; otherwise return False."""
        with self._lock:
            if self._waiters or self._taken >= self.slots:
                return False
            if self._running[key] >= self._slot_limit(key, contested=False):
                return False
            self._running[key] += 1
            self._taken += 1
            return True

    async def _wait_for_slot(self, key: str, function: Callable[[], Awaitable[Any]]) -> None:
        """Wait until there is a slot for `key`, and take it."""
        turn = asyncio.get_running_loop().create_future()
        job = Job(key, function, turn, time.monotonic() + self.seconds)
        with self._lock:
            self._enqueue(job)
            self._dispatch()
        self._watch()
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():
                self._release(key)
            raise

    def _dispatch(self) -> None:
        """Start the jobs that may start. The lock is held."""
        while self._waiters and self._taken < self.slots and (job := self._next_job()) is not None:
            self._taken += 1
            if job.future.done():  # the request was cancelled
                self._ended(job.key)
            else:
                job.future.set_result(None)

    def _ended(self, key: str) -> None:
        super()._ended(key)
        self._taken -= 1

    def _release(self, key: str) -> None:
        with self._lock:
            self._ended(key)
            if self._waiters:
                self._dispatch()
