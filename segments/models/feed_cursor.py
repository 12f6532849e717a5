"""The progress of the evaluation of segments in the change feed."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from contacthub_project.db.keys import TenantModel, TenantPrimaryKey


class FeedCursor(models.Model):
    """A workspace's position in the change feed: changes up to `feed_offset` are evaluated.

    A workspace with segments has one. Whoever evaluates the workspace's segments, or changes their
    definitions, locks its row. Definitions of segments are checked up to `configuration_version` of
    the workspace; it is 0 when a segment has changed since.
    """

    workspace_id = models.UUIDField(primary_key=True)
    feed_offset = models.BigIntegerField(default=0)
    configuration_version = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.workspace_id} at {self.feed_offset}"


class PendingCustomer(TenantModel):
    """A customer to evaluate again, for a reason that is not in the change feed.

    With `event_types`: events of these types that the customer had were deleted, or moved to
    somebody else; only segments that look at them need an evaluation. With `segment_id`: somebody
    who was forgotten was a member of it, and its size is one less.
    """

    workspace_id = models.UUIDField()
    customer_id = models.UUIDField(null=True)
    segment_id = models.UUIDField(null=True)
    event_types = ArrayField(models.TextField(), null=True)

    class Meta:
        constraints = [
            TenantPrimaryKey(name="pending_customer_key"),
            models.CheckConstraint(
                condition=Q(customer_id__isnull=False) | Q(segment_id__isnull=False),
                name="pending_customer_or_segment",
            ),
        ]
        indexes = [models.Index(fields=["workspace_id", "id"], name="pending_customers_in_order")]

    def __str__(self) -> str:
        return f"{self.customer_id or self.segment_id}"
