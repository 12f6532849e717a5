"""The history of customers: their values before each change."""

from __future__ import annotations

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q

from contacthub_project.db.querysets import TenantQuerySet


class ChangeCause(models.TextChoices):
    """The operation that changed a customer."""

    POST = "POST"
    PATCH = "PATCH"
    PUT = "PUT"
    IMPORT = "IMPORT"
    MERGE = "MERGE"
    UNDO = "UNDO"
    DELETE = "DELETE"
    RESTORE = "RESTORE"


class ValueChange(models.Model):
    """A change of a customer to `version`.

    Of every body and row of a file that was merged into a known customer, for MERGE_JOURNAL_DAYS;
    of other changes where the workspace keeps history. `before` are the replaced values, by dotted
    path (null for absent ones), `after` those in their place, of bodies and rows only: these can be
    undone whatever is known of later changes. Passwords are never stored. `merge_id` is the merge
    that set the values, or was undone.
    """

    pk = models.CompositePrimaryKey("workspace_id", "customer_id", "version")
    workspace_id = models.UUIDField()
    node_id = models.UUIDField()
    customer_id = models.UUIDField()
    version = models.IntegerField()
    changed_at = models.DateTimeField()
    author = models.CharField(max_length=64, null=True)
    cause = models.CharField(max_length=8, choices=ChangeCause.choices)
    merge_id = models.UUIDField(null=True)
    before = models.JSONField(default=dict)
    after = models.JSONField(null=True)

    objects = TenantQuerySet["ValueChange"].as_manager()

    class Meta:
        indexes = [
            # Expired rows; they are inserted in the order of time, so a block range index suffices.
            BrinIndex(fields=["changed_at"], name="value_changes_by_age"),
            # Of those that are not journals of merges, which may be kept longer.
            models.Index(
                fields=["workspace_id", "changed_at"], condition=Q(after__isnull=True),
                name="value_changes_not_journals",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.cause} of {self.customer_id}"
