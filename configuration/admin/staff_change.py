"""The audit log: what staff changed, with the documents before and after."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.decorators import display

from configuration.domain.vocabulary import EVENT_TYPES
from configuration.models import StaffChange
from configuration.models.staff_change import StaffChangeQuerySet
from contacthub_project.admin.model_admin import (
    WORKSPACE,
    WorkspaceReadOnlyAdmin,
    is_staff,
)
from contacthub_project.api.operations import contract
from contacthub_project.core.identifiers import as_uuid

METHODS = {"POST": "success", "PUT": "info", "PATCH": "info", "DELETE": "danger", "GET": "warning"}
MOST_PATHS = 4
TABLE = "admin/table.html"
# Who may call one of these sees what others have done.
EVERYBODYS = (
    ("PUT", WORKSPACE + "/configuration"),
    ("POST", WORKSPACE + "/data-protection/look-ups"),
)
# As bulkjobs.actions.exporting writes them.
EXPORT = re.compile(
    r"Export( (?P<id>[0-9a-f-]{36}))? of (?P<what>\w+)( by source (?P<source>[0-9a-f-]{36}))?"
)
# Of what is no operation of the API.
SUMMARIES = (
    gettext_noop("View of a customer"),
    gettext_noop("Second factor demanded"),
    gettext_noop("Person let in"),
    gettext_noop("API client changed"),
    gettext_noop("API client made"),
    gettext_noop("Bulk job: stop"),
    gettext_noop("Bulk job: resume"),
    # configuration.actions.ending_access
    gettext_noop("Session ended"),
    gettext_noop("Access token ended"),
    gettext_noop("Refresh token ended"),
    gettext_noop("API client deleted"),
)
ACCESSES = ["View of a customer"] + [
    operation.summary
    for methods in contract().values()
    for operation in methods.values()
    if operation.is_noted
]


class PlaceFilter(admin.SimpleListFilter):
    """Changes outside of any workspace, as by manage.py, are for operators."""

    title = _("Place")
    parameter_name = "place"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        is_operator = model_admin.staff(request).is_operator
        return [("outside", _("Outside of workspaces"))] if is_operator else []

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset


class ObjectFilter(admin.SimpleListFilter):
    """Changes of one object, by its id: where `History` leads."""

    title = _("Object")
    parameter_name = "object"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        chosen = request.GET.get(self.parameter_name, "")
        return [(chosen, chosen)] if chosen else []

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen = self.value()
        if not chosen:
            return queryset
        key = as_uuid(chosen)
        return queryset.about(str(key) if key else chosen[:255])  # type: ignore[attr-defined, no-any-return]


class AccessFilter(admin.SimpleListFilter):
    """Who looked at people's data, took it out or erased it."""

    title = _("Personal data")
    parameter_name = "access"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("Accesses to people's data"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(summary__in=ACCESSES) if self.value() == "yes" else queryset


@admin.register(StaffChange)
class StaffChangeAdmin(WorkspaceReadOnlyAdmin):
    """Changes in the workspace, latest first; one's own but for those who see EVERYBODYS."""

    list_display = (
        "at", "displayed_user", "displayed_method", "displayed_summary", "reason", "path",
        "changed",
    )  # fmt: skip
    list_display_links = ("at", "displayed_summary")
    list_filter = (("at", RangeDateTimeFilter), "method", AccessFilter, PlaceFilter, ObjectFilter)
    list_filter_submit = True
    list_select_related = ("user",)
    search_fields = ("summary", "path", "user__username", "user__surname")
    search_help_text = _("What was done, where, or who did it")
    ordering = ("-id",)
    sortable_by = ("at",)
    fields = (
        "at", "displayed_user", "displayed_summary", "reason", "displayed_method", "path",
        "differences",
    )  # fmt: skip

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Everybody may view their own changes."""
        return is_staff(request) and self.office(request) is not None

    def get_queryset(self, request: HttpRequest) -> QuerySet[StaffChange]:
        staff, office = self.staff(request), self.office(request)
        everything: StaffChangeQuerySet = admin.ModelAdmin.get_queryset(self, request)  # type: ignore[assignment]
        if staff.is_operator and request.GET.get("place") == "outside":
            return everything.in_workspace(None)
        changes = everything.in_workspace(office.workspace_id if office else None)
        if any(staff.api.may(*operation) for operation in EVERYBODYS):
            return changes
        return changes.filter(user=staff.user)

    def get_object(self, request: HttpRequest, object_id: str, from_field: Any = None) -> Any:
        """Return an entry; of operators' also one outside of any workspace."""
        found = super().get_object(request, object_id, from_field)
        if found is None and self.staff(request).is_operator and object_id.isdecimal():
            return StaffChange.objects.in_workspace(None).filter(id=int(object_id[:18])).first()
        return found

    @display(description=_("User"))
    def displayed_user(self, change: StaffChange) -> str:
        """Return who did it, without the link that a related field has: not all may follow it."""
        return str(change.user or "")

    @display(description=_("Summary"))
    def displayed_summary(self, change: StaffChange) -> str:
        return summary_text(change.summary)

    @display(description=_("Method"), ordering="method", label=METHODS)
    def displayed_method(self, change: StaffChange) -> str:
        return change.method

    @display(description=_("Changed"))
    def changed(self, change: StaffChange) -> str:
        paths = [path for path, _before, _after in differences(change.before, change.after)]
        more = (
            gettext(" and {count} more").format(count=len(paths) - MOST_PATHS)
            if len(paths) > MOST_PATHS
            else ""
        )
        return ", ".join(paths[:MOST_PATHS]) + more or change.path

    @display(description=_("Differences"))
    def differences(self, change: StaffChange) -> str:
        rows = list(differences(change.before, change.after))
        table = {"headers": [_("Property"), _("Before"), _("After")], "rows": rows}
        return render_to_string(TABLE, {"table": table})


def summary_text(summary: str) -> str:
    """Return a summary in the page's language; the log has it in English."""
    export = EXPORT.fullmatch(summary)
    if export is None:
        return gettext(summary)
    event_type = EVENT_TYPES.get(export["what"])
    what = gettext(event_type.label) if event_type else gettext("customers")
    text = gettext("Export: {what}").format(what=what)
    if export["source"]:
        text += gettext(", by source {source}").format(source=export["source"])
    return f"{text} ({export['id']})" if export["id"] else text


def differences(before: Any, after: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yield path, value before and value after of what differs between two documents."""
    if before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for name in [*before, *(name for name in after if name not in before)]:
            inner = f"{path}.{name}" if path else name
            yield from differences(before.get(name), after.get(name), inner)
    elif path:
        yield path, displayed(before), displayed(after)
    elif isinstance(before, dict) or isinstance(after, dict):
        for name, value in (before if after is None else after or {}).items():
            if value not in (None, [], {}, ""):
                pair = (displayed(value), "") if after is None else ("", displayed(value))
                yield name, *pair


def displayed(value: Any) -> str:
    return "" if value is None else str(value)
