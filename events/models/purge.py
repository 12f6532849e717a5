"""Runs of the retention purge, each of one workspace, with their progress."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from configuration.models import Workspace
from contacthub_project.db.keys import TenantModel, TenantPrimaryKey
from contacthub_project.db.querysets import TenantQuerySet


class PurgeRun(TenantModel):
    """`as_of` is the moment that the cutoffs are computed from, the same after a resumption."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="purge_runs")
    as_of = models.DateTimeField()
    started_at = models.DateTimeField()
    worked_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    # Pairs of node and type before this text, in their order, are done.
    position = models.CharField(max_length=80, default="")
    looked_at = models.BigIntegerField(default=0)
    deleted = models.BigIntegerField(default=0)
    seconds_worked = models.FloatField(default=0)

    objects = TenantQuerySet["PurgeRun"].as_manager()

    class Meta:
        constraints = [
            TenantPrimaryKey(name="purge_run_key"),
            models.UniqueConstraint(
                fields=["workspace"], condition=Q(finished_at=None), name="one_purge_at_a_time"
            ),
        ]
        indexes = [models.Index(fields=["workspace", "-started_at"], name="purge_runs_newest")]

    def __str__(self) -> str:
        return f"{self.workspace_id} {self.started_at:%Y-%m-%d}"

    @property
    def rows_per_second(self) -> float:
        """The rate of deletion, while it runs."""
        return self.deleted / self.seconds_worked if self.seconds_worked else 0.0
