"""Parses points in time, absolute and relative to now (date math).

A point in time is a date-time (`core.timestamps`), milliseconds since 1970, a bare date, or
relative to now in Elasticsearch's date math: `now`, then at most ten steps that add (`+1d`),
subtract (`-3M`) or round down (`/d`). Units are y, M, w, d, h (also H), m and s. Days and longer
units follow the calendar of a time zone; weeks begin on Monday. `core.date_spans` computes the time
spans that they stand for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime

from contacthub_project.core.timestamps import (
    parse_timestamp,
    timestamp_from_epoch_ms,
)

MOST_STEPS = 10
STEP = re.compile(r"([+-])([0-9]{1,6})([yMwdhHms])|/([yMwdhHms])", re.ASCII)
BARE_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
# At least nine digits: eight may be a date without hyphens.
EPOCH_MILLISECONDS = re.compile(r"-?[0-9]{9,18}", re.ASCII)
MONTHS = {"y": 12, "M": 1}
DAYS = {"w": 7, "d": 1}
CALENDAR_UNITS = MONTHS.keys() | DAYS.keys()


@dataclass(frozen=True, slots=True)
class Instant:
    """A date-time; None for milliseconds that lead beyond the calendar."""

    moment: datetime | None
    is_early: bool = False  # beyond the beginning of the calendar, not its end


@dataclass(frozen=True, slots=True)
class Day:
    """A date."""

    date: date


@dataclass(frozen=True, slots=True)
class Shift:
    """The step that adds or subtracts a number of units."""

    amount: int
    unit: str


@dataclass(frozen=True, slots=True)
class StartOf:
    """The step that rounds down to the beginning of a unit."""

    unit: str


@dataclass(frozen=True, slots=True)
class Relative:
    """A point in time relative to now."""

    steps: tuple[Shift | StartOf, ...] = ()

    @property
    def rounded_to(self) -> str | None:
        """The unit of the span; None for a single moment."""
        last = self.steps[-1] if self.steps else None
        return last.unit if isinstance(last, StartOf) else None


Moment = Instant | Day | Relative


def parse_moment(value: str | int) -> Moment | None:
    """Return the point in time of a text or of milliseconds since 1970; None if there is none."""
    if isinstance(value, int):
        return Instant(timestamp_from_epoch_ms(value), is_early=value < 0)
    if value.startswith("now"):
        return _relative(value.removeprefix("now"))
    if EPOCH_MILLISECONDS.fullmatch(value):
        return parse_moment(int(value))
    moment = parse_timestamp(value)
    if moment is None:
        return None
    return Day(moment.date()) if BARE_DATE.fullmatch(value) else Instant(moment)


def _relative(text: str) -> Relative | None:
    steps: list[Shift | StartOf] = []
    position = 0
    while position < len(text):
        match = STEP.match(text, position)
        if match is None or len(steps) == MOST_STEPS:
            return None
        sign, amount, unit, rounded = match.groups()
        if rounded:
            steps.append(StartOf(_unit(rounded)))
        else:
            steps.append(Shift(-int(amount) if sign == "-" else int(amount), _unit(unit)))
        position = match.end()
    return Relative(tuple(steps))


def _unit(letter: str) -> str:
    return "h" if letter == "H" else letter
