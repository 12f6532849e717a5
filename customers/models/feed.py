"""How far a workspace's change feed has come."""

from __future__ import annotations

from django.db import models


class Feed(models.Model):
    """`trimmed_to` is the greatest offset that is no longer kept.

    `trimmed_before`: every change that is no longer kept happened before this moment.
    """

    workspace_id = models.UUIDField(primary_key=True)
    last_offset = models.BigIntegerField(default=0)
    trimmed_to = models.BigIntegerField(default=0)
    trimmed_before = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.workspace_id} at {self.last_offset}"
