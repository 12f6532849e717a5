"""The base of all view sets: authentication, permissions, throttling, errors, pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial, update_wrapper
from inspect import iscoroutinefunction, unwrap
from math import ceil
from typing import Any, NoReturn

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.throttling import BaseThrottle
from rest_framework.viewsets import ViewSet

from contacthub_project.api.authentication import BearerToken
from contacthub_project.api.exception_handler import method_not_allowed
from contacthub_project.api.filters import FilterSet
from contacthub_project.api.operations import Operation
from contacthub_project.api.pagination import Page, PageRules
from contacthub_project.api.parsers import json_object
from contacthub_project.api.permissions import OperationPermission
from contacthub_project.api.query import QueryParameters
from contacthub_project.api.renderers import JsonResponse, NoContent
from contacthub_project.api.request_headers import expected_version, requested_date_format
from contacthub_project.core.date_format import DateFormat, Positions
from contacthub_project.core.errors import (
    Forbidden,
    LimitExceeded,
    NoRoom,
    Stale,
    Unauthorized,
)
from contacthub_project.core.principal import Principal
from contacthub_project.runtime import disk
from contacthub_project.runtime.blocking import (
    in_thread,
    in_thread_if_blocking,
    run_blocking,
)

CONFIGURATION_BODY_LIMIT = 512 * 1024
# Parsing blocks the event loop: requests with a larger body are handled in a thread.
LOOP_BYTES = 16 * 1024


class ContactHubViewSet(ViewSet):
    """Serves operations of the contract by actions: `list`, `create`, `retrieve`, `update`, …

    URLs map methods to actions (`contacthub_project.api.operations.route`). An action parses, calls
    one function of its app, and renders; failures are raised.

    DRF's extension points have their names and order: `authentication_classes`,
    `permission_classes`, `throttle_classes`, `initial`, `get_exception_handler`,
    `finalize_response`. `dispatch` is DRF's without its `Request`: no content negotiation, no
    parsers and renderers by media type, as every body and every response is JSON. They would cost a
    fifth of a look-up by id.
    """

    authentication_classes = (BearerToken,)
    permission_classes: tuple[type[BasePermission], ...] = (OperationPermission,)
    throttle_classes: Sequence[type[BaseThrottle]] = ()
    # For the action `list`.
    filterset_class: type[FilterSet] | None = None
    page_rules: PageRules | None = None
    operations: Mapping[str, Operation] = {}
    # Actions that free disk space, and are served while there is too little of it.
    room_making_actions: frozenset[str] = frozenset()
    # Actions that wait for events: cancelled when the client disconnects.
    waiting_actions: frozenset[str] = frozenset()
    asynchronous_actions: frozenset[str] = frozenset()
    operation: Operation
    principal: Principal | None = None
    date_format: DateFormat

    @classmethod
    def as_view(cls, actions: Any = None, **initkwargs: Any) -> Any:
        """Return DRF's view function, without attributes for the methods' handlers.

        `dispatch` finds these by the map of actions.
        """
        checked = super().as_view(actions, **initkwargs)
        mapped = {**actions, **({"head": actions["get"]} if "get" in actions else {})}
        asynchronous = frozenset(
            action
            for action in mapped.values()
            # A decorator, such as one that describes the action, need not be a coroutine.
            if iscoroutinefunction(unwrap(getattr(cls, action, cls)))
        )

        def view(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            self = cls(**initkwargs)
            self.action_map = mapped
            self.asynchronous_actions = asynchronous
            self.request = request
            self.args, self.kwargs = args, kwargs
            return self.dispatch(request, *args, **kwargs)

        view.asynchronous_actions = asynchronous  # type: ignore[attr-defined]
        return update_wrapper(view, checked)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Return the response of the action that the request's method is mapped to.

        For an action that is a coroutine it returns a coroutine: it runs in the event loop, and
        runs blocking functions by `in_thread` (see `contacthub_project.runtime.blocking`).
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
            handler = self.get_handler(request)
            if action in self.asynchronous_actions:
                return self._dispatched(handler, request, **kwargs)
            self.initial(request, *args, **kwargs)
            response: HttpResponseBase = handler(request, **kwargs)
            response = self.with_date_format(response)
        except Exception as failure:
            response = self.handle_exception(failure)
        return self.finalize_response(request, response, *args, **kwargs)

    def get_handler(self, request: HttpRequest) -> Callable[..., Any]:
        """Return what answers the request once `initial` has let it pass: the action, or more."""
        return getattr(self, self.action)  # type: ignore[no-any-return]

    def takes_idempotency_key(self, operation: Operation) -> bool:
        """Whether an operation's request with the header Idempotency-Key is answered once."""
        return False

    async def _dispatched(
        self, handler: Callable[..., Any], request: HttpRequest, **kwargs: Any
    ) -> HttpResponseBase:
        """Do the same as `dispatch` for actions that are coroutines."""
        response: HttpResponseBase
        try:
            await in_thread_if_blocking(partial(self.initial, request, **kwargs))
            if len(request.body) > LOOP_BYTES and self.action not in self.waiting_actions:
                response = await in_thread(lambda: run_blocking(handler(request, **kwargs)))
            else:
                response = await handler(request, **kwargs)
            response = self.with_date_format(response)
        except Exception as failure:
            response = self.handle_exception(failure)
        return self.finalize_response(request, response, **kwargs)

    def get_authenticators(self) -> Sequence[BaseAuthentication]:  # type: ignore[override]
        """Return the authenticators; unlike throttles they have no state, and are made once."""
        return _instances(self.authentication_classes)

    def get_permissions(self) -> Sequence[BasePermission]:  # type: ignore[override]
        """Return the permissions, which have no state either."""
        return _instances(self.permission_classes)

    def initial(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        """Authenticate; check permissions, throttles and disk; read what every operation reads."""
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
        """Raise NoRoom for writes when there is too little space on the disk."""
        if request.method in SAFE_METHODS or self.action in self.room_making_actions:
            return
        if not disk.database_has_room():
            raise NoRoom

    def handle_exception(self, exc: Exception) -> HttpResponseBase:
        """Return the response of the settings' exception handler."""
        context = self.get_exception_handler_context()
        response: HttpResponseBase = self.get_exception_handler()(exc, context)
        return response

    def with_date_format(self, response: HttpResponseBase) -> HttpResponseBase:
        """Return the response with its timestamps in the requested format."""
        if self.date_format is not DateFormat.ZULU and isinstance(response, JsonResponse):
            response.write_moments(self.moments(), self.date_format)
        return response

    def moments(self) -> Positions:
        """Return the positions of timestamps that are text in the view's responses.

        Date-time objects need no position; positions that a response does not have are ignored.
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
        """Return the response to a method that is mapped to no action."""
        return method_not_allowed(self.allowed_methods)

    def options(self, request: HttpRequest, *args: Any, **kwargs: Any) -> NoContent:  # type: ignore[override]
        """Return the methods of this path; no token is needed."""
        response = NoContent()
        response["Allow"] = ", ".join(self.allowed_methods)
        return response

    def body(self, *, limit: int = CONFIGURATION_BODY_LIMIT) -> dict[str, Any]:
        """Return the request's JSON object; `limit` in bytes."""
        return json_object(self.request, limit=limit)

    def requested_page(self, filters: FilterSet | None = None) -> Page:
        """Return `page` and `size`; raises Invalid with their faults and the filters'."""
        assert self.page_rules is not None, "the view set says how long its pages are"
        parameters = QueryParameters(self.request)
        page = Page.from_query(parameters, self.page_rules)
        if filters is not None:
            parameters.faults += filters.faults
        parameters.raise_faults()
        return page

    def check_if_match(self, version: int) -> None:
        """Raise Stale when `If-Match` names another version than the current one."""
        expected = expected_version(self.request)
        if expected is not None and expected != version:
            raise Stale


@cache
def _instances(classes: tuple[type[Any], ...]) -> Sequence[Any]:
    return [each() for each in classes]
