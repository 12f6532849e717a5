"""A limit on the requests that a process works on at the same time.

Three threads keep a worker busy; more compete for the interpreter. Requests that wait for a
notification need a thread but do no work, so the server has more threads than this limit has slots:
a working request holds a slot, a waiting one releases it.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings


class RequestLimiter:
    """A semaphore with a first-in, first-out queue."""

    def __init__(self, most: int) -> None:
        self._lock = threading.Lock()
        self._free = most
        self._queue: deque[threading.Lock] = deque()
        self._mine = threading.local()

    @contextmanager
    def acquired(self) -> Iterator[None]:
        """Hold a slot, after waiting for one."""
        self._acquire()
        try:
            yield
        finally:
            self._release()

    @contextmanager
    def released(self) -> Iterator[None]:
        """Release this thread's slot, if it holds one, and acquire one again at the end."""
        if not getattr(self._mine, "has_slot", False):
            yield
            return
        self._release()
        try:
            yield
        finally:
            self._acquire()

    def _acquire(self) -> None:
        with self._lock:
            if self._free:
                self._free -= 1
                mine = None
            else:
                mine = threading.Lock()
                mine.acquire()
                self._queue.append(mine)
        if mine is not None:
            mine.acquire()  # until another thread hands its slot over
        self._mine.has_slot = True

    def _release(self) -> None:
        self._mine.has_slot = False
        with self._lock:
            if self._queue:
                self._queue.popleft().release()
            else:
                self._free += 1


request_limiter = RequestLimiter(settings.WEB_CONCURRENCY)
"""The limit of this process."""
