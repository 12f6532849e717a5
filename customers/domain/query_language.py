"""Parses the query language of customer searches from JSON into one checked expression.

A query is `simple` (conditions on the customer, `are`, on its events, `did`, and on its membership
in a segment, `segment`) or `combined` (INTERSECT, UNION or EXCEPT of queries). The API wraps it in
`{"name": …, "query": …}`. `parse_query` makes of it the expression nodes of
`configuration.domain.conditions`, with `Did` and `InSegment` as further kinds of leaves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from configuration.domain.condition_parser import Attributes, parse_condition, unknown_key_faults
from configuration.domain.conditions import (
    AllOf,
    AnyOf,
    Comparison,
    Condition,
    Not,
    Test,
    depends_on_now,
    nodes_of,
)
from configuration.domain.customer_schema import LIST_OF
from contacthub_project.core.array_forms import as_list
from contacthub_project.core.date_math import Day, Relative
from contacthub_project.core.error_codes import Code
from contacthub_project.core.errors import FieldError

CONJUNCTIONS = {
    "INTERSECT": "INTERSECT", "AND": "INTERSECT",
    "UNION": "UNION", "OR": "UNION",
    "EXCEPT": "EXCEPT",
}  # fmt: skip
DEEPEST = 10
MOST_QUERIES = 50


class BehaviourCondition(Protocol):
    """A condition on a customer's events, of the app that keeps events; frozen."""

    @property
    def depends_on_now(self) -> bool:
        """Return whether its result can change by time alone."""
        ...

    @property
    def holds_without_events(self) -> bool:
        """Return whether customers without such an event match."""
        ...


@dataclass(frozen=True, slots=True)
class Did:
    """A leaf that is true for customers with the behaviour."""

    behaviour: BehaviourCondition


@dataclass(frozen=True, slots=True)
class InSegment:
    """True for members of a segment; `segment` is a value of the app of segments, frozen."""

    segment: Any


Expression = Condition | Did | InSegment
Parsed = tuple[Expression | None, list[FieldError]]
# Parse the `did` and the `segment` of a query, in the apps of events and segments; the text is the
# JSON pointer.
ParseDid = Callable[[Any, str], tuple[BehaviourCondition | None, list[FieldError]]]
ParseSegment = Callable[[Any, str], tuple[Any, list[FieldError]]]


def parse_query(
    document: Any, schema: Attributes, parse_did: ParseDid, parse_segment: ParseSegment
) -> Parsed:
    """Return the query of the envelope and all faults, with pointers into the envelope."""
    if not isinstance(document, dict):
        return None, [FieldError("", "must be an object", "type")]
    parser = _Parser(schema, parse_did, parse_segment)
    parser.faults += unknown_key_faults(document, {"name", "query"}, "")
    expression = parser.query(document.get("query"), "/query", depth=1)
    return (None if parser.faults else expression), parser.faults


