"""The audit log: changes that staff made in the back-office."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.utils.timezone import now

if TYPE_CHECKING:
    from uuid import UUID


class StaffChangeQuerySet(models.QuerySet["StaffChange"]):
    def in_workspace(self, workspace_id: UUID | None) -> StaffChangeQuerySet:
        """Return the changes in a workspace; None for those outside of any."""
        return self.filter(workspace_id=workspace_id)

    def forget(self, customer_id: UUID) -> None:
        """Delete what changes of a customer hold of the person; the entries stay."""
        self.filter(customer_id=customer_id).update(before=None, after=None)


class StaffChange(models.Model):
    """One change with the documents before and after it, without secrets."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    workspace_id = models.UUIDField(null=True)
    customer_id = models.UUIDField(null=True)
    at = models.DateTimeField(default=now)
    method = models.CharField(max_length=6)
    path = models.CharField(max_length=500)
    summary = models.CharField(max_length=200)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)

    objects = StaffChangeQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["workspace_id", "-id"], name="staff_changes_newest"),
            models.Index(
                fields=["customer_id"],
                condition=models.Q(customer_id__isnull=False),
                name="staff_changes_of_customer",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.summary} {self.path}"
