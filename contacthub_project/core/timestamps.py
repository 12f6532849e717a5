"""Parses and formats timestamps.

Accepted are ISO 8601 date-times with any existing offset (-14:00 to +14:00; also `+0100`; none
means UTC), bare dates, which mean midnight UTC, and milliseconds since 1970. They are stored in UTC
with milliseconds, so that equal timestamps are equal text and text sorts by time.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LARGEST_OFFSET = timedelta(hours=14)
MILLISECONDS = re.compile(r"-?[0-9]{5,18}")
ISO_8601 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)"
    r"(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?"
    r"(?:([Zz])|([+-])(\d\d):?(\d\d)?)?)?",
    re.ASCII,
)


@lru_cache(maxsize=4096)  # rows of files often have the same one, and each is read twice
def parse_timestamp(text: str) -> datetime | None:
    """Return the timestamp in UTC with whole milliseconds; None if the text is no timestamp."""
    match = ISO_8601.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second, fraction, _, sign, ahead, ahead_minutes = match.groups()
    offset = timedelta(hours=int(ahead or 0), minutes=int(ahead_minutes or 0))
    if offset > LARGEST_OFFSET or int(ahead_minutes or 0) > 59:
        return None
    try:
        moment = datetime(
            int(year),
            int(month),
            int(day),
            int(hour or 0),
            int(minute or 0),
            int(second or 0),
            int((fraction or "0").ljust(3, "0")[:3]) * 1000,
            tzinfo=UTC,
        )
        return moment + offset if sign == "-" else moment - offset
    except (ValueError, OverflowError):
        return None


def timestamp_of(value: object) -> datetime | None:
    """Return the timestamp of ISO 8601 text or of milliseconds since 1970, else None.

    Milliseconds may be text of five digits or more.
    """
    if isinstance(value, str):
        if MILLISECONDS.fullmatch(value):
            return timestamp_from_epoch_ms(int(value))
        return parse_timestamp(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return timestamp_from_epoch_ms(value)


def timestamp_from_epoch_ms(milliseconds: int) -> datetime | None:
    """Return the timestamp so many milliseconds after 1970; None beyond the calendar."""
    try:
        return EPOCH + timedelta(milliseconds=milliseconds)
    except OverflowError:
        return None


def format_timestamp(moment: datetime) -> str:
    """Return the timestamp in the form `2019-08-24T14:15:22.000Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def is_timestamp(value: object) -> bool:
    """Return whether text is a timestamp; values of other types are accepted."""
    return not isinstance(value, str) or parse_timestamp(value) is not None
