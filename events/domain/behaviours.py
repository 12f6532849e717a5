"""Parses and checks the behaviours (`did`) of a query: conditions on a customer's events.

A customer matches when it has an event of the named type for which the condition, on the event's
attributes, and the time frame, a condition on its date, are both true. With `having`, an aggregate
of all these events decides: their count, or the sum, average, minimum or maximum of a numeric
attribute.
"""

from __future__ import annotations

import enum
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from configuration.domain.condition_parser import operand_of, parse_condition, unknown_key_faults
from configuration.domain.conditions import Condition, Test, depends_on_now
from configuration.domain.customer_schema import LIST_OF
from configuration.domain.event_schema import EventSchema
from configuration.domain.vocabulary import EVENT_TYPES
from contacthub_project.core.error_codes import Code
from contacthub_project.core.errors import FieldError

MOST_MEASURES = 10
OPERATORS = {
    "EQUALS": Test.EQUALS, "NOT_EQUALS": Test.EQUALS,
    "GT": Test.ABOVE, "GTE": Test.AT_LEAST, "LT": Test.BELOW, "LTE": Test.AT_MOST,
    "BETWEEN": Test.BETWEEN,
}  # fmt: skip
COMPARED: Mapping[Test, Callable[[Any, Any], bool]] = {
    Test.EQUALS: operator.eq,
    Test.ABOVE: operator.gt,
    Test.AT_LEAST: operator.ge,
    Test.BELOW: operator.lt,
    Test.AT_MOST: operator.le,
}
DID_KEYS = frozenset({"event", "condition", "timeframe", "having", "name"})
MEASURE_KEYS = frozenset({"function", "attribute", "operator", "value", "name"})

SchemaOf = Callable[[str], EventSchema]


class Function(enum.StrEnum):
    """Aggregate function over events."""

    COUNT = "COUNT"
    SUM = "SUM"
    AVG = "AVG"
    MIN = "MIN"
    MAX = "MAX"


@dataclass(frozen=True, slots=True)
class Measure:
    """True when the aggregate of the events passes the test; with `is_opposite` when not.

    `attribute` is the aggregated attribute, a number or a list of numbers by its `kind`; COUNT has
    none. Without any number there is no average, minimum or maximum, and no test passes; the sum is
    0 then.
    """

    function: Function
    attribute: str
    kind: str
    test: Test
    operands: tuple[int | float, ...]
    is_opposite: bool = False

    @property
    def holds_without_events(self) -> bool:
        """Return whether it is true for customers without such an event."""
        return self.is_opposite != (
            self.function in {Function.COUNT, Function.SUM} and self._passes(0)
        )

    def _passes(self, value: int) -> bool:
        if self.test is Test.BETWEEN:
            return self.operands[0] <= value <= self.operands[1]
        return COMPARED[self.test](value, self.operands[0])


@dataclass(frozen=True, slots=True)
class EventCondition:
    """Events of the type for which the condition and the time frame are both true.

    Without measures, one such event must exist; else all measures must be true for all of them.
    """

    event_type: str
    condition: Condition | None = None
    timeframe: Condition | None = None
    measures: tuple[Measure, ...] = ()

    @property
    def depends_on_now(self) -> bool:
        """Return whether matches can change by time alone."""
        return any(depends_on_now(each) for each in self.conditions)

    @property
    def conditions(self) -> list[Condition]:
        """Return the condition and the time frame, if given."""
        return [each for each in (self.condition, self.timeframe) if each is not None]

    @property
    def holds_without_events(self) -> bool:
        """Return whether customers without such an event match."""
        return bool(self.measures) and all(each.holds_without_events for each in self.measures)


