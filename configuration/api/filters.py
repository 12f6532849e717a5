"""Filters of the lists of the configuration."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from configuration.models import NodeType
from contacthub_project.api.filters import ChoiceFilter, FilterSet, NumberFilter, TextFilter

LARGEST_GROUP = 2**63 - 1


class WorkspaceFilterSet(FilterSet):
    """Filters of the workspaces of the installation."""

    name = TextFilter(lookup_expr="icontains", help_text="Part of the name, in any case.")
    groupPk = NumberFilter(
        "group_pk", most=LARGEST_GROUP, help_text="Number of the customer group."
    )


class UserFilterSet(FilterSet):
    """Filters of the people of a workspace."""

    search = TextFilter(
        method="filter_search", help_text="Part of name, surname, user name or e-mail address."
    )

    def filter_search(self, people: Any, name: str, text: str) -> QuerySet[Any]:
        """Those who have the text in any of these."""
        found: QuerySet[Any] = people.matching(text)
        return found


class NodeFilterSet(FilterSet):
    """Filters of the nodes of both kinds."""

    nodeType = ChoiceFilter("type", choices=NodeType.values, help_text="Only nodes of this kind.")
