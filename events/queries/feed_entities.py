"""Events of the change feed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from configuration.queries.rules import WorkspaceRules
from customers.queries.feed import EntityKey
from events.models import Event
from events.queries.aggregates import aggregates_of
from events.queries.documents import EventResponse, duplicate_of, visible_event


def read_events(workspace: WorkspaceRules, keys: Sequence[EntityKey]) -> Mapping[EntityKey, Any]:
    """Return the events that exist in their nodes, in the form of responses.

    In an aggregate node that does not own the event, it is a duplicate of the aggregate customer's,
    while its customer is a member.
    """
    rows = Event.objects.rows_of(workspace.id, list({event_id for _, event_id in keys}))
    events = {UUID(row.id): visible_event(row, workspace) for row in rows}
    found: dict[EntityKey, EventResponse] = {}
    elsewhere = []
    for node_id, event_id in keys:
        event = events.get(event_id)
        if event is None:
            continue
        if UUID(event["nodeId"]) == node_id:
            found[node_id, event_id] = event
        elif event["customerId"] is not None:
            elsewhere.append((node_id, event_id, UUID(event["customerId"])))
    aggregates = aggregates_of(workspace.id, ((node_id, owner) for node_id, _, owner in elsewhere))
    for node_id, event_id, owner in elsewhere:
        if (node_id, owner) in aggregates:
            found[node_id, event_id] = duplicate_of(
                events[event_id], customer_id=aggregates[node_id, owner], node_id=node_id
            )
    return found
