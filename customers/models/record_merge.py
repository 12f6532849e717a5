"""Merges of customers, with journals for undoing them, and former identities."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Collate

from contacthub_project.core.identifiers import new_id
from contacthub_project.db.keys import TenantModel, TenantPrimaryKey
from contacthub_project.db.querysets import TenantQuerySet
from customers.models.database_functions import Folded


class RecordMergeQuerySet(TenantQuerySet["RecordMerge"]):
    """Merges of customers."""

    def of_customer(self, customer_id: UUID) -> RecordMergeQuerySet:
        """Return the merges that a customer survived, was merged by, or has the data of."""
        involved = MergedCustomer.objects.filter(
            Q(customer_id=customer_id) | Q(current_id=customer_id),
            workspace_id=OuterRef("workspace_id"),
            merge_id=OuterRef("id"),
        )
        return self.filter(Q(survivor_id=customer_id) | Exists(involved))


class RecordMerge(TenantModel):
    """A merge of customers of a node into `survivor_id`.

    The journal for undoing it: `before` and `after` are the survivor's row
    (`customers.models.customer_row.CustomerRow`) before and after, `origins` the origin of each
    property's value; they are null when the journal has been removed. `author` is the source or
    person that merged; `counts` is the number of moved rows, by kind.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace_id = models.UUIDField()
    node_id = models.UUIDField()
    survivor_id = models.UUIDField()
    merged_at = models.DateTimeField()
    author = models.CharField(max_length=64, null=True)
    counts = models.JSONField(default=dict)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    origins = models.JSONField(null=True)
    undone_at = models.DateTimeField(null=True)
    undone_by = models.CharField(max_length=64, null=True)

    objects = RecordMergeQuerySet.as_manager()

    class Meta:
        constraints = [
            TenantPrimaryKey(name="record_merge_key"),
            models.CheckConstraint(
                condition=Q(before=None, after=None, origins=None)
                | Q(before__isnull=False, after__isnull=False, origins__isnull=False),
                name="record_merge_journal_whole",
            ),
        ]
        indexes = [
            # The list of a workspace, by time.
            models.Index(
                F("workspace_id"), F("merged_at").desc(), F("id").desc(),
                name="record_merges_newest",
            ),
            models.Index(fields=["workspace_id", "survivor_id"], name="record_merges_survived"),
            # Expired journals.
            models.Index(
                fields=["workspace_id", "merged_at"], condition=Q(before__isnull=False),
                name="record_merge_journals",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return str(self.id)


class MergedCustomerQuerySet(TenantQuerySet["MergedCustomer"]):
    """Customers that were merged away."""

    def in_force(self, workspace_id: UUID) -> MergedCustomerQuerySet:
        """Return those whose merge was not undone."""
        return self.in_workspace(workspace_id).filter(is_undone=False)

    def gone_into(self, workspace_id: UUID, survivors: Sequence[UUID]) -> list[MergedCustomer]:
        """Return those whose data customers have, through any number of merges."""
        rows = self.in_force(workspace_id).filter(current_id__in=list(survivors))
        return list(rows.order_by("customer_id"))


class MergedCustomer(models.Model):
    """A customer that was merged into `survivor_id`.

    `current_id` is the customer with its data now: the survivor may have been merged itself. `row`
    is its stored row (null when the journal has been removed), `match_key` its key, `sessions` the
    ids of the moved sessions, and of those that named it since.
    """

    pk = models.CompositePrimaryKey("workspace_id", "merge_id", "customer_id")
    workspace_id = models.UUIDField()
    merge_id = models.UUIDField()
    customer_id = models.UUIDField()
    node_id = models.UUIDField()
    survivor_id = models.UUIDField()
    current_id = models.UUIDField()
    is_undone = models.BooleanField(default=False)
    row = models.JSONField(null=True)
    match_key = models.BinaryField(max_length=32, null=True)
    sessions = models.JSONField(default=list)

    objects = MergedCustomerQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["workspace_id", "customer_id"],
                condition=Q(is_undone=False),
                name="merged_customer_gone_once",
            ),
            models.CheckConstraint(
                condition=~Q(customer_id=F("current_id")), name="merged_customer_into_another"
            ),
        ]
        indexes = [
            models.Index(fields=["workspace_id", "current_id"], name="merged_customers_current"),
            models.Index(fields=["workspace_id", "survivor_id"], name="merged_customers_survivor"),
        ]

    def __str__(self) -> str:
        return str(self.customer_id)


class FormerIdentity(models.Model):
    """An identity of a merged customer, and `current_id`, the customer with it now.

    Either a matching key of the node or an external id. A customer that has it itself takes
    precedence.
    """

    pk = models.CompositePrimaryKey("workspace_id", "id")
    workspace_id = models.UUIDField()
    id = models.UUIDField(default=new_id)
    node_id = models.UUIDField()
    merge_id = models.UUIDField()
    survivor_id = models.UUIDField()
    current_id = models.UUIDField()
    match_key = models.BinaryField(max_length=32, null=True)
    external_id = models.TextField(null=True)

    objects = TenantQuerySet["FormerIdentity"].as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(match_key__isnull=False, external_id=None)
                | Q(match_key=None, external_id__isnull=False),
                name="former_identity_is_one",
            ),
        ]
        indexes = [
            models.Index(
                fields=["workspace_id", "node_id", "match_key"],
                condition=Q(match_key__isnull=False), name="former_identity_key",
            ),
            models.Index(
                F("workspace_id"), F("node_id"),
                Collate(Folded("external_id"), "C"),
                condition=Q(external_id__isnull=False), name="former_identity_external_id",
            ),
            models.Index(fields=["workspace_id", "merge_id"], name="former_identities_of_merge"),
            models.Index(fields=["workspace_id", "current_id"], name="former_identities_current"),
        ]  # fmt: skip

    def __str__(self) -> str:
        return str(self.id)
