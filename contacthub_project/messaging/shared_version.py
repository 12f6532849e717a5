"""A version number in shared memory that invalidates caches in all processes of one machine.

Caches of configuration compare it at every use, which costs a read of shared memory. A process that
commits a change advances it; the other processes of the machine then reload at their next request.
Other machines reload within the second after which every cache reads the database again.
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
    """The version number, kept in a memory-mapped file of 8 bytes."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        if os.fstat(self._file).st_size < SIZE:
            os.ftruncate(self._file, SIZE)
        self._shared = mmap.mmap(self._file, SIZE)
        self._lock = threading.Lock()

    def current(self) -> int:
        """The version now."""
        return int.from_bytes(self._shared[:SIZE], "little")

    def advance(self) -> None:
        """Invalidate what any process of this machine may have cached."""
        with self._lock:
            fcntl.lockf(self._file, fcntl.LOCK_EX)
            try:
                self._shared[:SIZE] = ((self.current() + 1) % 2**63).to_bytes(SIZE, "little")
            finally:
                fcntl.lockf(self._file, fcntl.LOCK_UN)


shared_version = SharedVersion(settings.SHARED_VERSION_FILE)
