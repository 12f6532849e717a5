"""The classes of work of this process: their threads and database connections."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from django.conf import settings
from django.db.backends.base.base import BaseDatabaseWrapper

from contacthub_project.core.work_class import WorkClass
from contacthub_project.db.pools import ConnectionPool
from contacthub_project.runtime.blocking import work_by
from contacthub_project.runtime.concurrency import FairSlots, FairThreadPool
from contacthub_project.runtime.fair_queue import TooManyWaiting
from contacthub_project.runtime.metrics import count_refused

Result = TypeVar("Result")


class _Resources:
    """The slots of a class, in the event loop and in threads, and the threads' connections."""

    def __init__(self, work_class: WorkClass) -> None:
        timeout = settings.STATEMENT_TIMEOUTS.get(work_class)
        self.connections = ConnectionPool(statement_timeout=timeout)
        self.streams = 0
        places, seconds = settings.WEB_QUEUE_PLACES, settings.WEB_QUEUE_SECONDS
        self.threads = FairThreadPool(
            work_class,
            slots=settings.WEB_SLOTS[work_class],
            places=places,
            seconds=seconds,
            context=self.connections.borrowed,
        )
        self.coroutines = FairSlots(
            work_class, slots=settings.WEB_COROUTINES, places=places, seconds=seconds
        )


_resources = {work_class: _Resources(work_class) for work_class in WorkClass}


@dataclass(frozen=True, slots=True)
class Work:
    """Runs the work of a request: of one class, for one workspace."""

    work_class: WorkClass
    key: str

    async def run(self, function: Callable[[], Result]) -> Result:
        """Return the function's result, run in a thread of the class; raises TooManyWaiting."""
        result: Result = await _resources[self.work_class].threads.run(self.key, function)
        return result

    async def run_begun(self, function: Callable[[], Result]) -> Result:
        """Run a part of what has begun: it waits for a thread as long as it must."""
        threads = _resources[self.work_class].threads
        result: Result = await threads.run(self.key, function, is_begun=True)
        return result

    async def run_coroutine(self, function: Callable[[], Awaitable[Result]]) -> Result:
        """Return the result of the coroutine that the function makes, run in the event loop.

        Blocking functions run in threads of the class. Raises TooManyWaiting.
        """
        work_by(self.run)
        return await _resources[self.work_class].coroutines.run(self.key, function)

    @asynccontextmanager
    async def steps(self, close: Callable[[], Any]) -> AsyncIterator[Steps]:
        """Return work in steps that share a connection and its cursors; `close` is the last step.

        Raises TooManyWaiting while WEB_STREAMS others of the class have one.
        """
        resources = _resources[self.work_class]
        if resources.streams >= settings.WEB_STREAMS:
            count_refused(self.work_class, "streams")
            raise TooManyWaiting
        resources.streams += 1
        steps = Steps(resources, self.key)
        try:
            yield steps
        finally:
            try:
                await steps.end(close)
            finally:
                resources.streams -= 1


@dataclass(slots=True)
class Steps:
    """The steps of one piece of work, each run in any free thread."""

    resources: _Resources
    key: str
    connection: BaseDatabaseWrapper | None = None
    # A step runs to its end also when its client has gone; the last step waits for it.
    _lock: threading.Lock = field(default_factory=threading.Lock)

    async def run(self, function: Callable[[], Result]) -> Result:
        """Return the function's result, with the connection of these steps."""
        result: Result = await self.resources.threads.run(
            self.key, partial(self._done, function), is_begun=True
        )
        return result

    async def end(self, close: Callable[[], Any]) -> None:
        """Run the last step, and give the connection back."""
        await self.resources.threads.run(self.key, partial(self._ended, close), is_begun=True)

    def _done(self, function: Callable[[], Result]) -> Result:
        with self._lock:
            if self.connection is None:
                self.connection = self.resources.connections.acquire()
            return self.resources.connections.using(self.connection, function)()

    def _ended(self, close: Callable[[], Any]) -> None:
        try:
            self._done(close)
        finally:
            if self.connection is not None:
                self.resources.connections.release(self.connection)
