"""Requests for handlers, built from the messages of an ASGI server."""

from __future__ import annotations

import io
from collections.abc import Mapping
from functools import cached_property, lru_cache
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.handlers.asgi import ASGIRequest, get_script_prefix
from django.http import QueryDict
from django.http.multipartparser import MultiPartParserError

from contacthub_project.api.forwarding import normalize_forwarded_headers
from contacthub_project.api.uploads import StorageUploadHandler

NO_PARAMETERS = QueryDict()
FORM_BYTES = 64 * 1024  # the size of a form without its file
PIECE = 64 * 1024
MULTIPART = "multipart/form-data"
JSON = "application/json"


def largest_form() -> int:
    """Return the greatest size of a form with a file, in bytes."""
    return int(settings.BULK_BYTES) + FORM_BYTES


class FormStream:
    """A form with a file, at most `largest_form()` bytes; raises RequestDataTooBig beyond."""

    KEPT = 512  # bytes at the end that are searched for the closing boundary

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
        """Return the next piece, for code that discards what follows the form."""
        return self.read(PIECE)

    def close(self) -> None:
        """Do nothing: the server ends the stream."""


def _meta_of(
    scope: Mapping[str, Any], method: str, script_name: str, path_info: str
) -> dict[str, Any]:
    """Return what Django's `META` has: of a header that came several times, all values."""
    client, server = scope.get("client"), scope.get("server") or ("unknown", 0)
    meta = {
        "REQUEST_METHOD": method,
        "QUERY_STRING": scope.get("query_string", b"").decode(),
        "SCRIPT_NAME": script_name,
        "PATH_INFO": path_info,
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1]),
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
    }
    if client:
        meta["REMOTE_ADDR"] = meta["REMOTE_HOST"] = client[0]
        meta["REMOTE_PORT"] = client[1]
    for header, value in scope.get("headers", ()):
        name = _meta_name(header)
        if name is not None:
            text = value.decode("latin1")
            meta[name] = f"{meta[name]},{text}" if name in meta else text
    return meta


@lru_cache(512)
def _meta_name(header: bytes) -> str | None:
    """Return the name of a header in `META`; None for one that has an underscore."""
    name = header.decode("latin1")
    if "_" in name:
        return None
    if name in {"content-length", "content-type"}:
        return name.upper().replace("-", "_")
    return f"HTTP_{name.upper().replace('-', '_')}"


class Request(ASGIRequest):
    """A request of the web server; its body is complete, except for forms, which are streamed.

    Header names with an underscore are dropped (by Django): in `META` they could not be told from
    those with a hyphen, which proxies set.
    """

    # Why it is refused, when that is known before the handler is called.
    refusal: Exception | None = None
    # When it arrived, by time.perf_counter(); None for calls within the process.
    started: float | None = None
    # What is left of the workspace's requests of this minute, once it was counted.
    quota: Any = None

    def __init__(self, scope: Mapping[str, Any], body: bytes = b"") -> None:
        # What ASGIRequest.__init__ sets, which finds each header's name in META anew.
        self.scope = scope
        self._post_parse_error = self._read_started = False
        self.resolver_match = None
        self.path = path = scope["path"]
        self.script_name = script_name = get_script_prefix(scope)
        self.path_info = path.removeprefix(script_name) if script_name else path
        self.method = scope["method"].upper()
        self.META = _meta_of(scope, self.method, script_name, self.path_info)
        if self.META.get("CONTENT_TYPE") == JSON:
            self.content_type, self.content_params = JSON, {}
        else:
            self._set_content_type_params(self.META)  # type: ignore[attr-defined]
        normalize_forwarded_headers(self.META)
        self.set_body(body)

    @cached_property
    def GET(self) -> Any:  # type: ignore[override]
        """The parameters of the query."""
        text = self.META["QUERY_STRING"]
        return QueryDict(text) if text else NO_PARAMETERS

    def set_body(self, body: Any) -> None:
        """Set the body that views read: bytes, or a file that a form is read from."""
        if self.content_type == MULTIPART:
            self.META.setdefault(
                "CONTENT_LENGTH", str(largest_form())
            )  # Django takes a missing one for 0
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
