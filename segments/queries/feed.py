"""Who entered and left segments, in the change feed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from configuration.queries.rules import WorkspaceRules
from contacthub_project.core.date_format import Positions
from customers.queries.feed import EntityKey
from segments.domain.changes import ChangeType
from segments.models import MembershipChange, Segment


def read_membership_changes(
    workspace: WorkspaceRules, keys: Sequence[EntityKey]
) -> Mapping[EntityKey, Any]:
    """Return those of the changes that are kept; people who were forgotten have none."""
    changes = MembershipChange.objects.in_workspace(workspace.id)
    rows = list(changes.filter(id__in=[change_id for _, change_id in keys]))
    present = Segment.objects.present(workspace.id)
    names = dict(present.filter(id__in={row.segment_id for row in rows}).values_list("id", "name"))
    return {
        (row.node_id, row.id): {
            "id": row.id,
            "nodeId": row.node_id,
            "segmentId": row.segment_id,
            "segmentName": names[row.segment_id],
            "customerId": row.customer_id,
            "type": ChangeType.of(has_entered=row.has_entered).value,
            "date": row.changed_at,
        }
        for row in rows
        if row.segment_id in names
    }


def membership_moments(workspace: WorkspaceRules) -> Positions:
    """Return the positions of timestamps in a change."""
    return {"date": True}
