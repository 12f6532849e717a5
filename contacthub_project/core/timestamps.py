"""Moments as text: what is accepted, and the one form in which they are kept.

Accepted are ISO 8601 date-times with any offset that exists (-14:00 to +14:00; also `+0100`, also
none, which means UTC), bare dates, which mean midnight UTC, and milliseconds since 1970. Kept is
UTC with milliseconds, so that equal moments are equal text and text sorts by time.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LARGEST_OFFSET = timedelta(hours=14)
MILLISECONDS = re.compile(r"-?[0-9]{5,18}")
ISO_8601 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)"
    r"(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?"
    r"(?:([Zz])|([+-])(\d\d):?(\d\d)?)?)?",
    re.ASCII,
)


def parse_timestamp(text: str) -> datetime | None:
    """The moment that `text` names, in UTC and whole milliseconds; None if it names none."""
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
    """The moment that a value names as text or as milliseconds since 1970, else None.

    Milliseconds may be text too; of fewer than five digits they are taken for a mistake.
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
    """The moment so many milliseconds after the beginning of 1970, None if no calendar has it."""
    try:
        return EPOCH + timedelta(milliseconds=milliseconds)
    except OverflowError:
        return None


def format_timestamp(moment: datetime) -> str:
    """`2019-08-24T14:15:22.000Z`"""
    utc = moment.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z".rjust(24, "0")


def is_timestamp(value: object) -> bool:
    """Whether `value`, if it is text, names a moment (other types are not judged)."""
    return not isinstance(value, str) or parse_timestamp(value) is not None
