"""Keyed hashes of forgotten people's values, for recognising them."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from contacthub_project.db.keys import TenantModel, TenantPrimaryKey
from contacthub_project.db.querysets import TenantQuerySet

LONGEST_REASON = 500


class SuppressedKind(models.TextChoices):
    """The kind of value of a hash."""

    EMAIL = "EMAIL", _("E-mail address")
    EXTERNAL_ID = "EXTERNAL_ID", _("External id")
    KEY = "KEY", _("Values of the node's policy")


class SuppressedValueQuerySet(TenantQuerySet["SuppressedValue"]):
    """Values of people who were forgotten."""

    def in_force(self, workspace_id: UUID) -> SuppressedValueQuerySet:
        """Return those that have not been lifted."""
        return self.in_workspace(workspace_id).filter(lifted_at=None)

    def with_hashes(self, hashes: Sequence[bytes]) -> SuppressedValueQuerySet:
        """Return those with one of the hashes."""
        return self.filter(hash__in=list(hashes))


class SuppressedValue(TenantModel):
    """A forgotten person's value, as an HMAC with the installation's key.

    `node_id` is where it is suppressed, None for the whole workspace. `key_id` names the key, which
    must stay among ENCRYPTION_KEYS as long as the value is to be recognised. `returned_at` is when
    it was last accepted again, `returns` how often.
    """

    id = models.UUIDField(primary_key=True)
    workspace_id = models.UUIDField()
    node_id = models.UUIDField(null=True)
    kind = models.CharField(_("What"), max_length=16, choices=SuppressedKind.choices)
    hash = models.BinaryField(max_length=32)
    key_id = models.CharField(max_length=16)
    receipt_id = models.UUIDField()
    created_at = models.DateTimeField(_("Since"))
    returned_at = models.DateTimeField(_("Came back"), null=True)
    returns = models.PositiveIntegerField(_("How often it came back"), default=0)
    lifted_at = models.DateTimeField(_("Lifted"), null=True)
    lifted_by = models.BigIntegerField(null=True)
    lift_reason = models.CharField(_("Why it may come back"), max_length=LONGEST_REASON, null=True)

    objects = SuppressedValueQuerySet.as_manager()

    class Meta:
        verbose_name = _("suppressed value")
        verbose_name_plural = _("suppressed values")
        constraints = [
            TenantPrimaryKey(name="customers_suppressedvalue_pkey"),
            models.UniqueConstraint(
                fields=["workspace_id", "hash"],
                condition=Q(lifted_at=None),
                name="suppressed_value_once",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=SuppressedKind.values), name="suppressed_kind_known"
            ),
            models.CheckConstraint(
                condition=Q(lifted_at=None, lift_reason=None)
                | Q(lifted_at__isnull=False, lift_reason__isnull=False),
                name="suppressed_value_lifted_for_a_reason",
            ),
        ]
        indexes = [
            # The list, by time.
            models.Index(
                F("workspace_id"), F("created_at").desc(), F("id").desc(),
                name="suppressed_values_newest",
            ),
            models.Index(fields=["workspace_id", "receipt_id"], name="suppressed_values_receipt"),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {bytes(self.hash).hex()[:12]}…"
