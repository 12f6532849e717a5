"""Background exports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q
from django.utils import timezone

from bulkjobs.models.job import LONGEST_WAIT, BulkJobEntity, BulkJobStatus
from configuration.models import Node
from contacthub_project.core.identifiers import new_id
from contacthub_project.db.keys import (
    TenantForeignKey,
    TenantForeignKeyConstraint,
    TenantModel,
    TenantPrimaryKey,
)
from contacthub_project.db.leases import LeasedQuerySet

if TYPE_CHECKING:
    from uuid import UUID

UNDER_WAY = ("LOADED", "PROCESSING")


class ExportJobQuerySet(LeasedQuerySet["ExportJob"]):
    def in_node(self, workspace_id: UUID, node_id: UUID) -> ExportJobQuerySet:
        """Return the exports of a node, the latest first."""
        exports = self.in_workspace(workspace_id).filter(node_id=node_id)
        return exports.order_by("-created_at", "-id")

    def available(self) -> ExportJobQuerySet:
        """Return those to be written and not claimed, the oldest first."""
        waiting = self.unleased(longest=LONGEST_WAIT).filter(status__in=UNDER_WAY)
        return waiting.order_by("created_at", "id")


class ExportJob(TenantModel):
    """An export: LOADED, PROCESSING, PROCESSED or FAILED.

    `request` is its content (see `bulkjobs.queries.export_requests.Export`), `written` the number
    of rows in the file. `claim` is the token of the worker that writes it, its lease ends at
    `available_at`; `attempts` is the number of attempts.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace_id = models.UUIDField()
    node = TenantForeignKey(Node, on_delete=models.DO_NOTHING, db_index=False)
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
        verbose_name = "export"
        constraints = [
            TenantPrimaryKey(name="export_job_key"),
            TenantForeignKeyConstraint(
                field="node_id", to="configuration.Node", name="export_job_node_of_workspace"
            ),
            models.CheckConstraint(
                condition=Q(status__in=["LOADED", "PROCESSING", "PROCESSED", "FAILED"]),
                name="export_job_status_known",
            ),
        ]
        indexes = [
            models.Index(fields=["node", "-created_at"], name="export_jobs_of_node"),
            models.Index(
                fields=["workspace_id", "-created_at", "-id"], name="export_jobs_of_workspace"
            ),
            models.Index(
                fields=["created_at"],
                condition=Q(status__in=["LOADED", "PROCESSING"]),
                name="export_jobs_to_do",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.entity} {self.file_format}"
