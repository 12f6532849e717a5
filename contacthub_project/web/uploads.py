"""Receives forms with a file without a thread, after the sender was authorised.

Django's parser reads a form in one go, in a thread, which would wait for the client. So the event
loop writes the form to an unnamed file of the data folder first. Before, the action is run with an
empty `UnreadForm`, and refuses whom it refuses without the form; when it begins to read, the
form is received, and the action is run again.
"""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from importlib import import_module
from typing import IO, Any

from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest

from contacthub_project.api.requests import largest_form
from contacthub_project.core.errors import NoRoom, TooLarge, Unauthorized
from contacthub_project.runtime import disk
from contacthub_project.runtime.fair_queue import TooManyWaiting
from contacthub_project.runtime.metrics import count_refused
from contacthub_project.web.bodies import Body
from contacthub_project.web.work import Work

# pages of the back-office that accept a file
PAGES = frozenset({"admin:bulkjobs_bulkjob_add"})
WRITTEN_BYTES = 256 * 1024  # at a time, in a thread
BYTES_BETWEEN_CHECKS = 16 << 20  # between checks of the free space

_receiving = 0


class FormRead(BaseException):
    """Raised when an action begins to read its form; no exception handler catches it."""


class UnreadForm:
    """Stands for a form that is not received yet."""

    def read(self, size: int = -1) -> bytes:
        """Raise FormRead."""
        raise FormRead


@asynccontextmanager
async def received_form(body: Body, work: Work) -> AsyncIterator[IO[bytes]]:
    """Receive a form into a file, which is gone afterwards.

    Raises TooLarge, RequestTimeout, ClientDisconnected, NoRoom, and TooManyWaiting while
    WEB_UPLOADS others are received.
    """
    global _receiving
    if _receiving >= settings.WEB_UPLOADS:
        count_refused(work.work_class, "uploads")
        raise TooManyWaiting
    _check_size(body.length or 0)
    _receiving += 1
    try:
        with tempfile.TemporaryFile(dir=settings.DATA) as file:
            await _receive(body, file, work)
            yield file
    finally:
        _receiving -= 1


async def _receive(body: Body, file: IO[bytes], work: Work) -> None:
    buffer = bytearray()
    unchecked = BYTES_BETWEEN_CHECKS
    while chunk := await body.chunk():
        _check_size(body.count)
        buffer += chunk
        unchecked += len(chunk)
        if unchecked > BYTES_BETWEEN_CHECKS:
            _check_free_space()
            unchecked = 0
        if len(buffer) >= WRITTEN_BYTES:
            await work.run_begun(partial(file.write, bytes(buffer)))
            buffer.clear()
    file.write(buffer)
    file.seek(0)


def _check_size(size: int) -> None:
    if size > largest_form():
        raise TooLarge(f"The form must not exceed {largest_form()} bytes")


def _check_free_space() -> None:
    if not disk.has_room(settings.DATA):
        raise NoRoom


def check_signed_in(request: HttpRequest) -> None:
    """Raise Unauthorized unless the request has the session cookie of a signed-in person."""
    engine: Any = import_module(settings.SESSION_ENGINE)
    request.session = engine.SessionStore(request.COOKIES.get(settings.SESSION_COOKIE_NAME))
    if not get_user(request).is_authenticated:
        raise Unauthorized
