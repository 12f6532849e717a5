"""When time changes what a comparison gives, against looking at many moments."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import example, given, settings
from hypothesis import strategies as st

from configuration.domain.conditions import Comparison, Test
from contacthub_project.core.date_math import parse_moment
from contacthub_project.core.date_spans import Clock, anniversaries, days_of, span_of
from contacthub_project.core.timestamps import format_timestamp
from segments.domain.next_change import next_change

ROME = ZoneInfo("Europe/Rome")
MOMENTS = [
    "now", "now-1h", "now-30d", "now-1M", "now-1y", "now-90m/h", "now/d", "now-1d/d", "now/M-1d",
    "now-1M/M", "now/y", "now-1w/w", "now-1M-1d", "now+2d", "now-5h/d",
]  # fmt: skip
# Around the ends of months and the days on which clocks change.
STARTS = st.sampled_from(
    [
        datetime(2026, 3, 28, 21, 10, 5, tzinfo=UTC),
        datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC),
        datetime(2026, 10, 24, 23, 30, tzinfo=UTC),
        datetime(2026, 10, 25, 0, 45, tzinfo=UTC),
        datetime(2027, 2, 28, 22, 59, 59, 999000, tzinfo=UTC),
        datetime(2028, 2, 29, 12, tzinfo=UTC),
        datetime(2026, 12, 31, 23, 15, tzinfo=UTC),
    ]
)
LITTLE = st.timedeltas(timedelta(), timedelta(days=40))
SHARES = [0.0001, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.9999]


def state(compared: Comparison, value: str, now: datetime) -> tuple[bool, bool]:
    clock = Clock(now, ROME)
    find = days_of if compared.kind == "date" else span_of
    span = find(compared.operands[0], clock)  # type: ignore[arg-type]
    return value >= span.first, value >= span.after


@settings(max_examples=300)
@given(st.sampled_from(MOMENTS), STARTS, LITTLE, LITTLE, st.sampled_from(["moment", "date"]))
@example(
    "now-1M",
    datetime(2026, 3, 28, 21, 10, 5, tzinfo=UTC),
    timedelta(),
    timedelta(days=28),
    "moment",
)
def test_nothing_changes_before_and_all_changes_are_found(
    text: str, start: datetime, later: timedelta, ahead: timedelta, kind: str
) -> None:
    now = start + later
    moment = parse_moment(text)
    assert moment is not None
    compared = Comparison("x", kind, Test.AT_LEAST, (moment,))
    bound = span_of(moment, Clock(now, ROME)).first
    ahead -= timedelta(days=20)
    near = datetime.fromisoformat(bound) + ahead
    value = near.astimezone(ROME).date().isoformat() if kind == "date" else format_timestamp(near)
    end = now + timedelta(days=45)
    looks = 0
    while now < end:
        following = next_change(compared, [value], Clock(now, ROME))
        until = min(following or end, end)
        assert until > now
        before = state(compared, value, now)
        last = until - timedelta(milliseconds=1)
        for moment_between in [now + (last - now) * share for share in SHARES] + [max(last, now)]:
            assert state(compared, value, moment_between) == before, (now, following)
        now, looks = until, looks + 1
    assert looks < 1200


@settings(max_examples=200)
@given(
    st.dates(date(1950, 1, 1), date(2010, 1, 1)) | st.just(date(2004, 2, 29)),
    st.integers(0, 366),
    STARTS,
)
def test_birthdays(born: date, days: int, now: datetime) -> None:
    compared = Comparison("x", "date", Test.BIRTHDAY_WITHIN, (days,))

    def has(moment: datetime) -> bool:
        ranges = anniversaries(Clock(moment, ROME), days)
        return any(first <= f"{born:%m-%d}" <= last for first, last in ranges)

    end = now + timedelta(days=800)
    looks = 0
    while now < end:
        following = next_change(compared, [born.isoformat()], Clock(now, ROME))
        until = min(following or end, end)
        assert until > now
        last = until - timedelta(milliseconds=1)
        for each in [now + (last - now) * share for share in SHARES] + [last]:
            assert has(each) == has(now)
        now, looks = until, looks + 1
    assert looks < 12
