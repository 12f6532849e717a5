"""Events of entry customers as aggregate nodes show them: they are not copied."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from customers.models import AggregateMember
from events.queries.documents import duplicate_of


def members_of(workspace_id: UUID, customer_id: UUID) -> list[UUID]:
    """The entry customers that an aggregate customer is made of."""
    members = AggregateMember.objects.of_aggregate(workspace_id, customer_id)
    return list(members.values_list("entry_id", flat=True))


def as_seen_in(node_id: UUID, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The events, those of members as duplicates that the aggregate customer has."""
    owners = {UUID(event["customerId"]) for event in events if event["customerId"] is not None}
    members = AggregateMember.objects.filter(aggregate_node_id=node_id, entry_id__in=owners)
    aggregates = dict(members.values_list("entry_id", "aggregate_id"))
    return [
        duplicate_of(event, customer_id=aggregates[UUID(event["customerId"])], node_id=node_id)
        if event["customerId"] is not None and UUID(event["customerId"]) in aggregates
        else event
        for event in events
    ]
