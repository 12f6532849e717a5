"""The days of a query of counters, and their grouping by day, week or month."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, localcontext
from zoneinfo import ZoneInfo

from analytics.domain.indicators import EXACT
from configuration.domain.retention import months_before
from contacthub_project.core import date_spans
from contacthub_project.core.date_math import Moment
from contacthub_project.core.date_spans import Clock, span_of

DAY = timedelta(days=1)
EVER = date(1, 1, 1)  # the day of counters that are not kept by day
MILLISECOND = timedelta(milliseconds=1)
# Events are dated from 1900 on; calendars end in the year 9999, less the time zones' offsets.
EARLIEST = datetime(1899, 12, 31, tzinfo=UTC)
LATEST = datetime(9998, 12, 30, tzinfo=UTC)
MONTH, YEAR = 1, 12  # in months
LONGEST_WHOLE = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Mode:
    """A grouping of days: the label of a day's group, and the longest period in months."""

    label: Callable[[date], str]
    most_months: int


def _week(day: date) -> str:
    year, week, _ = day.isocalendar()
    return f"{year:04d}-W{week:02d}"


# reference: Number of customers by creation date
MODES: Mapping[str, Mode] = {
    "DAILY": Mode(date.isoformat, YEAR),
    "WEEKLY": Mode(_week, 5 * YEAR),
    "MONTHLY": Mode(lambda day: day.isoformat()[:7], 10 * YEAR),
}


@dataclass(frozen=True, slots=True)
class Period:
    """Whole days of a time zone, the first and the last included."""

    first: date
    last: date
    zone: ZoneInfo

    @property
    def start(self) -> datetime:
        """The first moment."""
        return datetime.combine(self.first, time(), self.zone).astimezone(UTC)

    @property
    def end(self) -> datetime:
        """The last millisecond."""
        after = datetime.combine(self.last + DAY, time(), self.zone)
        return after.astimezone(UTC) - MILLISECOND

    def days(self) -> Iterator[date]:
        """Every day, in order."""
        return (self.first + DAY * number for number in range((self.last - self.first).days + 1))

    def buckets(self, mode: str) -> dict[str, Decimal]:
        """Return zero for every day, ISO week or month of the period, in order."""
        return {MODES[mode].label(day): Decimal(0) for day in self.days()}


def period_of(
    start: Moment | None,
    end: Moment | None,
    *,
    now: datetime,
    zone: ZoneInfo,
    usual_months: int,
    most_months: int | None,
) -> Period:
    """Return the days from that of `start` to that of `end`; dates are days of the zone.

    Without an end it is today, without a start so many months before the end. A start that is too
    many months before the end is moved to the earliest that is not, unless `most_months` is None.

    Raises ValueError when the start is after the end.
    """
    clock = Clock(now, zone)
    last = now.astimezone(zone)
    if end is not None:
        last = _shifted_bound(span_of(end, clock).after, less=MILLISECOND).astimezone(zone)
    given = months_before(last, usual_months)
    if start is not None:
        given = _shifted_bound(span_of(start, clock).first).astimezone(zone)
    if given > last:
        raise ValueError("must not be after end")
    if most_months is not None:
        given = max(given, months_before(last, most_months))
    return Period(given.date(), last.date(), zone)


def days_of_series(period: Period, counted: Iterable[date]) -> list[date]:
    """Return the days of a series: every day of the period, without gaps.

    Of a period longer than a year, those from the first to the last day with a count.
    """
    if period.last - period.first <= LONGEST_WHOLE:
        return list(period.days())
    held = sorted(counted)
    return list(replace(period, first=held[0], last=held[-1]).days()) if held else []


def series(values: Mapping[date, Decimal], period: Period, mode: str) -> dict[str, Decimal]:
    """Return the values grouped by the mode; without gaps, in order."""
    buckets = period.buckets(mode)
    with localcontext(EXACT):
        for day, value in values.items():
            buckets[MODES[mode].label(day)] += value
    return buckets


def _shifted_bound(bound: str, less: timedelta = timedelta()) -> datetime:
    """Return the bound of a span, shifted by so much, within the calendar."""
    if bound in {date_spans.EARLIEST, date_spans.LATEST}:
        return EARLIEST if bound == date_spans.EARLIEST else LATEST
    moment = min(datetime.fromisoformat(bound), LATEST + less)
    return max(moment, EARLIEST + less) - less
