"""Moves events with merged customers, and back when the merge is undone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from contacthub_project.db.sql import fetch_all, fetch_one, fetch_value, load
from customers.models import MergedCustomer
from customers.observers import Holdings, Unmerging
from events.models import Event, MergedEvent

MOVE = load("events/sql/move_events")
COUNT = load("events/sql/count_returned_events")
GIVE_BACK = load("events/sql/give_back_events")
EVENTS = "events"
LATER_EVENTS = "laterEvents"


def count_events(workspace_id: UUID, customer_ids: Sequence[UUID]) -> int:
    """Return the number of events of customers."""
    events = Event.objects.filter(workspace_id=workspace_id, customer_id__in=list(customer_ids))
    return events.count()


def move_events(
    workspace_id: UUID, *, merge_id: UUID, survivor_id: UUID, customer_ids: Sequence[UUID]
) -> int:
    """Move events of customers to the survivor, recording their customers; return the number."""
    parameters = {
        "workspace_id": workspace_id,
        "merge_id": merge_id,
        "survivor_id": survivor_id,
        "ids": list(customer_ids),
    }
    moved: int = fetch_value(MOVE, parameters, prepare=False)
    return moved


def count_returned(workspace_id: UUID, unmerging: Unmerging) -> dict[str, dict[UUID, int]]:
    """Return the numbers of events that each customer would get back, and of later ones."""
    counts: dict[str, dict[UUID, int]] = defaultdict(dict)
    for customer_id, came_later, count in fetch_all(
        COUNT, _parameters(workspace_id, unmerging), prepare=False
    ):
        counts[LATER_EVENTS if came_later else EVENTS][customer_id] = count
    return counts


def return_events(workspace_id: UUID, unmerging: Unmerging) -> None:
    """Give customers their events back, and later ones for them."""
    fetch_one(GIVE_BACK, _parameters(workspace_id, unmerging), prepare=False)


def note_named(workspace_id: UUID, named: Mapping[UUID, MergedCustomer]) -> None:
    """Record events, by their ids, that were sent for merged customers."""
    if named:
        MergedEvent.objects.bulk_create(
            MergedEvent(
                workspace_id=workspace_id,
                merge_id=merged.merge_id,
                event_id=event_id,
                node_id=merged.node_id,
                customer_id=merged.customer_id,
                came_later=True,
            )
            for event_id, merged in named.items()
        )


def forget_merges(workspace_id: UUID, merge_ids: Sequence[UUID]) -> Holdings:
    """Forget the former customers of events; return the number."""
    kept = MergedEvent.objects.in_workspace(workspace_id).filter(merge_id__in=list(merge_ids))
    removed = Holdings()
    removed.tables[MergedEvent._meta.db_table] = kept.delete()[0]
    return removed


def _parameters(workspace_id: UUID, unmerging: Unmerging) -> dict[str, Any]:
    known = [
        (customer_id, kind, value)
        for customer_id, identities in unmerging.identities.items()
        for kind, value in identities
    ]
    return {
        "workspace_id": workspace_id,
        "merge_id": unmerging.merge_id,
        "merged_at": unmerging.merged_at,
        "survivor_id": unmerging.survivor_id,
        "customers": [customer_id for customer_id, _, _ in known],
        "kinds": [kind for _, kind, _ in known],
        "values": [value for _, _, value in known],
        "ignores_case": unmerging.ignores_case,
    }
