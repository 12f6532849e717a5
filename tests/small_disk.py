"""A file system of its own, of a given size, which can be filled without harm to others."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class NoDiskError(RuntimeError):
    """No file system can be mounted here; the message says why."""


@contextmanager
def small_disk(folder: Path, *, size: int) -> Iterator[Path]:
    """A new file system of `size` bytes, in memory, at the folder; raises NoDiskError."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise NoDiskError("there is no mount") from None
    if mounted.returncode:
        raise NoDiskError(f"no file system can be mounted: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