class _Parser:
    """Parses one query; faults are collected in `faults`, and the invalid part is None."""

    def __init__(
        self, schema: Attributes, parse_did: ParseDid, parse_segment: ParseSegment
    ) -> None:
        self._schema = schema
        self._parse_did = parse_did
        self._parse_segment = parse_segment
        self._queries = 0
        self.faults: list[FieldError] = []

    def query(self, query: Any, at: str, *, depth: int) -> Expression | None:
        if not isinstance(query, dict):
            self._add_fault(at, "must be an object", "type")
            return None
        self._queries += 1
        if depth > DEEPEST:
            self._add_fault(at, f"is nested deeper than {DEEPEST} levels", "depth")
            return None
        if self._queries > MOST_QUERIES:
            self._add_fault(at, f"is one of more than {MOST_QUERIES} queries", "maxItems")
            return None
        if query.get("type") == "simple":
            return self._simple(query, at)
        if query.get("type") == "combined":
            return self._combined(query, at, depth)
        self._add_fault(f"{at}/type", "must be simple or combined", "enum")
        return None

    def _simple(self, query: Mapping[str, Any], at: str) -> Expression | None:
        self.faults += unknown_key_faults(query, {"type", "name", "are", "did", "segment"}, at)
        are, did, segment = query.get("are"), query.get("did"), query.get("segment")
        if are is None and did is None and segment is None:
            self._add_fault(at, "needs are, did or segment", "required")
            return None
        parts: list[Expression | None] = []
        if are is not None:
            parts.append(self._are(are, f"{at}/are"))
        if did is not None:
            behaviour, faults = self._parse_did(did, f"{at}/did")
            self.faults += faults
            parts.append(None if behaviour is None else Did(behaviour))
        if segment is not None:
            found, faults = self._parse_segment(segment, f"{at}/segment")
            self.faults += faults
            parts.append(None if found is None else InSegment(found))
        return parts[0] if len(parts) == 1 else AllOf(tuple(parts))

    def _are(self, are: Any, at: str) -> Condition | None:
        if not isinstance(are, dict):
            self._add_fault(at, "must be an object", "type")
            return None
        self.faults += unknown_key_faults(are, {"condition", "name"}, at)
        condition, faults = parse_condition(
            are.get("condition"), self._schema, at=f"{at}/condition"
        )
        self.faults += faults
        return condition

    def _combined(self, query: Mapping[str, Any], at: str, depth: int) -> Expression | None:
        self.faults += unknown_key_faults(query, {"type", "name", "conjunction", "queries"}, at)
        given = query.get("conjunction")
        conjunction = CONJUNCTIONS.get(given.upper()) if isinstance(given, str) else None
        if conjunction is None:
            self._add_fault(f"{at}/conjunction", "must be INTERSECT, UNION or EXCEPT", "enum")
        inner = as_list(query.get("queries"))
        if not isinstance(inner, list) or not inner:
            self._add_fault(f"{at}/queries", "must be a list of queries", "type")
            return None
        parts = tuple(
            self.query(each, f"{at}/queries/{index}", depth=depth + 1)
            for index, each in enumerate(inner)
        )
        if conjunction == "UNION":
            return AnyOf(parts)
        if conjunction == "EXCEPT":
            return AllOf((parts[0], *(Not(part) for part in parts[1:])))
        return AllOf(parts)

    def _add_fault(self, at: str, message: str, code: Code) -> None:
        self.faults.append(FieldError(at, message, code))


def behaviours_of(expression: Expression) -> list[BehaviourCondition]:
    """Return all behaviours of a query."""
    return [node.behaviour for node in nodes_of(expression) if isinstance(node, Did)]


def attributes_all_equal(expression: Expression) -> set[str] | None:
    """Return the attributes that a query requires to equal a single value each, all of them.

    None for a query with anything else: another operator, alternatives, a time span, behaviour.
    """
    attributes = set()
    for node in nodes_of(expression):
        if isinstance(node, Comparison) and node.test is Test.EQUALS and _is_single_value(node):
            attributes.add(node.attribute)
        elif not isinstance(node, AllOf):
            return None
    return attributes


def demanded_values(expression: Expression) -> dict[str, str | int | float | bool]:
    """Return the values that attributes of every match must equal; without moments and dates."""
    if isinstance(expression, AllOf):
        values: dict[str, str | int | float | bool] = {}
        for part in expression.parts:
            values |= demanded_values(part)
        return values
    if isinstance(expression, Comparison) and expression.test is Test.EQUALS:
        (operand,) = expression.operands
        if isinstance(operand, str | int | float | bool) and not expression.kind.startswith(
            LIST_OF
        ):
            return {expression.attribute: operand}
    return {}


def _is_single_value(compared: Comparison) -> bool:
    (operand,) = compared.operands
    if isinstance(operand, Day):
        return compared.kind == "date"
    return not isinstance(operand, Relative)


def can_change_with_time(expression: Expression) -> bool:
    """Return whether the matches of a query can change by time alone."""
    return (
        depends_on_now(expression)
        or any(behaviour.depends_on_now for behaviour in behaviours_of(expression))
        or any(isinstance(node, InSegment) for node in nodes_of(expression))
    )
