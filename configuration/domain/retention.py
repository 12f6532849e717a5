"""How long events are kept, in months by type."""

from __future__ import annotations

import calendar
from collections.abc import Mapping
from datetime import datetime

from configuration.domain.vocabulary import EVENT_TYPES

FOR_EVER = 0
MOST_MONTHS = 1200


def default_months() -> dict[str, int]:
    """Return the default months of every built-in type; 0 means for ever."""
    return {event.type: event.retentionMonths for event in EVENT_TYPES.values()}


def effective_months(*overrides: Mapping[str, int]) -> dict[str, int]:
    """Return the months of every type; later overrides win (workspace, then node)."""
    months = default_months()
    for override in overrides:
        months |= override
    return months


def months_before(moment: datetime, months: int) -> datetime:
    """Return the same day and time so many months earlier, or the last day of that month."""
    earlier = moment.year * 12 + moment.month - 1 - months
    year, month = divmod(earlier, 12)
    day = min(moment.day, calendar.monthrange(year, month + 1)[1])
    return moment.replace(year=year, month=month + 1, day=day)


def cutoffs(months: Mapping[str, int], now: datetime) -> dict[str, datetime]:
    """Return for each type with a limit the moment before which its events are deleted."""
    return {
        event_type: months_before(now, kept)
        for event_type, kept in months.items()
        if kept != FOR_EVER
    }
