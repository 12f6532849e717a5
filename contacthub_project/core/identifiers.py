"""Identifiers: UUIDs, and ids that clients choose."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from uuid import UUID

import uuid_utils

UUID_TEXT = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")


def as_uuid(text: str) -> UUID | None:
    """Return the UUID that the text spells in its canonical form, in either case, else None."""
    return _known_uuid(text) if UUID_TEXT.fullmatch(text) else None


@lru_cache(4096)
def _known_uuid(text: str) -> UUID:
    # Cached: ids of workspaces and nodes are in every request.
    return UUID(text)


def new_id() -> UUID:
    """Return a new UUID version 7; it begins with the time, so indexes grow at their end."""
    return UUID(int=uuid_utils.uuid7().int)


def canonical_identifier(text: str) -> str:
    """Return a client's id as it is stored: stripped, in Unicode normal form C."""
    return unicodedata.normalize("NFC", text).strip()
