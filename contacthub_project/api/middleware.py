"""Around every request: the HTTP contract."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable

import structlog
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


class HttpContract:
    """Tracing id and metrics of each request; refuses hosts that are not ours."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self.log_requests = settings.LOG_REQUESTS

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        started = time.perf_counter()
        tracing_id = _tracing_id(request)
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(tracing_id=tracing_id)
        try:
            # Before anything else: else only what happens to ask for the host would be refused.
            request.get_host()
        except DisallowedHost as refused:
            response: HttpResponseBase = answer(refused)
        else:
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


class ApiContract:
    """What holds for the API only: method override, and the headers that every answer carries."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
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

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if self.https_only and not request.is_secure() and request.path_info != HEALTH:
            # A redirect would come too late: the token has already travelled in the clear.
            # Load balancers ask for the health behind the proxy that ends TLS, without a token.
            response: HttpResponseBase = error_response(403, "The API is served over HTTPS only")
        else:
            if request.method == "POST":
                _override_method(request)
            response = self.get_response(request)
        for name, value in self.headers.items():
            response.headers[name] = value
        response.headers.setdefault("Cache-Control", "no-store")
        return response


class PageHeaders:
    """What browsers are told about pages, beside what Django's SecurityMiddleware says."""

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

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        for name, value in self.HEADERS.items():
            response.headers.setdefault(name, value)
        return response


class Cors(CorsMiddleware):
    """Answers browsers; other clients send no Origin and are not kept waiting."""

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if "HTTP_ORIGIN" not in request.META:
            return self.get_response(request)  # type: ignore[return-value]
        return super().__call__(request)  # type: ignore[return-value]


def _tracing_id(request: HttpRequest) -> str:
    """The client's tracing id if it can safely be logged and echoed, else a new one."""
    meta = request.META
    given = meta.get("HTTP_X_TRACING_ID") or meta.get("HTTP_CONTACTLAB_TRACING_ID", "")
    return given if TRACING_ID.fullmatch(given) else str(uuid.uuid4())


def _override_method(request: HttpRequest) -> None:
    wanted = request.META.get("HTTP_X_HTTP_METHOD_OVERRIDE", "").upper()
    if wanted in OVERRIDABLE:
        request.method = wanted
