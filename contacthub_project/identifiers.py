"""Ids as clients write them."""

from __future__ import annotations

import re
from uuid import UUID

UUID_TEXT = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")


def as_uuid(text: str) -> UUID | None:
    """The UUID that `text` spells in its usual form, else None."""
    return UUID(text) if UUID_TEXT.fullmatch(text) else None
