"""Filters of merges, duplicates and pins."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Q, QuerySet

from contacthub_project.api.filters import (
    ChoiceFilter,
    FilterSet,
    IdFilter,
    SortFilter,
)
from customers.models import (
    DuplicatePair,
    DuplicateState,
)
from customers.models.record_merge import RecordMergeQuerySet


class RecordMergeFilterSet(FilterSet):
    """Filters and order of the merges of a workspace."""

    nodeId = IdFilter("node_id", help_text="Merges of customers of this node.")
    customerId = IdFilter(
        method="filter_customer",
        help_text="Merges that this customer survived, was merged by, or has the data of.",
    )
    state = ChoiceFilter(
        method="filter_state",
        choices=["IN_FORCE", "UNDONE"],
        help_text="Merges that hold, or that were undone.",
    )
    sort = SortFilter({"mergedAt": "merged_at"}, default="mergedAt,desc")

    def filter_customer(
        self, rows: RecordMergeQuerySet, name: str, value: UUID
    ) -> RecordMergeQuerySet:
        """Return merges that involve a customer."""
        return rows.of_customer(value)

    def filter_state(self, rows: RecordMergeQuerySet, name: str, value: str) -> RecordMergeQuerySet:
        """Return merges in force, or undone ones."""
        return rows.filter(undone_at__isnull=value == "IN_FORCE")


class AggregatePinFilterSet(FilterSet):
    """Filters and order of the pins of an aggregate node."""

    customerId = IdFilter("customer_id", help_text="The pin of this customer.")
    sort = SortFilter({"pinnedAt": "pinned_at"}, default="pinnedAt,desc")


class DuplicateFilterSet(FilterSet):
    """Filters and order of the duplicates of a node."""

    customerId = IdFilter(
        method="filter_customer", help_text="Pairs in which this customer stands."
    )
    state = ChoiceFilter(
        method="filter_state",
        choices=DuplicateState.values,
        help_text="Pairs that are to be looked at (unless given), or that were dismissed.",
    )
    sort = SortFilter({"score": "score", "foundAt": "found_at"}, default="score,desc")

    def filter_customer(
        self, rows: QuerySet[DuplicatePair], name: str, value: UUID
    ) -> QuerySet[DuplicatePair]:
        """Return pairs with the customer."""
        return rows.filter(Q(first_id=value) | Q(second_id=value))

    def filter_state(
        self, rows: QuerySet[DuplicatePair], name: str, value: str
    ) -> QuerySet[DuplicatePair]:
        """Return pairs in a state."""
        return rows.filter(state=value)
