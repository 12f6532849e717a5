"""Which queries can match a customer without events."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configuration.domain.conditions import AllOf, AnyOf, Comparison, Not, Test
from contacthub_project.core.identifiers import new_id
from customers.domain.query_language import Did, InSegment
from events.domain.behaviours import EventCondition, Function, Measure
from segments.domain.expansion import OnList
from segments.domain.without_events import may_match_without_events

DONE = Did(EventCondition("searched"))
NEVER = Did(
    EventCondition("searched", measures=(Measure(Function.COUNT, "", "", Test.EQUALS, (0,)),))
)
FIRST = Comparison("base.firstName", "text", Test.EQUALS, ("Ada",))
LAST = Comparison("base.lastName", "text", Test.EQUALS, ("Ada",))
LISTED = InSegment(OnList(new_id()))
LEAVES: list[Any] = [DONE, NEVER, FIRST, LAST, LISTED]
EXPRESSIONS = st.recursive(
    st.sampled_from(LEAVES),
    lambda inner: (
        st.builds(Not, inner)
        | st.builds(AllOf, st.lists(inner, min_size=1, max_size=3).map(tuple))
        | st.builds(AnyOf, st.lists(inner, min_size=1, max_size=3).map(tuple))
    ),
    max_leaves=6,
)


def value(expression: Any, known: dict[Any, bool]) -> bool:
    if isinstance(expression, Not):
        return not value(expression.part, known)
    if isinstance(expression, AllOf):
        return all(value(part, known) for part in expression.parts)
    if isinstance(expression, AnyOf):
        return any(value(part, known) for part in expression.parts)
    return known[expression]


@given(EXPRESSIONS)
def test_what_is_left_out_matches_nobody_without_events(expression: Any) -> None:
    matches = any(
        value(expression, {DONE: False, NEVER: True, FIRST: a, LAST: b, LISTED: c})
        for a, b, c in itertools.product((False, True), repeat=3)
    )
    assert may_match_without_events(expression) or not matches


@pytest.mark.parametrize(
    ("expression", "may_match"),
    [
        (DONE, False),
        (NEVER, True),
        (FIRST, True),
        (LISTED, True),
        (Not(DONE), True),
        (Not(NEVER), False),
        (AllOf((FIRST, DONE)), False),
        (AllOf((FIRST, NEVER)), True),
        (AnyOf((FIRST, DONE)), True),
        (AnyOf((DONE, DONE)), False),
        (AllOf((FIRST, Not(DONE))), True),
    ],
)
def test_examples(expression: Any, may_match: bool) -> None:
    assert may_match_without_events(expression) is may_match
