"""The consent log: the legal record of every consent given, withdrawn or restricted."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Cast

from contacthub_project.db.keys import TenantModel, TenantPrimaryKey
from contacthub_project.db.querysets import TenantQuerySet
from customers.models.customer import Customer
from customers.models.matching_key import MatchingKey


class ConsentLogType(models.TextChoices):
    """Types of entries (reference: Consent logs)."""

    DISCLAIMER_READ = "DISCLAIMER_READ"
    CONSENT_CHANGED = "CONSENT_CHANGED"
    CONSENT_RESTRICTED = "CONSENT_RESTRICTED"
    CONSENT_OBJECTED = "CONSENT_OBJECTED"
    DATA_PORTABILITY_REQUESTED = "DATA_PORTABILITY_REQUESTED"
    FORCED_DELETE = "FORCED_DELETE"


def _moment(text: str) -> Cast:
    # PostgreSQL has moments that Python does not: `infinity` and `-infinity`.
    return Cast(Value(text), models.DateTimeField())


class ConsentLogQuerySet(TenantQuerySet["ConsentLogEntry"]):
    """Entries of the consent log."""

    def of_person(self, workspace_id: UUID, match_keys: Sequence[bytes]) -> ConsentLogQuerySet:
        """Return the entries of a person, with one of the keys now or at the time."""
        known = Customer.objects.in_workspace(workspace_id).live().filter(match_key__in=match_keys)
        keyed = MatchingKey.objects.in_workspace(workspace_id).filter(key__in=match_keys)
        ids = {*known.values_list("id", flat=True), *keyed.values_list("customer_id", flat=True)}
        return self.filter(Q(match_key__in=match_keys) | Q(customer_id__in=list(ids)))

    def between(self, start: str | None, end: str | None) -> ConsentLogQuerySet:
        """Return entries from `start` on and before `end`, as text; None is no bound."""
        entries = self if start is None else self.filter(date__gte=_moment(start))
        return entries if end is None else entries.filter(date__lt=_moment(end))

    def sorted_by(self, keys: Sequence[tuple[str, bool]]) -> ConsentLogQuerySet:
        """Sort by pairs of a field and whether it descends; absent values last, ids break ties."""
        order = [
            F(field).desc(nulls_last=True) if descends else F(field).asc(nulls_last=True)
            for field, descends in keys
        ]
        return self.order_by(*order, "-id" if keys[-1][1] else "id")


class ConsentLogEntry(TenantModel):
    """One changed leaf. It has no foreign key, so it outlives the customer.

    The database allows no change or deletion of entries (see the migration), except for the values
    of a forgotten person's entries, and all entries of a deleted workspace. `match_key` finds the
    entries of a forgotten person.
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
            TenantPrimaryKey(name="consent_log_key"),
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
            # Consents of all customers at a moment: an index-only scan.
            models.Index(
                F("workspace_id"),
                F("property"),
                F("customer_id"),
                F("date").desc(),
                F("id").desc(),
                condition=Q(property__isnull=False),
                include=["value", "node_id"],
                name="consent_log_property",
            ),
            # A person's history, also of forgotten people.
            models.Index(
                fields=["match_key"],
                condition=Q(match_key__isnull=False),
                name="consent_log_person",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.property}"
