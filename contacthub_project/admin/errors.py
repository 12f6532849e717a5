"""Django's error handlers: pages for people, the API's error format for programs."""

from __future__ import annotations

from typing import Any

import structlog
from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from configuration.models import User
from contacthub_project.admin.api_client import Reply
from contacthub_project.admin.context import staff_context
from contacthub_project.admin.refusals import missing_access
from contacthub_project.admin.workspace import current_workspace
from contacthub_project.api import exception_handler
from contacthub_project.api.operations import contract
from contacthub_project.runtime.logs import failure_details
from contacthub_project.web.error_pages import ADVICE, TITLES, error_page, wants_page

log = structlog.get_logger("contacthub.pages")

ACTS = {"changelist": "view", "add": "add", "change": "change", "delete": "delete"}


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponseBase:
    """Django's handler400."""
    refusal = exception_handler.bad_request(request, exception)
    return error_page(refusal) if wants_page(request) else refusal


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponseBase:
    """Django's handler403."""
    return _answer(request, exception_handler.forbidden(request, exception or PermissionDenied()))


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponseBase:
    """Django's handler404."""
    return _answer(request, exception_handler.not_found(request, exception))


def server_error(request: HttpRequest) -> HttpResponseBase:
    """Django's handler500."""
    refusal = exception_handler.server_error(request)
    return error_page(refusal) if wants_page(request) else refusal


def _answer(request: HttpRequest, refusal: HttpResponseBase) -> HttpResponseBase:
    """Return the refusal as a page with the menu to staff, a plain page to others."""
    if not wants_page(request):
        return refusal
    try:
        return _page_with_menu(request, refusal) or error_page(refusal)
    except Exception as failure:  # of a page about a failure: a simpler one is left
        log.warning("no page with the menu for an error", **failure_details(failure))
        return error_page(refusal)


def _page_with_menu(request: HttpRequest, refusal: HttpResponseBase) -> HttpResponseBase | None:
    user = getattr(request, "user", None)
    if not (isinstance(user, User) and user.is_active and user.is_staff):
        return None
    visit = current_workspace(request) or staff_context(request)
    reply = Reply(refusal.status_code, refusal)
    found = missing_access(visit, _needed(request)) if reply.status == 403 else None
    page: Any = visit.show(
        "refused",
        str(TITLES[reply.status]),
        status=reply.status,
        message=reply.message,
        advice=found or ADVICE.get(reply.status, ""),
        logref=reply.json["logref"],
    )
    return page.render()  # type: ignore[no-any-return]


def _needed(request: HttpRequest) -> dict[str, Any]:
    """Return the roles that a page of a model admin needs, as an error of the API has them."""
    match = request.resolver_match
    model_admin = getattr(getattr(match, "func", None), "model_admin", None)
    if match is None or not isinstance(model_admin, ModelAdmin):
        return {}
    act = ACTS.get((match.url_name or "").rpartition("_")[2], "change")
    operations = getattr(model_admin, "operations", {})
    operation = operations.get(act) or operations.get("view")
    if operation is None:
        return {}
    method, template = operation
    return {"roles": sorted(contract()[template][method].roles)}
