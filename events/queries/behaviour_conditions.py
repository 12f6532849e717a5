"""Compiles behaviours (`did`) of the query language to SQL."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from configuration.domain.conditions import Comparison, Test
from configuration.domain.customer_schema import LIST_OF
from configuration.models import NodeType
from configuration.queries.rules import NodeRules, WorkspaceRules
from contacthub_project.core.date_spans import Clock
from contacthub_project.core.errors import FieldError
from contacthub_project.core.sql_fragments import Fragment, all_of, union_all
from contacthub_project.db.sql import StatementTemplate, fetch_all
from customers.domain.attribute_places import Place, elements_of
from customers.domain.moving_moments import first_awaited, moment_texts, moving_comparisons
from customers.domain.query_compiler import SYMBOLS, bounded, compile_expression
from customers.queries.feed import EntityKey
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

# Events by their customer in the node. Nothing here refers to the row `customer`, so that the
# planner can either probe each customer's events or scan the node's events once.
OF_NODE = StatementTemplate("events/sql/events_in_node")
OF_MEMBERS = StatementTemplate("events/sql/events_of_members")
MEASURED = """
SELECT done.customer_id FROM ({events}) AS done
GROUP BY done.customer_id HAVING {measured}
"""

# Of a node's own events and of those of members that are shown in it.
MATCHING = """
SELECT event.id FROM events_event AS event
WHERE event.workspace_id = %s AND event.id = ANY (%s::uuid[])
    AND ((event.node_id = %s AND {own}) OR (event.node_id <> %s AND {shown}))
"""
NEXT_VALUES = """(
    SELECT jsonb_agg(next.value) FROM (
        SELECT DISTINCT done.value COLLATE "C" AS value FROM ({events}) AS done
        WHERE done.customer_id = customer.id AND done.value COLLATE "C" >= %s
        ORDER BY 1 LIMIT 100
    ) AS next
)"""


@dataclass(frozen=True, slots=True)
class EventAttributes:
    """Maps attributes of events to their places.

    `shown_in` is the aggregate node of members' events, where they are duplicates.
    """

    shown_in: UUID | None = None

    def place_of(self, path: str) -> Place:
        """Return the place of an attribute of the schema."""
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
        """Return the parsed `did` of a query, or its faults; `at` is its JSON pointer."""
        return parse_behaviour(did, workspace.event_schema, at=at)

    def compiled(
        self, behaviour: EventCondition, workspace: WorkspaceRules, node: NodeRules, clock: Clock
    ) -> Fragment:
        """Return a condition on the row `customer`, of the node, for the behaviour.

        An aggregate customer has the events of its members besides its own.
        """
        found = _events(behaviour, workspace, node, clock)
        if not behaviour.measures:
            return _is_among(found)
        measured = all_of([_measured(n, each) for n, each in enumerate(behaviour.measures)])
        if behaviour.holds_without_events:
            # All customers except those with events for whom it is false.
            others = _is_among(_grouped(found, _opposite(measured)))
            return Fragment(f"NOT {others.sql}", others.parameters)
        return _is_among(_grouped(found, measured))

    def event_types(self, behaviour: EventCondition) -> frozenset[str]:
        """The type of the events that are meant."""
        return frozenset({behaviour.event_type})

    def matching(
        self, behaviour: EventCondition, workspace: WorkspaceRules, keys: Sequence[EntityKey]
    ) -> set[EntityKey]:
        """Return the events among the keys, each in its node, that the behaviour is about."""
        clock = Clock(datetime.now(UTC), workspace.zone)
        ids: dict[UUID, list[UUID]] = defaultdict(list)
        for node_id, event_id in keys:
            ids[node_id].append(event_id)
        found = set()
        for node_id, event_ids in ids.items():
            own, shown = (
                _condition(behaviour, EventAttributes(shown_in=shown_in), clock)
                for shown_in in (None, node_id)
            )
            parameters = (
                *(workspace.id, event_ids, node_id), *own.parameters,
                *(node_id,), *shown.parameters,
            )  # fmt: skip
            statement = MATCHING.format(own=own.sql, shown=shown.sql)
            rows = fetch_all(statement, parameters, prepare=False)
            found |= {(node_id, event_id) for (event_id,) in rows}
        return found

    def next_values(
        self, behaviour: EventCondition, workspace: WorkspaceRules, node: NodeRules, clock: Clock
    ) -> list[tuple[Comparison, Fragment]]:
        """The values of the customer's events of the type that its relative moments come to."""
        return [
            (compared, _next_values(behaviour.event_type, compared, workspace, node, clock))
            for condition in behaviour.conditions
            for compared in moving_comparisons(condition)
        ]


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
    """Return SQL of the matching events: the customer of each, and the measured values."""
    return _events_of(
        workspace,
        node,
        columns=lambda customer_id, attributes: _columns(customer_id, behaviour, attributes),
        condition=lambda attributes: _condition(behaviour, attributes, clock),
    )


