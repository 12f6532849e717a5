"""Sums of refusals by reason."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from contacthub_project.db.sql import fetch_all, load

SUMS = load("customers/sql/refusals")
MOST_SUMS = 10_000


class RefusalSum(NamedTuple):
    """The number of one kind of refusal in a period that begins at `moment`."""

    moment: datetime
    source_id: UUID | None
    entity: str
    type: str
    reason: str
    number: int


def refusal_sums(
    workspace_id: UUID,
    *,
    start: datetime | str,
    before: datetime | str,
    part: str,
    zone: str,
    narrowed: Mapping[str, Any],
) -> list[RefusalSum]:
    """Return at most MOST_SUMS sums, the latest first, by hours or days (`part`) of the time zone.

    `narrowed` may name a source, an entity, a type and a reason.
    """
    parameters = {
        "workspace_id": workspace_id,
        "start": start,
        "before": before,
        "part": part,
        "zone": zone,
        "most": MOST_SUMS,
        **{name: narrowed.get(name) for name in ("source", "entity", "type", "reason")},
    }
    return [RefusalSum(*row) for row in fetch_all(SUMS, parameters, prepare=False)]
