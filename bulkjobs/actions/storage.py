"""Files of jobs in the default storage."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import structlog
from django.conf import settings
from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage, default_storage

from contacthub_project.api.uploads import FOLDER, discard_file, storing
from contacthub_project.core.errors import NotFound, Unavailable
from contacthub_project.core.identifiers import new_id
from contacthub_project.runtime.logs import failure_details

log = structlog.get_logger("contacthub.bulkjobs")


EXPORTS = "exports"
PIECE = 1 << 18
COPY_SECONDS = 900.0  # a local copy is kept after its last use


def store_file(pieces: Iterable[bytes], folder: str = FOLDER, extension: str = ".csv") -> str:
    """Write a new file in a folder; return its name.

    Raises Unavailable when the storage fails, and exceptions of the pieces; then no file is left.
    """
    with storing():
        name = default_storage.save(f"{folder}/{new_id()}{extension}", ContentFile(b""))
    try:
        with storing():
            out = default_storage.open(name, "wb")
        with closing(out):
            for piece in pieces:
                with storing():
                    out.write(piece)
            with storing():
                out.close()
    except BaseException:
        discard_file(name)
        raise
    return name


def stored_pieces(name: str) -> Iterator[bytes]:
    """Open a stored file and return its pieces.

    Raises NotFound when it was removed, as the erasure of a person does with files that may name
    them.
    """
    try:
        file = default_storage.open(name)
    except FileNotFoundError:
        raise NotFound("The file is kept no longer") from None
    return _pieces(file)


def _pieces(opened: File[bytes]) -> Iterator[bytes]:
    with opened as file:
        yield from file.chunks(PIECE)


@contextmanager
def readable_file(name: str) -> Iterator[IO[bytes]]:
    """Open a stored file; raises Unavailable when the storage fails, also in the block."""
    try:
        with _opened(name) as file:
            yield file
    except OSError as fault:
        log.error("files cannot be read", **failure_details(fault))
        raise Unavailable("Files cannot be read at the moment; try again later") from None


@contextmanager
def cached_file(name: str) -> Iterator[IO[bytes]]:
    """Open a stored file; of a remote storage a local copy, kept for the next slice.

    Raises FileNotFoundError, and OSError for other failures of the storage.
    """
    if isinstance(default_storage, FileSystemStorage):
        with _opened(name) as file:
            yield file
        return
    with _copy_of(name).open("rb") as copy:
        yield copy


@contextmanager
def _opened(name: str) -> Iterator[IO[bytes]]:
    """Open a stored file; raises OSError for any failure: each storage has its own errors."""
    try:
        opened = default_storage.open(name)
        file: Any = opened.file
    except OSError:
        raise
    except Exception as fault:
        raise OSError(str(fault)) from fault
    with opened:
        yield file


def forget_copy(name: str) -> None:
    """Remove the local copy of a file."""
    (_copies() / Path(name).name).unlink(missing_ok=True)


def remove_old_copies(*, room: int = 0) -> None:
    """Remove copies that were not used for a while, and the oldest beyond the allowed size."""
    now = time.time()
    copies = []
    for path in _copies().iterdir():
        with suppress(FileNotFoundError):  # another worker's
            copies.append((path.stat().st_mtime, path.stat().st_size, path))
    left = settings.FILE_COPIES_BYTES - room
    for used, size, path in sorted(copies, reverse=True):
        left -= size
        if left < 0 or now - used > COPY_SECONDS:
            path.unlink(missing_ok=True)


def _copies() -> Path:
    folder = Path(settings.DATA) / "file-copies"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _copy_of(name: str) -> Path:
    """Return the local copy of a file, made if needed; names are never reused."""
    path = _copies() / Path(name).name
    try:
        os.utime(path)
    except FileNotFoundError:
        with _opened(name) as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(0)
            remove_old_copies(room=size)
            with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as copy:
                try:
                    shutil.copyfileobj(file, copy, PIECE)
                    os.replace(copy.name, path)
                except BaseException:
                    os.unlink(copy.name)
                    raise
    return path
