"""The header Idempotency-Key, and answers as they are kept and given again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import orjson
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiParameter

from contacthub_project.core.errors import Invalid
from contacthub_project.core.identifiers import as_uuid

HEADER = "HTTP_IDEMPOTENCY_KEY"
REPEATED = "Idempotent-Replayed"
LONGEST_KEY = 255
IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY},
    OpenApiParameter.HEADER,
    description=(
        "A key of the client's own for this request. The same request with the same key within a"
        " day is answered as the first time, and nothing is done twice; another one is refused."
    ),
)


def idempotency_key(request: HttpRequest) -> str:
    """Return the key of a request that has one; raises Invalid for one that is none."""
    key = _text_of(request.META[HEADER])
    if not key.strip() or len(key) > LONGEST_KEY or not key.isprintable():
        message = f"must be 1 to {LONGEST_KEY} printable characters"
        raise Invalid.at("/Idempotency-Key", message, "header")
    return key


def identity_of(request: HttpRequest) -> bytes:
    """Return what makes a request the same as another: method, path, query and body."""
    return f"{request.method} {request.get_full_path()}\n".encode() + request.body


def content_of(response: HttpResponseBase) -> bytes | None:
    """Return the body of an answer that can be kept: of one that is whole, and no refusal."""
    if response.streaming or response.status_code >= 400:
        return None
    content: bytes = response.content  # type: ignore[attr-defined]
    return content


def repeated_response(status: int, headers: dict[str, str], content: str) -> HttpResponse:
    """Return an answer that was given before; a header says so."""
    response = HttpResponse(content.encode(), status=status)
    del response["Content-Type"]
    for name, value in headers.items():
        response[name] = value
    response[REPEATED] = "true"
    return response


def ids_in(content: bytes) -> Iterator[UUID]:
    """Yield the UUIDs that a JSON answer has as `id` or as a property that ends with `Id`."""
    if content.startswith((b"{", b"[")):
        yield from _ids_of(orjson.loads(content))


def _ids_of(data: Any) -> Iterator[UUID]:
    if isinstance(data, list):
        for each in data:
            yield from _ids_of(each)
    elif isinstance(data, dict):
        for name, value in data.items():
            if isinstance(value, str):
                if name == "id" or name.endswith("Id"):
                    found = as_uuid(value)
                    if found is not None:
                        yield found
            else:
                yield from _ids_of(value)


def _text_of(header: str) -> str:
    """Return the text of a header, whose bytes the server reads as Latin-1, in UTF-8 if it is."""
    try:
        return header.encode("latin-1").decode()
    except UnicodeError:
        return header
