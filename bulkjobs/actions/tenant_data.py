"""Removes the jobs of nodes."""

from __future__ import annotations

from functools import partial
from uuid import UUID

from django.core.files.storage import default_storage
from django.db import transaction

from bulkjobs.actions.exporting import delete_export
from bulkjobs.models import BulkJob, ExportJob, ForgottenIdentity, Result
from contacthub_project.db.tenant_data import TenantDataOwner


class BulkJobDataOwner(TenantDataOwner):
    """Registered with `contacthub_project.db.tenant_data`."""

    order = 5
    holds_events = True

    def erase_node_batch(self, *, workspace_id: UUID, node_id: UUID, limit: int) -> int:
        """Delete jobs of the node, with their files and results."""
        jobs = BulkJob.objects.filter(workspace_id=workspace_id, node_id=node_id)
        with transaction.atomic():
            deleted_jobs = list(jobs.select_for_update()[: max(1, limit // 100)])
            for job in deleted_jobs:
                if job.file.name:
                    name = job.file.name
                    transaction.on_commit(partial(default_storage.delete, name), robust=True)
                for model in (Result, ForgottenIdentity):
                    model.objects.filter(workspace_id=workspace_id, job_id=job.id).delete()
                job.delete()
            exports = list(
                ExportJob.objects.filter(workspace_id=workspace_id, node_id=node_id)[:limit]
            )
            for export in exports:
                delete_export(export)
        return len(deleted_jobs) + len(exports)

    def count_up_to(self, *, workspace_id: UUID, node_id: UUID, most: int) -> int:
        """Return the number of jobs of the node."""
        return BulkJob.objects.filter(workspace_id=workspace_id, node_id=node_id).count_up_to(most)
