"""Parses conditions, the innermost part of the query language, from JSON.

In JSON a condition is atomic (`attribute`, `operator`, `value`) or composite (`conjunction` of
`conditions`). `parse_condition` checks it against the schema and returns an expression
(`configuration.domain.conditions`).
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any, Protocol

from configuration.domain.conditions import AllOf, AnyOf, Comparison, Condition, Not, Operand, Test
from configuration.domain.customer_schema import LIST_OF, SECRET
from contacthub_project.core.array_forms import as_list
from contacthub_project.core.date_math import parse_moment
from contacthub_project.core.error_codes import Code
from contacthub_project.core.errors import FieldError, pointer
from contacthub_project.core.strict_json import number_in

OPERATORS = (
    "EQUALS", "NOT_EQUALS", "BETWEEN", "GTE", "GT", "LTE", "LT",
    "IS_NULL", "IS_NOT_NULL", "IN", "NOT_IN", "CONTAINS_FOLDED", "BIRTHDAY_WITHIN",
)  # fmt: skip


# Operators of older clients, by their present names.
DEPRECATED_OPERATORS = {"IS": "EQUALS", "LIKE": "IN"}


WITHOUT_VALUE = frozenset({"IS_NULL", "IS_NOT_NULL"})


ORDERED = frozenset({"BETWEEN", "GTE", "GT", "LTE", "LT"})


MEMBERSHIP = frozenset({"IN", "NOT_IN"})


CONJUNCTIONS = frozenset({"and", "or"})


DEEPEST = 10


MOST_CONDITIONS = 100


MOST_VALUES = 1000


MOST_DAYS = 366  # every date has an anniversary in so many


ATOMIC_KEYS = frozenset({"type", "attribute", "operator", "value", "name"})


COMPOSITE_KEYS = frozenset({"type", "conjunction", "conditions", "name"})


MOMENTS = frozenset({"moment", "date"})


# As JSON writes them, and as PHP casts them to text.
BOOLEANS = {"true": True, "1": True, "false": False, "0": False}


EXPECTED = {
    "moment": "a date, a date-time, milliseconds since 1970 or relative to now, such as now-30d",
    "boolean": "true or false",
    "number": "a number",
}


EXPECTED["date"] = EXPECTED["moment"]


class Attributes(Protocol):
    """The attributes that conditions can name; `CustomerSchema` and `EventSchema` implement it."""

    def kind_of(self, path: str) -> str | None:
        """Return the kind of the value at a dotted path, None if there is none."""
        ...


TESTS = {
    "EQUALS": Test.EQUALS, "NOT_EQUALS": Test.EQUALS,
    "IN": Test.ONE_OF, "NOT_IN": Test.ONE_OF,
    "IS_NULL": Test.PRESENT, "IS_NOT_NULL": Test.PRESENT,
    "GTE": Test.AT_LEAST, "GT": Test.ABOVE, "LTE": Test.AT_MOST, "LT": Test.BELOW,
    "BETWEEN": Test.BETWEEN, "CONTAINS_FOLDED": Test.CONTAINS_FOLDED,
    "BIRTHDAY_WITHIN": Test.BIRTHDAY_WITHIN,
}  # fmt: skip


NEGATIVE = frozenset({"NOT_EQUALS", "NOT_IN", "IS_NULL"})


def parse_condition(
    given: Any, attributes: Attributes, *, at: str
) -> tuple[Condition | None, list[FieldError]]:
    """Return the expression of a condition, or None, and all its faults."""
    parser = _Parser(attributes)
    condition = parser.condition(given, at, depth=1)
    if not parser.faults and parser.comparisons > MOST_CONDITIONS:
        message = f"has more than {MOST_CONDITIONS} conditions"
        parser.faults.append(FieldError(at, message, "maxItems"))
    return (None if parser.faults else condition), parser.faults


def condition_attributes(condition: Mapping[str, Any]) -> set[str]:
    """Return the attributes that a valid condition names."""
    if condition["type"] == "atomic":
        return {condition["attribute"]}
    return {name for each in condition["conditions"] for name in condition_attributes(each)}


def unknown_key_faults(part: Mapping[str, Any], known: Set[str], at: str) -> list[FieldError]:
    """Return a fault for each unknown key of a part of a query."""
    return [
        FieldError(at + pointer(name), "is not a known property", "unknown")
        for name in sorted(part.keys() - known)
    ]


class _Parser:
    """Parses one condition; faults are collected in `faults`, and a wrong part becomes None."""

    def __init__(self, attributes: Attributes) -> None:
        self._attributes = attributes
        self.comparisons = 0
        self.faults: list[FieldError] = []

    def condition(self, given: Any, at: str, *, depth: int) -> Condition | None:
        if not isinstance(given, dict):
            self._add_fault(at, "must be an object", "type")
            return None
        if depth > DEEPEST:
            self._add_fault(at, f"is nested deeper than {DEEPEST} levels", "depth")
            return None
        if given.get("type") == "composite":
            return self._composite(given, at, depth)
        if given.get("type") == "atomic":
            self.comparisons += 1
            return self._atomic(given, at)
        self._add_fault(f"{at}/type", "must be atomic or composite", "enum")
        return None

    def _composite(self, given: Mapping[str, Any], at: str, depth: int) -> Condition | None:
        self.faults += unknown_key_faults(given, COMPOSITE_KEYS, at)
        conjunction = given.get("conjunction")
        if not isinstance(conjunction, str) or conjunction.lower() not in CONJUNCTIONS:
            self._add_fault(f"{at}/conjunction", "must be and or or", "enum")
            conjunction = "and"
        inner = as_list(given.get("conditions"))
        if not isinstance(inner, list) or not inner:
            self._add_fault(f"{at}/conditions", "must be a list of conditions", "type")
            return None
        parts = tuple(
            self.condition(each, f"{at}/conditions/{index}", depth=depth + 1)
            for index, each in enumerate(inner)
        )
        return AllOf(parts) if conjunction.lower() == "and" else AnyOf(parts)

    def _atomic(self, given: Mapping[str, Any], at: str) -> Condition | None:
        self.faults += unknown_key_faults(given, ATOMIC_KEYS, at)
        attribute, named = given.get("attribute"), given.get("operator")
        kind = self._attributes.kind_of(attribute) if isinstance(attribute, str) else None
        if kind is None:
            self._add_fault(f"{at}/attribute", "is not a known property", "path")
        elif attribute in SECRET:
            self._add_fault(f"{at}/attribute", "is secret and cannot be searched", "path")
        operator = DEPRECATED_OPERATORS.get(named, named) if isinstance(named, str) else None
        if operator not in OPERATORS:
            self._add_fault(f"{at}/operator", f"must be one of {', '.join(OPERATORS)}", "enum")
            return None
        if kind is None:
            return None
        value, operands = as_list(given.get("value")), ()
        if operator not in WITHOUT_VALUE:
            operands = self._operands(kind, str(named), value, f"{at}/value")
        test = self._test(operator, kind, value)
        compared = Comparison(str(attribute), kind, test, operands)
        return Not(compared) if operator in NEGATIVE else compared

    def _test(self, operator: str, kind: str, value: Any) -> Test:
        if operator in MEMBERSHIP and not isinstance(value, list):
            # A part of a text; of a list, an element.
            return Test.CONTAINS if kind == "text" else Test.EQUALS
        return TESTS[operator]

    def _operands(self, kind: str, operator: str, value: Any, at: str) -> tuple[Any, ...]:
        element = kind.removeprefix(LIST_OF)
        if operator == "BIRTHDAY_WITHIN":
            return self._days(element, value, at)
        if element in {"object", "boolean"} and operator in ORDERED:
            self._add_fault(at, f"{operator} does not apply to a property of this type", "type")
        elif operator in {"LIKE", "CONTAINS_FOLDED"} and element != "text":
            self._add_fault(at, f"{operator} applies to text only", "type")
        elif operator == "BETWEEN" and (not isinstance(value, list) or len(value) != 2):
            self._add_fault(at, "must be a list of two values", "type")
        elif isinstance(value, list) and operator not in MEMBERSHIP | {"BETWEEN"}:
            self._add_fault(at, "must be a single value", "type")
        elif isinstance(value, list) and len(value) > MOST_VALUES:
            self._add_fault(at, f"has more than {MOST_VALUES} values", "maxItems")
        elif isinstance(value, list):
            each = enumerate(value)
            return tuple(self._operand(element, item, f"{at}/{index}") for index, item in each)
        else:
            return (self._operand(element, value, at),)
        return ()

    def _days(self, kind: str, value: Any, at: str) -> tuple[Any, ...]:
        """Return the number of days of BIRTHDAY_WITHIN."""
        if kind != "date":
            self._add_fault(at, "BIRTHDAY_WITHIN applies to dates only", "type")
            return ()
        days = number_in(value) if isinstance(value, str) else value
        if isinstance(days, bool) or not isinstance(days, int) or not 0 <= days <= MOST_DAYS:
            self._add_fault(at, f"must be a number of days from 0 to {MOST_DAYS}", "type")
            return ()
        return (days,)

    def _operand(self, kind: str, value: Any, at: str) -> Operand | None:
        operand = operand_of(kind, value)
        if operand is None:
            self._add_fault(at, f"must be {EXPECTED.get(kind, kind)}", "type")
            return None
        return operand

    def _add_fault(self, at: str, message: str, code: Code) -> None:
        self.faults.append(FieldError(at, message, code))


def operand_of(kind: str, value: Any) -> Operand | None:
    """Return the operand for an attribute of a kind; None if the value does not fit.

    Numbers and booleans may be text: some clients cast every value to it.
    """
    if kind == "text":
        return value if isinstance(value, str) else None
    if kind == "boolean":
        return BOOLEANS.get(value) if isinstance(value, str) else _as_boolean(value)
    if isinstance(value, bool):
        return None
    if kind in MOMENTS:
        return parse_moment(value) if isinstance(value, str | int) else None
    if kind == "number":
        return number_in(value) if isinstance(value, str) else _as_number(value)
    return None


def _as_boolean(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _as_number(value: Any) -> int | float | None:
    return value if isinstance(value, int | float) else None
