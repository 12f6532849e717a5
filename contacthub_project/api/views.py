"""The base of all API views: operations by method, failures as answers, conditional requests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from rest_framework.views import APIView

from contacthub_project.api import BASE_PATH
from contacthub_project.api.authentication import authenticate
from contacthub_project.api.exception_handler import answer, method_not_allowed
from contacthub_project.api.operations import Operation
from contacthub_project.api.parsers import json_object
from contacthub_project.api.renderers import NoContent
from contacthub_project.core.errors import Forbidden, Stale, Unauthorized
from contacthub_project.core.principal import Principal

CONFIGURATION_BODY_LIMIT = 512 * 1024


class ApiView(APIView):
    """Serves the operations that its route names (see `contacthub_project.api.operations.route`).

    A handler parses, calls one action or queryset, and renders; failures are raised. DRF's own
    dispatch (content negotiation, parsers and renderers by media type) is not used: every body and
    every answer is JSON, and what it costs is a fifth of a look-up by id.
    """

    operations: Mapping[str, Operation] = {}
    operation: Operation
    principal: Principal | None

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        method = "GET" if request.method == "HEAD" else request.method or ""
        try:
            if method == "OPTIONS":
                return self.options(request)
            if not self.serves(method):
                return method_not_allowed(self.allowed)
            self.operation = self.operations[method]
            # Who asks for what is public needs no token, nor a good one.
            self.principal = None if self.operation.is_public else authenticate(request)
            self.check_access(request, **kwargs)
            response: HttpResponseBase = getattr(self, method.lower())(request, **kwargs)
        except Exception as failure:
            return answer(failure)
        self.succeeded()
        for name, value in self.extra_headers().items():
            response.headers[name] = value
        return response

    def check_access(self, request: HttpRequest, **kwargs: Any) -> None:
        """May the caller call this operation at all? The contract's table answers."""
        if self.operation.is_public:
            return
        if self.principal is None:
            raise Unauthorized
        if not self.operation.allows(self.principal.roles):
            raise Forbidden(f"The roles of the client do not allow: {self.operation.summary}")
        self.principal = self.operation.acted_in_by(self.principal)

    def succeeded(self) -> None:
        """What is to be done when an operation has been done, its transactions committed."""

    def extra_headers(self) -> dict[str, str]:
        """Headers that every successful answer of this view carries."""
        return {}

    @property
    def allowed(self) -> list[str]:
        """The methods that this path serves."""
        served = [method for method in self.operations if self.serves(method)]
        return [*served, *(["HEAD"] if "GET" in served else []), "OPTIONS"]

    @classmethod
    def has_handler(cls, method: str) -> bool:
        """Whether the operation of this method is built."""
        return hasattr(cls, method.lower())

    def serves(self, method: str) -> bool:
        """Whether the contract knows the method here, and it is built."""
        return method in self.operations and self.has_handler(method)

    @property
    def caller(self) -> Principal:
        """Who is calling an operation that is not public."""
        if self.principal is None:
            raise Unauthorized
        return self.principal

    def options(self, request: HttpRequest, *args: Any, **kwargs: Any) -> NoContent:  # type: ignore[override]
        response = NoContent()
        response["Allow"] = ", ".join(self.allowed)
        return response

    def body(self, *, limit: int = CONFIGURATION_BODY_LIMIT) -> dict[str, Any]:
        """The request's JSON object; `limit` in bytes."""
        return json_object(self.request, limit=limit)

    def check_if_match(self, version: int) -> None:
        """Raise Stale when the client changes another version than the one there is."""
        expected = expected_version(self.request)
        if expected is not None and expected != version:
            raise Stale


def expected_version(request: HttpRequest) -> int | None:
    """The version named by `If-Match`; None when any will do, -1 when none ever fits."""
    header = request.META.get("HTTP_IF_MATCH", "").strip()
    if not header or header == "*":
        return None
    tag = header.removeprefix("W/").strip('"')
    return int(tag) if tag.isascii() and tag.isdigit() and len(tag) < 19 else -1


def absolute_address(request: HttpRequest, path: str) -> str:
    """The address under which the client reaches a path of the API."""
    root = settings.PUBLIC_URL or f"{request.scheme}://{request.get_host()}"
    return f"{root}{BASE_PATH}{path}"


def is_unchanged(request: HttpRequest, version: int) -> bool:
    """Whether `If-None-Match` says that the client has this version already."""
    header = request.META.get("HTTP_IF_NONE_MATCH")
    if not header:
        return False
    return f'"{version}"' in {tag.strip().removeprefix("W/") for tag in header.split(",")}
