"""The state of a workspace's change feed."""

from __future__ import annotations

from django.db import models


class Feed(models.Model):
    """`trimmed_to` is the greatest deleted offset.

    `trimmed_before`: every deleted change happened before this moment.
    """

    workspace_id = models.UUIDField(primary_key=True)
    last_offset = models.BigIntegerField(default=0)
    trimmed_to = models.BigIntegerField(default=0)
    trimmed_before = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.workspace_id} at {self.last_offset}"
