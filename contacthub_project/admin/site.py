"""Registers pages of the back-office: sign-in, tenancy, roles and errors are the same for all."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import path, reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext

from contacthub_project.admin.context import (
    Refused,
    StaffContext,
    WorkspaceContext,
    staff_context,
    workspace_context,
)
from contacthub_project.admin.navigation import OF_NO_WORKSPACE, first_page, may_open
from contacthub_project.admin.refusals import advice
from contacthub_project.admin.sign_in.reauthentication import hold_form

View = Callable[..., HttpResponseBase]
NOTHING: Mapping[str, str | Promise] = MappingProxyType({})


def page(
    address: str, name: str, *, sensitive: Mapping[str, str | Promise] = NOTHING
) -> Callable[[View], Any]:
    """Register a page of a workspace, for signed-in people who work there.

    `sensitive` names values of the forms' `act` that need a recent authentication. A page whose
    only form is sensitive calls `require_reauthentication` instead.
    """

    def made(view: View) -> Any:
        @functools.wraps(view)
        def guarded(request: HttpRequest, workspace_id: Any, **parts: Any) -> HttpResponseBase:
            staff = staff_context(request)
            office = workspace_context(staff, workspace_id)
            if office is None:
                return not_found_page(staff)
            if request.session.get("workspace") != str(workspace_id):
                request.session["workspace"] = str(workspace_id)
                # The middleware has set, and resets, that of the workspace before.
                timezone.activate(office.zone)
            if not may_open(name, staff.user.roles):
                return forbidden_page(office)
            held_back = hold_form(request, sensitive)
            if held_back is not None:
                return held_back
            return _respond(view, office, **parts)

        return path(f"<uuid:workspace_id>/{address}", admin.site.admin_view(guarded), name=name)

    return made


def page_of_all(
    address: str, name: str, *, sensitive: Mapping[str, str | Promise] = NOTHING
) -> Callable[[View], Any]:
    """Register a page outside of workspaces, for signed-in people; `sensitive` as in `page`."""

    def made(view: View) -> Any:
        @functools.wraps(view)
        def guarded(request: HttpRequest, **parts: Any) -> HttpResponseBase:
            held_back = hold_form(request, sensitive)
            if held_back is not None:
                return held_back
            return _respond(view, staff_context(request), **parts)

        return path(address, admin.site.admin_view(guarded), name=name)

    return made


def moved(address: str, name: str, to: str) -> Any:
    """Register the former address of a page; it leads to the page of a model admin, `to`."""

    def redirect(office: WorkspaceContext, **parts: Any) -> HttpResponseBase:
        return HttpResponseRedirect(reverse(f"admin:{to}", args=list(parts.values())))

    return page(address, name)(redirect)


def moved_of_all(address: str, name: str, to: str) -> Any:
    """Register the former address of a page outside of workspaces, as `moved` does."""

    def redirect(staff: StaffContext) -> HttpResponseBase:
        return HttpResponseRedirect(reverse(f"admin:{to}"))

    return page_of_all(address, name)(redirect)


def _respond(view: View, staff: StaffContext, **parts: Any) -> HttpResponseBase:
    try:
        return view(staff, **parts)
    except Refused as refused:
        return staff.show(
            "refused",
            gettext("This did not work"),
            status=refused.reply.status,
            message=refused.reply.message,
            faults=refused.reply.faults,
            advice=advice(staff, refused.reply, gettext("Go back and try something else.")),
            logref=refused.reply.json.get("logref"),
        )


def not_found_page(staff: StaffContext) -> HttpResponseBase:
    """Return the page for an unknown workspace, or one of other people."""
    return staff.show(
        "refused",
        gettext("There is no such workspace"),
        status=404,
        message=gettext("There is no such workspace, or you do not work in it."),
        advice=gettext("Choose one of yours."),
    )


def forbidden_page(staff: StaffContext) -> HttpResponseBase:
    """Return the page for people whose roles do not allow what a page is for."""
    return staff.show(
        "refused",
        gettext("This is not yours to do"),
        status=403,
        message=gettext("Your role does not include this page."),
        advice=gettext("An administrator can change that under Settings, Users."),
    )


def home(request: HttpRequest) -> HttpResponseBase:
    """Redirect to the first page for one's roles in the workspace that was used last, or the first.

    Without any workspace operators are redirected to the page that creates one.
    """
    staff = staff_context(request)
    known = [each["id"] for each in staff.workspaces]
    last = request.session.get("workspace")
    chosen = last if last in known else next(iter(known), None)
    if chosen is None and staff.is_operator:
        return HttpResponseRedirect(reverse("admin:configuration_workspace_add"))
    if chosen is None:
        return staff.show(
            "refused",
            gettext("Welcome"),
            message=gettext("You do not work in any workspace yet."),
            advice=gettext("An operator can let you into one, under Settings, Users."),
        )
    return HttpResponseRedirect(first_address(staff, chosen))


def first_address(staff: StaffContext, workspace_id: Any) -> str:
    """Return the address of the page on which a person begins in a workspace."""
    name = first_page(staff.user.roles)
    if name in OF_NO_WORKSPACE:
        return reverse(f"office:{name}")
    return reverse(f"office:{name}", kwargs={"workspace_id": workspace_id})
