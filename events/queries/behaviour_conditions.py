"""What customers did, as the query language asks for it (`did`): from its expression to SQL."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from configuration.domain.conditions import Test
from configuration.domain.customer_schema import LIST_OF
from configuration.models import NodeType
from configuration.queries.rules import NodeRules, WorkspaceRules
from contacthub_project.core.date_math import Clock
from contacthub_project.core.errors import FieldError
from customers.domain.query_compiler import (
    SYMBOLS,
    Fragment,
    Place,
    all_of,
    compile_expression,
    elements_of,
)
from events.domain.behaviours import EventCondition, Function, Measure, parse_behaviour
from events.models.event import Origin

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

# Events, by whose they are in the node. Nothing here speaks of the row `customer`, so that the
# planner is free to look at each customer's events or to go through the node's events once.
OF_NODE = """
SELECT event.customer_id{values} FROM events_event AS event
WHERE event.workspace_id = %s AND event.node_id = %s AND {condition}
"""
OF_MEMBERS = """
SELECT member.aggregate_id AS customer_id{values}
FROM customers_aggregatemember AS member JOIN events_event AS event
  ON event.customer_id = member.entry_id
WHERE member.workspace_id = %s AND member.aggregate_node_id = %s
  AND event.workspace_id = %s AND event.node_id = ANY (%s) AND {condition}
"""
MEASURED = """
SELECT done.customer_id FROM ({events}) AS done
GROUP BY done.customer_id HAVING {measured}
"""


@dataclass(frozen=True, slots=True)
class EventAttributes:
    """Where the attributes of events are found.

    `shown_in` is the aggregate node of members' events, which are shown there as duplicates.
    """

    shown_in: UUID | None = None

    def place_of(self, path: str) -> Place:
        """Where the values of an attribute that the schema knows are found."""
        if self.shown_in is not None and path == "nodeId":
            return Place(f"'{self.shown_in}'::text", uuid_column=f"'{self.shown_in}'::uuid")
        if self.shown_in is not None and path == "origin":
            return Place(f"'{Origin.DUPLICATE.value}'::text")
        if path in UUID_COLUMNS:
            return Place(f"{UUID_COLUMNS[path]}::text", uuid_column=UUID_COLUMNS[path])
        if path in COLUMNS:
            return Place(COLUMNS[path])
        part, *keys = path.split(".")
        return Place(f"event.{PARTS[part]}", tuple(keys))


class EventBehaviour:
    """Registered with `customers.queries.search`."""

    def parsed(
        self, did: Any, workspace: WorkspaceRules, at: str
    ) -> tuple[EventCondition | None, list[FieldError]]:
        """The `did` of a query, or everything wrong with it; `at` points to it."""
        return parse_behaviour(did, workspace.event_schema, at=at)

    def compiled(
        self, behaviour: EventCondition, workspace: WorkspaceRules, node: NodeRules, clock: Clock
    ) -> Fragment:
        """A condition on the row `customer`, of the node, that holds when it did that.

        An aggregate customer has the events of its members besides its own.
        """
        found = _events(behaviour, workspace, node, clock)
        if not behaviour.measures:
            return _is_among(found)
        measured = all_of([_measured(n, each) for n, each in enumerate(behaviour.measures)])
        if behaviour.holds_without_events:
            # Everybody but those with events for whom it does not hold.
            others = _is_among(_grouped(found, _opposite(measured)))
            return Fragment(f"NOT {others.sql}", others.parameters)
        return _is_among(_grouped(found, measured))


def _is_among(customers: Fragment) -> Fragment:
    sql = f"EXISTS (SELECT FROM ({customers.sql}) AS those WHERE those.customer_id = customer.id)"
    return Fragment(sql, customers.parameters)


def _opposite(fragment: Fragment) -> Fragment:
    return Fragment(f"({fragment.sql}) IS NOT TRUE", fragment.parameters)


def _grouped(events: Fragment, measured: Fragment) -> Fragment:
    sql = MEASURED.format(events=events.sql, measured=measured.sql)
    return Fragment(sql, (*events.parameters, *measured.parameters))


def _events(
    behaviour: EventCondition, workspace: WorkspaceRules, node: NodeRules, clock: Clock
) -> Fragment:
    """SQL of the events that are meant: whose each is, and the numbers that measures need of it."""
    own = _events_from(OF_NODE, (workspace.id, node.id), behaviour, EventAttributes(), clock)
    if node.type != NodeType.AGGREGATE:
        return own
    members = _events_from(
        OF_MEMBERS,
        (workspace.id, node.id, workspace.id, list(node.entry_nodes)),
        behaviour,
        EventAttributes(shown_in=node.id),
        clock,
    )
    return Fragment(f"{own.sql} UNION ALL {members.sql}", (*own.parameters, *members.parameters))


def _events_from(
    statement: str,
    scope: Sequence[Any],
    behaviour: EventCondition,
    attributes: EventAttributes,
    clock: Clock,
) -> Fragment:
    condition = all_of(
        [
            Fragment("event.type = %s", (behaviour.event_type,)),
            *(compile_expression(each, attributes, clock) for each in behaviour.conditions),
        ]
    )
    values = [
        column
        for number, measure in enumerate(behaviour.measures)
        for column in _values(number, measure, attributes)
    ]
    sql = statement.format(values="".join(f", {each}" for each in values), condition=condition.sql)
    return Fragment(sql, (*scope, *condition.parameters))


def _values(number: int, measure: Measure, attributes: EventAttributes) -> list[str]:
    """What of one event a measure needs; lists are reckoned together within their event."""
    if measure.function is Function.COUNT:
        return []
    place = attributes.place_of(measure.attribute)
    if measure.function is not Function.AVG:
        return [f"{_value(place, measure.kind, measure.function)} AS value_{number}"]
    return [
        f"{_value(place, measure.kind, Function.SUM)} AS value_{number}",
        f"{_value(place, measure.kind, Function.COUNT)} AS weight_{number}",
    ]


def _value(place: Place, kind: str, function: Function) -> str:
    if kind.startswith(LIST_OF):
        each = _number("element")
        return f"(SELECT {function.lower()}({each}) FROM {elements_of(place)})"
    value = f"{place.column}::numeric" if place.keys is None else _number(place.json)
    return f"num_nonnulls({value})" if function is Function.COUNT else value


def _number(json_value: str) -> str:
    """SQL of a number in JSON; what is of another type was stored by other rules: no value."""
    return f"CASE WHEN jsonb_typeof({json_value}) = 'number' THEN ({json_value})::numeric END"


def _measured(number: int, measure: Measure) -> Fragment:
    """The measure over the events of a group."""
    reckoned, weight = f"sum(done.value_{number})", ""
    if measure.function is Function.COUNT:
        reckoned = "count(*)"
    elif measure.function is Function.SUM:
        reckoned = f"coalesce({reckoned}, 0)"
    elif measure.function is Function.AVG:
        # Multiplied rather than divided, which would round.
        weight = f" * sum(done.weight_{number})"
    else:
        reckoned = f"{measure.function.lower()}(done.value_{number})"
    tests = [measure.test]
    if measure.test is Test.BETWEEN:
        tests = [Test.AT_LEAST, Test.AT_MOST]
    parts = [
        Fragment(f"{reckoned} {SYMBOLS.get(test, '=')} %s::numeric{weight}", (json.dumps(operand),))
        for test, operand in zip(tests, measure.operands, strict=True)
    ]
    compared = all_of(parts)
    return _opposite(compared) if measure.is_opposite else compared
