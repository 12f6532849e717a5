"""The format of timestamps in responses (`X-Date-Format`), and where responses hold timestamps.

The default format is the stored one, so it needs no conversion. The other format is written into
the finished response, only at the positions that are known to hold timestamps: client text that
looks like a timestamp is not changed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from contacthub_project.core.timestamps import format_timestamp, parse_timestamp


class DateFormat(StrEnum):
    """How the offset of a timestamp is written; timestamps are always in UTC."""

    ZULU = "Z"
    OFFSET = "+0000"


# None: no timestamp. True: a timestamp. A mapping: an object with timestamps in it. A
# one-item tuple: the positions in the items of a list. A function, where they depend on the
# value: takes the value and returns its positions.
Positions = None | bool | Mapping[str, Any] | tuple[Any] | Callable[[Any], Any]


def with_date_format(value: Any, where: Positions, date_format: DateFormat) -> Any:
    """Return `value` with the timestamps at `where` in the format; other text is unchanged."""
    if date_format is DateFormat.ZULU:
        return value
    return _with_offsets(value, where)


def formatted(moment: datetime, date_format: DateFormat) -> str:
    """Return the timestamp as text, in UTC with milliseconds."""
    return format_timestamp(moment)[:-1] + date_format


def _with_offsets(value: Any, where: Any) -> Any:
    if where is None or value is None:
        return value
    if where is True:
        return _with_offset(value) if isinstance(value, str) else value
    if callable(where):
        return _with_offsets(value, where(value))
    if isinstance(where, tuple):
        if not isinstance(value, list):
            return value
        return [_with_offsets(item, where[0]) for item in value]
    if not isinstance(value, dict) or where.keys().isdisjoint(value):
        return value
    return {name: _with_offsets(child, where.get(name)) for name, child in value.items()}


def _with_offset(text: str) -> str:
    moment = parse_timestamp(text)
    return text if moment is None else formatted(moment, DateFormat.OFFSET)
