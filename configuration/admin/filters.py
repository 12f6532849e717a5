"""Filters of lists in the back-office."""

from __future__ import annotations

from contacthub_project.api.filters import FilterSet, NumberFilter


class StaffChangeFilterSet(FilterSet):
    """Filters of the audit log."""

    before = NumberFilter("id", lookup_expr="lt", help_text="Entries before this one.")