def parse_behaviour(
    did: Any, schema_of: SchemaOf, *, at: str
) -> tuple[EventCondition | None, list[FieldError]]:
    """Return the parsed `did` of a query, or its faults; `at` is its JSON pointer."""
    if not isinstance(did, dict):
        return None, [FieldError(at, "must be an object", "type")]
    faults = unknown_key_faults(did, DID_KEYS, at)
    event = did.get("event")
    name = event.get("name") if isinstance(event, dict) else None
    if not isinstance(name, str) or name not in EVENT_TYPES:
        return None, [*faults, FieldError(f"{at}/event/name", "is not a type of event", "enum")]
    schema, parts = schema_of(name), {}
    for part in ("condition", "timeframe"):
        if did.get(part) is not None:
            parts[part], part_faults = parse_condition(did[part], schema, at=f"{at}/{part}")
            faults += part_faults
    measures: list[Measure] = []
    if did.get("having") is not None:
        measures, part_faults = _measures(did["having"], schema, f"{at}/having")
        faults += part_faults
    return (None if faults else EventCondition(name, **parts, measures=tuple(measures))), faults


def _measures(given: Any, schema: EventSchema, at: str) -> tuple[list[Measure], list[FieldError]]:
    if not isinstance(given, list) or not given:
        return [], [FieldError(at, "must be a list of conditions", "type")]
    if len(given) > MOST_MEASURES:
        return [], [FieldError(at, f"has more than {MOST_MEASURES} conditions", "maxItems")]
    parser = _Parser(schema)
    measures = [parser.measure(each, f"{at}/{index}") for index, each in enumerate(given)]
    return [each for each in measures if each is not None], parser.faults


class _Parser:
    """Parses measures of one type of event; faults are collected in `faults`."""

    def __init__(self, schema: EventSchema) -> None:
        self._schema = schema
        self.faults: list[FieldError] = []

    def measure(self, given: Any, at: str) -> Measure | None:
        if not isinstance(given, dict):
            self._add_fault(at, "must be an object", "type")
            return None
        self.faults += unknown_key_faults(given, MEASURE_KEYS, at)
        function, named = given.get("function"), given.get("operator")
        if not isinstance(function, str) or function not in Function.__members__:
            self._add_fault(f"{at}/function", f"must be one of {', '.join(Function)}", "enum")
            return None
        kind = self._kind(Function(function), given.get("attribute"), f"{at}/attribute")
        named = "EQUALS" if named == "IS" else named
        if not isinstance(named, str) or named not in OPERATORS:
            self._add_fault(f"{at}/operator", f"must be one of {', '.join(OPERATORS)}", "enum")
            return None
        operands = self._operands(Function(function), named, given.get("value"), f"{at}/value")
        if kind is None or operands is None:
            return None
        return Measure(
            Function(function),
            given.get("attribute") or "",
            kind,
            OPERATORS[named],
            operands,
            is_opposite=named == "NOT_EQUALS",
        )

    def _kind(self, function: Function, attribute: Any, at: str) -> str | None:
        """Return the kind of the aggregated attribute; None if it is invalid."""
        if function is Function.COUNT:
            if attribute is not None:
                self._add_fault(at, "does not apply to COUNT", "unknown")
                return None
            return "number"
        kind = self._schema.kind_of(attribute) if isinstance(attribute, str) else None
        if kind is None:
            self._add_fault(at, "is not a known property", "path")
            return None
        if kind.removeprefix(LIST_OF) != "number":
            self._add_fault(at, "must be a property that holds numbers", "type")
            return None
        return kind

    def _operands(
        self, function: Function, named: str, value: Any, at: str
    ) -> tuple[int | float, ...] | None:
        if named != "BETWEEN":
            operand = self._operand(function, value, at)
            return None if operand is None else (operand,)
        if not isinstance(value, list) or len(value) != 2:
            self._add_fault(at, "must be a list of two values", "type")
            return None
        found = [self._operand(function, each, f"{at}/{i}") for i, each in enumerate(value)]
        operands = tuple(each for each in found if each is not None)
        return operands if len(operands) == 2 else None

    def _operand(self, function: Function, value: Any, at: str) -> int | float | None:
        number = operand_of("number", value)
        if not isinstance(number, int | float):
            self._add_fault(at, "must be a number", "type")
            return None
        if function is not Function.COUNT:
            return number
        if number < 0 or number != int(number):
            self._add_fault(at, "must be a whole number, 0 or more", "type")
            return None
        return int(number)

    def _add_fault(self, at: str, message: str, code: Code) -> None:
        self.faults.append(FieldError(at, message, code))
