"""How long events are kept: by type, per workspace and per node."""

from __future__ import annotations

import calendar
from collections.abc import Mapping
from datetime import datetime

from configuration.domain.vocabulary import EVENT_TYPES

FOR_EVER = 0
MOST_MONTHS = 1200


def default_months() -> dict[str, int]:
    """The months that each built-in type is kept unless a workspace says otherwise."""
    return {event.type: event.retentionMonths for event in EVENT_TYPES.values()}


def effective_months(*overrides: Mapping[str, int]) -> dict[str, int]:
    """The months for every type; later overrides win (the workspace's, then the node's)."""
    months = default_months()
    for override in overrides:
        months |= override
    return months


def months_before(moment: datetime, months: int) -> datetime:
    """The same day and time so many months earlier, or the last day that month has."""
    earlier = moment.year * 12 + moment.month - 1 - months
    year, month = divmod(earlier, 12)
    day = min(moment.day, calendar.monthrange(year, month + 1)[1])
    return moment.replace(year=year, month=month + 1, day=day)


def cutoffs(months: Mapping[str, int], now: datetime) -> dict[str, datetime]:
    """For each type that is not kept for ever: events dated before this moment are to go."""
    return {
        event_type: months_before(now, kept)
        for event_type, kept in months.items()
        if kept != FOR_EVER
    }
