"""From the expression of a query to one SQL condition with its parameters.

What the operators mean stands in docs/searching.md. In short: a comparison with a value that is
absent does not hold, so NOT_EQUALS and NOT_IN, which are the opposites of EQUALS and IN, do; of a
list, any element will do.
"""

from __future__ import annotations

import enum
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from configuration.domain.conditions import MOMENTS, AllOf, AnyOf, Comparison, Not, Test
from configuration.domain.customer_schema import LIST_OF
from contacthub_project.core.date_math import (
    EARLIEST,
    LATEST,
    Clock,
    Span,
    anniversaries,
    days_of,
    span_of,
)
from contacthub_project.core.identifiers import as_uuid
from contacthub_project.core.text import WHITESPACE
from customers.domain.query_language import Did, Expression

SYMBOLS = {Test.AT_LEAST: ">=", Test.ABOVE: ">", Test.AT_MOST: "<=", Test.BELOW: "<"}
PLAIN_KEY = re.compile(r"[A-Za-z0-9_]+")


@dataclass(frozen=True, slots=True)
class Fragment:
    """A piece of SQL and its parameters, in their order."""

    sql: str
    parameters: Sequence[Any] = ()


class TextComparison(enum.Enum):
    """How text is compared: as it is, or as a node compares what it recognises people by."""

    EXACT = enum.auto()
    TRIMMED = enum.auto()  # without space around it
    FOLDED = enum.auto()  # in any case as well


@dataclass(frozen=True, slots=True)
class Place:
    """Where the value of an attribute is found: a column, or a path into a JSON column.

    `column` is SQL, of type jsonb if there are `keys` (none of them for the value itself), else of
    the attribute's type. `has_folded_index` and `has_json_index` say that an index finds text in
    any case, or as it is. A `uuid_column` is what ids are found by.
    """

    column: str
    keys: tuple[str, ...] | None = None
    comparing: TextComparison = TextComparison.EXACT
    has_folded_index: bool = False
    has_json_index: bool = False
    uuid_column: str | None = None

    @property
    def text(self) -> str:
        """SQL of the value as text."""
        if self.keys is None:
            return self.column
        return _json_path(self.column, self.keys, as_text=True)

    @property
    def json(self) -> str:
        """SQL of the value as jsonb, where it stands in a JSON column."""
        return _json_path(self.column, self.keys or (), as_text=False)


class SearchedAttributes(Protocol):
    """Where the attributes that conditions speak of are found."""

    def place_of(self, path: str) -> Place: ...


# What a query says of events becomes a condition on the customer.
CompileDid = Callable[[Any], Fragment]


def compile_expression(
    expression: Expression,
    attributes: SearchedAttributes,
    clock: Clock,
    compile_did: CompileDid | None = None,
) -> Fragment:
    """The SQL condition that a row fulfils exactly when it fulfils the expression.

    `clock` is the present moment that relative moments count from, and the workspace's time zone.
    Expressions with `Did` leaves need `compile_did`.
    """

    def compiled(part: Expression) -> Fragment:
        if isinstance(part, AllOf):
            return all_of([compiled(each) for each in part.parts])
        if isinstance(part, AnyOf):
            return any_of([compiled(each) for each in part.parts])
        if isinstance(part, Not) and isinstance(part.part, Did):
            # Never NULL: a plain NOT, of which the planner can make an anti-join.
            behaviour = compiled(part.part)
            return Fragment(f"NOT ({behaviour.sql})", behaviour.parameters)
        if isinstance(part, Not):
            return _opposite(compiled(part.part))
        if isinstance(part, Did):
            assert compile_did is not None, "conditions say nothing of what customers did"
            return compile_did(part.behaviour)
        return _comparison(part, attributes.place_of(part.attribute), clock)

    return compiled(expression)


def _comparison(compared: Comparison, place: Place, clock: Clock) -> Fragment:
    if compared.test is Test.PRESENT:
        return _presence(place, compared.kind)
    if not compared.kind.startswith(LIST_OF):
        return _compared(compared, place, clock)
    element = replace(compared, kind=compared.kind.removeprefix(LIST_OF))
    inner = _compared(element, Place("element", ()), clock)
    return Fragment(
        f"EXISTS (SELECT FROM {elements_of(place)} WHERE {inner.sql})", inner.parameters
    )


