"""Periods in which customers were deleted, for evaluating past moments."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from contacthub_project.db.querysets import TenantQuerySet


class CustomerAbsence(models.Model):
    """A customer was deleted from `since` on, until `until` if it was restored.

    A trigger writes it with every deletion, restoration and removal (see the migration). It holds
    no personal data and outlives the customer, as the consent log does.
    """

    pk = models.CompositePrimaryKey("workspace_id", "customer_id", "since")
    workspace_id = models.UUIDField()
    customer_id = models.UUIDField()
    since = models.DateTimeField()
    until = models.DateTimeField(null=True)

    objects = TenantQuerySet["CustomerAbsence"].as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(until=None) | Q(until__gte=F("since")), name="absence_ends_after"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.customer_id} since {self.since}"
