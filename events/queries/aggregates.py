"""Events of entry customers as aggregate nodes show them: they are not copied."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
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
    return aggregates_of([(node_id, entry_id)]).get((node_id, entry_id))


def aggregates_of(members: Iterable[tuple[UUID, UUID]]) -> dict[tuple[UUID, UUID], UUID]:
    """Of pairs of an aggregate node and an entry customer, those aggregate customers there are."""
    wanted = set(members)
    if not wanted:
        return {}
    found = AggregateMember.objects.filter(
        aggregate_node_id__in={node_id for node_id, _ in wanted},
        entry_id__in={entry_id for _, entry_id in wanted},
        aggregate__isnull=False,
    ).values_list("aggregate_node_id", "entry_id", "aggregate_id")
    return {(node_id, entry_id): aggregate_id for node_id, entry_id, aggregate_id in found}


def as_seen_in(node_id: UUID, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The events, those of members as duplicates that the aggregate customer has."""
    owners = [event["customerId"] and (node_id, UUID(event["customerId"])) for event in events]
    aggregates = aggregates_of(owner for owner in owners if owner is not None)
    return [
        duplicate_of(event, customer_id=aggregates[owner], node_id=node_id)
        if owner in aggregates
        else event
        for event, owner in zip(events, owners, strict=True)
    ]
