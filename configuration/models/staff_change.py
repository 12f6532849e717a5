"""The audit log: changes that staff made, and whose personal data they looked at or took out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.utils.timezone import now

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID


LONGEST_REASON = 500


class StaffChangeQuerySet(models.QuerySet["StaffChange"]):
    def in_workspace(self, workspace_id: UUID | None) -> StaffChangeQuerySet:
        """Return the changes in a workspace; None for those outside of any."""
        return self.filter(workspace_id=workspace_id)

    def with_documents_of(self, customer_ids: Sequence[UUID]) -> StaffChangeQuerySet:
        """Return the entries about customers that hold documents or a reason in words."""
        ids = [str(each) for each in customer_ids]
        entries = self.filter(Q(customer_id__in=customer_ids) | Q(object_keys__overlap=ids))
        return entries.exclude(before__isnull=True, after__isnull=True, reason="")

    def about(self, key: str) -> StaffChangeQuerySet:
        """Return the entries about an object, by its id as it stands in addresses."""
        return self.filter(object_keys__contains=[key])

    def views_of(self, user: Any) -> StaffChangeQuerySet:
        """Return a person's views of customers' pages, the latest first."""
        views = self.filter(user=user, method="GET", customer_id__isnull=False)
        return views.order_by("-id")

    def forget(self, customer_ids: Sequence[UUID]) -> int:
        """Delete what entries hold of the people; the entries stay. How many had something."""
        return self.with_documents_of(customer_ids).update(before=None, after=None, reason="")


class StaffChange(models.Model):
    """One change with the documents before and after it, without secrets; or one access.

    `object_keys` are the ids, as texts, of all objects that it is about: those in the path and, of
    a look-up, the customers that were found. `reason` is what the person gave as their reason.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    workspace_id = models.UUIDField(null=True)
    customer_id = models.UUIDField(null=True)
    at = models.DateTimeField(default=now)
    method = models.CharField(max_length=6)
    path = models.CharField(max_length=500)
    summary = models.CharField(max_length=200)
    object_keys = ArrayField(
        models.CharField(max_length=255),
        default=list,
        # Triggers write entries, too.
        db_default=models.Value([], output_field=ArrayField(models.CharField(max_length=255))),
    )
    reason = models.CharField(max_length=LONGEST_REASON, blank=True, default="", db_default="")
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)

    objects = StaffChangeQuerySet.as_manager()

    class Meta:
        verbose_name = "audit log entry"
        verbose_name_plural = "audit log entries"
        indexes = [
            models.Index(fields=["workspace_id", "-id"], name="staff_changes_newest"),
            models.Index(
                fields=["customer_id"],
                condition=models.Q(customer_id__isnull=False),
                name="staff_changes_of_customer",
            ),
            # What was done with an object.
            GinIndex(fields=["object_keys"], name="staff_changes_of_object"),
            # Entries that are too old to be kept.
            models.Index(fields=["at"], name="staff_changes_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.summary} {self.path}"
