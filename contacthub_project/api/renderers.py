"""JSON out: orjson, UTC with milliseconds."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson
from django.http import HttpResponse

from contacthub_project.core.timestamps import format_timestamp

OPTIONS = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_NON_STR_KEYS


def json_bytes(data: Any) -> bytes:
    """`data` as UTF-8 JSON; date-times become UTC with milliseconds, decimals strings."""
    return orjson.dumps(data, default=_default, option=OPTIONS)


def _default(value: Any) -> Any:
    if isinstance(value, datetime):
        return format_timestamp(value)
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(type(value).__name__)


class JsonResponse(HttpResponse):
    """An answer with a JSON body, and an ETag where the resource has a version."""

    def __init__(
        self,
        data: Any,
        status: int = 200,
        *,
        version: int | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        content = json_bytes(data)
        super().__init__(content, content_type="application/json", status=status, headers=headers)
        self["Content-Length"] = str(len(content))
        if version is not None:
            self["ETag"] = f'"{version}"'


class NoContent(HttpResponse):
    """204: done, nothing to say."""

    status_code = 204

    def __init__(self) -> None:
        super().__init__()
        del self["Content-Type"]


class Empty(HttpResponse):
    """200 without a body, for clients that expect none."""

    def __init__(self) -> None:
        super().__init__()
        self["Content-Length"] = "0"
        del self["Content-Type"]


class NotModified(HttpResponse):
    """304: the client has this version already."""

    status_code = 304

    def __init__(self, version: int) -> None:
        super().__init__(headers={"ETag": f'"{version}"'})
        del self["Content-Type"]
