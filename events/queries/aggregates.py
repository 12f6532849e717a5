"""Events of entry customers in aggregate nodes, where they are not copied."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple
from uuid import UUID

from django.db.models import QuerySet

from customers.models import AggregateMember
from events.queries.documents import EventResponse, duplicate_of

PAGE = 1000


def members_of(workspace_id: UUID, customer_id: UUID) -> list[UUID]:
    """Return the entry customers of an aggregate customer."""
    members = AggregateMember.objects.of_aggregate(workspace_id, customer_id)
    return list(members.values_list("entry_id", flat=True))


class Member(NamedTuple):
    """An entry customer and the node of its aggregate customer."""

    node_id: UUID
    entry_id: UUID


def members_in_order(workspace_id: UUID, customer_id: UUID) -> Iterator[Member]:
    """Yield the entry customers of an aggregate customer by their ids."""
    members = AggregateMember.objects.of_aggregate(workspace_id, customer_id).order_by("entry_id")
    page = _page(members)
    while page:
        yield from page
        page = _page(members.filter(entry_id__gt=page[-1].entry_id))


def _page(members: QuerySet[AggregateMember]) -> list[Member]:
    rows = members.values_list("aggregate_node_id", "entry_id")[:PAGE]
    return list(map(Member._make, rows))


def aggregate_of(workspace_id: UUID, node_id: UUID, entry_id: UUID) -> UUID | None:
    """Return the aggregate customer of an entry customer in an aggregate node."""
    return aggregates_of(workspace_id, [(node_id, entry_id)]).get((node_id, entry_id))


def aggregates_of(
    workspace_id: UUID, members: Iterable[tuple[UUID, UUID]]
) -> dict[tuple[UUID, UUID], UUID]:
    """Return the aggregate customers of pairs of an aggregate node and an entry customer."""
    unique_members = set(members)
    if not unique_members:
        return {}
    found = AggregateMember.objects.filter(
        workspace_id=workspace_id,
        aggregate_node_id__in={node_id for node_id, _ in unique_members},
        entry_id__in={entry_id for _, entry_id in unique_members},
        aggregate__isnull=False,
    ).values_list("aggregate_node_id", "entry_id", "aggregate_id")
    return {(node_id, entry_id): aggregate_id for node_id, entry_id, aggregate_id in found}


def as_seen_in(
    workspace_id: UUID, node_id: UUID, events: list[EventResponse]
) -> list[EventResponse]:
    """Return the events, those of members as duplicates of the aggregate customer."""
    owners = [event["customerId"] and (node_id, UUID(event["customerId"])) for event in events]
    aggregates = aggregates_of(workspace_id, (owner for owner in owners if owner is not None))
    return [
        duplicate_of(event, customer_id=aggregates[owner], node_id=node_id)
        if owner in aggregates
        else event
        for event, owner in zip(events, owners, strict=True)
    ]
