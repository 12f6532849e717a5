"""Fills a node with invented events, for demonstrations and benchmarks."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from django.db import connection, transaction

from configuration.models import Node
from contacthub_project.db.sql import load

CHUNK = 50_000
STORE = load("events/sql/seed_events")


def seed_events(node_id: UUID, count: int, *, days: int = 365) -> Iterator[int]:
    """Add `count` random events of a node's customers, over the last `days`; yield progress."""
    node = Node.objects.get(id=node_id)
    for done in range(0, count, CHUNK):
        size = min(CHUNK, count - done)
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 0")
            cursor.execute(
                STORE,
                {
                    "workspace_id": node.workspace_id,
                    "node_id": node.id,
                    "count": size,
                    "days": days,
                },
            )
        yield done + size
