"""Events as the change feed tells of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from configuration.queries.rules import WorkspaceRules
from customers.queries.feed import EntityKey
from events.models import Event
from events.queries.aggregates import aggregates_of
from events.queries.documents import duplicate_of, shown_event


def read_events(workspace: WorkspaceRules, keys: Sequence[EntityKey]) -> Mapping[EntityKey, Any]:
    """Those of the events that there are in their nodes, as the API shows them there.

    In an aggregate node that is not the event's own, it is a duplicate of the aggregate customer's,
    as long as its customer is a member.
    """
    rows = Event.objects.rows_of(workspace.id, list({event_id for _, event_id in keys}))
    events = {UUID(row.id): shown_event(row, workspace) for row in rows}
    shown, elsewhere = {}, []
    for node_id, event_id in keys:
        event = events.get(event_id)
        if event is None:
            continue
        if UUID(event["nodeId"]) == node_id:
            shown[node_id, event_id] = event
        elif event["customerId"] is not None:
            elsewhere.append((node_id, event_id, UUID(event["customerId"])))
    aggregates = aggregates_of((node_id, owner) for node_id, _, owner in elsewhere)
    for node_id, event_id, owner in elsewhere:
        if (node_id, owner) in aggregates:
            shown[node_id, event_id] = duplicate_of(
                events[event_id], customer_id=aggregates[node_id, owner], node_id=node_id
            )
    return shown
