"""Receipts of erasures: proof that a person was forgotten, without personal data."""

from __future__ import annotations

from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from contacthub_project.db.keys import TenantModel, TenantPrimaryKey
from contacthub_project.db.querysets import TenantQuerySet


class ErasureCause(models.TextChoices):
    """The cause of an erasure."""

    REQUEST = "REQUEST", _("The person's request")
    DELETED_DAYS = "DELETED_DAYS", _("The days of a deletion were over")


class ErasureScope(models.TextChoices):
    """Where a person is forgotten: in the customer's node, or in all nodes of the workspace."""

    NODE = "NODE", _("One node")
    WORKSPACE = "WORKSPACE", _("The whole workspace")


class ErasureReceiptQuerySet(TenantQuerySet["ErasureReceipt"]):
    """Receipts of erasures."""

    def latest_of(self, workspace_id: UUID) -> ErasureReceipt | None:
        """Return the last receipt of a workspace's chain, None when there is none."""
        return self.in_workspace(workspace_id).order_by("-number").first()

    def of_customer(self, customer_id: UUID) -> ErasureReceiptQuerySet:
        """Return those of the erasure of a customer."""
        return self.filter(customer_ids__contains=[customer_id])


class ErasureReceipt(TenantModel):
    """One erasure: when, by whom, how many rows of which tables and files.

    Receipts of a workspace are a chain: `number` counts them from 1, and `hash` is over the receipt
    and the previous hash (`customers.domain.receipts`). The database allows no change or deletion
    of one, except of a deleted workspace (see the migration).

    `customers` are pairs of the id and the node of each tombstone.
    """

    id = models.UUIDField(primary_key=True)
    workspace_id = models.UUIDField()
    number = models.BigIntegerField(_("Number"))
    moment = models.DateTimeField(_("When"))
    cause = models.CharField(_("Why"), max_length=16, choices=ErasureCause.choices)
    scope = models.CharField(_("Scope"), max_length=16, choices=ErasureScope.choices)
    user_id = models.BigIntegerField(null=True)
    source_id = models.UUIDField(null=True)
    customers = models.JSONField()
    customer_ids = ArrayField(models.UUIDField())
    tables = models.JSONField()
    files = models.JSONField()
    previous_hash = models.BinaryField(max_length=32)
    hash = models.BinaryField(max_length=32)

    objects = ErasureReceiptQuerySet.as_manager()

    class Meta:
        verbose_name = _("receipt of an erasure")
        verbose_name_plural = _("receipts of erasures")
        constraints = [
            TenantPrimaryKey(name="customers_erasurereceipt_pkey"),
            models.UniqueConstraint(
                fields=["workspace_id", "number"], name="erasure_receipt_number_once"
            ),
            # The chain cannot fork, also with concurrent writers.
            models.UniqueConstraint(
                fields=["workspace_id", "previous_hash"], name="erasure_receipt_follows_one"
            ),
            models.CheckConstraint(
                condition=Q(cause__in=ErasureCause.values), name="erasure_receipt_cause_known"
            ),
            models.CheckConstraint(
                condition=Q(scope__in=ErasureScope.values), name="erasure_receipt_scope_known"
            ),
            models.CheckConstraint(condition=Q(number__gte=1), name="erasure_receipt_numbered"),
        ]
        indexes = [
            # The list, by time.
            models.Index(
                F("workspace_id"), F("moment").desc(), F("number").desc(),
                name="erasure_receipts_newest",
            ),
            # The receipts of a customer.
            GinIndex(fields=["customer_ids"], name="erasure_receipts_of_customer"),
        ]  # fmt: skip

    def __str__(self) -> str:
        return gettext("Receipt {number}").format(number=self.number)
