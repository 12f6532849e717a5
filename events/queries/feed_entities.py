"""Events as the change feed tells of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from configuration.queries.rules import WorkspaceRules
from events.models import Event
from events.queries.documents import shown_event


def read_events(workspace: WorkspaceRules, ids: Sequence[UUID]) -> Mapping[UUID, Any]:
    """Those of the events that there are, as the API shows them."""
    rows = Event.objects.rows_of(workspace.id, ids)
    return {UUID(row.id): shown_event(row, workspace) for row in rows}
