"""Computes how many database connections the product needs, and checks that the server has them."""

from __future__ import annotations

from django.conf import settings
from django.db import connection

from contacthub_project.db.gathering import LANES

GATHERERS = 3  # reads and writes of customers, writes of events; each has its own connections
OTHER_PROCESSES = 8  # worker with its two processes, beat, supervisor, commands; some to spare


def needed_connections(workers: int) -> int:
    """Return the most connections that so many web processes and the other processes hold."""
    of_one: int = sum(settings.WEB_SLOTS.values()) + settings.WEB_STREAMS + GATHERERS * LANES
    return workers * of_one + OTHER_PROCESSES


def missing_connections(workers: int) -> str | None:
    """Return a message when the server has too few connections; None if it has enough."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('max_connections')::int"
            " - current_setting('superuser_reserved_connections')::int"
        )
        (available,) = cursor.fetchone()
    needed = needed_connections(workers)
    if available >= needed:
        return None
    return (
        f"PostgreSQL has {available} connections; {workers} web processes and the rest of the"
        f" product may need {needed}. Raise max_connections, or lower WEB_SLOTS, WEB_STREAMS or"
        " the number of processes"
    )
