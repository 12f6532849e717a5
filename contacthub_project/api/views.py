"""The base of all API views: operations by method, conditional requests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework.request import Request
from rest_framework.views import APIView

from contacthub_project.principal import Principal
from contacthub_project.api.operations import Operation
from contacthub_project.api.parsers import json_object
from contacthub_project.api.renderers import NoContent
from contacthub_project.errors import Stale

CONFIGURATION_BODY_LIMIT = 512 * 1024


class ApiView(APIView):
    """Serves the operations that its route names (see `contacthub_project.api.operations.route`).

    A handler parses, calls one action or queryset, and renders; failures are raised.
    """

    operations: Mapping[str, Operation] = {}

    @property
    def operation(self) -> Operation | None:
        """The operation at hand; None for a method that the contract does not know."""
        method = self.request.method or ""
        return self.operations.get("GET" if method == "HEAD" else method)

    @property
    def principal(self) -> Principal:
        """Who is calling; never None where the operation is not public."""
        return self.request.user

    def options(self, request: Request, *args: Any, **kwargs: Any) -> NoContent:
        response = NoContent()
        response["Allow"] = ", ".join(self.allowed_methods)
        return response

    def body(self, *, limit: int = CONFIGURATION_BODY_LIMIT) -> dict[str, Any]:
        """The request's JSON object; `limit` in bytes."""
        return json_object(self.request, limit=limit)

    def check_if_match(self, version: int) -> None:
        """Raise Stale when the client changes another version than the one there is."""
        expected = expected_version(self.request)
        if expected is not None and expected != version:
            raise Stale


def expected_version(request: Request) -> int | None:
    """The version named by `If-Match`; None when any will do, -1 when none ever fits."""
    header = request.META.get("HTTP_IF_MATCH", "").strip()
    if not header or header == "*":
        return None
    tag = header.removeprefix("W/").strip('"')
    return int(tag) if tag.isascii() and tag.isdigit() and len(tag) < 19 else -1


def is_unchanged(request: Request, version: int) -> bool:
    """Whether `If-None-Match` says that the client has this version already."""
    header = request.META.get("HTTP_IF_NONE_MATCH")
    if not header:
        return False
    return f'"{version}"' in {tag.strip().removeprefix("W/") for tag in header.split(",")}
