"""Conditions on a customer: the innermost part of the query language, checked before use.

A condition is atomic (`attribute`, `operator`, `value`) or composite (`conjunction` of
`conditions`). Aggregate nodes exclude customers by conditions; searches are made of them too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from typing import Any, Protocol

from configuration.domain.customer_schema import LIST_OF
from contacthub_project.core.errors import FieldError, pointer
from contacthub_project.core.timestamps import parse_timestamp

OPERATORS = (
    "EQUALS", "NOT_EQUALS", "BETWEEN", "GTE", "GT", "LTE", "LT",
    "IS_NULL", "IS_NOT_NULL", "IN", "NOT_IN",
)  # fmt: skip
WITHOUT_VALUE = frozenset({"IS_NULL", "IS_NOT_NULL"})
ORDERED = frozenset({"BETWEEN", "GTE", "GT", "LTE", "LT"})
MEMBERSHIP = frozenset({"IN", "NOT_IN"})
CONJUNCTIONS = frozenset({"and", "or"})
DEEPEST = 10
MOST_CONDITIONS = 100
MOST_VALUES = 1000

ATOMIC_KEYS = frozenset({"type", "attribute", "operator", "value", "name"})
COMPOSITE_KEYS = frozenset({"type", "conjunction", "conditions", "name"})


class Attributes(Protocol):
    """What conditions can speak of; a `CustomerSchema` is one."""

    def kind_of(self, path: str) -> str | None:
        """What a dotted path holds, None when there is no such property."""
        ...


def condition_faults(condition: Any, schema: Attributes, *, at: str) -> list[FieldError]:
    """Everything wrong with a condition: its form, unknown attributes, values of wrong types."""
    faults = list(_faults(condition, schema, at, depth=1))
    if not faults and _count(condition) > MOST_CONDITIONS:
        faults.append(FieldError(at, f"has more than {MOST_CONDITIONS} conditions", "maxItems"))
    return faults


def _faults(condition: Any, schema: Attributes, at: str, *, depth: int) -> Iterable[FieldError]:
    if not isinstance(condition, dict):
        return [FieldError(at, "must be an object", "type")]
    if depth > DEEPEST:
        return [FieldError(at, f"is nested deeper than {DEEPEST} levels", "depth")]
    kind = condition.get("type")
    if kind == "composite":
        return _composite_faults(condition, schema, at, depth)
    if kind == "atomic":
        return _atomic_faults(condition, schema, at)
    return [FieldError(f"{at}/type", "must be atomic or composite", "enum")]


def _composite_faults(
    condition: Mapping[str, Any], schema: Attributes, at: str, depth: int
) -> list[FieldError]:
    faults = unknown_key_faults(condition, COMPOSITE_KEYS, at)
    conjunction = condition.get("conjunction")
    if not isinstance(conjunction, str) or conjunction.lower() not in CONJUNCTIONS:
        faults.append(FieldError(f"{at}/conjunction", "must be and or or", "enum"))
    inner = condition.get("conditions")
    if not isinstance(inner, list) or not inner:
        faults.append(FieldError(f"{at}/conditions", "must be a list of conditions", "type"))
        return faults
    for index, each in enumerate(inner):
        faults += _faults(each, schema, f"{at}/conditions/{index}", depth=depth + 1)
    return faults


def _atomic_faults(condition: Mapping[str, Any], schema: Attributes, at: str) -> list[FieldError]:
    faults = unknown_key_faults(condition, ATOMIC_KEYS, at)
    attribute, operator = condition.get("attribute"), condition.get("operator")
    kind = schema.kind_of(attribute) if isinstance(attribute, str) else None
    if kind is None:
        faults.append(FieldError(f"{at}/attribute", "is not a known property", "path"))
    if operator not in OPERATORS:
        known = ", ".join(OPERATORS)
        faults.append(FieldError(f"{at}/operator", f"must be one of {known}", "enum"))
    if kind is None or operator not in OPERATORS or operator in WITHOUT_VALUE:
        return faults
    return faults + _value_faults(kind, str(operator), condition.get("value"), f"{at}/value")


def _value_faults(kind: str, operator: str, value: Any, at: str) -> list[FieldError]:
    if kind.removeprefix(LIST_OF) in {"object", "boolean"} and operator in ORDERED:
        return [FieldError(at, f"{operator} does not apply to a property of this type", "type")]
    if operator == "BETWEEN":
        if not isinstance(value, list) or len(value) != 2:
            return [FieldError(at, "must be a list of two values", "type")]
    elif operator in MEMBERSHIP and isinstance(value, list):
        if len(value) > MOST_VALUES:
            return [FieldError(at, f"has more than {MOST_VALUES} values", "maxItems")]
    elif isinstance(value, list):
        return [FieldError(at, "must be a single value", "type")]
    values = value if isinstance(value, list) else [value]
    return [
        FieldError(f"{at}/{index}" if isinstance(value, list) else at, f"must be {kind}", "type")
        for index, each in enumerate(values)
        if not _fits(kind.removeprefix(LIST_OF), each)
    ]


def _fits(kind: str, value: Any) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    if kind in {"moment", "date"}:
        is_number = isinstance(value, int)  # milliseconds since 1970
        return is_number or (isinstance(value, str) and parse_timestamp(value) is not None)
    if kind == "number":
        return isinstance(value, int | float)
    return kind == "text" and isinstance(value, str)


def condition_attributes(condition: Mapping[str, Any]) -> set[str]:
    """The attributes that a (valid) condition speaks of."""
    if condition["type"] == "atomic":
        return {condition["attribute"]}
    return {name for each in condition["conditions"] for name in condition_attributes(each)}


def unknown_key_faults(part: Mapping[str, Any], known: Set[str], at: str) -> list[FieldError]:
    """A fault for each key of a part of a query that means nothing there."""
    return [
        FieldError(at + pointer(name), "is not a known property", "unknown")
        for name in sorted(part.keys() - known)
    ]


def _count(condition: Mapping[str, Any]) -> int:
    return 1 + sum(_count(each) for each in condition.get("conditions", ()))
