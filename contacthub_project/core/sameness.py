"""Comparison of values that clients send back with the values they were given."""

from __future__ import annotations

from typing import Any

from contacthub_project.core.identifiers import as_uuid
from contacthub_project.core.timestamps import parse_timestamp, timestamp_of


def says_the_same(given: Any, answered: Any) -> bool:
    """Return whether a value of a body means the same as one of an answer, both as JSON.

    Timestamps are equal in any form and with any offset, UUIDs in any case; true is not equal to 1.
    """
    if given == answered:
        return isinstance(given, bool) == isinstance(answered, bool)
    if not isinstance(answered, str):
        return False
    moment = parse_timestamp(answered)
    if moment is not None:
        return timestamp_of(given) == moment
    uuid = as_uuid(answered)
    return uuid is not None and isinstance(given, str) and as_uuid(given) == uuid
