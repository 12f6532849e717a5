"""What customers did, as the query language asks for it (`did`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from configuration.domain.conditions import (
    Condition,
    depends_on_now,
    parse_condition,
    unknown_key_faults,
)
from configuration.domain.vocabulary import EVENT_TYPES
from configuration.queries.rules import WorkspaceRules
from contacthub_project.core.date_math import Clock
from contacthub_project.core.errors import FieldError
from customers.domain.query_compiler import Fragment, Place, all_of, compile_expression

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


class EventAttributes:
    """Where the attributes of events are found."""

    def place_of(self, path: str) -> Place:
        """Where the values of an attribute that the schema knows are found."""
        if path in UUID_COLUMNS:
            return Place(f"{UUID_COLUMNS[path]}::text", uuid_column=UUID_COLUMNS[path])
        if path in COLUMNS:
            return Place(COLUMNS[path])
        part, *keys = path.split(".")
        return Place(f"event.{PARTS[part]}", tuple(keys))


@dataclass(frozen=True, slots=True)
class EventCondition:
    """An event of the type for which the condition and the time frame hold both."""

    event_type: str
    condition: Condition | None = None
    timeframe: Condition | None = None

    @property
    def depends_on_now(self) -> bool:
        """Whether time alone can change who has such an event."""
        return any(depends_on_now(each) for each in self.conditions)

    @property
    def conditions(self) -> list[Condition]:
        """The condition and the time frame, as far as there are any."""
        return [each for each in (self.condition, self.timeframe) if each is not None]


class EventBehaviour:
    """Registered with `customers.queries.search`.

    A customer did something when it has an event of the named type for which the condition, about
    the event's attributes, and the time frame, a condition about its date, hold both.
    """

    def parsed(
        self, did: Any, workspace: WorkspaceRules, at: str
    ) -> tuple[EventCondition | None, list[FieldError]]:
        """The `did` of a query, or everything wrong with it; `at` points to it."""
        if not isinstance(did, dict):
            return None, [FieldError(at, "must be an object", "type")]
        faults = unknown_key_faults(did, {"event", "condition", "timeframe", "name"}, at)
        event = did.get("event")
        name = event.get("name") if isinstance(event, dict) else None
        if not isinstance(name, str) or name not in EVENT_TYPES:
            return None, [*faults, FieldError(f"{at}/event/name", "is not a type of event", "enum")]
        schema, parts = workspace.event_schema(name), {}
        for part in ("condition", "timeframe"):
            if did.get(part) is not None:
                parts[part], wrong = parse_condition(did[part], schema, at=f"{at}/{part}")
                faults += wrong
        return (None if faults else EventCondition(name, **parts)), faults

    def compiled(
        self, behaviour: EventCondition, workspace: WorkspaceRules, clock: Clock
    ) -> Fragment:
        """A condition on the row `customer` that holds when it did that."""
        attributes = EventAttributes()
        parts = [
            Fragment("event.workspace_id = customer.workspace_id"),
            Fragment("event.customer_id = customer.id"),
            Fragment("event.type = %s", (behaviour.event_type,)),
            *(compile_expression(each, attributes, clock) for each in behaviour.conditions),
        ]
        inner = all_of(parts)
        return Fragment(
            f"EXISTS (SELECT FROM events_event AS event WHERE {inner.sql})", inner.parameters
        )
