"""The classes of work of this process: their threads and database connections."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from django.conf import settings
from django.db.backends.base.base import BaseDatabaseWrapper

from contacthub_project.core.work_class import WorkClass
from contacthub_project.db.pools import ConnectionPool
from contacthub_project.runtime.concurrency import FairThreadPool, TooManyWaiting
from contacthub_project.runtime.metrics import count_refused

Result = TypeVar("Result")


class _Resources:
    """The threads of a class and the connections that they, and its streams, use."""

    def __init__(self, work_class: WorkClass) -> None:
        timeout = settings.STATEMENT_TIMEOUTS.get(work_class)
        self.connections = ConnectionPool(statement_timeout=timeout)
        self.streams = 0
        self.threads = FairThreadPool(
            work_class,
            slots=settings.WEB_SLOTS[work_class],
            places=settings.WEB_QUEUE_PLACES,
            seconds=settings.WEB_QUEUE_SECONDS,
            context=self.connections.lent,
        )


_resources = {work_class: _Resources(work_class) for work_class in WorkClass}


@dataclass(frozen=True, slots=True)
class Work:
    """What a request is done by: a class of work, on behalf of a workspace."""

    work_class: WorkClass
    key: str

    async def run(self, function: Callable[[], Result]) -> Result:
        """What the function returns, in a thread of the class; raises TooManyWaiting."""
        result: Result = await _resources[self.work_class].threads.run(self.key, function)
        return result

    @asynccontextmanager
    async def steps(self, close: Callable[[], Any]) -> AsyncIterator[Steps]:
        """Work in steps, which ends with `close`; they share a connection and its cursors.

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
    """Steps of one piece of work, each in whichever thread is free."""

    resources: _Resources
    key: str
    connection: BaseDatabaseWrapper | None = None
    # A step whose client has gone goes on to its end; the last step waits for it.
    _lock: threading.Lock = field(default_factory=threading.Lock)

    async def run(self, function: Callable[[], Result]) -> Result:
        """What the function returns, with the connection of these steps."""
        result: Result = await self.resources.threads.run(
            self.key, partial(self._done, function), is_begun=True
        )
        return result

    async def end(self, close: Callable[[], Any]) -> None:
        """Do the last step, and give the connection back."""
        await self.resources.threads.run(self.key, partial(self._ended, close), is_begun=True)

    def _done(self, function: Callable[[], Result]) -> Result:
        with self._lock:
            if self.connection is None:
                self.connection = self.resources.connections.take()
            return self.resources.connections.using(self.connection, function)()

    def _ended(self, close: Callable[[], Any]) -> None:
        try:
            self._done(close)
        finally:
            if self.connection is not None:
                self.resources.connections.give_back(self.connection)
