"""Writing events by sets: each set is one SQL function, one round trip and one transaction.

`events/sql/functions/write_events.sql` writes events with their rows in the change feed, in the
order of locks that all writers follow (docs/decisions/0018-gathering.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

import orjson
from django.db import connection

from contacthub_project.db.gathering import Gatherer, gathering_connections
from contacthub_project.db.sql import fetch_all
from events.domain.draft import BringBack, Content

WRITE = """
SELECT * FROM events_write(%(workspace_id)s, %(creates)s::text::json, %(changes)s::text::json,
    %(may_wait)s::boolean)
"""


class Outcome(StrEnum):
    """What became of a write; what each means is told with the SQL function."""

    WRITTEN = "WRITTEN"
    EXISTS = "EXISTS"
    STALE = "STALE"
    NOT_OPEN = "NOT_OPEN"


@dataclass(frozen=True, slots=True, kw_only=True)
class EventWrite:
    """An event to be inserted.

    Without `node_id` it goes to its customer's node, which must be among `nodes` unless that is
    None; with a `customer_version`, only while the customer has it.
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
        """The row of the set that stands for it."""
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
    """What becomes of an event that is there, None when it goes; `version` is None for any."""

    id: UUID
    content: Content | None
    version: int | None = None

    def as_json(self) -> dict[str, Any]:
        """The row of the set that stands for it."""
        said = {"is_deleted": True} if self.content is None else _content_json(self.content)
        return {"id": self.id, "version": self.version, **said}


def write_event(workspace_id: UUID, write: EventWrite) -> Outcome:
    """Insert an event, in the transaction there is or with whatever else is inserted."""
    if connection.in_atomic_block:
        return write_events(workspace_id, [write])[0]
    return _gatherer.submit(workspace_id, write)


def write_events(workspace_id: UUID, writes: Sequence[EventWrite | EventChange]) -> list[Outcome]:
    """Write a set, waiting for whoever holds something of it; what became of each, in order.

    In the caller's transaction, or in one of its own.
    """
    if not writes:
        return []
    return _outcomes(writes, fetch_all(WRITE, set_parameters(workspace_id, writes, may_wait=True)))


def _write_set(workspace_id: UUID, writes: Sequence[EventWrite]) -> list[Outcome]:
    with gathering_connections.connection() as raw:
        found = raw.execute(WRITE, set_parameters(workspace_id, writes, may_wait=False)).fetchall()
    return _outcomes(writes, found)


def _write_alone(workspace_id: UUID, write: EventWrite) -> Outcome:
    return write_events(workspace_id, [write])[0]


_gatherer = Gatherer(_write_set, alone=_write_alone, lanes_of_group=2)


def set_parameters(
    workspace_id: UUID, writes: Sequence[EventWrite | EventChange], *, may_wait: bool
) -> dict[str, Any]:
    """What `WRITE` takes."""
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
