"""The legal record of every consent given, withdrawn or restricted."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Cast

from contacthub_project.db.querysets import TenantQuerySet
from customers.models.customer import Customer


class ConsentLogType(models.TextChoices):
    """What an entry of the log tells (reference: Consent logs)."""

    DISCLAIMER_READ = "DISCLAIMER_READ"
    CONSENT_CHANGED = "CONSENT_CHANGED"
    CONSENT_RESTRICTED = "CONSENT_RESTRICTED"
    CONSENT_OBJECTED = "CONSENT_OBJECTED"
    DATA_PORTABILITY_REQUESTED = "DATA_PORTABILITY_REQUESTED"
    FORCED_DELETE = "FORCED_DELETE"


def _moment(text: str) -> Cast:
    # PostgreSQL knows moments that Python does not: `infinity` and `-infinity`.
    return Cast(Value(text), models.DateTimeField())


class ConsentLogQuerySet(TenantQuerySet["ConsentLogEntry"]):
    """Entries of the consent log."""

    def of_person(self, workspace_id: UUID, match_keys: Sequence[bytes]) -> ConsentLogQuerySet:
        """What was logged of a person, known now or then by one of the keys."""
        known = Customer.objects.in_workspace(workspace_id).live().filter(match_key__in=match_keys)
        return self.filter(
            Q(match_key__in=match_keys)
            | Q(customer_id__in=list(known.values_list("id", flat=True)))
        )

    def between(self, start: str | None, end: str | None) -> ConsentLogQuerySet:
        """From `start` on, and before `end`, as text; None means that there is no such bound."""
        entries = self if start is None else self.filter(date__gte=_moment(start))
        return entries if end is None else entries.filter(date__lt=_moment(end))

    def sorted_by(self, keys: Sequence[tuple[str, bool]]) -> ConsentLogQuerySet:
        """By pairs of a field and whether it descends; absent values last, ids break ties."""
        order = [
            F(field).desc(nulls_last=True) if descends else F(field).asc(nulls_last=True)
            for field, descends in keys
        ]
        return self.order_by(*order, "-id" if keys[-1][1] else "id")


class ConsentLogEntry(models.Model):
    """One changed leaf. It refers to nothing by foreign key, so it outlives the customer.

    The database lets nobody change or delete entries (see the migration), but for the values that
    a forgotten person's entries lose, and all entries of a workspace that is no more.
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

    objects = ConsentLogQuerySet.as_manager()

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
                F("workspace_id"),
                F("date").desc(nulls_last=True),
                F("id").desc(),
                name="consent_log_newest",
            ),
            # A person's history, also when they have been forgotten.
            models.Index(
                fields=["match_key"],
                condition=Q(match_key__isnull=False),
                name="consent_log_person",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.property}"
