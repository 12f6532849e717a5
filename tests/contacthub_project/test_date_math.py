from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contacthub_project.core.date_math import parse_moment
from contacthub_project.core.date_spans import Clock, Span, days_of, month_days, span_of

ROME = ZoneInfo("Europe/Rome")
# Thursday, 26 March 2026, 00:30 by the clock of Rome; clocks go forward on the 29th.
NOW = datetime(2026, 3, 25, 23, 30, 15, 123456, tzinfo=UTC)


def spans(text: str | int, now: datetime = NOW) -> tuple[Span, Span]:
    moment = parse_moment(text)
    assert moment is not None
    clock = Clock(now, ROME)
    return span_of(moment, clock), days_of(moment, clock)


@pytest.mark.parametrize(
    ("text", "first", "after"),
    [
        ("now", "2026-03-25T23:30:15.123Z", "2026-03-25T23:30:15.124Z"),
        ("now/d", "2026-03-25T23:00:00.000Z", "2026-03-26T23:00:00.000Z"),
        ("now-1d/d", "2026-03-24T23:00:00.000Z", "2026-03-25T23:00:00.000Z"),
        # The 29th has 23 hours; at half past midnight the clock then shows summer time.
        ("now+3d/d", "2026-03-28T23:00:00.000Z", "2026-03-29T22:00:00.000Z"),
        ("now+4d", "2026-03-29T22:30:15.123Z", "2026-03-29T22:30:15.124Z"),
        ("now+96h", "2026-03-29T23:30:15.123Z", "2026-03-29T23:30:15.124Z"),
        # Half past two is left out on the 29th.
        ("now/d+3d+2h+30m", "2026-03-29T01:30:00.000Z", "2026-03-29T01:30:00.001Z"),
        ("now/w", "2026-03-22T23:00:00.000Z", "2026-03-29T22:00:00.000Z"),
        ("now-1M/M", "2026-01-31T23:00:00.000Z", "2026-02-28T23:00:00.000Z"),
        ("now/y", "2025-12-31T23:00:00.000Z", "2026-12-31T23:00:00.000Z"),
        ("now/H", "2026-03-25T23:00:00.000Z", "2026-03-26T00:00:00.000Z"),
        ("now/m", "2026-03-25T23:30:00.000Z", "2026-03-25T23:31:00.000Z"),
        ("now/s", "2026-03-25T23:30:15.000Z", "2026-03-25T23:30:16.000Z"),
        ("now+5d-1M", "2026-02-27T23:30:15.123Z", "2026-02-27T23:30:15.124Z"),
        ("now+9999y", "infinity", "infinity"),
        ("now-999999d/y", "-infinity", "-infinity"),
        ("now+9999y-9999y", "infinity", "infinity"),
        ("2026-03-29", "2026-03-28T23:00:00.000Z", "2026-03-29T22:00:00.000Z"),
        ("2026-03-29T10:00:00+0200", "2026-03-29T08:00:00.000Z", "2026-03-29T08:00:00.001Z"),
        ("1614556800000", "2021-03-01T00:00:00.000Z", "2021-03-01T00:00:00.001Z"),
        (1614556800000, "2021-03-01T00:00:00.000Z", "2021-03-01T00:00:00.001Z"),
        (10**17, "infinity", "infinity"), (-(10**17), "-infinity", "-infinity"),
        ("9999-12-31", "9999-12-30T23:00:00.000Z", "infinity"),
        ("0001-01-01", "-infinity", "0001-01-01T23:10:04.000Z"),
    ],
)  # fmt: skip
def test_spans_of_moments(text: str | int, first: str, after: str) -> None:
    assert spans(text)[0] == Span(first, after)


