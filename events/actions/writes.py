"""Writes events in sets: each set is one SQL function, one round trip and one transaction.

`events/sql/functions/write_events.sql` writes events with their rows in the change feed, in the
lock order of all writers (docs/decisions/0018-gathering.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

import orjson

from contacthub_project.db.gathering import Gatherer, gathering_connections
from contacthub_project.db.sql import fetch_all
from events.domain.draft import BringBack, Content

WRITE = """
SELECT * FROM events_write(%(workspace_id)s, %(creates)s::text::json, %(changes)s::text::json,
    %(may_wait)s::boolean)
"""


class Outcome(StrEnum):
    """The result of a write, explained in the SQL function."""

    WRITTEN = "WRITTEN"
    EXISTS = "EXISTS"
    STALE = "STALE"
    NOT_OPEN = "NOT_OPEN"


@dataclass(frozen=True, slots=True, kw_only=True)
class EventWrite:
    """An event to insert.

    Without `node_id` it is inserted into its customer's node, which must be among `nodes` unless
    that is None; with a `customer_version`, only while the customer has it.
    """

    id: UUID
    content: Content
    registered_by: str
    customer_id: UUID | None = None
    customer_version: int | None = None
    node_id: UUID | None = None
    nodes: Sequence[UUID] | None = None
    bring_back: BringBack | None = None
    body_digest: bytes | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the write's row of the set."""
        return {
            "id": self.id,
            "customer_id": self.customer_id,
            "customer_version": self.customer_version,
            "node_id": self.node_id,
            "nodes": self.nodes,
            "bring_back_type": self.bring_back and self.bring_back.kind,
            "bring_back_value": self.bring_back and self.bring_back.value,
            "body_digest": None if self.body_digest is None else f"\\x{self.body_digest.hex()}",
            "registered_by": self.registered_by,
            **_content_json(self.content),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class EventChange:
    """The new content of an event, None for a deletion; `version` is None for any."""

    id: UUID
    content: Content | None
    version: int | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the change's row of the set."""
        values = {"is_deleted": True} if self.content is None else _content_json(self.content)
        return {"id": self.id, "version": self.version, **values}


async def write_event(workspace_id: UUID, write: EventWrite) -> Outcome:
    """Insert an event, in the current transaction or batched with others."""
    return await _gatherer.submit(workspace_id, write)


def write_events(workspace_id: UUID, writes: Sequence[EventWrite | EventChange]) -> list[Outcome]:
    """Write a set, waiting for locks; return the results, in order.

    In the caller's transaction, or in its own.
    """
    if not writes:
        return []
    return _outcomes(writes, fetch_all(WRITE, set_parameters(workspace_id, writes, may_wait=True)))


async def _write_set(workspace_id: UUID, writes: Sequence[EventWrite]) -> list[Outcome]:
    async with gathering_connections.connection() as raw:
        cursor = await raw.execute(WRITE, set_parameters(workspace_id, writes, may_wait=False))
        return _outcomes(writes, await cursor.fetchall())


def _write_alone(workspace_id: UUID, write: EventWrite) -> Outcome:
    return write_events(workspace_id, [write])[0]


_gatherer = Gatherer(_write_set, alone=_write_alone, lanes_of_group=2)


def set_parameters(
    workspace_id: UUID, writes: Sequence[EventWrite | EventChange], *, may_wait: bool
) -> dict[str, Any]:
    """Return the parameters of `WRITE`."""
    creates = [write.as_json() for write in writes if isinstance(write, EventWrite)]
    changes = [write.as_json() for write in writes if isinstance(write, EventChange)]
    return {
        "workspace_id": workspace_id,
        "creates": json_text(creates) if creates else None,
        "changes": json_text(changes) if changes else None,
        "may_wait": may_wait,
    }


def _outcomes(
    writes: Sequence[EventWrite | EventChange], found: Sequence[tuple[Any, ...]]
) -> list[Outcome]:
    outcomes: dict[UUID, Outcome] = {}
    for outcome, event_id, _ in found:
        outcomes.setdefault(event_id, Outcome(outcome))
    return [outcomes[write.id] for write in writes]


def _content_json(content: Content) -> dict[str, Any]:
    return {
        "external_id": content.external_id,
        "type": content.type,
        "context": content.context,
        "properties": content.properties,
        "context_info": content.context_info,
        "tracking": content.tracking,
        "date": content.date,
    }


def json_text(value: Any) -> str:
    return orjson.dumps(value).decode()
