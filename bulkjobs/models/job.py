"""Bulk jobs: uploaded files, their progress, and the result of each row."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.utils import timezone

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


# No worker claims a job for longer, and none is put off for longer.
LONGEST_WAIT = timedelta(seconds=60)


class BulkJobStatus(models.TextChoices):
    LOADED = "LOADED"
    SCHEDULED = "SCHEDULED"
    PROCESSING = "PROCESSING"
    STOPPED = "STOPPED"
    PROCESSED = "PROCESSED"
    FAILED = "FAILED"


class BulkJobEntity(models.TextChoices):
    CUSTOMER = "CUSTOMER"
    EVENT = "EVENT"


class BulkJobOperation(models.TextChoices):
    UPSERT = "UPSERT"
    INSERT = "INSERT"
    DELETE = "DELETE"


class Outcome(models.TextChoices):
    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    DELETED = "deleted"
    FAILED = "failed"
    FORGOTTEN = "forgotten"


class BulkJobQuerySet(LeasedQuerySet["BulkJob"]):
    def in_node(self, workspace_id: UUID, node_id: UUID) -> BulkJobQuerySet:
        """Return the jobs of a node, the latest first."""
        jobs = self.kept().in_workspace(workspace_id).filter(node_id=node_id)
        return jobs.order_by("-created_at", "-id")

    def kept(self) -> BulkJobQuerySet:
        """Return jobs that are not deleted."""
        return self.filter(removed_at=None)

    def to_do(self) -> BulkJobQuerySet:
        """Return jobs to be worked on, the oldest first."""
        unfinished = [BulkJobStatus.LOADED, BulkJobStatus.SCHEDULED, BulkJobStatus.PROCESSING]
        return self.filter(status__in=unfinished).order_by("created_at", "id")

    def available(self) -> BulkJobQuerySet:
        """Return jobs to be worked on that no worker has claimed."""
        return self.to_do().unleased(longest=LONGEST_WAIT)


class BulkJob(TenantModel):
    """`position` is the number of rows that have been worked on; the file is gone when empty.

    `offset` is the byte of the file at which the next row begins, and `attempts` how often the rows
    from there on have been begun: it is noted before they are, so that a job which kills its worker
    each time is found out. `claim` is that of the worker who is at the job, and of no meaning after
    `available_at`. `turn` numbers the latest slice of work that the job was given, among those of
    all jobs; 0 is none. `layout` is what the file was found to be (`bulkjobs.domain.files.tables`),
    `columns` its columns as pairs of header and path, `cell_rules` how cells are understood
    (`bulkjobs.domain.cells`), `lines` how many lines are before the next row, `blank` how many rows
    have nothing in them, `outcomes` how many rows had which. `is_raw` while the file is kept as it
    came and has still to be brought into the form that rows are read from. A job with `removed_at`
    is deleted for everybody; its results go by and by.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace_id = models.UUIDField()
    node = TenantForeignKey(Node, on_delete=models.DO_NOTHING, db_index=False)
    filename = models.CharField(max_length=255)
    operation = models.CharField(max_length=6, choices=BulkJobOperation.choices)
    entity = models.CharField(max_length=8, choices=BulkJobEntity.choices)
    event_type = models.CharField(max_length=32, null=True, blank=True)
    status = models.CharField(max_length=10, choices=BulkJobStatus.choices)
    error_message = models.TextField(null=True, blank=True)
    file = models.FileField(upload_to="bulk-jobs/", max_length=255, blank=True)
    author_source = models.UUIDField(null=True)
    author_user = models.BigIntegerField(null=True)
    position = models.BigIntegerField(default=0)
    processed = models.BigIntegerField(default=0)
    failed = models.BigIntegerField(default=0)
    total = models.BigIntegerField(default=0)
    offset = models.BigIntegerField(default=0)
    lines = models.BigIntegerField(default=0)
    blank = models.BigIntegerField(default=0)
    layout = models.JSONField(null=True)
    is_raw = models.BooleanField(default=False)
    columns = models.JSONField(default=list)
    cell_rules = models.JSONField(default=dict)
    dry_run = models.BooleanField(default=False)
    outcomes = models.JSONField(default=dict)
    attempts = models.PositiveSmallIntegerField(default=0)
    turn = models.BigIntegerField(default=0)
    claim = models.UUIDField(null=True)
    available_at = models.DateTimeField(default=timezone.now)
    removed_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    objects = BulkJobQuerySet.as_manager()

    class Meta:
        verbose_name = "import"
        constraints = [
            TenantPrimaryKey(name="bulk_job_key"),
            TenantForeignKeyConstraint(
                field="node_id", to="configuration.Node", name="bulk_job_node_of_workspace"
            ),
            models.CheckConstraint(
                condition=Q(status__in=BulkJobStatus.values), name="bulk_job_status_known"
            ),
            models.CheckConstraint(
                condition=Q(position__gte=0, processed__gte=0, failed__gte=0),
                name="bulk_job_counts_positive",
            ),
            models.CheckConstraint(
                condition=Q(removed_at=None)
                | Q(status__in=["STOPPED", "PROCESSED", "FAILED"], file=""),
                name="bulk_job_removed_is_still",
            ),
        ]
        indexes = [
            models.Index(fields=["node", "-created_at"], name="bulk_jobs_of_node"),
            models.Index(
                fields=["workspace_id", "-created_at", "-id"],
                condition=Q(removed_at=None),
                name="bulk_jobs_of_workspace",
            ),
            models.Index(
                fields=["removed_at"],
                condition=Q(removed_at__isnull=False),
                name="bulk_jobs_removed",
            ),
            models.Index(fields=["turn"], name="bulk_jobs_turn"),
            models.Index(fields=["workspace_id", "turn"], name="bulk_jobs_turn_of_workspace"),
            models.Index(fields=["node", "turn"], name="bulk_jobs_turn_of_node"),
            models.Index(
                fields=["created_at"],
                condition=Q(status__in=["LOADED", "SCHEDULED", "PROCESSING"]),
                name="bulk_jobs_to_do",
            ),
        ]

    def __str__(self) -> str:
        return f"{'Dry run: ' if self.dry_run else ''}{self.operation} {self.filename}"


