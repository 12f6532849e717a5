"""A saved group of customers of one node."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone

from contacthub_project.core.identifiers import new_id
from contacthub_project.db.keys import TenantModel, TenantPrimaryKey
from contacthub_project.db.querysets import TenantQuerySet

if TYPE_CHECKING:
    from uuid import UUID


class SegmentKind(models.TextChoices):
    """DYNAMIC: the customers that match a query. STATIC: those on a list."""

    DYNAMIC = "DYNAMIC"
    STATIC = "STATIC"


class SegmentState(models.TextChoices):
    """BUILDING: some customers are not evaluated yet. BROKEN: the query is no longer valid.

    REMOVED: deleted, its members are being removed.
    """

    BUILDING = "BUILDING"
    READY = "READY"
    BROKEN = "BROKEN"
    REMOVED = "REMOVED"


class SegmentQuerySet(TenantQuerySet["Segment"]):
    """Segments."""

    def kept(self) -> SegmentQuerySet:
        """Return the segments that are not deleted."""
        return self.exclude(state=SegmentState.REMOVED)

    def present(self, workspace_id: UUID) -> SegmentQuerySet:
        """Return the segments of a workspace that are not deleted."""
        return self.in_workspace(workspace_id).kept()

    def broken(self, workspace_id: UUID) -> SegmentQuerySet:
        """Return the segments of a workspace that are not evaluated until they are mended."""
        return self.in_workspace(workspace_id).filter(state=SegmentState.BROKEN)


class Segment(TenantModel):
    """`query` is a query of the query language in its envelope, null for static segments.

    `size` is the number of members. `fingerprint` identifies what the members were evaluated by:
    the query with everything it refers to. While BUILDING, customers up to `position` are
    evaluated; `built_at` is when all of them were for the first time or again.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace_id = models.UUIDField()
    node_id = models.UUIDField()
    name = models.CharField(max_length=255)
    description = models.TextField(default="", blank=True)
    owner = models.CharField(max_length=255, default="", blank=True)
    tags = ArrayField(models.CharField(max_length=64), default=list, blank=True)
    kind = models.CharField(max_length=7, choices=SegmentKind.choices)
    query = models.JSONField(null=True)
    state = models.CharField(
        max_length=8, choices=SegmentState.choices, default=SegmentState.BUILDING.value
    )
    broken_reason = models.TextField(null=True)
    fingerprint = models.CharField(max_length=64, default="")
    position = models.UUIDField(null=True)
    built_at = models.DateTimeField(null=True)
    size = models.BigIntegerField(default=0)
    version = models.IntegerField(default=1)
    created_by = models.CharField(max_length=64, null=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = SegmentQuerySet.as_manager()

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            TenantPrimaryKey(name="segment_key"),
            models.CheckConstraint(
                condition=Q(state__in=SegmentState.values), name="segment_state_known"
            ),
            models.CheckConstraint(
                condition=Q(kind="DYNAMIC", query__isnull=False)
                | Q(kind="STATIC", query__isnull=True),
                name="segment_query_of_kind",
            ),
            models.CheckConstraint(condition=~Q(name=""), name="segment_named"),
            models.CheckConstraint(condition=Q(size__gte=0), name="segment_size_not_negative"),
        ]
        indexes = [models.Index(fields=["workspace_id", "name", "id"], name="segments_by_name")]

    def __str__(self) -> str:
        return self.name