def _presence(place: Place, kind: str) -> Fragment:
    """Blank text is no value."""
    if kind.startswith(LIST_OF):
        inner = _presence(Place("nullif(element, 'null')", ()), kind.removeprefix(LIST_OF))
        return Fragment(f"EXISTS (SELECT FROM {elements_of(place)} WHERE {inner.sql})")
    if kind == "text":
        return Fragment(f"ltrim({place.text}, {literal(WHITESPACE)}) <> ''")
    return Fragment(f"({place.column if place.keys is None else place.json}) IS NOT NULL")


def _compared(compared: Comparison, place: Place, clock: Clock) -> Fragment:
    """The comparison with a single value."""
    test, operands = compared.test, compared.operands
    if compared.kind == "text":
        return _text_comparison(place, test, operands)
    if test is Test.BIRTHDAY_WITHIN:
        return _birthday(place, anniversaries(clock, int(operands[0])))  # type: ignore[arg-type]
    if compared.kind in MOMENTS:
        find = days_of if compared.kind == "date" else span_of
        spans = [find(operand, clock) for operand in operands]  # type: ignore[arg-type]
        return _time_comparison(place, test, spans)
    if test is Test.BETWEEN:
        low = _scalar_comparison(place, Test.AT_LEAST, operands[:1])
        return all_of([low, _scalar_comparison(place, Test.AT_MOST, operands[1:])])
    return _scalar_comparison(place, test, operands)


def _text_comparison(place: Place, test: Test, operands: Sequence[Any]) -> Fragment:
    if test is Test.BETWEEN:
        low = _text_comparison(place, Test.AT_LEAST, operands[:1])
        return all_of([low, _text_comparison(place, Test.AT_MOST, operands[1:])])
    if test is Test.CONTAINS_FOLDED:
        return Fragment(
            f"strpos(customers_unaccented({place.text}), customers_unaccented(%s::text)) > 0",
            operands,
        )
    if test is Test.CONTAINS:
        fold = "customers_casefold" if place.comparing is TextComparison.FOLDED else ""
        return Fragment(f"strpos({fold}({place.text}), {fold}(%s::text)) > 0", operands)
    if test in SYMBOLS:
        text, given = compared_text(place.comparing, place.text), "%s::text"
        return Fragment(
            f'{text} COLLATE "C" {SYMBOLS[test]} {compared_text(place.comparing, given)}', operands
        )
    return _text_equality(place, list(operands))


def compared_text(comparing: TextComparison, text: str) -> str:
    """SQL of what is compared of a text."""
    if comparing is TextComparison.FOLDED:
        return f"customers_folded({text})"
    return f"btrim({text}, {literal(WHITESPACE)})" if comparing is TextComparison.TRIMMED else text


def _text_equality(place: Place, values: list[Any]) -> Fragment:
    if place.uuid_column is not None:
        ids = [found for each in values if (found := as_uuid(each)) is not None]
        return Fragment(f"{place.uuid_column} = ANY (%s::uuid[])", (ids,))
    if place.has_json_index and place.comparing is TextComparison.EXACT:
        return _json_equality(place, values)
    parts = []
    if place.has_folded_index and place.comparing is not TextComparison.FOLDED:
        parts.append(_equality(replace(place, comparing=TextComparison.FOLDED), values))
    parts.append(_equality(place, values))
    return all_of(parts)


def _equality(place: Place, values: list[Any]) -> Fragment:
    """Equality with one of the values, in the words in which an index finds it."""
    text = compared_text(place.comparing, place.text)
    if place.comparing is TextComparison.FOLDED:
        text += ' COLLATE "C"'
    if len(values) == 1:
        return Fragment(f"{text} = {compared_text(place.comparing, '%s::text')}", (values[0],))
    given = compared_text(place.comparing, "given")
    return Fragment(
        f"{text} = ANY (ARRAY(SELECT {given} FROM unnest(%s::text[]) AS given))", (values,)
    )


def _time_comparison(place: Place, test: Test, spans: Sequence[Span]) -> Fragment:
    """Of dates and moments with the spans of time that the operands mean."""
    if test is Test.ONE_OF:
        return any_of([_time_comparison(place, Test.EQUALS, [each]) for each in spans])
    first, last = spans[0], spans[-1]
    bounds = {
        Test.AT_LEAST: [(">=", first.first)],
        Test.ABOVE: [(">=", first.after)],
        Test.BELOW: [("<", first.first)],
        Test.AT_MOST: [("<", first.after)],
        Test.EQUALS: [(">=", first.first), ("<", first.after)],
        Test.BETWEEN: [(">=", first.first), ("<", last.after)],
    }[test]
    return all_of([_bounded(place, symbol, bound) for symbol, bound in bounds])


