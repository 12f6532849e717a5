"""The legal record of every consent given, withdrawn or restricted."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q


class ConsentLogType(models.TextChoices):
    DISCLAIMER_READ = "DISCLAIMER_READ"
    CONSENT_CHANGED = "CONSENT_CHANGED"
    CONSENT_RESTRICTED = "CONSENT_RESTRICTED"
    CONSENT_OBJECTED = "CONSENT_OBJECTED"
    DATA_PORTABILITY_REQUESTED = "DATA_PORTABILITY_REQUESTED"
    FORCED_DELETE = "FORCED_DELETE"


class ConsentLogEntry(models.Model):
    """One changed leaf. It refers to nothing by foreign key, so it outlives the customer.

    `match_key` finds the entries of a person who has been forgotten, without naming them.
    """

    workspace_id = models.UUIDField()
    node_id = models.UUIDField()
    customer_id = models.UUIDField()
    match_key = models.BinaryField(max_length=32, null=True)
    date = models.DateTimeField()
    type = models.CharField(max_length=32, choices=ConsentLogType.choices)
    property = models.CharField(max_length=255, null=True)
    value = models.CharField(max_length=255, null=True)
    source_id = models.UUIDField(null=True)
    user_id = models.BigIntegerField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(type__in=ConsentLogType.values), name="consent_log_type_known"
            ),
        ]
        indexes = [
            # A customer's history.
            models.Index(fields=["customer_id", "id"], name="consent_log_customer"),
            # The log of a workspace, newest first.
            models.Index(
                F("workspace_id"), F("date").desc(), F("id").desc(), name="consent_log_newest"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.property}"
