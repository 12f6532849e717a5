"""Preview of an aggregate node: who is left out, and how many persons the others are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any
from uuid import UUID

import orjson

from configuration.domain.condition_parser import parse_condition
from configuration.domain.conditions import AnyOf
from configuration.domain.matching_policy import MatchingRule
from configuration.queries.rules import NodeRules, WorkspaceRules
from contacthub_project.core.sql_fragments import Fragment
from contacthub_project.db.sql import StatementTemplate, fetch_all, fetch_one
from customers.domain.matching import match_key
from customers.domain.query_compiler import compile_expression
from customers.queries.attributes import CustomerAttributes, clock_of

COUNTS = StatementTemplate("customers/sql/preview_aggregate")
DOCUMENTS = StatementTemplate("customers/sql/preview_aggregate_documents")
BATCH = 5000
MOST_SECONDS = 3.0


@dataclass(slots=True)
class AggregatePreview:
    """Counts of entry customers, and of the persons whom they would be.

    `left_out` match an exclusion filter, `unrecognised` lack a property that people are recognised
    by. Of the first `customers` when not all were read (`is_complete`).
    """

    customers: int = 0
    left_out: int = 0
    unrecognised: int = 0
    persons: int = 0
    is_complete: bool = True


def preview_aggregate(
    workspace: WorkspaceRules, node: NodeRules, filters: Sequence[Any]
) -> AggregatePreview:
    """Return what an aggregate node would be made of with these exclusion filters.

    `filters` are valid conditions. Where all entry nodes recognise people as the aggregate node
    does, their keys are counted; else keys are made, for at most MOST_SECONDS. Pins do not count.
    """
    entries = [workspace.nodes[each] for each in node.entry_nodes if each in workspace.nodes]
    scope = {
        "workspace_id": workspace.id,
        "nodes": [each.id for each in entries],
        "excluded": _excluded(workspace, node, filters),
    }
    rule = node.matching.all_rules[0]
    if all(_is_same(each.matching.all_rules[0], rule) for each in entries):
        statement = COUNTS.compose(**scope)
        return AggregatePreview(*fetch_one(statement.sql, statement.parameters, prepare=False))
    return _counted(_documents(scope), node)


def _excluded(workspace: WorkspaceRules, node: NodeRules, filters: Sequence[Any]) -> Fragment:
    """Return the condition on `customer` that holds for those who are left out."""
    parsed = [parse_condition(each, workspace.customer_schema, at="")[0] for each in filters]
    kept = tuple(each for each in parsed if each is not None)
    if not kept:
        return Fragment("false")
    attributes = CustomerAttributes.of(workspace, node)
    return compile_expression(AnyOf(kept), attributes, clock_of(workspace))


def _is_same(one: MatchingRule, other: MatchingRule) -> bool:
    """Return whether two rules make the same keys."""
    return sorted(map(str, one.as_json())) == sorted(map(str, other.as_json()))


def _documents(scope: dict[str, Any]) -> Iterator[tuple[dict[str, Any], bool]]:
    """Yield what identifies each customer, and whether they are left out."""
    after = UUID(int=0)
    while True:
        statement = DOCUMENTS.compose(**scope, after=after, most=BATCH)
        rows = fetch_all(statement.sql, statement.parameters, prepare=False)
        for _, document, is_excluded in rows:
            yield orjson.loads(document), is_excluded
        if len(rows) < BATCH:
            return
        after = rows[-1][0]


def _counted(documents: Iterator[tuple[dict[str, Any], bool]], node: NodeRules) -> AggregatePreview:
    found, deadline = AggregatePreview(), monotonic() + MOST_SECONDS
    keys: set[bytes] = set()
    for document, is_excluded in documents:
        if monotonic() > deadline:
            found.is_complete = False
            break
        found.customers += 1
        key = None if is_excluded else match_key(node.matching, document)
        if key is not None:
            keys.add(key)
        elif is_excluded:
            found.left_out += 1
        else:
            found.unrecognised += 1
    found.persons = len(keys)
    return found
