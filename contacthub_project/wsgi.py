"""What the web server runs: pages by Django as usual, the API by a leaner handler.

Sessions, CSRF tokens, messages and sign-in by cookie are for pages. On the API's path they, and
Django's signals around each request, would cost more than the request itself.
"""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Callable, Iterable
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "contacthub_project.settings")
django.setup(set_prefix=False)

from django.conf import settings  # noqa: E402
from django.core.handlers.exception import convert_exception_to_response  # noqa: E402
from django.core.handlers.wsgi import WSGIHandler  # noqa: E402
from django.db import connections  # noqa: E402
from django.utils.module_loading import import_string  # noqa: E402

from contacthub_project.api import BASE_PATH  # noqa: E402
from contacthub_project.api.forwarding import settle_forwarding  # noqa: E402
from contacthub_project.api.requests import Request  # noqa: E402
from contacthub_project.runtime.concurrency import request_limiter  # noqa: E402

StartResponse = Callable[..., Any]


class PagesHandler(WSGIHandler):
    """Django's own, with all of its middlewares."""

    request_class = Request


class ApiHandler(WSGIHandler):
    """Serves the API with the middlewares of API_MIDDLEWARE and nothing else."""

    request_class = Request

    def load_middleware(self, is_async: bool = False) -> None:
        self._view_middleware: list[Any] = []
        self._template_response_middleware: list[Any] = []
        self._exception_middleware: list[Any] = []
        handler = convert_exception_to_response(self._get_response)  # type: ignore[attr-defined]
        for name in reversed(settings.API_MIDDLEWARE):
            handler = convert_exception_to_response(import_string(name)(handler))
        self._middleware_chain = handler

    def __call__(  # type: ignore[override]
        self, environ: dict[str, Any], start_response: StartResponse
    ) -> Iterable[bytes]:
        self._let_go_of_what_others_lost()
        request = self.request_class(environ)
        response = self.get_response(request)
        start_response(f"{response.status_code} {response.reason_phrase}", list(response.items()))
        if response.status_code >= 500:
            # What Django's signals would see to: a broken connection is not used again.
            for connection in connections.all(initialized_only=True):
                connection.close_if_unusable_or_obsolete()
                if connection.connection is None:
                    self._losses += 1
        if response.streaming:
            return response  # type: ignore[return-value]
        return [response.content]  # type: ignore[attr-defined]

    # How often a thread of this process has found its connection broken, and of how often each
    # thread knows. When the database goes so do all connections: one request learns it, not each.
    _losses = 0
    _known = threading.local()

    def _let_go_of_what_others_lost(self) -> None:
        losses = self._losses
        if getattr(self._known, "losses", 0) != losses:
            self._known.losses = losses
            connections.close_all()


pages = PagesHandler()
api = ApiHandler()

# What is loaded by now stays for good: the collector need not look at it ever again.
gc.collect()
gc.freeze()
gc.set_threshold(50_000, 20, 20)


def application(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    """The WSGI application."""
    settle_forwarding(environ)
    handler = api if environ["PATH_INFO"].startswith(BASE_PATH) else pages
    with request_limiter.acquired():
        return handler(environ, start_response)
