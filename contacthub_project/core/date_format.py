"""How answers write moments, and where in an answer moments stand that are text already.

The default costs nothing: moments are kept and read as the text that is answered. The other format
is written into a finished answer, at the positions that are known to hold moments and nowhere
else: text of a client's that merely looks like a moment stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from contacthub_project.core.timestamps import format_timestamp, parse_timestamp


class DateFormat(StrEnum):
    """How the end of a moment, always in UTC, is written."""

    ZULU = "Z"
    OFFSET = "+0000"


# None where no moment stands, True for a moment, a mapping for an object with moments in it, a
# one-item tuple with the positions in the items of a list, and a function where they depend on the
# value: of the value, giving its positions.
Positions = None | bool | Mapping[str, Any] | tuple[Any] | Callable[[Any], Any]


def with_date_format(value: Any, where: Positions, date_format: DateFormat) -> Any:
    """`value` with the moments at the positions in a format; what is no moment there stays."""
    if date_format is DateFormat.ZULU:
        return value
    return _with_offsets(value, where)


def formatted(moment: datetime, date_format: DateFormat) -> str:
    """The moment in UTC with milliseconds."""
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
