from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.domain.periods import MODES, MONTH, YEAR, Period, days_of_series, period_of, series
from contacthub_project.core.date_math import Day, Instant, parse_moment

ROME = ZoneInfo("Europe/Rome")
NOW = datetime(2026, 3, 31, 22, 30, tzinfo=UTC)  # the first of April in Rome
moments = st.datetimes(timezones=st.just(UTC))


def test_without_anything_it_ends_today() -> None:
    period = period_of(None, None, now=NOW, zone=ROME, usual_months=MONTH, most_months=YEAR)
    assert (period.first, period.last) == (date(2026, 3, 1), date(2026, 4, 1))
    assert period.start == datetime(2026, 2, 28, 23, tzinfo=UTC)
    assert period.end == datetime(2026, 4, 1, 21, 59, 59, 999000, tzinfo=UTC)


def test_a_start_too_early_is_moved() -> None:
    start = Instant(datetime(1999, 1, 1, tzinfo=UTC))
    period = period_of(start, None, now=NOW, zone=ROME, usual_months=MONTH, most_months=YEAR)
    assert period.first == date(2025, 4, 1)


def test_a_start_without_a_limit_stays() -> None:
    start = Instant(datetime(1999, 1, 1, 12, tzinfo=UTC))
    period = period_of(start, None, now=NOW, zone=ROME, usual_months=MONTH, most_months=None)
    assert period.first == date(1999, 1, 1)


def test_of_long_periods_the_days_between_the_first_and_the_last_count_are_returned() -> None:
    year = Period(date(2023, 12, 31), date(2024, 12, 31), ROME)
    assert days_of_series(year, [date(2024, 5, 5)]) == list(year.days())
    longer = Period(date(2023, 12, 30), date(2024, 12, 31), ROME)
    counted = [date(2024, 5, 5), date(2024, 5, 3)]
    assert days_of_series(longer, counted) == [date(2024, 5, day) for day in (3, 4, 5)]
    assert days_of_series(longer, []) == []


def test_a_start_after_the_end_is_refused() -> None:
    earlier = Instant(NOW - timedelta(days=2))
    with pytest.raises(ValueError, match="after"):
        period_of(Instant(NOW), earlier, now=NOW, zone=ROME, usual_months=1, most_months=1)


@given(
    st.dates(date(1900, 1, 2), date(9998, 12, 1)),
    st.integers(0, 300),
    st.sampled_from(["Pacific/Kiritimati", "America/New_York", "Pacific/Apia", "Asia/Kathmandu"]),
)
def test_dates_are_days_of_the_zone(first: date, days: int, name: str) -> None:
    last = min(first + timedelta(days=days), date(9998, 12, 20))
    period = period_of(
        Day(first), Day(last), now=NOW, zone=ZoneInfo(name), usual_months=MONTH, most_months=None
    )
    # A day that a zone has left out is the one after it.
    left_out = name == "Pacific/Apia" and date(2011, 12, 30) in {first, last}
    assert left_out or (period.first, period.last) == (first, last)


def test_moments_relative_to_now() -> None:
    start, end = parse_moment("now-1M/M"), parse_moment("now-1M/M")
    period = period_of(start, end, now=NOW, zone=ROME, usual_months=MONTH, most_months=YEAR)
    assert (period.first, period.last) == (date(2026, 3, 1), date(2026, 3, 31))


@given(moments, moments, st.sampled_from(["Europe/Rome", "Europe/London", "Europe/Paris"]))
def test_any_moments_give_whole_days(start: datetime, end: datetime, name: str) -> None:
    zone = ZoneInfo(name)
    start, end = min(start, end), max(start, end)
    period = period_of(
        Instant(start), Instant(end), now=NOW, zone=zone, usual_months=MONTH, most_months=YEAR
    )
    assert period.first <= period.last <= period.first + timedelta(days=366)
    assert period.start < period.end
    assert period.start.astimezone(zone).date() == period.first
    assert period.end.astimezone(zone).date() == period.last
    assert (period.end + timedelta(milliseconds=1)).astimezone(zone).date() > period.last
    days = list(period.days())
    assert days == sorted(set(days))
    assert (days[0], days[-1]) == (period.first, period.last)


@given(
    st.dates(date(1990, 1, 1), date(2040, 1, 1)),
    st.integers(0, 800),
    st.lists(st.tuples(st.integers(0, 800), st.integers(0, 9)), max_size=20),
    st.sampled_from(list(MODES)),
)
def test_series_have_no_holes_and_lose_nothing(
    first: date, length: int, values: list[tuple[int, int]], mode: str
) -> None:
    period = Period(first, first + timedelta(days=length), ROME)
    given_values = {
        first + timedelta(days=day): Decimal(value) for day, value in values if day <= length
    }
    added = series(given_values, period, mode)
    assert sum(added.values()) == sum(given_values.values())
    assert list(added) == sorted(added)
    size = {"DAILY": 1, "WEEKLY": 7, "MONTHLY": 31}[mode]
    assert (
        length / size <= len(added) <= length / {"DAILY": 1, "WEEKLY": 7, "MONTHLY": 28}[mode] + 2
    )


@pytest.mark.parametrize(
    ("day", "week"),
    [
        (date(2027, 1, 1), "2026-W53"), (date(2024, 12, 30), "2025-W01"),
        (date(2026, 1, 5), "2026-W02"), (date(2026, 1, 4), "2026-W01"),
    ],
)  # fmt: skip
def test_weeks_are_iso_weeks(day: date, week: str) -> None:
    assert MODES["WEEKLY"].label(day) == week
