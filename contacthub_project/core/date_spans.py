"""The time spans that points in time (`core.date_math`) stand for, by a clock and its time zone.

A date-time stands for its millisecond; a bare date, or an expression that ends with rounding, for
its whole day, month or other unit in the time zone. Comparisons use the span: "at least" starts at
its first moment, "at most" ends before the moment after its last."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from contacthub_project.core.date_math import (
    CALENDAR_UNITS,
    DAYS,
    MONTHS,
    Day,
    Moment,
    Relative,
    Shift,
    StartOf,
)
from contacthub_project.core.timestamps import (
    format_timestamp,
)

DAY = timedelta(days=1)


MILLISECOND = timedelta(milliseconds=1)


DAYS_OF_A_YEAR = 365


# After every moment and before every moment, for PostgreSQL and in the order of text alike.
LATEST, EARLIEST = "infinity", "-infinity"


LENGTHS = {"h": timedelta(hours=1), "m": timedelta(minutes=1), "s": timedelta(seconds=1)}


@dataclass(frozen=True, slots=True)
class Clock:
    """The present moment, and the time zone by which days are counted."""

    now: datetime
    zone: tzinfo


def anniversaries(clock: Clock, days: int) -> list[tuple[str, str]]:
    """Return ranges (MM-DD, both ends included) from today on for so many days.

    A date in one of them has its anniversary within these days by the calendar of the clock's zone.
    In common years the anniversary of 29 February is 1 March.
    """
    first = clock.now.astimezone(clock.zone).date()
    if days >= DAYS_OF_A_YEAR:
        return [("01-01", "12-31")]
    ranges = []
    left = days
    while left >= 0:
        last = min(first + timedelta(days=left), date(first.year, 12, 31))
        start = f"{first:%m-%d}"
        if start == "03-01" and not calendar.isleap(first.year):
            start = "02-29"
        ranges.append((start, f"{last:%m-%d}"))
        left -= (last - first).days + 1
        first = last + timedelta(days=1)
    return ranges


@dataclass(frozen=True, slots=True)
class Span:
    """A span of time as text: `first` included, `after` excluded.

    Date-times are in UTC with milliseconds; dates are days of the calendar.
    """

    first: str
    after: str


def span_of(moment: Moment, clock: Clock) -> Span:
    """Return the span of date-times that a point in time means."""
    if isinstance(moment, Relative):
        first, after = _resolved(moment, clock)
    elif isinstance(moment, Day):
        first, after = _midnight(moment.date, clock.zone), _day_after(moment.date, clock.zone)
    elif moment.moment is None:
        first = after = EARLIEST if moment.is_early else LATEST
    else:
        first, after = moment.moment, _later(moment.moment, MILLISECOND)
    return Span(_text(first), _text(after))


def days_of(moment: Moment, clock: Clock) -> Span:
    """Return the span of dates that a point in time means.

    A date-time lies within a day, so no date is equal to it, save midnight UTC: clients write it
    for the date itself.
    """
    if isinstance(moment, Relative):
        first, after = _resolved(moment, clock)
        if moment.rounded_to not in CALENDAR_UNITS:
            after = _local_day_after(first, clock.zone)
        return Span(_date_text(first, clock.zone), _date_text(after, clock.zone))
    if isinstance(moment, Day):
        return Span(moment.date.isoformat(), _next_date(moment.date))
    if moment.moment is None:
        beyond = EARLIEST if moment.is_early else LATEST
        return Span(beyond, beyond)
    day, after_day = moment.moment.date().isoformat(), _next_date(moment.moment.date())
    is_midnight = moment.moment.time() == time()
    return Span(day if is_midnight else after_day, after_day)


def month_days(first: date, days: int) -> frozenset[str]:
    """Return the days (MM-DD) of `first` and so many days after it.

    In a common year 1 March includes 29 February.
    """
    found = set()
    for number in range(days + 1):
        try:
            day = first + DAY * number
        except OverflowError:
            break
        found.add(f"{day:%m-%d}")
        if (day.month, day.day) == (3, 1) and not calendar.isleap(day.year):
            found.add("02-29")
    return frozenset(found)


Bound = datetime | str


def _resolved(relative: Relative, clock: Clock) -> tuple[Bound, Bound]:
    """Return the first moment and the one after the last; text beyond the calendar."""
    local = clock.now.astimezone(clock.zone)
    local = local.replace(microsecond=local.microsecond // 1000 * 1000)
    for step in relative.steps:
        try:
            local = _taken(step, local)
        except (OverflowError, ValueError):
            beyond = EARLIEST if isinstance(step, StartOf) or step.amount < 0 else LATEST
            return beyond, beyond
    if relative.rounded_to is None:
        return local, _later(local, MILLISECOND)
    try:
        return local, _shifted(local, 1, relative.rounded_to)
    except (OverflowError, ValueError):
        return local, LATEST


def _taken(step: Shift | StartOf, local: datetime) -> datetime:
    if isinstance(step, StartOf):
        return _start_of(local, step.unit)
    return _shifted(local, step.amount, step.unit)


def _shifted(local: datetime, amount: int, unit: str) -> datetime:
    """Return the moment so many units away.

    Days and longer units follow the calendar and the clock of the zone, shorter units elapsed time.
    """
    if unit in LENGTHS:
        return (local.astimezone(UTC) + LENGTHS[unit] * amount).astimezone(local.tzinfo)
    if unit in DAYS:
        return _existing(local + DAY * (DAYS[unit] * amount))
    year, month = divmod(local.year * 12 + local.month - 1 + MONTHS[unit] * amount, 12)
    if not 1 <= year <= 9999:
        raise OverflowError
    last = calendar.monthrange(year, month + 1)[1]
    return _existing(local.replace(year=year, month=month + 1, day=min(local.day, last)))


def _start_of(local: datetime, unit: str) -> datetime:
    if unit == "s":
        return local.replace(microsecond=0)
    if unit == "m":
        return local.replace(second=0, microsecond=0)
    if unit == "h":
        return local.replace(minute=0, second=0, microsecond=0)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    if unit == "w":
        midnight -= DAY * midnight.weekday()
    elif unit == "M":
        midnight = midnight.replace(day=1)
    elif unit == "y":
        midnight = midnight.replace(month=1, day=1)
    return _existing(midnight)


def _existing(local: datetime) -> datetime:
    """Return the moment at a local time of the zone; times skipped by summer time move forward."""
    return local.replace(fold=0).astimezone(UTC).astimezone(local.tzinfo)


def _midnight(day: date, zone: tzinfo) -> Bound:
    try:
        return datetime.combine(day, time(), zone).astimezone(UTC)
    except OverflowError:
        return EARLIEST if day.year == 1 else LATEST


def _day_after(day: date, zone: tzinfo) -> Bound:
    return LATEST if day == date.max else _midnight(day + DAY, zone)


def _local_day_after(moment: Bound, zone: tzinfo) -> Bound:
    if isinstance(moment, str):
        return moment
    return _day_after(moment.astimezone(zone).date(), zone)


def _later(moment: datetime, by: timedelta) -> Bound:
    try:
        return moment.astimezone(UTC) + by
    except OverflowError:
        return LATEST


def _next_date(day: date) -> str:
    return LATEST if day == date.max else (day + DAY).isoformat()


def _text(bound: Bound) -> str:
    if isinstance(bound, str):
        return bound
    try:
        return format_timestamp(bound)
    except OverflowError:
        return EARLIEST if bound.year == 1 else LATEST


def _date_text(bound: Bound, zone: tzinfo) -> str:
    if isinstance(bound, str):
        return bound
    try:
        return bound.astimezone(zone).date().isoformat()
    except OverflowError:
        return EARLIEST if bound.year == 1 else LATEST
