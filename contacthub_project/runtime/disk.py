"""Checks the free space on the disk, so that writes are refused before the disk is full.

PostgreSQL ends when its write-ahead log cannot grow, and reads fail with it. With the embedded
server writes therefore stop while there is still space for reads, sign-in and checkpoints.
"""

from __future__ import annotations

import os
from pathlib import Path

from django.conf import settings


def free_bytes(place: str | Path) -> int:
    """Return the bytes that an ordinary user may still write to the file system of `place`."""
    found = os.statvfs(place)
    return found.f_bavail * found.f_frsize


def has_room(place: str | Path) -> bool:
    """Return whether at least FREE_BYTES are left on the file system of `place`."""
    least: int = settings.FREE_BYTES
    return free_bytes(place) >= least


def database_has_room() -> bool:
    """Return whether there is space to write rows; True for a server on another machine."""
    return not settings.USES_EMBEDDED_POSTGRES or has_room(settings.DATA)
