"""Threads of one class of work, shared fairly by workspace.

A pool has a bounded number of threads, its slots. What comes while a thread is free starts at once;
otherwise it waits in the queue of its workspace, and threads that become free take from the queues
in turn. One workspace never has the last slot, and at most half of them while another waits: what
comes next from somebody else finds a thread. A workspace whose work takes long gets one slot, until
it is quick again. What has waited too long, or finds too many waiting, is refused.

The event loop submits; threads hand jobs over to each other without asking it, which would cost a
switch between two threads for each.
"""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from contextvars import ContextVar, copy_context
from dataclasses import dataclass, field
from functools import cache
from queue import SimpleQueue
from typing import Any, TypeVar

import structlog

from contacthub_project.core.errors import Unavailable
from contacthub_project.runtime import metrics
from contacthub_project.runtime.logs import failure_details

log = structlog.get_logger("contacthub.concurrency")

Result = TypeVar("Result")

LONG_SECONDS = 0.5  # from here on work is long
WEIGHT = 0.3  # of the latest piece of work in the mean of a workspace
SWEEP_SECONDS = 0.5
KNOWN_WORKSPACES = 10_000


class TooManyWaiting(Unavailable):
    """More requests of the kind than there are places to wait, or time to wait."""

    message = "Too many requests of this kind are waiting; try again"
    retry_after = 2


@dataclass(slots=True, eq=False)
class _Job:
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
        with suppress(RuntimeError):  # of a loop that has ended: nobody waits
            self.future.get_loop().call_soon_threadsafe(_settle, self.future, outcome, failure)


def _settle(future: asyncio.Future[Any], outcome: Any, failure: BaseException | None) -> None:
    if future.done():
        return  # who asked has gone
    if failure is None:
        future.set_result(outcome)
    else:
        future.set_exception(failure)


@dataclass(slots=True, eq=False)
class _Worker:
    """A thread and the job it is handed; it sleeps on `wake` meanwhile."""

    wake: threading.Lock = field(default_factory=threading.Lock)
    job: _Job | None = None


class FairThreadPool:
    """Runs functions in at most `slots` threads, each with what `context` lends it.

    At most `places` wait, for at most `seconds`; beyond, `run` raises TooManyWaiting.
    """

    def __init__(
        self,
        name: str,
        *,
        slots: int,
        places: int,
        seconds: float,
        context: Callable[[], AbstractContextManager[Any]] = nullcontext,
    ) -> None:
        self.name = name
        self.slots = slots
        self.places = places
        self.seconds = seconds
        self._context = context
        self._lock = threading.Lock()
        self._threads = 0
        self._idle: list[_Worker] = []
        self._waiting: OrderedDict[str, deque[_Job]] = OrderedDict()
        self._waiters = 0
        self._running: Counter[str] = Counter()
        self._started: dict[int, _Job] = {}
        self._mean: OrderedDict[str, float] = OrderedDict()  # seconds of work, by workspace
        self._sweeping = False

    def run(
        self, key: str, function: Callable[[], Any], *, is_begun: bool = False
    ) -> asyncio.Future[Any]:
        """What the function returns, once a slot was free for the workspace `key`.

        Work that `is_begun` waits as long as it must: it would be lost if it were refused.
        """
        loop = asyncio.get_running_loop()
        deadline = math.inf if is_begun else time.monotonic() + self.seconds
        job = _Job(key, function, loop.create_future(), deadline)
        with self._lock:
            if self._waiters >= self.places and not is_begun:
                metrics.count_refused(self.name, "places")
                raise TooManyWaiting
            self._waiting.setdefault(key, deque()).append(job)
            self._waiters += 1
            self._hand_out()
            must_wait = self._waiters > 0
        if must_wait and not self._sweeping:
            self._sweeping = True
            loop.call_later(SWEEP_SECONDS, self._sweep)
        return job.future

    @property
    def waiting(self) -> int:
        """How many wait for a slot."""
        return self._waiters

    def _hand_out(self) -> None:
        """Give free threads what may start. The lock is held."""
        while self._waiters and (self._idle or self._threads < self.slots):
            job = self._next()
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

    def _next(self) -> _Job | None:
        """The job whose turn it is, marked as running; None if none may start now."""
        contested = len(self._waiting) > 1
        may_start = (
            key for key in self._waiting if self._running[key] < self._most(key, contested)
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
        job.started = time.monotonic()
        self._started[id(job)] = job
        return job

    def _most(self, key: str, contested: bool) -> int:
        """How many slots a workspace may have now."""
        if self._takes_long(key):
            return 1
        if contested:
            return max(1, self.slots // 2)
        return max(1, self.slots - 1)

    def _takes_long(self, key: str) -> bool:
        if self._mean.get(key, 0.0) > LONG_SECONDS:
            return True
        if not self._running[key]:
            return False
        before = time.monotonic() - LONG_SECONDS
        return any(job.key == key and job.started < before for job in self._started.values())

    def _finished(self, job: _Job) -> None:
        self._running[job.key] -= 1
        if not self._running[job.key]:
            del self._running[job.key]
        del self._started[id(job)]
        mean = self._mean.pop(job.key, 0.0)
        took = time.monotonic() - job.started
        mean += WEIGHT * (took - mean)
        if mean > LONG_SECONDS / 10:  # who is quick need not be remembered
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
                except Exception as failure:  # of what it was lent: the thread goes on
                    log.error("a thread's context failed", **failure_details(failure))
                with self._lock:
                    self._finished(job)
                    worker.job = job = self._next() if self._waiters else None
                    if job is None:
                        self._idle.append(worker)
                    if self._waiters:
                        self._hand_out()

    def _sweep(self) -> None:
        """Refuse what has waited for too long; again later, while anything waits."""
        now = time.monotonic()
        late: list[_Job] = []
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


# How the coroutine at hand has functions run that block: in a pool, or where `run_here` was called.
_runner: ContextVar[Callable[[Callable[[], Any]], Awaitable[Any]]] = ContextVar("runner")


def work_by(run: Callable[[Callable[[], Any]], Awaitable[Any]]) -> None:
    """Have `in_thread` use `run`, in this task and those that it starts."""
    _runner.set(run)


async def in_thread(function: Callable[[], Result]) -> Result:
    """What the function returns, in a thread of the class of work at hand.

    For whatever blocks, such as Django's ORM. Raises TooManyWaiting.
    """
    context = copy_context()
    result: Result = await _runner.get()(lambda: context.run(function))
    return result


def run_here(coroutine: Awaitable[Result]) -> Result:
    """Run a coroutine to its end; what it has run in threads is run in this one.

    For those who are in a thread already: pages that call the API, and tests.
    """
    jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()

    def run(function: Callable[[], Any]) -> asyncio.Future[Any]:
        job = _Job("", function, asyncio.get_running_loop().create_future(), math.inf)
        jobs.put(job.run)
        return job.future

    async def main() -> Result:
        work_by(run)
        try:
            return await coroutine
        finally:
            jobs.put(None)

    outcome = asyncio.run_coroutine_threadsafe(main(), _loop_of_threads())
    while (job := jobs.get()) is not None:
        job()
    return outcome.result()


@cache
def _loop_of_threads() -> asyncio.AbstractEventLoop:
    """An event loop in a thread of its own, for coroutines that threads run."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True, name="loop-of-threads").start()
    return loop
