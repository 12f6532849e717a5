"""Reads of single live customers in the event loop, several in one statement."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from contacthub_project.db.gathering import Gatherer, gathering_connections
from contacthub_project.db.sql import record_of, records_of
from customers.models import Customer
from customers.models.customer_row import LIVE_ROW, LIVE_ROWS, CustomerRow


async def alive_row(workspace_id: UUID, customer_id: UUID) -> CustomerRow | None:
    """Return `live_row`, in the event loop read together with the workspace's other reads."""
    return await _reads.submit(workspace_id, customer_id)


async def _read_together(workspace_id: UUID, ids: Sequence[UUID]) -> list[CustomerRow | None]:
    async with gathering_connections.connection() as raw:
        if len(ids) == 1:
            cursor = await raw.execute(LIVE_ROW, (ids[0], workspace_id))
            return [record_of(CustomerRow, await cursor.fetchone())]
        cursor = await raw.execute(LIVE_ROWS, (list(set(ids)), workspace_id))
        (rows,) = await cursor.fetchone() or (None,)
    found = {each.id: each for each in records_of(CustomerRow, rows)}
    return [found.get(str(customer_id)) for customer_id in ids]


def _read_alone(workspace_id: UUID, customer_id: UUID) -> CustomerRow | None:
    return Customer.objects.live_row(workspace_id, customer_id)


_reads = Gatherer(_read_together, alone=_read_alone, repeats=True, lanes_of_group=2)
