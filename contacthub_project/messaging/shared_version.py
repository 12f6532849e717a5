"""A counter that all processes of one machine see at once.

Caches of configuration compare it at every use, which costs a read of shared memory: what one
process has committed, the others on the machine obey from their next request on. Other machines
notice within the second after which every cache asks the database again.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import threading
from pathlib import Path

from django.conf import settings

SIZE = 8


class SharedVersion:
    """The counter kept in a file of 8 bytes."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        if os.fstat(self._file).st_size < SIZE:
            os.ftruncate(self._file, SIZE)
        self._shared = mmap.mmap(self._file, SIZE)
        self._lock = threading.Lock()

    def current(self) -> int:
        """The count now."""
        return int.from_bytes(self._shared[:SIZE], "little")

    def advance(self) -> None:
        """Tell all processes that something they may have cached has changed."""
        with self._lock:
            fcntl.lockf(self._file, fcntl.LOCK_EX)
            try:
                self._shared[:SIZE] = ((self.current() + 1) % 2**63).to_bytes(SIZE, "little")
            finally:
                fcntl.lockf(self._file, fcntl.LOCK_UN)


shared_version = SharedVersion(settings.SHARED_VERSION_FILE)
