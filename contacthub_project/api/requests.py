"""The requests of the web server, with or without `Content-Length`."""

from __future__ import annotations

import sys
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.handlers.wsgi import LimitedStream, WSGIRequest
from django.http.multipartparser import MultiPartParserError

from contacthub_project.api.uploads import StorageUploadHandler

FORM_BYTES = 64 * 1024  # what a form may take beside its file


def largest_form() -> int:
    """How many bytes a form with a file may have."""
    return int(settings.BULK_BYTES) + FORM_BYTES


class BodyStream(LimitedStream):
    """The body of a request, of a `length` that may be unknown.

    Whoever reads all of it at once, into memory, gets DATA_UPLOAD_MAX_MEMORY_SIZE bytes at most:
    beyond it raises RequestDataTooBig. Who knows better reads so many bytes.
    """

    def __init__(self, stream: Any, length: int | None) -> None:
        super().__init__(stream, sys.maxsize if length is None else length)

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size >= 0:
            return super().read(size)
        data = super().read(settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)
        if len(data) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            raise RequestDataTooBig
        return data


class FormStream(BodyStream):
    """A form with a file, at most `largest_form()` bytes; raises RequestDataTooBig beyond."""

    KEPT = 512  # bytes of the end, which the closing boundary is looked for in

    def __init__(self, stream: Any, length: int | None) -> None:
        super().__init__(stream, length)
        self.end = b""

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        if self._pos > largest_form():  # type: ignore[attr-defined]
            raise RequestDataTooBig
        self.end = (self.end + data[-self.KEPT :])[-self.KEPT :]
        return data


class Request(WSGIRequest):
    """Takes bodies that come in chunks (`Transfer-Encoding: chunked`), and forms only whole."""

    _stream: Any

    def __init__(self, environ: dict[str, Any]) -> None:
        super().__init__(environ)
        length = self._stream.limit
        is_form = self.content_type == "multipart/form-data"
        if "HTTP_TRANSFER_ENCODING" in environ:
            length = None
            if is_form:
                environ["CONTENT_LENGTH"] = str(largest_form())  # Django takes none for empty
        if is_form:
            self._stream = FormStream(environ["wsgi.input"], length)
        elif length is None:
            self._stream = BodyStream(environ["wsgi.input"], length)

    def parse_file_upload(self, META: Any, post_data: Any) -> Any:
        """As Django's; raises MultiPartParserError for a form that was broken off.

        A file would else be taken for complete that the client has not sent to its end.
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
