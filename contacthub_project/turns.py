"""How many requests of a process are worked on at the same time.

Three threads keep a worker busy; more only take the interpreter from each other. But requests that
wait for something to happen need a thread, too, and must not keep the others from being answered.
So there are more threads than turns: whoever works has a turn, whoever waits gives it back.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from queue import SimpleQueue

from django.conf import settings


class Turns:
    """So many threads at a time."""

    def __init__(self, most: int) -> None:
        # A queue in C: the interpreter's own semaphore costs ten times as much when many contend.
        self._free: SimpleQueue[None] = SimpleQueue()
        for _ in range(most):
            self._free.put(None)
        self._mine = threading.local()

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Work; only when it is this thread's turn."""
        self._free.get()
        self._mine.has_turn = True
        try:
            yield
        finally:
            self._mine.has_turn = False
            self._free.put(None)

    @contextmanager
    def given_back(self) -> Iterator[None]:
        """Wait, while others work; nothing to give back is fine."""
        if not getattr(self._mine, "has_turn", False):
            yield
            return
        self._mine.has_turn = False
        self._free.put(None)
        try:
            yield
        finally:
            self._free.get()
            self._mine.has_turn = True


turns = Turns(settings.WEB_TURNS)
"""The turns of this process."""
