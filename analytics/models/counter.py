"""Counters by node and day."""

from __future__ import annotations

from django.db import models

from analytics.models.exact_number import ExactNumber


class Counter(models.Model):
    """The value of a metric on a day; `analytics.queries.measures` lists the metrics.

    Metrics that are not kept by day have the day `analytics.domain.periods.EVER`. Days are those of
    the time zone in the workspace's ledger.
    """

    pk = models.CompositePrimaryKey("workspace_id", "node_id", "metric", "day", "key")
    workspace_id = models.UUIDField()
    node_id = models.UUIDField()
    metric = models.CharField(max_length=32)
    day = models.DateField()
    key = models.CharField(max_length=64)
    value = ExactNumber()

    def __str__(self) -> str:
        return f"{self.metric} {self.key} {self.day}: {self.value}"


class Presence(models.Model):
    """How often a visitor or customer was present on a day, for counting distinct ones."""

    pk = models.CompositePrimaryKey("workspace_id", "node_id", "kind", "day", "member")
    workspace_id = models.UUIDField()
    node_id = models.UUIDField()
    kind = models.CharField(max_length=32)
    day = models.DateField()
    member = models.UUIDField()
    times = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.kind} {self.day}: {self.times}"
