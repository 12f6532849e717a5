"""Room on the disk: when it is little, what writes is refused before the disk is full.

PostgreSQL ends when its write-ahead log cannot grow, and reads with it. With the embedded server
writes therefore stop while there is still room for what goes on: reads, sign-in, checkpoints.
"""

from __future__ import annotations

import os
from pathlib import Path

from django.conf import settings


def free_bytes(place: str | Path) -> int:
    """What an ordinary user may still write to the file system that `place` is on."""
    found = os.statvfs(place)
    return found.f_bavail * found.f_frsize


def has_room(place: str | Path) -> bool:
    """Whether at least FREE_BYTES are left where `place` is."""
    least: int = settings.FREE_BYTES
    return free_bytes(place) >= least


def database_has_room() -> bool:
    """Whether rows may be written, as far as this machine knows: a server elsewhere says itself."""
    return not settings.USES_EMBEDDED_POSTGRES or has_room(settings.DATA)
