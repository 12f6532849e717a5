"""Middleware of every request: tracing id, metrics, headers, CORS."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import structlog
import uuid_utils
from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from corsheaders.middleware import CorsMiddleware
from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from contacthub_project.api import BASE_PATH
from contacthub_project.api.exception_handler import answer, error_response
from contacthub_project.api.renderers import put_headers
from contacthub_project.runtime import logs, metrics

GetResponse = Callable[[HttpRequest], HttpResponseBase]
TRACING_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
HEALTH = BASE_PATH + "/health"
# The headers of a request's host, and how many allowed hosts are cached.
HOST_NAMES = ("HTTP_HOST", "HTTP_X_FORWARDED_HOST", "SERVER_NAME", "SERVER_PORT")
MOST_HOSTS = 1000
NOT_STORED = {"cache-control": ("Cache-Control", "no-store")}
OVERRIDABLE = frozenset({"GET", "PUT", "PATCH", "DELETE"})

log = structlog.get_logger("contacthub.requests")


class Middleware:
    """Base of middlewares for threads and for the event loop.

    `before` may return a response, which ends the request; `after` gets every response.
    """

    sync_capable = async_capable = True

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        if self._is_async:
            return self._get_response_async(request)
        response = self.before(request)
        if response is None:
            response = self.get_response(request)
        return self.after(request, response)

    async def _get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        response = self.before(request)
        if response is None:
            response = await self.get_response(request)  # type: ignore[misc]
        return self.after(request, response)

    def before(self, request: HttpRequest) -> HttpResponseBase | None:
        """Prepare the request; return a response to end it."""
        return None

    def after(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Return the final response."""
        return response


class HttpContract(Middleware):
    """Sets the tracing id, counts requests, and refuses unknown hosts."""

    def __init__(self, get_response: GetResponse) -> None:
        super().__init__(get_response)
        self.log_requests = settings.LOG_REQUESTS
        self._known_hosts: dict[tuple[Any, ...], Any] = {}

    def before(self, request: Any) -> HttpResponseBase | None:
        # Requests of the web server have the time of their arrival: they may have waited since.
        request.started = getattr(request, "started", None) or time.perf_counter()
        request.tracing_id = _tracing_id(request)
        logs.tracing_id.set(request.tracing_id)
        # First: otherwise only views that read the host would refuse it.
        return self._host_refusal(request)

    def _host_refusal(self, request: HttpRequest) -> HttpResponseBase | None:
        """Return the response to a request for an unknown host; None for a known one."""
        allowed = settings.ALLOWED_HOSTS
        key = (id(allowed), *map(request.META.get, HOST_NAMES))
        if key in self._known_hosts:
            return None
        try:
            request.get_host()
        except DisallowedHost as refused:
            return answer(refused)
        if len(self._known_hosts) < MOST_HOSTS:
            self._known_hosts[key] = allowed  # keeps a reference, so that its id is not reused
        return None

    def after(self, request: Any, response: HttpResponseBase) -> HttpResponseBase:
        put_headers(response, {"x-tracing-id": ("X-Tracing-ID", request.tracing_id)})
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
        headers = {
            "X-Content-Type-Options": "nosniff",
            # For documents that embed a response, not for scripts that CORS lets read it.
            "Cross-Origin-Resource-Policy": "same-origin",
        }
        if settings.CORS_ALLOW_ALL_ORIGINS:
            # Clients rely on it also without an Origin header.
            headers["Access-Control-Allow-Origin"] = "*"
        if settings.SECURE_HSTS_SECONDS:
            headers["Strict-Transport-Security"] = (
                f"max-age={settings.SECURE_HSTS_SECONDS}; includeSubDomains; preload"
            )
        self.headers = {name.lower(): (name, value) for name, value in headers.items()}

    def before(self, request: HttpRequest) -> HttpResponseBase | None:
        if self.https_only and not request.is_secure() and request.path_info != HEALTH:
            # Not a redirect: the token has already been sent unencrypted.
            # Load balancers request the health behind the proxy that ends TLS, without a token.
            return error_response(403, "The API is served over HTTPS only")
        request.method = effective_method(request)
        return None

    def after(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        put_headers(response, self.headers)
        if not response.has_header("Cache-Control"):
            put_headers(response, NOT_STORED)
        return response


class PageHeaders(Middleware):
    """Sets security headers of pages that Django's SecurityMiddleware does not set."""

    HEADERS = {
        # Pages are not cached; static files have their own headers.
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
        """Return the response, or its coroutine in the event loop."""
        if "HTTP_ORIGIN" not in request.META:
            return self.get_response(request)
        return super().__call__(request)


def _tracing_id(request: HttpRequest) -> str:
    """Return the client's tracing id if it is safe to log and echo, else a new one."""
    meta = request.META
    given = meta.get("HTTP_X_TRACING_ID") or meta.get("HTTP_CONTACTLAB_TRACING_ID", "")
    return given if TRACING_ID.fullmatch(given) else str(uuid_utils.uuid4())


def effective_method(request: HttpRequest) -> str | None:
    """Return the method of a request: a POST may override it, for clients limited to POST."""
    if request.method == "POST":
        override: str = request.META.get("HTTP_X_HTTP_METHOD_OVERRIDE", "").upper()
        if override in OVERRIDABLE:
            return override
    return request.method
