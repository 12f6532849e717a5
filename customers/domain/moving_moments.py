"""Comparisons whose result time alone can change, and the values that time brings to them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from configuration.domain.conditions import Comparison, Test, comparisons_of
from configuration.domain.customer_schema import LIST_OF
from contacthub_project.core.date_math import Relative
from contacthub_project.core.date_spans import EARLIEST, Clock, Span, days_of, span_of
from customers.domain.attribute_places import Place, rows_of_list

# By how much the calendar can set a relative moment back while time goes on: a month before the
# 31st is the 28th, as it was on the days before; clocks are put back by an hour.
LARGEST_STEP_BACK = timedelta(days=4)
MOMENT_TEXT = """to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')"""


def moving_comparisons(expression: Any) -> list[Comparison]:
    """Return the comparisons of an expression that depend on the present moment."""
    return [each for each in comparisons_of(expression) if is_moving(each)]


def is_moving(compared: Comparison) -> bool:
    """Return whether the result depends on the present moment."""
    return compared.test is Test.BIRTHDAY_WITHIN or bool(relative_operands(compared))


def relative_operands(compared: Comparison) -> Sequence[Relative]:
    """Return the moments relative to now that values are compared with."""
    return [each for each in compared.operands if isinstance(each, Relative)]


def span_for(kind: str, moment: Relative, clock: Clock) -> Span:
    """Return the span that a moment means to values of a kind, `date`, `moment` or lists of it."""
    return (days_of if kind.endswith("date") else span_of)(moment, clock)


def first_awaited(compared: Comparison, clock: Clock) -> str:
    """Return the least value, as text, whose comparison can change from now on.

    Smaller values are passed for good, as moments relative to now only go on.
    """
    operands = relative_operands(compared)
    if not operands or clock.now.year < 2:
        return EARLIEST
    before = Clock(clock.now - LARGEST_STEP_BACK - timedelta(days=1), clock.zone)
    return min(span_for(compared.kind, each, before).first for each in operands)


def moment_texts(place: Place, kind: str) -> str:
    """SQL of moments or dates as the text that bounds are; of a list, a row for each element."""
    if kind.startswith(LIST_OF):
        return f"({rows_of_list(place)} #>> '{{}}')"
    return MOMENT_TEXT.format(place.column) if place.keys is None else place.text