class Result(TenantModel):
    """The result of a row, written in the transaction that applies the row.

    `row` is the line of the file at which it begins. `identity` is what identified it in the file,
    by the names of columns; `cells` are those of a failed row, and `digests` those of the
    identities it has (see `ForgottenIdentity`), by which both are removed when somebody is
    forgotten.
    """

    workspace_id = models.UUIDField()
    job = TenantForeignKey(
        BulkJob, on_delete=models.DO_NOTHING, related_name="results", db_index=False
    )
    row = models.BigIntegerField()
    outcome = models.CharField(max_length=9, choices=Outcome.choices)
    entity_id = models.UUIDField(null=True)
    message = models.TextField(null=True)
    column = models.TextField(null=True)
    code = models.TextField(null=True)
    identity = models.JSONField(null=True)
    cells = models.JSONField(null=True)
    digests = ArrayField(models.TextField(), null=True)

    class Meta:
        constraints = [
            TenantPrimaryKey(name="bulk_result_key"),
            TenantForeignKeyConstraint(
                field="job_id", to="bulkjobs.BulkJob", name="bulk_result_of_job"
            ),
            models.UniqueConstraint(fields=["workspace_id", "job", "row"], name="bulk_result_once"),
        ]
        indexes = [
            # The failed rows of a person who is to be forgotten.
            GinIndex(
                fields=["digests"],
                condition=Q(digests__isnull=False),
                name="bulk_result_digests",
            ),
            # The jobs that hold something of a customer who is to be forgotten.
            models.Index(
                fields=["entity_id"],
                condition=Q(entity_id__isnull=False),
                name="bulk_result_entity",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.row} {self.outcome}"
