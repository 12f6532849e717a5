"""How many customers or events nodes have, out of the counters."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from analytics.queries.measures import CUSTOMERS, EVENTS, EVER
from contacthub_project.db.counters import Entity
from contacthub_project.db.sql import fetch_one

# A list asks for this with every page: one small statement, planned once.
TOTAL = f"""
SELECT (SELECT coalesce(sum(value), 0) FROM analytics_counter
        WHERE workspace_id = %(workspace_id)s AND node_id = ANY (%(nodes)s::uuid[])
          AND metric = %(metric)s AND day = {EVER})
     + (SELECT coalesce(sum(weight), 0) FROM analytics_delta
        WHERE workspace_id = %(workspace_id)s AND node_id = ANY (%(nodes)s::uuid[])
          AND subject = %(subject)s)
"""
COUNTED = {Entity.CUSTOMERS: (CUSTOMERS, "CUSTOMER"), Entity.EVENTS: (EVENTS, "EVENT")}


def counted_entities(workspace_id: UUID, node_ids: Sequence[UUID], entity: Entity) -> int:
    """Registered with `contacthub_project.db.counters`."""
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
