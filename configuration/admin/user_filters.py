"""Filters of the list of people."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import DropdownFilter

from configuration.models import Role
from contacthub_project.admin.refusals import role_name


class RoleFilter(DropdownFilter):
    """People with a role."""

    title = _("Role")
    parameter_name = "role"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(role, role_name(role)) for role in Role.values]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen = self.value()
        return queryset.filter(roles__contains=[chosen]) if chosen in Role.values else queryset


class SecondFactorFilter(DropdownFilter):
    """People who sign in with a second factor, or without one."""

    title = _("Second factor")
    parameter_name = "second_factor"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("with")), ("no", _("without"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen = self.value()
        if chosen not in {"yes", "no"}:
            return queryset
        return queryset.filter(has_factor=chosen == "yes")
