"""Who answers: pages by Django as usual, the API by a leaner handler.

Sessions, CSRF tokens, messages and sign-in by cookie are for pages. On the API's path they, and
Django's signals around each request, would cost more than the request itself.
"""

from __future__ import annotations

from inspect import iscoroutine
from typing import Any

from django.conf import settings
from django.core.handlers.base import BaseHandler
from django.core.signals import request_started
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.urls import ResolverMatch, get_resolver
from django.utils.module_loading import import_string

from contacthub_project.api.exception_handler import answer, not_found
from contacthub_project.api.requests import Request
from contacthub_project.runtime.concurrency import run_here


class PagesHandler(BaseHandler):
    """Django's own, with all of its middlewares and signals."""

    def __init__(self) -> None:
        super().__init__()
        self.load_middleware()
        self._refusals = self._make_refusals()

    def answer(self, request: HttpRequest) -> HttpResponseBase:
        """The answer to a request, whatever happens."""
        request_started.send(sender=self.__class__, scope=getattr(request, "scope", {}))
        response: HttpResponseBase = self.get_response(request)
        return response

    def refuse(self, request: Request) -> HttpResponseBase:
        """The answer to a request that is refused, without anything that asks the database."""
        response: HttpResponseBase = self._refusals(request)
        return response

    def _make_refusals(self) -> Any:
        handler: Any = _refusal
        for name in reversed(settings.REFUSAL_MIDDLEWARE):
            handler = import_string(name)(handler)
        return handler


class ApiHandler:
    """Serves the API with the middlewares of API_MIDDLEWARE and nothing else."""

    def __init__(self) -> None:
        self._in_thread = _with_middleware(_safe(self._dispatch))
        self._in_loop = _with_middleware(_safe_async(self._dispatch_async))

    def answer(self, request: Request) -> HttpResponseBase:
        """The answer to a request, whatever happens; for threads."""
        response: HttpResponseBase = self._in_thread(request)
        return response

    async def answer_async(self, request: Request) -> HttpResponseBase:
        """The same for requests whose action is a coroutine, in the event loop."""
        response: HttpResponseBase = await self._in_loop(request)
        return response

    def route(self, request: Request) -> ResolverMatch | None:
        """The route of the request, which is noted in it; None if there is none."""
        if request.resolver_match is None:
            try:
                request.resolver_match = get_resolver().resolve(request.path_info)
            except Http404:
                return None
        return request.resolver_match

    def _dispatch(self, request: Request) -> HttpResponseBase:
        viewed = self._viewed(request)
        response: HttpResponseBase = run_here(viewed) if iscoroutine(viewed) else viewed
        return response

    async def _dispatch_async(self, request: Request) -> HttpResponseBase:
        viewed = self._viewed(request)
        response: HttpResponseBase = await viewed if iscoroutine(viewed) else viewed
        return response

    def _viewed(self, request: Request) -> Any:
        if request.refusal is not None:
            return answer(request.refusal)
        match = self.route(request)
        if match is None:
            return not_found(request)
        return match.func(request, *match.args, **match.kwargs)


def _safe(get_response: Any) -> Any:
    """With failures as answers."""

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
    return answer(request.refusal)
