"""Members of segments, changes of membership, sizes by day, and due evaluations."""

from __future__ import annotations

from django.db import models
from django.db.models import F

from contacthub_project.core.identifiers import new_id
from contacthub_project.db.keys import TenantModel, TenantPrimaryKey
from contacthub_project.db.querysets import TenantQuerySet


class CustomerInSegment(models.Model):
    """A row about a customer and a segment; there is one at most for each pair."""

    pk = models.CompositePrimaryKey("workspace_id", "segment_id", "customer_id")
    workspace_id = models.UUIDField()
    segment_id = models.UUIDField()
    customer_id = models.UUIDField()

    class Meta:
        abstract = True


class Member(CustomerInSegment):
    """A customer is in a segment, `since` the moment of the evaluation that found it.

    Written by the task that evaluates segments (`segments.actions.refreshing`).
    """

    since = models.DateTimeField()

    objects = TenantQuerySet["Member"].as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["workspace_id", "customer_id"], name="segments_of_customer")
        ]

    def __str__(self) -> str:
        return f"{self.customer_id} in {self.segment_id}"


class ListedCustomer(CustomerInSegment):
    """A customer is on the list of a static segment; deleted customers stay, but are no members.

    Merged customers stay, too; their survivor is listed by `merge_id` until that merge is undone.
    """

    merge_id = models.UUIDField(null=True)

    objects = TenantQuerySet["ListedCustomer"].as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["workspace_id", "customer_id"], name="segments_listing_customer"),
            # What merges have listed.
            models.Index(
                fields=["workspace_id", "merge_id"],
                condition=models.Q(merge_id__isnull=False),
                name="segments_listed_by_merge",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.customer_id} on {self.segment_id}"


class DueEvaluation(CustomerInSegment):
    """From `due_at` on, time alone may have changed whether a customer is in a segment."""

    due_at = models.DateTimeField()

    objects = TenantQuerySet["DueEvaluation"].as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["workspace_id", "due_at"], name="due_evaluations_in_order"),
            models.Index(
                fields=["workspace_id", "customer_id"], name="due_evaluations_of_customer"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.customer_id} in {self.segment_id} at {self.due_at}"


class MembershipChange(TenantModel):
    """A customer has entered or left a segment; kept as long as the change feed, which names it."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace_id = models.UUIDField()
    segment_id = models.UUIDField()
    node_id = models.UUIDField()
    customer_id = models.UUIDField()
    has_entered = models.BooleanField()
    changed_at = models.DateTimeField()

    objects = TenantQuerySet["MembershipChange"].as_manager()

    class Meta:
        constraints = [TenantPrimaryKey(name="membership_change_key")]
        indexes = [
            models.Index(
                F("workspace_id"), F("segment_id"), F("id").desc(), name="changes_of_segment"
            ),
            models.Index(fields=["workspace_id", "customer_id"], name="memberships_of_customer"),
            models.Index(fields=["workspace_id", "changed_at"], name="membership_changes_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.customer_id} {'entered' if self.has_entered else 'left'} {self.segment_id}"


class SizeOfDay(models.Model):
    """The size of a segment at the end of a day on which it changed; how many entered and left."""

    pk = models.CompositePrimaryKey("workspace_id", "segment_id", "day")
    workspace_id = models.UUIDField()
    segment_id = models.UUIDField()
    day = models.DateField()
    size = models.BigIntegerField()
    entered = models.BigIntegerField(default=0)
    departed = models.BigIntegerField(default=0)

    objects = TenantQuerySet["SizeOfDay"].as_manager()

    def __str__(self) -> str:
        return f"{self.segment_id} on {self.day}: {self.size}"
