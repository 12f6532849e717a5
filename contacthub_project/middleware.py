"""Around every request: the HTTP contract; and the back-office's middlewares, off the API's path.

Sessions, CSRF tokens, messages and sign-in by cookie are for pages. On the API they would only
cost time, so they step aside there.
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable

import structlog
from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.csrf import CsrfViewMiddleware
from whitenoise.middleware import WhiteNoiseMiddleware

from contacthub_project import metrics
from contacthub_project.api import BASE_PATH

GetResponse = Callable[[HttpRequest], HttpResponseBase]

TRACING_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
OVERRIDABLE = frozenset({"GET", "PUT", "PATCH", "DELETE"})

log = structlog.get_logger("contacthub.requests")


class HttpContract:
    """Tracing id, method override and metrics of each request."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self.log_requests = settings.LOG_REQUESTS

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        started = time.perf_counter()
        tracing_id = _tracing_id(request)
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(tracing_id=tracing_id)
        if request.method == "POST":
            _override_method(request)
        response = self.get_response(request)
        response.headers["X-Tracing-ID"] = tracing_id
        seconds = time.perf_counter() - started
        match = request.resolver_match
        route = match.view_name if match is not None else ""
        metrics.observe(route, request.method or "", response.status_code, seconds)
        if self.log_requests:
            log.info(
                "request",
                method=request.method,
                route=route,
                status=response.status_code,
                milliseconds=round(seconds * 1000, 2),
            )
        return response


class BackOfficeOnly:
    """Mixed into a middleware: requests of the API pass it by."""

    get_response: GetResponse

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info.startswith(BASE_PATH):
            return self.get_response(request)
        return super().__call__(request)  # type: ignore[misc, no-any-return]


class Sessions(BackOfficeOnly, SessionMiddleware):
    """Sessions of staff."""


class Authentication(BackOfficeOnly, AuthenticationMiddleware):
    """Sign-in of staff by session."""


class Messages(BackOfficeOnly, MessageMiddleware):
    """Notices that the next page shows."""


class ClickjackingProtection(BackOfficeOnly, XFrameOptionsMiddleware):
    """Pages do not open in foreign frames."""


class StaticFiles(BackOfficeOnly, WhiteNoiseMiddleware):
    """Style sheets and scripts."""


class Csrf(BackOfficeOnly, CsrfViewMiddleware):
    """Protects forms; the API has no cookies that a foreign site could use."""

    def process_view(
        self, request: HttpRequest, callback: object, callback_args: object, callback_kwargs: object
    ) -> HttpResponse | None:
        if request.path_info.startswith(BASE_PATH):
            return None
        return super().process_view(request, callback, callback_args, callback_kwargs)


def _tracing_id(request: HttpRequest) -> str:
    """The client's tracing id where it is one that can safely be logged and echoed, else a new one."""
    given = request.META.get("HTTP_X_TRACING_ID") or request.META.get(
        "HTTP_CONTACTLAB_TRACING_ID", ""
    )
    return given if TRACING_ID.fullmatch(given) else str(uuid.uuid4())


def _override_method(request: HttpRequest) -> None:
    wanted = request.META.get("HTTP_X_HTTP_METHOD_OVERRIDE", "").upper()
    if wanted in OVERRIDABLE:
        request.method = wanted
