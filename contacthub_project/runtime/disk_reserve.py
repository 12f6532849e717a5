"""Room on the disk that is kept for the embedded PostgreSQL, for when others fill the disk."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from contacthub_project.runtime.disk import free_bytes

FILE = "disk-reserve"
PIECE = 32 << 20  # given back at once: two segments of the write-ahead log
FALLING = 1 << 20  # bytes that are gone since the last look when somebody is filling the disk
SECONDS_BETWEEN_LOOKS = 0.02
SECONDS_BETWEEN_CHECKPOINTS = 30.0
SECONDS_OF_ROOM = 5.0  # before the file grows again


class DiskReserve:
    """A file in the data folder that takes up room, and gives it back when the disk is full.

    It gives as much as keeps PIECE bytes free, once whoever fills the disk has come to its end:
    what is given before would be theirs. It becomes whole again when there is room for it and
    `keep_free` bytes besides. While there are fewer, `checkpoint` is called now and then, so that
    the write-ahead log is recycled instead of growing. `say` is told when there is little room, and
    when there is enough again.
    """

    def __init__(
        self,
        data: Path,
        *,
        size: int,
        keep_free: int,
        checkpoint: Callable[[], None],
        say: Callable[[str], None],
    ) -> None:
        self.data = data
        self.size = size
        self.keep_free = keep_free
        self._checkpoint = checkpoint
        self._say = say
        self._file = os.open(data / FILE, os.O_RDWR | os.O_CREAT, 0o600)
        self._is_ending = threading.Event()
        self._is_little = False
        self._checkpointing: threading.Thread | None = None
        self._checkpoint_at = self._room_since = 0.0
        self._free_before = 0

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Look after the room from a thread meanwhile."""
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
        """Bytes that the file takes up now."""
        return os.fstat(self._file).st_size

    def look(self) -> None:
        """Do what the room that is left asks for."""
        now, free = time.monotonic(), free_bytes(self.data)
        if free < PIECE and self._free_before - free < FALLING:
            os.ftruncate(self._file, max(0, self.held() - PIECE))
        self._free_before = free
        if free < self.keep_free:
            self._room_since = now
            self._recycle_log(now)
        elif now - self._room_since >= SECONDS_OF_ROOM:
            self._take(free)
        if self._is_little != (free < self.keep_free):
            self._is_little = not self._is_little
            self._say(
                f"Little room on the disk, {free >> 20} MiB: writes are refused"
                if self._is_little
                else "There is room on the disk again"
            )

    def _watch(self) -> None:
        while not self._is_ending.wait(SECONDS_BETWEEN_LOOKS):
            with contextlib.suppress(OSError):
                self.look()

    def _take(self, free: int) -> None:
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
