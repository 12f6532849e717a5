"""Ids as clients write them."""

from __future__ import annotations

import re
import unicodedata
from uuid import UUID

import uuid_utils

UUID_TEXT = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")


def as_uuid(text: str) -> UUID | None:
    """The UUID that `text` spells in its usual form, else None."""
    return UUID(text) if UUID_TEXT.fullmatch(text) else None


def new_id() -> UUID:
    """A UUID version 7: it begins with the time, so that indexes grow at one end."""
    return UUID(int=uuid_utils.uuid7().int)


def canonical_identifier(text: str) -> str:
    """A client's own id as it is kept: without surrounding space, in Unicode normal form C."""
    return unicodedata.normalize("NFC", text).strip()
