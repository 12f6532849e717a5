"""Filters of the quarantine."""

from __future__ import annotations

from django.db.models import QuerySet

from configuration.domain.vocabulary import EVENT_TYPES
from contacthub_project.api.filters import (
    ChoiceFilter,
    FilterSet,
    IdFilter,
    SortFilter,
)
from customers.domain.refusals import RefusalReason, RefusedEntity
from customers.models import (
    QuarantinedRequest,
)


class QuarantineFilterSet(FilterSet):
    """Filters and order of a workspace's quarantine."""

    entity = ChoiceFilter("entity", choices=[*RefusedEntity], help_text="Customers, or events.")
    type = ChoiceFilter("type", choices=[*EVENT_TYPES], help_text="Events of this type.")
    reason = ChoiceFilter(
        "reason", choices=[*RefusalReason], help_text="What was refused for this reason."
    )
    sourceId = IdFilter("source_id", help_text="What this source has sent.")
    nodeId = IdFilter("node_id", help_text="What is of this node.")
    state = ChoiceFilter(
        method="filter_state",
        choices=["REFUSED", "REPLAYED"],
        help_text="What is refused still, or was accepted after all.",
    )
    sort = SortFilter({"refusedAt": "refused_at"}, default="refusedAt,desc")

    def filter_state(
        self, rows: QuerySet[QuarantinedRequest], name: str, value: str
    ) -> QuerySet[QuarantinedRequest]:
        """Return replayed requests, or the others."""
        return rows.filter(replayed_at__isnull=value == "REFUSED")
