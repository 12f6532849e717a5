"""How far the counters of a workspace are."""

from __future__ import annotations

from django.db import models


class Ledger(models.Model):
    """The time zone whose days a workspace's counters count, and when they were worked on."""

    workspace_id = models.UUIDField(primary_key=True)
    time_zone = models.CharField(max_length=64)
    folded_at = models.DateTimeField(null=True)
    recounted_at = models.DateTimeField(null=True)
    # What the latest recount found; null when it found no difference.
    differences = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.workspace_id} in {self.time_zone}"
