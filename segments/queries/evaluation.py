"""Evaluates many segments for many customers by one statement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from django.db import OperationalError, transaction
from psycopg.errors import QueryCanceled

from configuration.domain.conditions import Comparison, nodes_of
from configuration.domain.customer_schema import LIST_OF
from configuration.queries.rules import NodeRules, WorkspaceRules
from contacthub_project.core.date_spans import Clock
from contacthub_project.core.sql_fragments import Fragment
from contacthub_project.db.sql import StatementTemplate, fetch_all
from customers.domain.moving_moments import is_moving, moment_texts
from customers.domain.query_language import Did
from customers.queries.attributes import CustomerAttributes
from customers.queries.search import behaviour_queries, compiled_query
from segments.domain.next_change import next_change
from segments.queries.definitions import Definition

SEGMENTS_AT_ONCE = 50
EVALUATE = StatementTemplate("segments/sql/evaluate")


@dataclass(slots=True)
class Evaluation:
    """Members by segment, and when time alone may change a membership.

    `too_costly` are the segments that took too long.
    """

    members: dict[UUID, set[UUID]] = field(default_factory=dict)
    due: dict[UUID, dict[UUID, datetime]] = field(default_factory=dict)
    too_costly: list[UUID] = field(default_factory=list)

    def add(self, other: Evaluation) -> None:
        """Add what was found of other segments."""
        self.members |= other.members
        self.due |= other.due
        self.too_costly += other.too_costly


def evaluate(
    workspace: WorkspaceRules,
    node: NodeRules,
    definitions: Sequence[Definition],
    ids: Sequence[UUID],
    now: datetime,
) -> Evaluation:
    """Evaluate segments of a node for its live customers among `ids`."""
    evaluation = Evaluation()
    pieces = [
        definitions[first : first + SEGMENTS_AT_ONCE]
        for first in range(0, len(definitions), SEGMENTS_AT_ONCE)
    ]
    while pieces:
        piece = pieces.pop(0)
        try:
            with transaction.atomic():
                _evaluate(workspace, node, piece, ids, Clock(now, workspace.zone), evaluation)
        except OperationalError as failure:
            if not isinstance(failure.__cause__, QueryCanceled):
                raise
            if len(piece) == 1:
                evaluation.too_costly.append(piece[0].id)
            else:
                middle = len(piece) // 2
                pieces[:0] = [piece[:middle], piece[middle:]]
    return evaluation


def _evaluate(
    workspace: WorkspaceRules,
    node: NodeRules,
    definitions: Sequence[Definition],
    ids: Sequence[UUID],
    clock: Clock,
    evaluation: Evaluation,
) -> None:
    attributes = CustomerAttributes.of(workspace, node)
    conditions, values = [], []
    moving: list[list[Comparison]] = []
    for each in definitions:
        compiled = compiled_query(each.expression, workspace, node, attributes, clock)
        conditions.append(Fragment(f"({compiled.sql}) IS TRUE", compiled.parameters))
        compared = _next_values(each.expression, workspace, node, attributes, clock)
        moving.append([comparison for comparison, _ in compared])
        values += [fragment for _, fragment in compared]
    statement = EVALUATE.compose(
        workspace_id=workspace.id,
        node_id=node.id,
        conditions=_listed("ARRAY[{}]::boolean[]", conditions),
        values=_listed("jsonb_build_array({})::text", values),
        ids=list(ids),
    )
    rows = fetch_all(statement.sql, statement.parameters, prepare=False)
    for each in definitions:
        evaluation.members[each.id] = set()
        evaluation.due[each.id] = {}
    for customer_id, fits, texts in rows:
        found = iter(orjson.loads(texts))
        for definition, is_in, comparisons in zip(definitions, fits, moving, strict=True):
            if is_in:
                evaluation.members[definition.id].add(customer_id)
            moments = [next_change(each, next(found) or [], clock) for each in comparisons]
            if due := [moment for moment in moments if moment is not None]:
                evaluation.due[definition.id][customer_id] = min(due)


def _listed(template: str, fragments: Sequence[Fragment]) -> Fragment:
    sql = template.format(", ".join(each.sql for each in fragments))
    return Fragment(sql, tuple(value for each in fragments for value in each.parameters))


def _next_values(
    expression: Any,
    workspace: WorkspaceRules,
    node: NodeRules,
    attributes: CustomerAttributes,
    clock: Clock,
) -> list[tuple[Comparison, Fragment]]:
    """Return comparisons with moments relative to now, and the next values that these reach."""
    found: list[tuple[Comparison, Fragment]] = []
    for part in nodes_of(expression):
        if isinstance(part, Comparison) and is_moving(part):
            place = attributes.place_of(part.attribute)
            text = moment_texts(place, part.kind)
            if part.kind.startswith(LIST_OF):
                texts = f"(SELECT jsonb_agg(each.value) FROM (SELECT {text} AS value) AS each)"
            else:
                texts = f"CASE WHEN {text} IS NOT NULL THEN jsonb_build_array({text}) END"
            found.append((part, Fragment(texts)))
        elif isinstance(part, Did):
            behaviour = behaviour_queries()
            found += behaviour.next_values(part.behaviour, workspace, node, clock)
    return found
