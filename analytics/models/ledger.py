"""The state of a workspace's counters."""

from __future__ import annotations

from django.db import models


class Ledger(models.Model):
    """The time zone of a workspace's counters, and when they were folded and recounted."""

    workspace_id = models.UUIDField(primary_key=True)
    time_zone = models.CharField(max_length=64)
    folded_at = models.DateTimeField(null=True)
    recounted_at = models.DateTimeField(null=True)
    # Differences found by the latest recount; null when there were none.
    differences = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.workspace_id} in {self.time_zone}"
