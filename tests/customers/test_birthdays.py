"""Anniversaries of dates, as searches and exclusion filters ask for them."""

from __future__ import annotations

import calendar
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from configuration.domain.conditions import Comparison, Test, depends_on_now
from configuration.queries.rules import latest_rules_of
from contacthub_project.core.date_spans import Clock
from contacthub_project.db.sql import fetch_all
from customers.domain.attribute_places import Place
from customers.domain.query_compiler import compile_expression
from customers.queries.search import parse_search_query
from tests.customers.test_search import are, person, searched
from tests.factories import Hub

ROME = ZoneInfo("Europe/Rome")
FOUND = """
SELECT customer.base ->> 'dob'
FROM (SELECT jsonb_build_object('dob', dob) AS base FROM unnest(%s::text[]) AS dob) AS customer
WHERE {condition}
"""


class Attributes:
    def place_of(self, path: str) -> Place:
        return Place("customer.base", ("dob",))


def birthday_in(year: int, born: date) -> date:
    if (born.month, born.day) == (2, 29) and not calendar.isleap(year):
        return date(year, 3, 1)
    return born.replace(year=year)


def is_near(born: date, today: date, days: int) -> bool:
    return any(
        today <= birthday_in(year, born) <= today + timedelta(days=days)
        for year in (today.year, today.year + 1)
    )


def found(born: list[date], now: datetime, days: int) -> set[str]:
    compared = Comparison("base.dob", "date", Test.BIRTHDAY_WITHIN, (days,))
    condition = compile_expression(compared, Attributes(), Clock(now, ROME))
    dates = [each.isoformat() for each in born]
    rows = fetch_all(FOUND.format(condition=condition.sql), [dates, *condition.parameters])
    return {dob for (dob,) in rows}


ENDS = [date(2023, 2, 28), date(2023, 3, 1), date(2024, 2, 28), date(2024, 2, 29), date(2024, 3, 1),
        date(2024, 12, 31), date(2025, 1, 1), date(2100, 2, 28)]  # fmt: skip
EVERY_DAY = [date(2000, 1, 1) + timedelta(days=number) for number in range(366)]


@settings(max_examples=60)
@given(
    today=st.sampled_from(ENDS) | st.dates(date(1990, 1, 1), date(2110, 1, 1)),
    days=st.integers(0, 3) | st.integers(0, 366),
)
def test_every_birthday_of_the_calendar(db: None, today: date, days: int) -> None:
    now = datetime(today.year, today.month, today.day, 12, tzinfo=ROME)
    expected = {each.isoformat() for each in EVERY_DAY if is_near(each, today, days)}
    assert found(EVERY_DAY, now, days) == expected


def test_the_day_is_that_of_the_workspace(db: None) -> None:
    born = [date(1990, 5, 1), date(1990, 5, 2)]
    assert found(born, datetime(2026, 5, 1, 21, 59, tzinfo=UTC), 0) == {"1990-05-01"}
    assert found(born, datetime(2026, 5, 1, 22, 0, tzinfo=UTC), 0) == {"1990-05-02"}


def test_searching_by_birthday(hub: Hub) -> None:
    today = datetime.now(ROME).date()
    for name, distance in (("today", 0), ("soon", 5), ("far", 40)):
        born = birthday_in(1980, today + timedelta(days=distance)).isoformat()
        hub.post_customer(base=person(f"{name}@x.it", dob=born))
    hub.post_customer(base=person("ageless@x.it"))

    def names(query: Any) -> set[str]:
        answer = searched(hub, query=query)
        assert answer.status == 200, answer.content
        return {each["base"]["contacts"]["email"].split("@")[0] for each in answer["elements"]}

    assert names(are("base.dob", "BIRTHDAY_WITHIN", 0)) == {"today"}
    assert names(are("base.dob", "BIRTHDAY_WITHIN", "7")) == {"today", "soon"}
    assert names(are("base.dob", "BIRTHDAY_WITHIN", 366)) == {"today", "soon", "far"}


@pytest.mark.parametrize("value", [-1, 367, 1.5, True, "soon", None, [1, 2], "1e9", {}])
def test_wrong_numbers_of_days(hub: Hub, value: Any) -> None:
    answer = searched(hub, query=are("base.dob", "BIRTHDAY_WITHIN", value))
    assert (answer.status, answer.paths) == (400, {"/query/query/are/condition/value"})


def test_dates_only(hub: Hub) -> None:
    for attribute in ("registeredAt", "base.firstName", "intId"):
        assert searched(hub, query=are(attribute, "BIRTHDAY_WITHIN", 3)).status == 400


def test_time_alone_changes_whom_it_finds(hub: Hub) -> None:
    workspace = latest_rules_of(hub.workspace.id)
    assert workspace is not None
    query, faults = parse_search_query({"query": are("base.dob", "BIRTHDAY_WITHIN", 3)}, workspace)
    assert faults == []
    assert depends_on_now(query)
