"""Compiles the expression of a query to one SQL condition with parameters.

docs/searching.md describes the operators. In short: a comparison with an absent value is false, so
NOT_EQUALS and NOT_IN, the opposites of EQUALS and IN, are true; of a list, any element may match.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from configuration.domain.condition_parser import MOMENTS
from configuration.domain.conditions import AllOf, AnyOf, Comparison, Not, Test
from configuration.domain.customer_schema import LIST_OF
from contacthub_project.core.date_spans import (
    EARLIEST,
    LATEST,
    Clock,
    Span,
    anniversaries,
    days_of,
    span_of,
)
from contacthub_project.core.identifiers import as_uuid
from contacthub_project.core.sql_fragments import Fragment, all_of, any_of
from contacthub_project.core.text import WHITESPACE
from customers.domain.attribute_places import (
    Place,
    SearchedAttributes,
    TextComparison,
    compared_text,
    elements_of,
    literal,
)
from customers.domain.query_language import Did, Expression, InSegment

SYMBOLS = {Test.AT_LEAST: ">=", Test.ABOVE: ">", Test.AT_MOST: "<=", Test.BELOW: "<"}


# Compiles a condition on events to one on the customer.
CompileDid = Callable[[Any], Fragment]
CompileSegment = Callable[[Any], Fragment]


def compile_expression(
    expression: Expression,
    attributes: SearchedAttributes,
    clock: Clock,
    compile_did: CompileDid | None = None,
    compile_segment: CompileSegment | None = None,
) -> Fragment:
    """Return the SQL condition that is true exactly for rows that match the expression.

    `clock` is the present moment that relative moments count from, and the workspace's time zone.
    Expressions with `Did` leaves need `compile_did`, those with `InSegment` leaves
    `compile_segment`.
    """

    def compiled(part: Expression) -> Fragment:
        if isinstance(part, AllOf):
            return all_of([compiled(each) for each in part.parts])
        if isinstance(part, AnyOf):
            return any_of([compiled(each) for each in part.parts])
        if isinstance(part, Not) and isinstance(part.part, Did | InSegment):
            # Never NULL: a plain NOT, which the planner can turn into an anti-join.
            found = compiled(part.part)
            return Fragment(f"NOT ({found.sql})", found.parameters)
        if isinstance(part, Not):
            return _opposite(compiled(part.part))
        if isinstance(part, Did):
            assert compile_did is not None, "conditions say nothing of what customers did"
            return compile_did(part.behaviour)
        if isinstance(part, InSegment):
            assert compile_segment is not None, "conditions say nothing of segments"
            return compile_segment(part.segment)
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
    """Compare with absence; blank text is no value."""
    if kind.startswith(LIST_OF):
        inner = _presence(Place("nullif(element, 'null')", ()), kind.removeprefix(LIST_OF))
        return Fragment(f"EXISTS (SELECT FROM {elements_of(place)} WHERE {inner.sql})")
    if kind == "text":
        return Fragment(f"ltrim({place.text}, {literal(WHITESPACE)}) <> ''")
    return Fragment(f"({place.column if place.keys is None else place.json}) IS NOT NULL")


def _compared(compared: Comparison, place: Place, clock: Clock) -> Fragment:
    """Return the comparison with a single value."""
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
    """Return equality with one of the values, in a form that an index supports."""
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
    """Compare dates and moments with the time spans of the operands."""
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
    return all_of([bounded(place, symbol, bound) for symbol, bound in bounds])


def _birthday(place: Place, ranges: Sequence[tuple[str, str]]) -> Fragment:
    """Compare dates with ranges of months and days."""
    day = f'substring({place.text} FROM 6) COLLATE "C"'
    return any_of([Fragment(f"{day} BETWEEN %s AND %s", each) for each in ranges])


def bounded(place: Place, symbol: str, bound: str) -> Fragment:
    """Of moments and dates, with a bound as text."""
    if place.keys is None:
        return Fragment(f"{place.column} {symbol} %s::timestamptz", (bound,))
    if place.has_json_index and bound not in {EARLIEST, LATEST}:
        return Fragment(f"{place.json} {symbol} %s::jsonb", (json.dumps(bound),))
    return Fragment(f'{place.text} COLLATE "C" {symbol} %s', (bound,))


def _scalar_comparison(place: Place, test: Test, operands: Sequence[Any]) -> Fragment:
    """Compare numbers and booleans; jsonb compares both by value."""
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


def _opposite(fragment: Fragment) -> Fragment:
    """Return a condition that is true exactly when the other is not true (also for NULL)."""
    return Fragment(f"({fragment.sql}) IS NOT TRUE", fragment.parameters)
