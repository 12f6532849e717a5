"""Files of jobs in the default storage."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import IO, Any

import structlog
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from contacthub_project.api.uploads import FOLDER
from contacthub_project.core.errors import NoRoom, Unavailable
from contacthub_project.core.identifiers import new_id
from contacthub_project.runtime.logs import failure_details

log = structlog.get_logger("contacthub.bulkjobs")


def store_file(pieces: Iterable[bytes]) -> str:
    """Write a new file; returns its name.

    Raises Unavailable when the storage takes nothing, and what the pieces raise; then nothing is
    left of it.
    """
    try:
        name = default_storage.save(f"{FOLDER}/{new_id()}.csv", ContentFile(b""))
        try:
            with default_storage.open(name, "wb") as out:
                for piece in pieces:
                    out.write(piece)
        except BaseException:
            default_storage.delete(name)
            raise
    except OSError as fault:
        log.error("files cannot be stored", **failure_details(fault))
        message = "Files cannot be stored at the moment; try again later"
        raise Unavailable(message, retry_after=NoRoom.retry_after) from None
    return name


@contextmanager
def readable_file(name: str) -> Iterator[IO[bytes]]:
    """A stored file, open; raises Unavailable when the storage fails, also in the block."""
    try:
        with default_storage.open(name) as file:
            opened: Any = file.file
            yield opened
    except OSError as fault:
        log.error("files cannot be read", **failure_details(fault))
        raise Unavailable("Files cannot be read at the moment; try again later") from None
