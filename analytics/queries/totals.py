"""Numbers of customers or events of nodes, from the counters."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from analytics.queries.measures import CUSTOMERS, EVENTS
from contacthub_project.db.counters import Entity
from contacthub_project.db.sql import fetch_one, load

TOTAL = load("analytics/sql/total_of_nodes")
COUNTED = {Entity.CUSTOMERS: (CUSTOMERS, "CUSTOMER"), Entity.EVENTS: (EVENTS, "EVENT")}


def counted_entities(workspace_id: UUID, node_ids: Sequence[UUID], entity: Entity) -> int:
    """Implements `contacthub_project.db.counters.EntityCounter`."""
    metric, subject = COUNTED[entity]
    (total,) = fetch_one(
        TOTAL,
        {
            "workspace_id": workspace_id,
            "nodes": list(node_ids),
            "metric": metric,
            "subject": subject,
        },
    )
    return int(total)
