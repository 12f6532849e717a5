"""The requests that handlers get, built from what an ASGI server sends."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.handlers.asgi import ASGIRequest
from django.http.multipartparser import MultiPartParserError

from contacthub_project.api.forwarding import settle_forwarding
from contacthub_project.api.uploads import StorageUploadHandler

NOTHING = io.BytesIO()
FORM_BYTES = 64 * 1024  # what a form may take beside its file
PIECE = 64 * 1024
MULTIPART = "multipart/form-data"


def largest_form() -> int:
    """Return the most bytes that a form with a file may have."""
    return int(settings.BULK_BYTES) + FORM_BYTES


class FormStream:
    """A form with a file, at most `largest_form()` bytes; raises RequestDataTooBig beyond."""

    KEPT = 512  # bytes of the end, which the closing boundary is looked for in

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._count = 0
        self.end = b""

    def read(self, size: int = -1) -> bytes:
        data: bytes = self._stream.read(size)
        self._count += len(data)
        if self._count > largest_form():
            raise RequestDataTooBig
        self.end = (self.end + data[-self.KEPT :])[-self.KEPT :]
        return data

    def readline(self) -> bytes:
        """The next piece, for those who read what follows the form only to drop it."""
        return self.read(PIECE)

    def close(self) -> None:
        """The stream belongs to the server, which ends it."""


class Request(ASGIRequest):
    """A request of the web server; its body is there whole, but for forms, which are read on.

    Header names with an underscore are dropped (by Django): in `META` they could not be told from
    those with a hyphen, which proxies set.
    """

    # Why it is not served, when that is known before any handler is asked.
    refusal: Exception | None = None
    # When it came, by time.perf_counter(); None when no server brought it.
    started: float | None = None

    def __init__(self, scope: Mapping[str, Any], body: bytes = b"") -> None:
        super().__init__(scope, NOTHING)
        settle_forwarding(self.META)
        self.set_body(body)

    def set_body(self, body: Any) -> None:
        """Have views read `body`: bytes, or a file that a form is read from."""
        if self.content_type == MULTIPART:
            self.META.setdefault("CONTENT_LENGTH", str(largest_form()))  # none is empty to Django
            self._stream: Any = FormStream(io.BytesIO(body) if isinstance(body, bytes) else body)
        else:
            self._body = body
            self._stream = io.BytesIO(body)

    def parse_file_upload(self, META: Any, post_data: Any) -> Any:
        """As Django's; raises MultiPartParserError for a form without its closing boundary.

        Django would accept a truncated file as complete.
        """
        try:
            parsed = super().parse_file_upload(META, post_data)
            boundary = (self.content_params or {})["boundary"].strip().encode()
            if post_data is self and b"--" + boundary + b"--" not in self._stream.end:
                raise MultiPartParserError("The form has no end")
        except Exception:
            for handler in self.upload_handlers:
                if isinstance(handler, StorageUploadHandler):
                    handler.discard()
            raise
        return parsed
