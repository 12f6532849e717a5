from __future__ import annotations

from uuid import UUID

import uuid_utils


def new_id() -> UUID:
    """A UUID version 7: it begins with the time, so that indexes grow at one end."""
    return UUID(int=uuid_utils.uuid7().int)
