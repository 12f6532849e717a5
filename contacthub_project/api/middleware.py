"""Middleware of every request: tracing id, metrics, headers, CORS."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable
from typing import Any

import structlog
from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from corsheaders.middleware import CorsMiddleware
from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from contacthub_project.api import BASE_PATH
from contacthub_project.api.exception_handler import answer, error_response
from contacthub_project.runtime import metrics

GetResponse = Callable[[HttpRequest], HttpResponseBase]
TRACING_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
HEALTH = BASE_PATH + "/health"
OVERRIDABLE = frozenset({"GET", "PUT", "PATCH", "DELETE"})

log = structlog.get_logger("contacthub.requests")


class Middleware:
    """Django's shape of a middleware, for threads and for the event loop.

    `before` may answer in place of what is further in; `after` gets every answer.
    """

    sync_capable = async_capable = True

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        if self._is_async:
            return self._answered(request)
        response = self.before(request)
        if response is None:
            response = self.get_response(request)
        return self.after(request, response)

    async def _answered(self, request: HttpRequest) -> HttpResponseBase:
        response = self.before(request)
        if response is None:
            response = await self.get_response(request)  # type: ignore[misc]
        return self.after(request, response)

    def before(self, request: HttpRequest) -> HttpResponseBase | None:
        """What is to be done, or answered, before the request goes on."""
        return None

    def after(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """The answer as it is to leave."""
        return response


class HttpContract(Middleware):
    """Sets the tracing id, counts requests, and refuses unknown hosts."""

    def __init__(self, get_response: GetResponse) -> None:
        super().__init__(get_response)
        self.log_requests = settings.LOG_REQUESTS

    def before(self, request: Any) -> HttpResponseBase | None:
        # Requests of the web server know when they came: they may have waited since.
        request.started = getattr(request, "started", None) or time.perf_counter()
        request.tracing_id = _tracing_id(request)
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(tracing_id=request.tracing_id)
        try:
            # Before anything else: else only what happens to ask for the host would be refused.
            request.get_host()
        except DisallowedHost as refused:
            return answer(refused)
        return None

    def after(self, request: Any, response: HttpResponseBase) -> HttpResponseBase:
        response.headers["X-Tracing-ID"] = request.tracing_id
        seconds = time.perf_counter() - request.started
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


class ApiContract(Middleware):
    """Applies method override and the common headers; for the API only."""

    def __init__(self, get_response: GetResponse) -> None:
        super().__init__(get_response)
        self.https_only = settings.SECURE_SSL_REDIRECT
        self.headers = {
            "X-Content-Type-Options": "nosniff",
            # Asked of documents that embed an answer, not of scripts that CORS lets read it.
            "Cross-Origin-Resource-Policy": "same-origin",
        }
        if settings.CORS_ALLOW_ALL_ORIGINS:
            # Clients rely on it being there also when they did not say where they come from.
            self.headers["Access-Control-Allow-Origin"] = "*"
        if settings.SECURE_HSTS_SECONDS:
            self.headers["Strict-Transport-Security"] = (
                f"max-age={settings.SECURE_HSTS_SECONDS}; includeSubDomains; preload"
            )

    def before(self, request: HttpRequest) -> HttpResponseBase | None:
        if self.https_only and not request.is_secure() and request.path_info != HEALTH:
            # A redirect would come too late: the token has already travelled in the clear.
            # Load balancers ask for the health behind the proxy that ends TLS, without a token.
            return error_response(403, "The API is served over HTTPS only")
        request.method = effective_method(request)
        return None

    def after(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        for name, value in self.headers.items():
            response.headers[name] = value
        response.headers.setdefault("Cache-Control", "no-store")
        return response


class PageHeaders(Middleware):
    """Sets security headers of pages that Django's SecurityMiddleware does not set."""

    HEADERS = {
        # Nobody keeps what is shown; static files say themselves how long they last.
        "Cache-Control": "no-store",
        "Permissions-Policy": ", ".join(
            f"{feature}=()"
            for feature in (
                "accelerometer", "autoplay", "browsing-topics", "camera",
                "display-capture", "encrypted-media", "geolocation", "gyroscope", "hid",
                "idle-detection", "magnetometer", "microphone", "midi", "payment",
                "screen-wake-lock", "serial", "usb", "xr-spatial-tracking",
            )
        ),
        "Cross-Origin-Resource-Policy": "same-origin",
        # Pictures of customers come from other sites: without cookies.
        "Cross-Origin-Embedder-Policy": "credentialless",
    }  # fmt: skip

    def after(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        for name, value in self.HEADERS.items():
            response.headers.setdefault(name, value)
        return response


class Cors(CorsMiddleware):
    """Adds CORS headers to requests with an Origin."""

    def __call__(self, request: HttpRequest) -> Any:
        """The answer, or its coroutine in the event loop."""
        if "HTTP_ORIGIN" not in request.META:
            return self.get_response(request)
        return super().__call__(request)


def _tracing_id(request: HttpRequest) -> str:
    """Return the client's tracing id if it is safe to log and echo, else a new one."""
    meta = request.META
    given = meta.get("HTTP_X_TRACING_ID") or meta.get("HTTP_CONTACTLAB_TRACING_ID", "")
    return given if TRACING_ID.fullmatch(given) else str(uuid.uuid4())


def effective_method(request: HttpRequest) -> str | None:
    """The method that a request means: a POST may name another, for clients that send no other."""
    if request.method == "POST":
        wanted: str = request.META.get("HTTP_X_HTTP_METHOD_OVERRIDE", "").upper()
        if wanted in OVERRIDABLE:
            return wanted
    return request.method
