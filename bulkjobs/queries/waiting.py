"""Which bulk jobs wait."""

from __future__ import annotations

from uuid import UUID

from bulkjobs.models import BulkJob, BulkJobStatus, ExportJob

TO_DO = (BulkJobStatus.LOADED, BulkJobStatus.SCHEDULED, BulkJobStatus.PROCESSING)


def jobs_to_do(workspace_id: UUID) -> int:
    """Return how many imports and exports wait or are under way."""
    imports = BulkJob.objects.kept().filter(workspace_id=workspace_id).to_do()
    exports = ExportJob.objects.filter(workspace_id=workspace_id, status__in=TO_DO)
    return imports.count() + exports.count()
