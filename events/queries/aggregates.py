"""Events of entry customers as aggregate nodes show them: they are not copied."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from customers.models import AggregateMember
from events.queries.documents import duplicate_of

PAGE = 1000


def members_of(workspace_id: UUID, customer_id: UUID) -> list[UUID]:
    """The entry customers that an aggregate customer is made of."""
    members = AggregateMember.objects.of_aggregate(workspace_id, customer_id)
    return list(members.values_list("entry_id", flat=True))


def members_in_order(workspace_id: UUID, customer_id: UUID) -> Iterator[tuple[UUID, UUID]]:
    """Of an aggregate customer, its node and each of its entry customers, by their ids, lazily."""
    members = AggregateMember.objects.of_aggregate(workspace_id, customer_id).order_by("entry_id")
    page = list(members.values_list("aggregate_node_id", "entry_id")[:PAGE])
    while page:
        yield from page
        following = members.filter(entry_id__gt=page[-1][1])
        page = list(following.values_list("aggregate_node_id", "entry_id")[:PAGE])


def aggregate_of(node_id: UUID, entry_id: UUID) -> UUID | None:
    """The aggregate customer that an entry customer is part of in an aggregate node."""
    members = AggregateMember.objects.filter(aggregate_node_id=node_id, entry_id=entry_id)
    return members.values_list("aggregate_id", flat=True).first()


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
