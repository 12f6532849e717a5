"""Compares values that clients send back with the stored ones."""

from __future__ import annotations

from typing import Any

from contacthub_project.core.identifiers import as_uuid
from contacthub_project.core.timestamps import parse_timestamp, timestamp_of


def is_equivalent(sent: Any, current: Any) -> bool:
    """Return whether a sent JSON value equals the current one.

    Timestamps are equal in any form and with any offset, UUIDs in any case; true is not equal to 1.
    """
    if sent == current:
        return isinstance(sent, bool) == isinstance(current, bool)
    if not isinstance(current, str):
        return False
    moment = parse_timestamp(current)
    if moment is not None:
        return timestamp_of(sent) == moment
    uuid = as_uuid(current)
    return uuid is not None and isinstance(sent, str) and as_uuid(sent) == uuid
