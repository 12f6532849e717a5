"""Reads the JSON bodies of requests."""

from __future__ import annotations

import re
from typing import Any

from django.http import HttpRequest, UnreadablePostError

from contacthub_project.core.array_forms import as_object
from contacthub_project.core.errors import FieldError, Invalid, TooLarge, UnsupportedMedia
from contacthub_project.core.strict_json import parse_json

MEDIA_TYPE = re.compile(r"application/(json|[\w.-]+\+json)\s*(;.*)?", re.IGNORECASE)


def json_body(request: HttpRequest, *, limit: int) -> Any:
    """Return the request's JSON body; `limit` in bytes.

    Raises UnsupportedMedia, TooLarge or Invalid; see `core.strict_json` for what is refused.
    """
    content_type = request.META.get("CONTENT_TYPE", "")
    if content_type and not MEDIA_TYPE.fullmatch(content_type):
        raise UnsupportedMedia
    if int(request.META.get("CONTENT_LENGTH") or 0) > limit:
        raise TooLarge(f"The payload must not exceed {limit} bytes")
    try:
        raw = _read(request, limit)
    except UnreadablePostError:
        raise Invalid("The body could not be read") from None
    if len(raw) > limit:
        raise TooLarge(f"The payload must not exceed {limit} bytes")
    return parse_json(raw)


def json_object(request: HttpRequest, *, limit: int) -> dict[str, Any]:
    """Return the request's body, which must be a JSON object; raises as `json_body` does.

    `[]` is an empty object: PHP clients write it so.
    """
    body = as_object(json_body(request, limit=limit))
    if not isinstance(body, dict):
        raise Invalid(errors=[FieldError("", "must be an object", "type")])
    return body


def _read(request: HttpRequest, limit: int) -> bytes:
    """Read the body up to one byte beyond the limit, and keep it as `request.body`."""
    if not hasattr(request, "_body"):
        request._body = request.read(limit + 1)  # type: ignore[attr-defined]
    return request.body
