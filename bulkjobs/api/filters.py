"""Filters of the list of bulk jobs."""

from __future__ import annotations

from bulkjobs.models import BulkJobEntity, BulkJobStatus
from contacthub_project.api.filters import ChoiceFilter, FilterSet, SortFilter


class BulkJobFilterSet(FilterSet):
    """Filters and order of the jobs of a node."""

    status = ChoiceFilter(
        "status", choices=BulkJobStatus.values, help_text="Jobs that are this far."
    )
    entity = ChoiceFilter(
        "entity", choices=BulkJobEntity.values, help_text="Jobs of customers, or of events."
    )
    sort = SortFilter(
        {
            "createdAt": "created_at", "updatedAt": "updated_at", "status": "status",
            "filename": "filename", "entity": "entity", "operation": "operation",
        },
        default="createdAt,desc",
    )  # fmt: skip
