"""The base of all view sets: authentication, permissions, throttling, errors, pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from inspect import iscoroutinefunction
from math import ceil
from typing import Any, NoReturn

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.throttling import BaseThrottle
from rest_framework.viewsets import ViewSet

from contacthub_project.api import BASE_PATH
from contacthub_project.api.authentication import BearerToken
from contacthub_project.api.exception_handler import method_not_allowed
from contacthub_project.api.filters import FilterSet
from contacthub_project.api.operations import Operation
from contacthub_project.api.pagination import Page, PageRules
from contacthub_project.api.parsers import json_object
from contacthub_project.api.permissions import OperationPermission
from contacthub_project.api.query import QueryParameters
from contacthub_project.api.renderers import JsonResponse, NoContent
from contacthub_project.core.date_format import DateFormat, Positions
from contacthub_project.core.errors import (
    Forbidden,
    Invalid,
    LimitExceeded,
    NoRoom,
    Stale,
    Unauthorized,
)
from contacthub_project.core.principal import Principal
from contacthub_project.runtime import disk
from contacthub_project.runtime.concurrency import in_thread

CONFIGURATION_BODY_LIMIT = 512 * 1024


class ContactHubViewSet(ViewSet):
    """Serves operations of the contract by actions: `list`, `create`, `retrieve`, `update`, …

    URLs map methods to actions (`contacthub_project.api.operations.route`). An action parses, calls
    one function of its app, and renders; failures are raised.

    DRF's extension points have their names and order: `authentication_classes`,
    `permission_classes`, `throttle_classes`, `initial`, `get_exception_handler`,
    `finalize_response`. `dispatch` is DRF's without its `Request`: no content negotiation, no
    parsers and renderers by media type, as every body and every answer is JSON. They would cost a
    fifth of a look-up by id.
    """

    authentication_classes = (BearerToken,)
    permission_classes: Sequence[type[BasePermission]] = (OperationPermission,)
    throttle_classes: Sequence[type[BaseThrottle]] = ()
    # Of the action `list`.
    filterset_class: type[FilterSet] | None = None
    page_rules: PageRules | None = None
    operations: Mapping[str, Operation] = {}
    # Actions that make room on the disk, and are served while there is too little of it.
    room_making_actions: frozenset[str] = frozenset()
    operation: Operation
    principal: Principal | None = None
    date_format: DateFormat

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Answer the request by the action that its method is mapped to.

        An action that is a coroutine makes the answer one: it runs in the event loop, and has what
        blocks done by `in_thread`.
        """
        method = (request.method or "").lower()
        if method == "head":
            method = "get"
        try:
            if method == "options":
                return self.options(request)
            action = self.action_map.get(method)
            if action is None:
                return self.http_method_not_allowed(request)
            self.action = action
            self.operation = self.operations[method.upper()]
            handler = getattr(self, action)
            if iscoroutinefunction(handler):
                return self._dispatched(handler, request, **kwargs)
            self.initial(request, *args, **kwargs)
            response: HttpResponseBase = handler(request, **kwargs)
            response = self.with_date_format(response)
        except Exception as failure:
            response = self.handle_exception(failure)
        return self.finalize_response(request, response, *args, **kwargs)

    async def _dispatched(
        self, handler: Callable[..., Any], request: HttpRequest, **kwargs: Any
    ) -> HttpResponseBase:
        """`dispatch` for actions that are coroutines."""
        try:
            await in_thread(partial(self.initial, request, **kwargs))
            response: HttpResponseBase = await handler(request, **kwargs)
            response = self.with_date_format(response)
        except Exception as failure:
            response = self.handle_exception(failure)
        return self.finalize_response(request, response, **kwargs)

    def initial(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        """Authenticate, ask permissions, throttles, the disk; read what every operation reads."""
        self.perform_authentication(request)
        self.check_permissions(request)
        self.check_throttles(request)
        self.check_room(request)
        self.date_format = requested_date_format(request, self.principal)

    def perform_authentication(self, request: HttpRequest) -> None:
        """Set `principal` to the caller, None without a token.

        Public operations ignore tokens, invalid ones included.
        """
        if self.operation.is_public:
            return
        for authenticator in self.get_authenticators():
            found = authenticator.authenticate(request)
            if found is not None:
                self.principal = found[0]
                return

    def permission_denied(
        self, request: HttpRequest, message: str | None = None, code: str | None = None
    ) -> NoReturn:
        """Raise Forbidden for a permission that returned False."""
        raise Forbidden(message or "The client is not allowed to do this")

    def throttled(self, request: HttpRequest, wait: float | None) -> NoReturn:
        """Raise LimitExceeded for a throttle that returned False; `wait` in seconds."""
        raise LimitExceeded("Too many requests", retry_after=ceil(wait or 1), headers={})

    def check_room(self, request: HttpRequest) -> None:
        """Raise NoRoom for what writes when there is too little room on the disk."""
        if request.method in SAFE_METHODS or self.action in self.room_making_actions:
            return
        if not disk.database_has_room():
            raise NoRoom

    def handle_exception(self, exc: Exception) -> HttpResponseBase:
        """Return the answer of the settings' exception handler."""
        context = self.get_exception_handler_context()
        response: HttpResponseBase = self.get_exception_handler()(exc, context)
        return response

    def with_date_format(self, response: HttpResponseBase) -> HttpResponseBase:
        """Return the response with its timestamps in the requested format."""
        if self.date_format is not DateFormat.ZULU and isinstance(response, JsonResponse):
            response.write_moments(self.moments(), self.date_format)
        return response

    def moments(self) -> Positions:
        """Return the positions of timestamps that are text in the view's answers.

        Date-time objects need no position; positions that an answer does not have are ignored.
        """
        return None

    def finalize_response(
        self, request: HttpRequest, response: HttpResponseBase, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        """Return the final response; transactions are committed."""
        return response

    @property
    def allowed_methods(self) -> list[str]:
        """The methods that this path serves."""
        return [*(method.upper() for method in self.action_map), "OPTIONS"]

    @property
    def caller(self) -> Principal:
        """The caller of an operation that is not public."""
        if self.principal is None:
            raise Unauthorized
        return self.principal

    def http_method_not_allowed(  # type: ignore[override]
        self, request: HttpRequest, *args: Any, **kwargs: Any
    ) -> JsonResponse:
        """The answer to a method that is mapped to no action."""
        return method_not_allowed(self.allowed_methods)

    def options(self, request: HttpRequest, *args: Any, **kwargs: Any) -> NoContent:  # type: ignore[override]
        """The methods of this path; no token is needed."""
        response = NoContent()
        response["Allow"] = ", ".join(self.allowed_methods)
        return response

    def body(self, *, limit: int = CONFIGURATION_BODY_LIMIT) -> dict[str, Any]:
        """The request's JSON object; `limit` in bytes."""
        return json_object(self.request, limit=limit)

    def requested_page(self, filters: FilterSet | None = None) -> Page:
        """`page` and `size` of a list; raises Invalid with their faults and the filters'."""
        assert self.page_rules is not None, "the view set says how long its pages are"
        parameters = QueryParameters(self.request)
        page = Page.asked_for(parameters, self.page_rules)
        if filters is not None:
            parameters.faults += filters.faults
        parameters.raise_faults()
        return page

    def check_if_match(self, version: int) -> None:
        """Raise Stale when the client changes another version than the one there is."""
        expected = expected_version(self.request)
        if expected is not None and expected != version:
            raise Stale


def requested_date_format(request: HttpRequest, principal: Principal | None) -> DateFormat:
    """Return the format of `X-Date-Format`, else the caller's.

    Raises Invalid for an unknown format.
    """
    given = request.META.get("HTTP_X_DATE_FORMAT", "").strip()
    if not given:
        return DateFormat.ZULU if principal is None else principal.date_format
    try:
        return DateFormat(given)
    except ValueError:
        known = " or ".join(DateFormat)
        raise Invalid.at("/X-Date-Format", f"must be {known}", "enum") from None


def expected_version(request: HttpRequest) -> int | None:
    """Return the version of `If-Match`; None for any version, -1 for a tag that never matches."""
    header = request.META.get("HTTP_IF_MATCH", "").strip()
    if not header or header == "*":
        return None
    tag = header.removeprefix("W/").strip('"')
    return int(tag) if tag.isascii() and tag.isdigit() and len(tag) < 19 else -1


def absolute_address(request: HttpRequest, path: str) -> str:
    """Return the address of a path of the API for the client."""
    root = settings.PUBLIC_URL or f"{request.scheme}://{request.get_host()}"
    return f"{root}{BASE_PATH}{path}"


def is_unchanged(request: HttpRequest, version: int) -> bool:
    """Return whether `If-None-Match` names this version."""
    header = request.META.get("HTTP_IF_NONE_MATCH")
    if not header:
        return False
    return f'"{version}"' in {tag.strip().removeprefix("W/") for tag in header.split(",")}
