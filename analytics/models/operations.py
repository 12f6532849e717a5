"""The recent history of operations: samples of what waits, and failed tasks."""

from __future__ import annotations

from django.db import models

from contacthub_project.db.querysets import TenantQuerySet


class OperationsSample(models.Model):
    """What waited in a workspace at a moment.

    `waiting` has numbers by the names of gauges (contacthub_project.db.gauges); `free_bytes` are
    those of the installation's disk.
    """

    pk = models.CompositePrimaryKey("workspace_id", "taken_at")
    workspace_id = models.UUIDField()
    taken_at = models.DateTimeField()
    waiting = models.JSONField(default=dict)
    free_bytes = models.BigIntegerField()

    objects = TenantQuerySet["OperationsSample"].as_manager()

    def __str__(self) -> str:
        return f"{self.workspace_id} at {self.taken_at:%Y-%m-%d %H:%M}"


class FailedTask(models.Model):
    """A task that ended with an exception: its class, PostgreSQL's code, and where it was raised.

    Not its text, which may quote personal data.
    """

    id = models.BigAutoField(primary_key=True)
    name = models.CharField(max_length=200)
    failed_at = models.DateTimeField()
    kind = models.CharField(max_length=200)
    cause = models.CharField(max_length=5, null=True)
    place = models.CharField(max_length=300, blank=True)

    class Meta:
        indexes = [models.Index(fields=["-failed_at"], name="failed_tasks_newest")]

    def __str__(self) -> str:
        return f"{self.name}: {self.kind}"
