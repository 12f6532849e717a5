"""How many requests of a process are worked on at the same time.

Three threads keep a worker busy; more only take the interpreter from each other. But requests that
wait for something to happen need a thread, too, and must not keep the others from being answered.
So there are more threads than turns: whoever works has a turn, whoever waits gives it back.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings


class RequestLimiter:
    """So many threads at a time, in the order in which they come: none is passed over."""

    def __init__(self, most: int) -> None:
        self._lock = threading.Lock()
        self._free = most
        self._queue: deque[threading.Lock] = deque()
        self._mine = threading.local()

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Work; only when it is this thread's turn."""
        self._take()
        try:
            yield
        finally:
            self._give()

    @contextmanager
    def given_back(self) -> Iterator[None]:
        """Wait, while others work; nothing to give back is fine."""
        if not getattr(self._mine, "has_turn", False):
            yield
            return
        self._give()
        try:
            yield
        finally:
            self._take()

    def _take(self) -> None:
        with self._lock:
            if self._free:
                self._free -= 1
                mine = None
            else:
                mine = threading.Lock()
                mine.acquire()
                self._queue.append(mine)
        if mine is not None:
            mine.acquire()  # until the one before hands its turn on
        self._mine.has_turn = True

    def _give(self) -> None:
        self._mine.has_turn = False
        with self._lock:
            if self._queue:
                self._queue.popleft().release()
            else:
                self._free += 1


request_limiter = RequestLimiter(settings.WEB_CONCURRENCY)
"""The turns of this process."""
