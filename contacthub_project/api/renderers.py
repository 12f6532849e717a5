"""JSON out: orjson, UTC with milliseconds."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import orjson
from django.http import HttpResponse
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer

OPTIONS = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_NON_STR_KEYS


def timestamp(moment: datetime) -> str:
    """`2019-08-24T14:15:22.000Z`"""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def json_bytes(data: Any) -> bytes:
    """`data` as UTF-8 JSON; date-times become UTC with milliseconds, decimals strings."""
    return orjson.dumps(data, default=_default, option=OPTIONS)


def _default(value: Any) -> Any:
    if isinstance(value, datetime):
        return timestamp(value)
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
        super().__init__(
            json_bytes(data), content_type="application/json", status=status, headers=headers
        )
        if version is not None:
            self["ETag"] = f'"{version}"'


class NoContent(HttpResponse):
    """204: done, nothing to say."""

    status_code = 204

    def __init__(self) -> None:
        super().__init__()
        del self["Content-Type"]


class NotModified(HttpResponse):
    """304: the client has this version already."""

    status_code = 304

    def __init__(self, version: int) -> None:
        super().__init__(headers={"ETag": f'"{version}"'})
        del self["Content-Type"]


class JsonRenderer(BaseRenderer):
    """For what DRF itself renders."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(self, data: Any, accepted_media_type: Any = None, context: Any = None) -> bytes:
        return json_bytes(data)


class AlwaysJson(BaseContentNegotiation):
    """Every answer is JSON whatever the client says it accepts."""

    def select_parser(self, request: Any, parsers: Any) -> Any:
        return parsers[0]

    def select_renderer(self, request: Any, renderers: Any, format_suffix: Any = None) -> Any:
        return renderers[0], renderers[0].media_type
