"""Maps failures to responses: the table of statuses, and the error format."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

import structlog
from django.core.exceptions import (
    BadRequest,
    DisallowedHost,
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
)
from django.db import DataError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest
from psycopg import errors as pg

from contacthub_project.api.renderers import JsonResponse
from contacthub_project.core import errors
from contacthub_project.core.errors import ContacthubError, FieldError
from contacthub_project.runtime.logs import failure_details

log = structlog.get_logger("contacthub.api")

# Ordered: the first matching class decides.
STATUSES: tuple[tuple[type[ContacthubError], int], ...] = (
    (errors.Invalid, 400),
    (errors.Unauthorized, 401),
    (errors.Forbidden, 403),
    (errors.NotFound, 404),
    (errors.RequestTimeout, 408),
    (errors.Conflict, 409),
    (errors.Gone, 410),
    (errors.Stale, 412),
    (errors.TooLarge, 413),
    (errors.UnsupportedMedia, 415),
    (errors.Locked, 423),
    (errors.LimitExceeded, 429),
    (errors.Unavailable, 503),
)


def answer(failure: Exception) -> JsonResponse:
    """Return the response to any exception, raised by a view or outside of one.

    Expected failures are logged with their status, others with the locations of their traceback.
    The text of an exception is neither logged nor sent: it may quote personal data.
    """
    known = _translate(failure)
    if known is None:
        return error_response(500, "Internal server error", failure=failure)
    status = status_of(known)
    headers = {}
    if isinstance(known, errors.Unauthorized):
        headers["WWW-Authenticate"] = 'Bearer realm="contacthub"'
    if known.retry_after is not None:
        headers["Retry-After"] = str(known.retry_after)
    if isinstance(known, errors.LimitExceeded):
        headers |= known.headers
    return error_response(
        status,
        known.message,
        data=known.data,
        errors=known.errors,
        headers=headers,
        failure=failure if status >= 500 else None,
        is_logged=not isinstance(known, errors.NoRoom),
    )


def exception_handler(failure: Exception, context: Mapping[str, Any]) -> JsonResponse:
    """DRF's EXCEPTION_HANDLER."""
    return answer(failure)


def status_of(failure: ContacthubError) -> int:
    """Return the HTTP status of an expected failure."""
    return next(status for kind, status in STATUSES if isinstance(failure, kind))


def error_response(
    status: int,
    message: str,
    *,
    data: dict[str, Any] | None = None,
    errors: Iterable[FieldError] = (),
    headers: dict[str, str] | None = None,
    failure: Exception | None = None,
    is_logged: bool = True,
) -> JsonResponse:
    """Return a response in the error format, and log it under its `logref`."""
    logref = str(uuid.uuid4())
    listed = [
        {"path": error.path, "message": error.message, "code": error.code, "data": error.data}
        for error in errors
    ]
    details: dict[str, Any] = {"status": status, "logref": logref}
    if failure is not None:
        details |= failure_details(failure)
    if is_logged:
        (log.error if status >= 500 else log.info)("request refused", **details)
    body = {"message": message, "logref": logref, "data": data, "errors": listed}
    return JsonResponse(body, status=status, headers=headers)


def method_not_allowed(allowed: Iterable[str]) -> JsonResponse:
    """Return the response to a method that the path does not have."""
    headers = {"Allow": ", ".join(allowed)}
    return error_response(405, "The method is not allowed here", headers=headers)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> JsonResponse:
    """Django's handler400."""
    return answer(exception or BadRequest())


def forbidden(request: HttpRequest, exception: Exception | None = None) -> JsonResponse:
    """Django's handler403."""
    return answer(exception or PermissionDenied())


def not_found(request: HttpRequest, exception: Exception | None = None) -> JsonResponse:
    """Django's handler404."""
    return error_response(404, "There is nothing at this path")


def server_error(request: HttpRequest) -> JsonResponse:
    """Django's handler500."""
    failure = sys.exc_info()[1]
    return answer(failure if isinstance(failure, Exception) else RuntimeError())


def _translate(failure: Exception) -> ContacthubError | None:
    """Return the failure as a ContacthubError, or None when it is unexpected."""
    match failure:
        case ContacthubError():
            return failure
        case PermissionDenied():
            return errors.Forbidden()
        case Http404():
            return errors.NotFound()
        case RequestDataTooBig():
            return errors.TooLarge()
        case DisallowedHost():
            return errors.Invalid("The Host header names an unknown host")
        case BadRequest() | SuspiciousOperation():
            return errors.Invalid()
        case OperationalError() | InterfaceError():
            if isinstance(failure.__cause__, pg.QueryCanceled):
                return errors.Unavailable("The query takes too long; narrow it")
            if isinstance(failure.__cause__, pg.DiskFull):
                return errors.NoRoom()
            return errors.Unavailable("The database is not available; try again")
        case DataError():
            return errors.Invalid("The request holds a value that cannot be stored")
    return None
