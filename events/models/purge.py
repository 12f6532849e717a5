"""Runs of the retention purge, each of one workspace: what progress shows and resuming needs."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from configuration.models import Workspace
from contacthub_project.db.querysets import TenantQuerySet


class PurgeRun(models.Model):
    """`as_of` is the moment the cutoffs are reckoned from, the same after a resumption."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="purge_runs")
    as_of = models.DateTimeField()
    started_at = models.DateTimeField()
    worked_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    # Pairs of node and type that are done: those before this text, in their order.
    position = models.CharField(max_length=80, default="")
    looked_at = models.BigIntegerField(default=0)
    deleted = models.BigIntegerField(default=0)
    seconds_worked = models.FloatField(default=0)

    objects = TenantQuerySet["PurgeRun"].as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["workspace"], condition=Q(finished_at=None), name="one_purge_at_a_time"
            ),
        ]
        indexes = [models.Index(fields=["workspace", "-started_at"], name="purge_runs_newest")]

    def __str__(self) -> str:
        return f"{self.workspace_id} {self.started_at:%Y-%m-%d}"

    @property
    def rows_per_second(self) -> float:
        """How fast it deletes, while it works."""
        return self.deleted / self.seconds_worked if self.seconds_worked else 0.0