def _birthday(place: Place, ranges: Sequence[tuple[str, str]]) -> Fragment:
    """Of dates, with ranges of months and days."""
    day = f'substring({place.text} FROM 6) COLLATE "C"'
    return any_of([Fragment(f"{day} BETWEEN %s AND %s", each) for each in ranges])


def _bounded(place: Place, symbol: str, bound: str) -> Fragment:
    if place.keys is None:
        return Fragment(f"{place.column} {symbol} %s::timestamptz", (bound,))
    if place.has_json_index and bound not in {EARLIEST, LATEST}:
        return Fragment(f"{place.json} {symbol} %s::jsonb", (json.dumps(bound),))
    return Fragment(f'{place.text} COLLATE "C" {symbol} %s', (bound,))


def _scalar_comparison(place: Place, test: Test, operands: Sequence[Any]) -> Fragment:
    """Of numbers and booleans; jsonb compares both by value."""
    symbol = SYMBOLS.get(test, "=")
    if place.keys is not None:
        if test in SYMBOLS:
            return Fragment(f"{place.json} {symbol} %s::jsonb", (json.dumps(operands[0]),))
        return _json_equality(place, operands)
    if test is Test.ONE_OF:
        return any_of([_scalar_comparison(place, Test.EQUALS, [each]) for each in operands])
    cast = "boolean" if isinstance(operands[0], bool) else "numeric"
    return Fragment(f"{place.column} {symbol} %s::{cast}", (operands[0],))


def _json_equality(place: Place, values: Sequence[Any]) -> Fragment:
    texts = [json.dumps(value) for value in values]
    if len(texts) == 1:
        return Fragment(f"{place.json} = %s::jsonb", (texts[0],))
    return Fragment(f"{place.json} = ANY (%s::text[]::jsonb[])", (texts,))


def elements_of(place: Place) -> str:
    """SQL of the elements of a list; lists on the way are walked through."""
    path = "lax $" + "".join(f".{json.dumps(key)}" for key in place.keys or ()) + "[*]"
    return f"jsonb_path_query({place.column}, {literal(path)}::jsonpath) AS element"


def _json_path(column: str, keys: tuple[str, ...], *, as_text: bool) -> str:
    if not keys:
        return f"({column} #>> '{{}}')" if as_text else column
    arrow = ">" if as_text else ""
    if len(keys) == 1:
        return f"({column} ->{arrow} {literal(keys[0])})"
    return f"({column} #>{arrow} {literal(_array(keys))}::text[])"


def _array(keys: tuple[str, ...]) -> str:
    """A PostgreSQL array of text, in the form in which array literals are written."""
    return "{" + ",".join(map(_array_item, keys)) + "}"


def _array_item(key: str) -> str:
    if PLAIN_KEY.fullmatch(key) and key.lower() != "null":
        return key
    return '"' + key.replace("\\", "\\\\").replace('"', '\\"') + '"'


def literal(text: str) -> str:
    """Text as an SQL literal (under `standard_conforming_strings`, which the settings demand).

    No parameter will do: an index on an expression is found only when the expression stands in the
    statement as it does in the index.
    """
    return "'" + text.replace("'", "''").replace("%", "%%") + "'"


def _opposite(fragment: Fragment) -> Fragment:
    """Holds exactly when the other does not: absent values make SQL's NULL, which is neither."""
    return Fragment(f"({fragment.sql}) IS NOT TRUE", fragment.parameters)


def all_of(parts: list[Fragment]) -> Fragment:
    """Holds when all parts do."""
    return _joined(parts, " AND ")


def any_of(parts: list[Fragment]) -> Fragment:
    """Holds when any part does."""
    return _joined(parts, " OR ")


def _joined(parts: list[Fragment], conjunction: str) -> Fragment:
    if not parts:
        return Fragment("false")
    if len(parts) == 1:
        return parts[0]
    sql = conjunction.join(f"({part.sql})" for part in parts)
    return Fragment(sql, tuple(value for part in parts for value in part.parameters))
