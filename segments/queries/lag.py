"""The lag of segments' members behind the changes of customers."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from contacthub_project.db.sql import fetch_optional, load

OLDEST = load("segments/sql/oldest_not_evaluated")


def lag_of(workspace_id: UUID) -> float:
    """Return the age in seconds of the oldest change that is not evaluated yet; 0 for none."""
    oldest: datetime | None = fetch_optional(OLDEST, {"workspace_id": workspace_id})
    if oldest is None:
        return 0.0
    return round(max(0.0, (datetime.now(UTC) - oldest).total_seconds()), 3)
