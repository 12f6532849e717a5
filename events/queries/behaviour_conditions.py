"""What customers did, as the query language asks for it (`did`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from configuration.domain.conditions import condition_faults, unknown_key_faults
from configuration.domain.event_schema import EventSchema
from configuration.domain.vocabulary import EVENT_TYPES
from configuration.queries.rules import WorkspaceRules
from contacthub_project.core.errors import FieldError
from customers.domain.query_compiler import Fragment, Place, all_of, compile_condition

COLUMNS = {
    "externalId": "event.external_id",
    "type": "event.type",
    "context": "event.context",
    "origin": "event.origin",
    "date": "event.date",
    "registeredAt": "event.registered_at",
    "updatedAt": "event.updated_at",
    "version": "event.version",
}
UUID_COLUMNS = {"id": "event.id", "nodeId": "event.node_id"}
PARTS = {"properties": "properties", "contextInfo": "context_info", "tracking": "tracking"}


@dataclass(frozen=True, slots=True)
class EventAttributes:
    """The attributes of one type's events, and where their values are found."""

    schema: EventSchema

    def kind_of(self, path: str) -> str | None:
        return self.schema.kind_of(path)

    def place_of(self, path: str) -> Place:
        """Where the values of an attribute that `kind_of` knows are found."""
        if path in UUID_COLUMNS:
            return Place(f"{UUID_COLUMNS[path]}::text", uuid_column=UUID_COLUMNS[path])
        if path in COLUMNS:
            return Place(COLUMNS[path])
        part, *keys = path.split(".")
        return Place(f"event.{PARTS[part]}", tuple(keys))


class EventBehaviour:
    """Registered with `customers.queries.search`.

    A customer did something when it has an event of the named type for which the condition, about
    the event's attributes, and the time frame, a condition about its date, hold both.
    """

    def faults(self, did: Any, workspace: WorkspaceRules, at: str) -> list[FieldError]:
        """Everything wrong with the `did` of a query; `at` points to it."""
        if not isinstance(did, dict):
            return [FieldError(at, "must be an object", "type")]
        faults = unknown_key_faults(did, {"event", "condition", "timeframe", "name"}, at)
        event = did.get("event")
        name = event.get("name") if isinstance(event, dict) else None
        if not isinstance(name, str) or name not in EVENT_TYPES:
            return [*faults, FieldError(f"{at}/event/name", "is not a type of event", "enum")]
        attributes = EventAttributes(workspace.event_schema(name))
        for part in ("condition", "timeframe"):
            if did.get(part) is not None:
                faults += condition_faults(did[part], attributes, at=f"{at}/{part}")
        return faults

    def compiled(self, did: Mapping[str, Any], workspace: WorkspaceRules) -> Fragment:
        """A condition on the row `customer` that holds when it did that."""
        name = did["event"]["name"]
        attributes = EventAttributes(workspace.event_schema(name))
        parts = [
            Fragment("event.workspace_id = customer.workspace_id"),
            Fragment("event.customer_id = customer.id"),
            Fragment("event.type = %s", (name,)),
        ]
        parts += [
            compile_condition(did[part], attributes)
            for part in ("condition", "timeframe")
            if did.get(part) is not None
        ]
        inner = all_of(parts)
        return Fragment(
            f"EXISTS (SELECT FROM events_event AS event WHERE {inner.sql})", inner.parameters
        )
