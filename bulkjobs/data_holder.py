"""What uploads owe a node that goes: to go with it."""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import UUID

from django.core.files.storage import default_storage
from django.db import transaction

from bulkjobs.models import BulkJob


class BulkJobDataHolder:
    """Registered with `contacthub_project.data_holders`."""

    order = 5
    holds_events = True

    def erase_node_batch(self, *, workspace_id: UUID, node_id: UUID, limit: int) -> int:
        """Delete jobs of the node, with their files and results."""
        jobs = BulkJob.objects.filter(workspace_id=workspace_id, node_id=node_id)
        with transaction.atomic():
            doomed = list(jobs.select_for_update()[: max(1, limit // 100)])
            for job in doomed:
                if job.file.name:
                    name = job.file.name
                    transaction.on_commit(partial(default_storage.delete, name))
                job.delete()
        return len(doomed)

    def erase_workspace_batch(self, *, workspace_id: UUID, limit: int) -> int:
        """Everything belongs to nodes."""
        return 0

    def has_values(self, *, workspace_id: UUID, section: str, name: str) -> bool:
        """A file is judged when it is worked on."""
        return False

    def count_up_to(self, *, node_id: UUID, most: int) -> int:
        """How many jobs the node has."""
        return BulkJob.objects.filter(node_id=node_id).count_up_to(most)

    def rekey_node(self, *, workspace_id: UUID, node_id: UUID, policy: Any) -> list[list[str]]:
        """Jobs know nothing of matching."""
        return []

    def start_building(self, *, workspace_id: UUID, node_id: UUID) -> None:
        """Nothing to fill."""

    def build_batch(self, *, workspace_id: UUID, node_id: UUID) -> bool:
        """Nothing to fill."""
        return True
