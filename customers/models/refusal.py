"""Refused data: counts, reasons, and the last examples."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from contacthub_project.core.identifiers import new_id
from contacthub_project.db.keys import TenantModel, TenantPrimaryKey
from contacthub_project.db.querysets import TenantQuerySet
from customers.domain.refusals import RefusalOrigin, RefusalReason, RefusedEntity

MOST_QUARANTINED = 1000  # for each workspace
LONGEST_MESSAGE = 1000


class RefusalCount(TenantModel):
    """The number of refused customers or events of a source in an hour, by reason.

    `type` is that of events, empty for customers. Without a source a person has sent them.
    """

    workspace_id = models.UUIDField()
    hour = models.DateTimeField()
    source_id = models.UUIDField(null=True)
    entity = models.CharField(max_length=8)
    type = models.CharField(max_length=32)
    reason = models.CharField(max_length=24)
    count = models.BigIntegerField()

    objects = TenantQuerySet["RefusalCount"].as_manager()

    class Meta:
        constraints = [
            TenantPrimaryKey(name="refusal_count_key"),
            models.UniqueConstraint(
                fields=["workspace_id", "hour", "source_id", "entity", "type", "reason"],
                name="refusals_counted_once",
                nulls_distinct=False,
            ),
            models.CheckConstraint(condition=Q(count__gt=0), name="refusals_counted"),
        ]

    def __str__(self) -> str:
        return f"{self.count} {self.reason}"


class QuarantinedRequest(TenantModel):
    """An example of refused data, to be inspected, corrected and replayed.

    `body` is JSON, or the sent text in its place; passwords are removed. `node_id` is that of the
    body, or of its customer, if known. `replayed_at` is when it was accepted in a replay,
    `entity_id` the resulting entity.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace_id = models.UUIDField()
    node_id = models.UUIDField(null=True)
    source_id = models.UUIDField(null=True)
    user_id = models.BigIntegerField(null=True)
    entity = models.CharField(max_length=8, choices=[(each, each) for each in RefusedEntity])
    type = models.CharField(max_length=32)
    reason = models.CharField(max_length=24, choices=[(each, each) for each in RefusalReason])
    origin = models.CharField(max_length=8, choices=[(each, each) for each in RefusalOrigin])
    message = models.CharField(max_length=LONGEST_MESSAGE)
    errors = models.JSONField()
    body = models.TextField()
    refused_at = models.DateTimeField()
    replayed_at = models.DateTimeField(null=True)
    entity_id = models.UUIDField(null=True)

    objects = TenantQuerySet["QuarantinedRequest"].as_manager()

    class Meta:
        constraints = [
            TenantPrimaryKey(name="quarantined_request_key"),
            models.CheckConstraint(
                condition=Q(replayed_at=None, entity_id=None)
                | Q(replayed_at__isnull=False, entity_id__isnull=False),
                name="quarantined_replayed_into_something",
            ),
        ]
        indexes = [
            models.Index("workspace_id", F("refused_at").desc(), name="quarantine_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.entity} {self.reason}"
