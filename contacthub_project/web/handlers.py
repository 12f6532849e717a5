"""Handlers: Django's own for pages, a leaner one for the API.

Sessions, CSRF tokens, messages and sign-in by cookie are for pages. For the API they, and Django's
signals around each request, would cost more than the request itself.
"""

from __future__ import annotations

from enum import Enum
from inspect import iscoroutine
from typing import Any

from django.conf import settings
from django.core.handlers.base import BaseHandler
from django.core.signals import request_started
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import ResolverMatch
from django.utils.module_loading import import_string

from contacthub_project.api.exception_handler import answer, not_found
from contacthub_project.api.operations import Operation
from contacthub_project.api.requests import Request
from contacthub_project.api.routing import resolve
from contacthub_project.runtime.blocking import run_blocking
from contacthub_project.web.error_pages import error_page, wants_page


class ActionKind(Enum):
    """Where an action runs: in a thread, or in the event loop, where it may wait for long."""

    THREAD = "thread"
    COROUTINE = "coroutine"
    WAITING = "waiting"


class PagesHandler(BaseHandler):
    """Django's handler, with all of its middlewares and signals."""

    def __init__(self) -> None:
        super().__init__()
        self.load_middleware()
        self._refusals = self._make_refusals()

    def answer(self, request: HttpRequest) -> HttpResponseBase:
        """Return the response to a request; never raises."""
        request_started.send(sender=self.__class__, scope=getattr(request, "scope", {}))
        response: HttpResponseBase = self.get_response(request)
        return response

    def refuse(self, request: Request) -> HttpResponseBase:
        """Return the response to a request that is refused, without a query to the database."""
        response: HttpResponseBase = self._refusals(request)
        return response

    def _make_refusals(self) -> Any:
        handler: Any = _refusal
        for name in reversed(settings.REFUSAL_MIDDLEWARE):
            handler = import_string(name)(handler)
        return handler


class ApiHandler:
    """Serves the API with the middlewares of API_MIDDLEWARE only."""

    def __init__(self) -> None:
        self._in_thread = _with_middleware(_safe(self._dispatch))
        self._in_loop = _with_middleware(_safe_async(self._dispatch_async))
        self._kinds: dict[str, ActionKind] = {}

    def answer(self, request: Request) -> HttpResponseBase:
        """Return the response to a request; never raises. For threads."""
        response: HttpResponseBase = self._in_thread(request)
        return response

    async def answer_async(self, request: Request) -> HttpResponseBase:
        """Return the response to a request whose action is a coroutine, in the event loop."""
        response: HttpResponseBase = await self._in_loop(request)
        return response

    def route(self, request: Request) -> ResolverMatch | None:
        """Return the route of the request, which is stored in it; None if there is none."""
        if request.resolver_match is None:
            request.resolver_match = resolve(request.path_info)
        return request.resolver_match

    def kind_of(self, request: Request, operation: Operation) -> ActionKind:
        """Return where the action of a request runs whose route is known."""
        kind = self._kinds.get(operation.id)
        if kind is None:
            assert request.resolver_match is not None
            view: Any = request.resolver_match.func
            action = view.actions[operation.method.lower()]
            if action not in view.asynchronous_actions:
                kind = ActionKind.THREAD
            elif action in view.cls.waiting_actions:
                kind = ActionKind.WAITING
            else:
                kind = ActionKind.COROUTINE
            self._kinds[operation.id] = kind
        return kind

    def _dispatch(self, request: Request) -> HttpResponseBase:
        viewed = self._call_view(request)
        response: HttpResponseBase = run_blocking(viewed) if iscoroutine(viewed) else viewed
        return response

    async def _dispatch_async(self, request: Request) -> HttpResponseBase:
        viewed = self._call_view(request)
        response: HttpResponseBase = await viewed if iscoroutine(viewed) else viewed
        return response

    def _call_view(self, request: Request) -> Any:
        if request.refusal is not None:
            return answer(request.refusal)
        match = self.route(request)
        if match is None:
            return not_found(request)
        return match.func(request, *match.args, **match.kwargs)


def _safe(get_response: Any) -> Any:
    """Convert exceptions to responses."""

    def safe(request: Request) -> HttpResponseBase:
        try:
            response: HttpResponseBase = get_response(request)
        except Exception as failure:
            response = answer(failure)
        return response

    return safe


def _safe_async(get_response: Any) -> Any:
    async def safe(request: Request) -> HttpResponseBase:
        try:
            response: HttpResponseBase = await get_response(request)
        except Exception as failure:
            response = answer(failure)
        return response

    return safe


def _with_middleware(handler: Any) -> Any:
    for name in reversed(settings.API_MIDDLEWARE):
        handler = import_string(name)(handler)
    return handler


def _refusal(request: Any) -> HttpResponseBase:
    refusal = answer(request.refusal)
    return error_page(refusal) if wants_page(request) else refusal
