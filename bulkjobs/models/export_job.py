"""Exports that are written in the background, to be fetched later."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q
from django.utils import timezone

from bulkjobs.models.job import BulkJobEntity, BulkJobStatus, ClockTimestamp
from configuration.models import Node
from contacthub_project.core.identifiers import new_id
from contacthub_project.db.querysets import TenantQuerySet

if TYPE_CHECKING:
    from uuid import UUID

UNDER_WAY = ("LOADED", "PROCESSING")


class ExportJobQuerySet(TenantQuerySet["ExportJob"]):
    def in_node(self, workspace_id: UUID, node_id: UUID) -> ExportJobQuerySet:
        """The exports of a node, the latest first."""
        exports = self.in_workspace(workspace_id).filter(node_id=node_id)
        return exports.order_by("-created_at", "-id")

    def available(self) -> ExportJobQuerySet:
        """Those that are to be written and that no worker is at, the oldest first."""
        waiting = self.filter(status__in=UNDER_WAY, available_at__lte=ClockTimestamp())
        return waiting.order_by("created_at", "id")


class ExportJob(models.Model):
    """An export: LOADED, PROCESSING, PROCESSED or FAILED.

    `request` says what goes out (see `bulkjobs.queries.exports.Export`), `written` is how many rows
    are in the file. `claim` is that of the worker who writes it, and of no meaning after
    `available_at`; `attempts` is how often one has begun.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace_id = models.UUIDField()
    node = models.ForeignKey(Node, on_delete=models.DO_NOTHING, db_index=False)
    entity = models.CharField(max_length=8, choices=BulkJobEntity.choices)
    request = models.JSONField()
    file_format = models.CharField(max_length=5)
    has_mark = models.BooleanField(default=False)
    status = models.CharField(max_length=10, choices=BulkJobStatus.choices, default="LOADED")
    error_message = models.TextField(null=True)
    file = models.FileField(upload_to="exports/", max_length=255, blank=True)
    author_source = models.UUIDField(null=True)
    author_user = models.BigIntegerField(null=True)
    written = models.BigIntegerField(default=0)
    attempts = models.PositiveSmallIntegerField(default=0)
    claim = models.UUIDField(null=True)
    available_at = models.DateTimeField(default=timezone.now)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    objects = ExportJobQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["LOADED", "PROCESSING", "PROCESSED", "FAILED"]),
                name="export_job_status_known",
            ),
        ]
        indexes = [
            models.Index(fields=["node", "-created_at"], name="export_jobs_of_node"),
            models.Index(
                fields=["created_at"],
                condition=Q(status__in=["LOADED", "PROCESSING"]),
                name="export_jobs_to_do",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.entity} {self.file_format}"
