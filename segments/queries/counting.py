"""Counts the customers that match an expression."""

from __future__ import annotations

from typing import Any

from configuration.queries.rules import NodeRules, WorkspaceRules
from contacthub_project.db.sql import StatementTemplate, fetch_value
from customers.queries.attributes import CustomerAttributes, clock_of
from customers.queries.search import compiled_query

COUNT = StatementTemplate("segments/sql/count_matches")


def count_matches(workspace: WorkspaceRules, node: NodeRules, expression: Any) -> int:
    """Return how many customers of a node match an expression now."""
    attributes = CustomerAttributes.of(workspace, node)
    condition = compiled_query(expression, workspace, node, attributes, clock_of(workspace))
    statement = COUNT.compose(workspace_id=workspace.id, node_id=node.id, condition=condition)
    count: int = fetch_value(statement.sql, statement.parameters, prepare=False)
    return count
