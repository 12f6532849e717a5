"""Computes when a comparison with a moment relative to now can change its result.

A moment relative to now goes on with time, and passes the values that are compared with it. Most
such moments never go back, so the time at which one passes a value is found by bisection. Those
that follow the calendar go back at times: a month before the 29th, 30th and 31st of March is the
28th of February, up to three days before where it was; and a day before is an hour earlier when
clocks are put back. Near a value they are looked at step by step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta

from configuration.domain.conditions import Comparison, Test
from contacthub_project.core.date_math import Relative, Shift, StartOf
from contacthub_project.core.date_spans import Clock
from contacthub_project.core.timestamps import parse_timestamp
from customers.domain.moving_moments import relative_operands, span_for

MILLISECOND = timedelta(milliseconds=1)
DAY = timedelta(days=1)
STEP = timedelta(minutes=15)  # between the times at which a clock can be put back
CLOCK_CHANGE = timedelta(hours=3)
MONTH_ENDS = timedelta(days=4)
CALENDAR = frozenset("dwMy")
FARTHEST = timedelta(days=400 * 366)
MOST_VALUES = 100
A_YEAR = 365

# What is compared: whether a value is at or after the beginning and the end of a span.
State = tuple[bool, bool]


def next_change(compared: Comparison, values: Sequence[str], clock: Clock) -> datetime | None:
    """Return the first moment after now at which one of the values may compare differently.

    Never too late; now and then too early, so that one has to ask again then. None when that never
    happens. `values` are the next ones in order, as text; of 100 or more there may be others.
    """
    found: list[datetime] = []
    for value in values:
        if compared.test is Test.BIRTHDAY_WITHIN:
            found += _anniversary(value, compared, clock)
        else:
            for operand in relative_operands(compared):
                found += _crossings(value, compared.kind, operand, clock)
    if len(values) >= MOST_VALUES:
        found.append(clock.now + STEP)
    return min(found, default=None)


def _anniversary(value: str, compared: Comparison, clock: Clock) -> Iterable[datetime]:
    days = int(compared.operands[0])  # type: ignore[arg-type]
    born = _as_date(value)
    if born is None or days >= A_YEAR:
        return
    today = clock.now.astimezone(clock.zone).date()
    year = today.year
    while (birthday := _in_year(born, year)) < today:
        year += 1
    begins = birthday - DAY * days
    changes = begins if begins > today else birthday + DAY
    yield _midnight(changes, clock)


def _in_year(born: date, year: int) -> date:
    try:
        return born.replace(year=year)
    except ValueError:
        return date(year, 3, 1)


def _crossings(value: str, kind: str, operand: Relative, clock: Clock) -> Iterable[datetime]:
    """Yield when the moment passes the value, or a time before that; nothing if it has for good."""

    def state(now: datetime) -> State:
        span = span_for(kind, operand, Clock(now, clock.zone))
        return value >= span.first, value >= span.after

    if _is_monotonic(operand, kind):
        if state(clock.now) != (False, False):
            yield from _bisected(state, clock.now, clock.now + FARTHEST)
        return
    moment = _as_moment(value, clock)
    bound = _as_moment(span_for(kind, operand, clock).first, clock)
    if moment is None or bound is None:
        yield _next_midnight(clock)
        return
    days = DAY * 2 if kind.endswith("date") else timedelta()  # a date is passed within them
    slack = (MONTH_ENDS if _counts_months(operand) else CLOCK_CHANGE) + days
    close = CLOCK_CHANGE + days
    distance = moment - bound
    if distance < -slack:
        return
    if distance > slack:
        yield clock.now + (distance - slack)
    elif distance > close:
        yield min(_next_midnight(clock), clock.now + (distance - close))
    elif distance < -close:
        yield _next_midnight(clock)
    else:
        # Within a step nothing goes back.
        until = _next_step(clock.now)
        changes = list(_bisected(state, clock.now, until))
        yield from changes or [until]


def _bisected(
    state: Callable[[datetime], State], now: datetime, until: datetime
) -> Iterable[datetime]:
    """Yield the first millisecond after `now`, up to `until`, in which the state is another."""
    before = state(now)
    low, width = now, MILLISECOND
    while state(min(now + width, until)) == before:
        if now + width >= until:
            return
        low, width = now + width, width * 4
    high = min(now + width, until)
    while high - low > MILLISECOND:
        middle = low + (high - low) / 2
        if state(middle) == before:
            low = middle
        else:
            high = middle
    yield high


def _is_monotonic(operand: Relative, kind: str) -> bool:
    """Return whether the moment never moves backwards as time passes."""
    units = {step.unit for step in operand.steps}
    if not units & CALENDAR or (kind.endswith("date") and units <= CALENDAR):
        return True
    return any(isinstance(step, StartOf) and step.unit in CALENDAR for step in operand.steps)


def _counts_months(operand: Relative) -> bool:
    return any(isinstance(step, Shift) and step.unit in "My" for step in operand.steps)


def _as_date(text: str) -> date | None:
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None


def _as_moment(text: str, clock: Clock) -> datetime | None:
    """Return the moment; of a date its first one. None for what is no moment of the calendar."""
    try:
        if len(text) == len("1970-01-01"):
            return _midnight(date.fromisoformat(text), clock)
        return parse_timestamp(text)
    except (ValueError, OverflowError):
        return None


def _midnight(day: date, clock: Clock) -> datetime:
    return datetime.combine(day, time(), clock.zone).astimezone(UTC)


def _next_midnight(clock: Clock) -> datetime:
    return _midnight(clock.now.astimezone(clock.zone).date() + DAY, clock)


def _next_step(now: datetime) -> datetime:
    past = timedelta(minutes=now.minute % 15, seconds=now.second, microseconds=now.microsecond)
    return now - past + STEP
