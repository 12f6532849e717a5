"""A version number in a small file that invalidates caches in all processes of one machine.

Configuration caches compare it at every use, which costs a system call. A process that commits a
change advances it; the other processes of the machine then reload at their next request. Other
machines reload within a second, when each cache reads the database again.
"""

from __future__ import annotations

import fcntl
import os
import threading
from asyncio import AbstractEventLoop, _get_running_loop
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog
from django.conf import settings

log = structlog.get_logger("contacthub.shared_version")

SIZE = 8


class SharedVersion:
    """The version number, kept in a file of 8 bytes.

    The file is read and written, not mapped: a memory-mapped page that the disk has no room for
    ends the process. Its bytes exist from the start, so that advancing needs no room.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        self._lock = threading.Lock()
        self._of_turn: tuple[AbstractEventLoop, int] | None = None
        with self._locked():
            if os.fstat(self._file).st_size < SIZE:
                self._write(0)

    def current(self) -> int:
        """Return the current version.

        Requests that an event loop handles in one turn have all arrived before it, and share a
        look at the file.
        """
        loop = _get_running_loop()
        if loop is None:
            return self._read()
        known = self._of_turn
        if known is None or known[0] is not loop:
            known = self._of_turn = (loop, self._read())
            loop.call_soon(self._end_turn)
        return known[1]

    def _read(self) -> int:
        return int.from_bytes(os.pread(self._file, SIZE, 0), "little")

    def _end_turn(self) -> None:
        self._of_turn = None

    def advance(self) -> None:
        """Invalidate the caches of all processes of this machine."""
        with self._locked():
            self._write((self._read() + 1) % 2**63)

    def _write(self, version: int) -> None:
        try:
            os.pwrite(self._file, version.to_bytes(SIZE, "little"), 0)
        except OSError as failure:  # the change is committed anyway
            log.warning("no new version, caches go by their age", cause=failure.errno)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with self._lock:
            fcntl.lockf(self._file, fcntl.LOCK_EX)
            try:
                yield
            finally:
                fcntl.lockf(self._file, fcntl.LOCK_UN)


shared_version = SharedVersion(settings.SHARED_VERSION_FILE)
