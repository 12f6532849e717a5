"""Writes uploaded files into the default storage while their form is parsed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, default_storage
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler

from contacthub_project.core.errors import NoRoom, Unavailable
from contacthub_project.core.identifiers import new_id
from contacthub_project.runtime import disk
from contacthub_project.runtime.logs import failure_details

FOLDER = "bulk-jobs"
BYTES_BETWEEN_CHECKS = 16 << 20  # between checks of the free space

log = structlog.get_logger("contacthub.uploads")


def discard_file(name: str) -> None:
    """Delete a stored file that nothing refers to.

    A failure of the storage is logged and hides no other: strays are removed by a task.
    """
    try:
        default_storage.delete(name)
    except Exception as fault:  # each kind of storage has its own
        log.warning("file not deleted", file=name, **failure_details(fault))


class StoredUpload(UploadedFile):
    """An uploaded file, `stored_as` in the default storage; closing deletes it unless kept."""

    def __init__(self, name: str, stored_as: str, size: int, content_type: str | None) -> None:
        super().__init__(None, name, content_type, size)
        self.stored_as = stored_as
        self._is_kept = False

    def keep(self) -> None:
        """Keep the file when the request is closed."""
        self._is_kept = True

    def close(self) -> None:
        if not self._is_kept:
            self._is_kept = True
            discard_file(self.stored_as)


class StorageUploadHandler(FileUploadHandler):
    """Writes files to the default storage while they are received, under generated names.

    Raises Unavailable when the storage fails, or has less free space than FREE_BYTES.
    """

    def __init__(self, request: Any = None) -> None:
        super().__init__(request)
        self._begun: list[StoredUpload] = []
        self._out: Any = None
        self._unchecked = 0

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        with storing():
            _check_free_space()
            # The client's file name is only displayed. Saving creates the folder.
            stored_as = default_storage.save(f"{FOLDER}/{new_id()}.csv", ContentFile(b""))
            file = StoredUpload(self.file_name or "", stored_as, 0, self.content_type)
            self._begun.append(file)
            self._out = default_storage.open(stored_as, "wb")

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        with storing():
            self._unchecked += len(raw_data)
            if self._unchecked > BYTES_BETWEEN_CHECKS:
                _check_free_space()
                self._unchecked = 0
            self._out.write(raw_data)

    def file_complete(self, file_size: int) -> UploadedFile:
        with storing():
            self._out.close()
        file = self._begun[-1]
        file.size = file_size
        return file

    def upload_interrupted(self) -> None:
        """Remove the files of an interrupted request."""
        self.discard()

    def discard(self) -> None:
        """Delete all files of the request."""
        try:
            if self._out is not None:
                self._out.close()
        except Exception as fault:  # the file is deleted anyway
            log.info("upload broken off", **failure_details(fault))
        for file in self._begun:
            file.close()


def _check_free_space() -> None:
    if isinstance(default_storage, FileSystemStorage):
        place = settings.DATA if not default_storage.exists("") else default_storage.path("")
        if not disk.has_room(place):
            raise NoRoom


@contextmanager
def storing() -> Iterator[None]:
    """Convert any exception to Unavailable; each kind of storage has its own."""
    try:
        yield
    except Unavailable:
        raise
    except Exception as fault:
        log.error("uploads cannot be stored", **failure_details(fault))
        message = "Files cannot be stored at the moment; try again later"
        raise Unavailable(message, retry_after=NoRoom.retry_after) from None