def _events_of(
    workspace: WorkspaceRules,
    node: NodeRules,
    *,
    columns: Callable[[str, EventAttributes], Fragment],
    condition: Callable[[EventAttributes], Fragment],
) -> Fragment:
    """Return SQL of columns of the events that a node's customers have, the first their ids."""
    scope = {"workspace_id": workspace.id, "node_id": node.id}
    attributes = EventAttributes()
    own = OF_NODE.compose(
        **scope,
        columns=columns("event.customer_id", attributes),
        condition=condition(attributes),
    )
    if node.type != NodeType.AGGREGATE:
        return own
    attributes = EventAttributes(shown_in=node.id)
    of_members = OF_MEMBERS.compose(
        **scope,
        entry_nodes=list(node.entry_nodes),
        columns=columns("member.aggregate_id AS customer_id", attributes),
        condition=condition(attributes),
    )
    return union_all([own, of_members])


def _next_values(
    event_type: str,
    compared: Comparison,
    workspace: WorkspaceRules,
    node: NodeRules,
    clock: Clock,
) -> Fragment:
    """Return SQL of the next values of events' attribute as a JSON array of texts."""
    least = first_awaited(compared, clock)

    def columns(customer_id: str, attributes: EventAttributes) -> Fragment:
        value = moment_texts(attributes.place_of(compared.attribute), compared.kind)
        return Fragment(f"{customer_id}, {value} AS value")

    def condition(attributes: EventAttributes) -> Fragment:
        of_type = Fragment("event.type = %s", (event_type,))
        if compared.kind.startswith(LIST_OF):
            return of_type
        return all_of([of_type, bounded(attributes.place_of(compared.attribute), ">=", least)])

    events = _events_of(workspace, node, columns=columns, condition=condition)
    return Fragment(NEXT_VALUES.format(events=events.sql), (*events.parameters, least))


def _condition(behaviour: EventCondition, attributes: EventAttributes, clock: Clock) -> Fragment:
    has_type = Fragment("event.type = %s", (behaviour.event_type,))
    conditions = [compile_expression(each, attributes, clock) for each in behaviour.conditions]
    return all_of([has_type, *conditions])


def _columns(customer_id: str, behaviour: EventCondition, attributes: EventAttributes) -> Fragment:
    """Return SQL of the customer's id, and of the values that the measures need."""
    values = [
        column
        for number, measure in enumerate(behaviour.measures)
        for column in _values(number, measure, attributes)
    ]
    return Fragment(", ".join([customer_id, *values]))


def _values(number: int, measure: Measure, attributes: EventAttributes) -> list[str]:
    """Return SQL of one event's values for a measure; lists are aggregated within their event."""
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
    """Return SQL of a number in JSON; values of other types, stored by older rules, are ignored."""
    return f"CASE WHEN jsonb_typeof({json_value}) = 'number' THEN ({json_value})::numeric END"


def _measured(number: int, measure: Measure) -> Fragment:
    """Return SQL of the measure over the events of a group."""
    measured, weight = f"sum(done.value_{number})", ""
    if measure.function is Function.COUNT:
        measured = "count(*)"
    elif measure.function is Function.SUM:
        measured = f"coalesce({measured}, 0)"
    elif measure.function is Function.AVG:
        # Multiplied instead of divided, which would round.
        weight = f" * sum(done.weight_{number})"
    else:
        measured = f"{measure.function.lower()}(done.value_{number})"
    tests = [measure.test]
    if measure.test is Test.BETWEEN:
        tests = [Test.AT_LEAST, Test.AT_MOST]
    parts = [
        Fragment(f"{measured} {SYMBOLS.get(test, '=')} %s::numeric{weight}", (json.dumps(operand),))
        for test, operand in zip(tests, measure.operands, strict=True)
    ]
    compared = all_of(parts)
    return _opposite(compared) if measure.is_opposite else compared
