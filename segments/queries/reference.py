"""Segments in queries of customers: `"segment": "<id>"`."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from configuration.queries.rules import WorkspaceRules
from contacthub_project.core.errors import FieldError
from contacthub_project.core.identifiers import as_uuid
from contacthub_project.core.sql_fragments import Fragment
from segments.domain.expansion import OnList, SegmentReference
from segments.models import Segment

IS_MEMBER = """EXISTS (
    SELECT FROM segments_member AS member
    WHERE member.workspace_id = %s AND member.segment_id = %s AND member.customer_id = customer.id
)"""
IS_LISTED = """EXISTS (
    SELECT FROM segments_listedcustomer AS listed
    WHERE listed.workspace_id = %s AND listed.segment_id = %s AND listed.customer_id = customer.id
)"""


class SegmentQueries:
    """Registered with `customers.queries.search`."""

    def parsed(
        self, segment: Any, workspace: WorkspaceRules, at: str
    ) -> tuple[SegmentReference | None, list[FieldError]]:
        """Return the reference to a segment, or the fault of it."""
        if not isinstance(segment, str):
            return None, [FieldError(at, "must be the id of a segment", "type")]
        found = as_uuid(segment)
        if found is None or not Segment.objects.present(workspace.id).filter(id=found).exists():
            return None, [FieldError(at, "is not a segment of this workspace", "reference")]
        return SegmentReference(found), []

    def compiled(self, segment: SegmentReference | OnList, workspace: WorkspaceRules) -> Fragment:
        """Return the SQL condition that the row `customer` is a member, or on the list."""
        statement = IS_LISTED if isinstance(segment, OnList) else IS_MEMBER
        parameters: tuple[UUID, UUID] = (workspace.id, segment.segment_id)
        return Fragment(statement, parameters)
