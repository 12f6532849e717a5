"""Forms with a file: who may send one, and reading it while it comes."""

from __future__ import annotations

import asyncio
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest

from contacthub_project.core.errors import Unauthorized
from contacthub_project.web.bodies import Body, ClientDisconnected

PAGES = frozenset({"office:jobs"})  # of the back-office that take a file


class ThreadedBody:
    """A body as a file, for a thread that reads it while the event loop takes it in."""

    def __init__(self, body: Body) -> None:
        self._body = body
        self._loop = asyncio.get_running_loop()
        self._rest = b""

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes; raises RequestTimeout, or OSError when the client has gone."""
        if size < 0:
            raise ValueError("a file is never read as a whole")
        if not self._rest:
            chunk = asyncio.run_coroutine_threadsafe(self._body.chunk(), self._loop)
            try:
                self._rest = chunk.result()
            except ClientDisconnected:
                raise ConnectionAbortedError("the client has gone") from None
        data, self._rest = self._rest[:size], self._rest[size:]
        return data


def check_signed_in(request: HttpRequest) -> None:
    """Raises Unauthorized unless the request has the cookie of somebody who is signed in."""
    engine: Any = import_module(settings.SESSION_ENGINE)
    request.session = engine.SessionStore(request.COOKIES.get(settings.SESSION_COOKIE_NAME))
    if not get_user(request).is_authenticated:
        raise Unauthorized
