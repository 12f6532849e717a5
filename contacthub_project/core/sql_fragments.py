"""SQL fragments that are composed at run time, with their parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Fragment:
    """A piece of SQL with `%s` placeholders, and its parameters in order."""

    sql: str
    parameters: Sequence[Any] = ()


def all_of(conditions: Sequence[Fragment]) -> Fragment:
    """Return the condition that holds when all of them do."""
    return _joined(conditions, " AND ")


def any_of(conditions: Sequence[Fragment]) -> Fragment:
    """Return the condition that holds when any of them does."""
    return _joined(conditions, " OR ")


def union_all(queries: Sequence[Fragment]) -> Fragment:
    """Return one query of the rows of all of them; each has its own order and limit."""
    sql = " UNION ALL ".join(f"({query.sql})" for query in queries)
    return Fragment(sql, tuple(value for query in queries for value in query.parameters))


def _joined(conditions: Sequence[Fragment], conjunction: str) -> Fragment:
    if not conditions:
        return Fragment("false")
    if len(conditions) == 1:
        return conditions[0]
    sql = conjunction.join(f"({each.sql})" for each in conditions)
    return Fragment(sql, tuple(value for each in conditions for value in each.parameters))
