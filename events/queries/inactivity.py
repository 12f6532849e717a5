"""Finds inactive customers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from contacthub_project.db.sql import fetch_all, load

INACTIVE = load("events/sql/inactive_customers")
BEGINNING = datetime(1, 1, 1, tzinfo=UTC)


def inactive_customers(
    workspace_id: UUID,
    node_id: UUID,
    *,
    before: datetime,
    after: tuple[datetime | None, UUID | None] = (None, None),
    limit: int,
) -> list[tuple[UUID, datetime]]:
    """Return the next customers of a node without change or event since a moment, and the last one.

    Those changed earliest first, from the one at `after` on.
    """
    moment, customer_id = after
    parameters = {
        "workspace_id": workspace_id,
        "node_id": node_id,
        "before": before,
        "after_moment": moment or BEGINNING,
        "after_id": customer_id or UUID(int=0),
        "limit": limit,
    }
    return [(found, changed) for found, changed in fetch_all(INACTIVE, parameters, prepare=False)]


def inactive_in_nodes(
    workspace_id: UUID, node_ids: Sequence[UUID], *, before: datetime, most: int
) -> list[UUID]:
    """Return inactive customers of several nodes, node by node, at most `most`."""
    found: list[UUID] = []
    for node_id in node_ids:
        some = inactive_customers(workspace_id, node_id, before=before, limit=most - len(found))
        found += [customer_id for customer_id, _ in some]
        if len(found) >= most:
            break
    return found
