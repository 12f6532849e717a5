"""The current workspace of a person: that of the submitted form, else the last used one."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import path, reverse
from django.utils.translation import gettext

from contacthub_project.admin.context import WorkspaceContext, staff_context, workspace_context
from contacthub_project.admin.site import first_address, not_found_page

FIELD = (
    "_workspace"  # of forms of model admins, so that a switch in another tab does not affect them
)
MOST_OFFERED = 20


def current_workspace(request: HttpRequest) -> WorkspaceContext | None:
    """Return the context in the request's workspace; None if the person works in none."""
    if not hasattr(request, "workspace_context"):
        request.workspace_context = _found(request)  # type: ignore[attr-defined]
    found: WorkspaceContext | None = request.workspace_context  # type: ignore[attr-defined]
    return found


def _found(request: HttpRequest) -> WorkspaceContext | None:
    staff = staff_context(request)
    if request.method == "POST" and FIELD in request.POST:
        return workspace_context(staff, request.POST[FIELD])
    last = workspace_context(staff, request.session.get("workspace"))
    first = next(iter(staff.workspaces), None)
    return last or (workspace_context(staff, first["id"]) if first else None)


def switch_workspace(request: HttpRequest, workspace_id: UUID) -> HttpResponseBase:
    """Switch to another workspace."""
    staff = staff_context(request)
    if workspace_context(staff, workspace_id) is None:
        return not_found_page(staff)
    request.session["workspace"] = str(workspace_id)
    return HttpResponseRedirect(first_address(staff, workspace_id))


def workspace_name(request: HttpRequest) -> str:
    """Return name and time zone of the workspace, for the head of the menu."""
    if not request.user.is_authenticated or not request.user.is_staff:  # type: ignore[union-attr]
        return ""
    found = current_workspace(request)
    return f"{found.workspace['name']} · {found.zone}" if found else ""


def other_workspaces(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the workspaces that the head of the menu offers."""
    if not request.user.is_authenticated or not request.user.is_staff:  # type: ignore[union-attr]
        return []
    staff = staff_context(request)
    offered: list[dict[str, Any]] = [
        {
            "icon": "apartment",
            "title": each["name"],
            "link": reverse("switch-workspace", kwargs={"workspace_id": each["id"]}),
        }
        for each in staff.workspaces[:MOST_OFFERED]
    ]
    if staff.is_operator:
        everything = reverse("admin:configuration_workspace_changelist")
        offered.append({"icon": "domain", "title": gettext("All workspaces"), "link": everything})
    return offered


urlpatterns = [
    path(
        "admin/workspace/<uuid:workspace_id>/",
        admin.site.admin_view(switch_workspace),
        name="switch-workspace",
    ),
]
