"""JSON responses, rendered by orjson; timestamps in UTC with milliseconds."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from datetime import datetime
from decimal import Decimal
from http.cookies import SimpleCookie
from typing import Any

import orjson
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase, ResponseHeaders

from contacthub_project.core.date_format import (
    DateFormat,
    Positions,
    formatted,
    with_date_format,
)
from contacthub_project.core.timestamps import format_timestamp

OPTIONS = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_NON_STR_KEYS


def json_bytes(data: Any) -> bytes:
    """Return `data` as UTF-8 JSON; date-times in UTC with milliseconds, decimals as strings."""
    return orjson.dumps(data, default=_default, option=OPTIONS)


def json_bytes_in(data: Any, where: Positions, date_format: DateFormat) -> bytes:
    """Return `json_bytes` with timestamps in a format: date-times, and text at `where`."""
    if date_format is DateFormat.ZULU:
        return json_bytes(data)

    def default(value: Any) -> Any:
        return formatted(value, date_format) if isinstance(value, datetime) else _default(value)

    rewritten = with_date_format(data, where, date_format)
    return orjson.dumps(rewritten, default=default, option=OPTIONS)


def _default(value: Any) -> Any:
    if isinstance(value, datetime):
        return format_timestamp(value)
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(type(value).__name__)


def put_headers(response: HttpResponseBase, headers: Mapping[str, tuple[str, str]]) -> None:
    """Set headers that surely are plain ASCII; by lower-case name, the name and the value.

    Django encodes each name and value to see whether it can be sent.
    """
    response.headers._store.update(headers)  # type: ignore[attr-defined]


class JsonResponse(HttpResponse):
    """A response with a JSON body, and an ETag for resources with a version."""

    def __init__(
        self,
        data: Any,
        status: int = 200,
        *,
        version: int | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        # What HttpResponse.__init__ sets, which would look for faults in headers that have none.
        content = json_bytes(data)
        self.headers = ResponseHeaders(headers or {})
        self.cookies = SimpleCookie()
        self.status_code = status
        self.closed = False
        self._charset = self._reason_phrase = self._handler_class = None
        self._resource_closers: list[Any] = []
        self._container = [content]
        self._data = data
        known = {
            "content-type": ("Content-Type", "application/json"),
            "content-length": ("Content-Length", str(len(content))),
        }
        if version is not None:
            known["etag"] = ("ETag", f'"{version}"')
        put_headers(self, known)

    def write_moments(self, where: Positions, date_format: DateFormat) -> None:
        """Render the response again with its timestamps in a format.

        Text at `where` is included.
        """
        self.content = json_bytes_in(self._data, where, date_format)
        self["Content-Length"] = str(len(self.content))


class AsyncStream(StreamingHttpResponse):
    """A streaming response of an async generator; the sender closes the `generator`."""

    def __init__(self, generator: AsyncGenerator[bytes, None], **named: Any) -> None:
        super().__init__(generator, **named)
        self.generator = generator


class NoContent(HttpResponse):
    """Status 204 without a body."""

    status_code = 204

    def __init__(self) -> None:
        super().__init__()
        del self["Content-Type"]


class Empty(HttpResponse):
    """Status 200 without a body, which clients of some operations expect."""

    def __init__(self) -> None:
        super().__init__()
        self["Content-Length"] = "0"
        del self["Content-Type"]


class NotModified(HttpResponse):
    """Status 304: the client's version is the latest."""

    status_code = 304

    def __init__(self, version: int) -> None:
        super().__init__(headers={"ETag": f'"{version}"'})
        del self["Content-Type"]
