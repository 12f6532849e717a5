"""Links of the navigation to pages of the last used workspace."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from django.apps import apps
from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse

from contacthub_project.api.operations import contract

WORKSPACE = "/workspaces/{workspaceId}"
CONFIGURATION = WORKSPACE + "/configuration"
PROTECTION = WORKSPACE + "/data-protection"
JOBS = WORKSPACE + "/nodes/{nodeId}/bulk-jobs"
RECEIPTS = PROTECTION + "/receipts"
REQUESTS = PROTECTION + "/requests"
EVENTS = WORKSPACE + "/events"
# The operation that each page stands for: who may call it may open the page. Pages that are not
# named are everybody's.
PAGE_OPERATIONS = {
    "dashboard": ("GET", WORKSPACE + "/stats/customers"),
    "customers": ("GET", WORKSPACE + "/customers"),
    "customer": ("GET", WORKSPACE + "/customers/{customerId}"),
    "new-customer": ("POST", WORKSPACE + "/customers"),
    "edit-customer": ("PATCH", WORKSPACE + "/customers/{customerId}"),
    "customer-tags": ("PATCH", WORKSPACE + "/customers/{customerId}"),
    "customer-subscription": ("PATCH", WORKSPACE + "/customers/{customerId}"),
    "bulk-customers": ("PATCH", WORKSPACE + "/customers/{customerId}"),
    "delete-customer": ("DELETE", WORKSPACE + "/customers/{customerId}"),
    "export-customers": ("GET", WORKSPACE + "/nodes/{nodeId}/export"),
    "segment-overlap": ("GET", WORKSPACE + "/segments/overlap"),
    "export-segment": ("GET", WORKSPACE + "/segments/{segmentId}/export"),
    "fill-segment": ("POST", WORKSPACE + "/segments/{segmentId}/members"),
    "segment-of-search": ("POST", WORKSPACE + "/segments"),
    "customer-events": ("GET", EVENTS),
    "duplicates": ("GET", WORKSPACE + "/nodes/{nodeId}/duplicates"),
    "merge-customers": ("POST", WORKSPACE + "/customers/{customerId}/merge"),
    "identity": ("GET", WORKSPACE + "/customers/{customerId}/identities"),
    "undo-change": ("POST", WORKSPACE + "/customers/{customerId}/undo"),
    "undo-merge": ("POST", WORKSPACE + "/merges/{mergeId}/undo"),
    "events": ("GET", EVENTS),
    "event": ("GET", EVENTS + "/{id}"),
    "new-event": ("POST", EVENTS),
    "edit-event": ("PATCH", EVENTS + "/{id}"),
    "delete-event": ("DELETE", EVENTS + "/{id}"),
    "workspace-settings": ("GET", CONFIGURATION),
    "nodes": ("GET", CONFIGURATION + "/nodes"),
    "matching-rules": ("PUT", CONFIGURATION + "/nodes/entries/{nodeId}/matching-rules"),
    "properties": ("GET", CONFIGURATION + "/properties"),
    "event-settings": ("GET", CONFIGURATION + "/events"),
    "users": ("GET", CONFIGURATION + "/users"),
    "retention": ("GET", CONFIGURATION + "/retention-policy"),
    "operations": ("GET", JOBS),
    "data-quality": ("GET", WORKSPACE + "/data-quality"),
    "workspaces": ("GET", "/workspaces"),
    "privacy": ("POST", PROTECTION + "/look-ups"),
    "privacy-person": ("GET", PROTECTION + "/customers/{customerId}"),
    "privacy-export": ("GET", PROTECTION + "/customers/{customerId}/export"),
    "privacy-erase": ("DELETE", PROTECTION + "/customers/{customerId}"),
    "privacy-requests": ("GET", REQUESTS),
    "privacy-request": ("GET", REQUESTS + "/{requestId}"),
    "privacy-receipts": ("GET", RECEIPTS),
    "privacy-receipt": ("GET", RECEIPTS + "/{receiptId}"),
    "privacy-suppressions": ("GET", PROTECTION + "/suppressions"),
    "privacy-deleted": ("GET", PROTECTION + "/deleted-customers"),
    "privacy-inactive": ("GET", PROTECTION + "/inactive-customers"),
}
# Where people begin: the first of these that they may open.
FIRST_PAGES = ("dashboard", "privacy", "privacy-deleted")
OF_NO_WORKSPACE = frozenset({"workspaces", "clients", "access"})


def is_visible(name: str) -> Callable[[HttpRequest], bool]:
    """Return whether the page is offered to the request's person."""
    return lambda request: may_open(name, getattr(request.user, "roles", ()))


def may_open(name: str, roles: Iterable[str]) -> bool:
    """Return whether the roles allow the operation that a page stands for."""
    if name not in PAGE_OPERATIONS:
        return True
    method, template = PAGE_OPERATIONS[name]
    return contract()[template][method].allows(frozenset(roles))


def first_page(roles: Iterable[str]) -> str:
    """Return the name of the page on which people with these roles begin."""
    roles = frozenset(roles)
    return next((name for name in FIRST_PAGES if may_open(name, roles)), "access")


def page_link(name: str) -> Callable[[HttpRequest], str]:
    """Return the address of a page for the request."""

    def address(request: HttpRequest) -> str:
        if name in OF_NO_WORKSPACE:
            return reverse(f"office:{name}")
        context = getattr(request, "workspace_context", None)
        workspace = context.workspace["id"] if context else request.session.get("workspace")
        if not workspace:
            return reverse("admin:index")
        return reverse(f"office:{name}", kwargs={"workspace_id": workspace})

    return address


def may_view(model: str) -> Callable[[HttpRequest], bool]:
    """Return whether the list of a model, as `app.model`, is offered to the request's person."""

    def allowed(request: HttpRequest) -> bool:
        registered = admin.site._registry.get(apps.get_model(model))
        return registered is not None and bool(registered.has_view_permission(request))

    return allowed


def is_current(name: str) -> Callable[[HttpRequest], bool]:
    """Return whether the request's page is the page of this name, or lies below it."""

    def current(request: HttpRequest) -> bool:
        if request.path.startswith("/admin/office/") and name != "dashboard":
            address = page_link(name)(request)
            return request.path.startswith(address) and not _has_longer(name, request)
        return bool(request.path == page_link(name)(request))

    return current


def _has_longer(name: str, request: HttpRequest) -> bool:
    """Return whether the page lies below another entry's page: only the closest is marked."""
    if name != "workspace-settings":
        return False
    return bool(request.path != page_link(name)(request))
