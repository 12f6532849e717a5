"""Reserves disk space for the embedded PostgreSQL, released when other programs fill the disk."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from contacthub_project.runtime.disk import free_bytes

FILE = "disk-reserve"
PIECE = 32 << 20  # bytes kept free: two segments of the write-ahead log
FIRST_PORTION = 1 << 20  # bytes released first when the disk is full; each next one is 4 times that
EXHAUSTED = 512 << 10  # free bytes below which the disk counts as full
FALLING = 64 << 10  # bytes less than at the last check while a program is filling the disk
SECONDS_BETWEEN_LOOKS = 0.02
LONGEST_PAUSE = 0.5  # seconds between two portions
SECONDS_BETWEEN_CHECKPOINTS = 30.0
SECONDS_OF_ROOM = 5.0  # before the file grows again


class DiskReserve:
    """A file in the data folder that reserves space, and releases it when the disk is full.

    It releases as much as keeps PIECE bytes free, once the program that fills the disk has failed:
    what is released before, that program would take. As it may only have paused, the first portion
    is small, and the pause doubles each time that all was taken. The file grows again when there is
    space for it and `keep_free` bytes besides. While there is less, `checkpoint` is called at
    intervals, so that the write-ahead log is recycled instead of growing. `report` is called when
    there is little space, and when there is enough again.
    """

    def __init__(
        self,
        data: Path,
        *,
        size: int,
        keep_free: int,
        checkpoint: Callable[[], None],
        report: Callable[[str], None],
    ) -> None:
        self.data = data
        self.size = size
        self.keep_free = keep_free
        self._checkpoint = checkpoint
        self._report = report
        self._file = os.open(data / FILE, os.O_RDWR | os.O_CREAT, 0o600)
        self._is_ending = threading.Event()
        self._is_little = False
        self._checkpointing: threading.Thread | None = None
        self._checkpoint_at = self._room_since = 0.0
        self._free_before = 0
        self._portion = FIRST_PORTION
        self._pause = SECONDS_BETWEEN_LOOKS
        self._exhausted_at = self._give_at = 0.0

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Watch the free space from a thread, within the context."""
        self._room_since = time.monotonic() - SECONDS_OF_ROOM
        self.look()
        thread = threading.Thread(target=self._watch, daemon=True, name="disk reserve")
        thread.start()
        try:
            yield
        finally:
            self._is_ending.set()
            thread.join()
            os.close(self._file)

    def held(self) -> int:
        """The bytes that the file takes up now."""
        return os.fstat(self._file).st_size

    def look(self) -> None:
        """Check the free space, and grow or shrink the file."""
        now, free = time.monotonic(), free_bytes(self.data)
        self._shrink(now, free)
        if free < self.keep_free:
            self._room_since = now
            self._recycle_log(now)
        elif now - self._room_since >= SECONDS_OF_ROOM:
            self._grow(free)
        if self._is_little != (free < self.keep_free):
            self._is_little = not self._is_little
            self._report(
                f"Little room on the disk, {free >> 20} MiB: writes are refused"
                if self._is_little
                else "There is room on the disk again"
            )

    def _watch(self) -> None:
        while not self._is_ending.wait(SECONDS_BETWEEN_LOOKS):
            with contextlib.suppress(OSError):
                self.look()

    def _shrink(self, now: float, free: int) -> None:
        """Shrink the file if there is too little space and no program is filling the disk."""
        before, self._free_before = self._free_before, free
        if free < EXHAUSTED <= before:
            is_again = now - self._exhausted_at < SECONDS_OF_ROOM
            self._pause = min(2 * self._pause, LONGEST_PAUSE) if is_again else SECONDS_BETWEEN_LOOKS
            self._exhausted_at, self._give_at = now, now + self._pause
            self._portion = FIRST_PORTION
        if free >= PIECE or before - free >= FALLING or now < self._give_at:
            return
        held = self.held()
        given = min(self._portion, PIECE - free, held)
        os.ftruncate(self._file, held - given)
        self._free_before += given
        self._portion = min(4 * self._portion, PIECE)
        self._give_at = now + self._pause

    def _grow(self, free: int) -> None:
        """Grow to the full size, or shrink to it where a setting has made it smaller."""
        held = self.held()
        if held > self.size:
            os.ftruncate(self._file, self.size)
        elif held < self.size and free - (self.size - held) >= self.keep_free + PIECE:
            try:
                os.posix_fallocate(self._file, held, self.size - held)
            except OSError:
                os.ftruncate(self._file, held)
                raise

    def _recycle_log(self, now: float) -> None:
        is_busy = self._checkpointing is not None and self._checkpointing.is_alive()
        if now >= self._checkpoint_at and not is_busy:
            self._checkpoint_at = now + SECONDS_BETWEEN_CHECKPOINTS
            self._checkpointing = threading.Thread(target=self._checkpoint, daemon=True)
            self._checkpointing.start()