@pytest.mark.parametrize(
    ("text", "first", "after"),
    [
        ("now", "2026-03-26", "2026-03-27"), ("now/d", "2026-03-26", "2026-03-27"),
        ("now/h", "2026-03-26", "2026-03-27"), ("now-1h", "2026-03-25", "2026-03-26"),
        ("now-18y", "2008-03-26", "2008-03-27"), ("now-1M/M", "2026-02-01", "2026-03-01"),
        ("now/w", "2026-03-23", "2026-03-30"), ("2026-03-29", "2026-03-29", "2026-03-30"),
        ("2026-03-29T00:00:00Z", "2026-03-29", "2026-03-30"),
        ("2026-03-29T00:00:01Z", "2026-03-30", "2026-03-30"), ("9999-12-31", "9999-12-31", "infinity"),
        ("now+9999y", "infinity", "infinity"), (-(10**17), "-infinity", "-infinity"),
    ],
)  # fmt: skip
def test_spans_of_dates(text: str | int, first: str, after: str) -> None:
    assert spans(text)[1] == Span(first, after)


def test_ends_of_months() -> None:
    leap = datetime(2024, 3, 31, 12, tzinfo=UTC)
    assert spans("now-1M", leap)[1].first == "2024-02-29"
    assert spans("now-1y-1M", leap)[1].first == "2023-02-28"
    assert spans("now+1M/M", leap)[1] == Span("2024-04-01", "2024-05-01")


@pytest.mark.parametrize(
    "text",
    ["", "NOW", "now ", "now-", "now-1", "now-d", "now-1D", "now/", "now/1d", "now--1d", "now-1dx",
     "now-1234567d", "now" + "+1d" * 11, "now-1.5d", "now-\u0661d", "2026-02-30", "20260329", "1234"],
)  # fmt: skip
def test_what_means_no_moment(text: str) -> None:
    assert parse_moment(text) is None


STEPS = st.lists(
    st.one_of(
        st.builds(
            "{}{}{}".format,
            st.sampled_from("+-"),
            st.integers(0, 999999),
            st.sampled_from("yMwdhHms"),
        ),
        st.sampled_from("yMwdhHms").map("/{}".format),
    ),
    max_size=10,
)
# Of a clock: by any zone within the calendar.
MOMENTS = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))


@given(STEPS, MOMENTS, st.sampled_from(["Europe/Rome", "America/Sao_Paulo", "Asia/Kathmandu"]))
def test_spans_are_in_order(steps: list[str], now: datetime, zone: str) -> None:
    moment = parse_moment("now" + "".join(steps))
    assert moment is not None
    clock = Clock(now, ZoneInfo(zone))
    for find in (span_of, days_of):
        span = find(moment, clock)
        assert span.first <= span.after
        if "infinity" not in span.first:
            assert span.first < span.after


def test_anniversaries() -> None:
    assert month_days(date(2026, 2, 28), 0) == {"02-28"}
    assert month_days(date(2026, 2, 28), 1) == {"02-28", "02-29", "03-01"}
    assert month_days(date(2024, 3, 1), 0) == {"03-01"}
    assert month_days(date(2024, 2, 28), 2) == {"02-28", "02-29", "03-01"}
    assert month_days(date(2025, 12, 30), 3) == {"12-30", "12-31", "01-01", "01-02"}
    assert len(month_days(date(2026, 1, 1), 366)) == 366
    assert month_days(date(9999, 12, 31), 5) == {"12-31"}


@given(
    st.dates(date(1900, 1, 1), date(2100, 1, 1)), st.dates(date(1900, 1, 1)), st.integers(0, 370)
)
def test_whose_anniversary_is_near(born: date, today: date, days: int) -> None:
    def anniversary(year: int) -> date:
        try:
            return born.replace(year=year)
        except ValueError:
            return date(year, 3, 1)

    last = min((today - date.min).days + days, (date.max - date.min).days)
    end = date.min + timedelta(days=last)
    near = any(today <= anniversary(year) <= end for year in range(today.year, end.year + 1))
    assert (f"{born:%m-%d}" in month_days(today, days)) is near
