"""Taking a file in: stored, its header checked, ready to be worked on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import structlog
from django.core.files.base import File
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone

from bulkjobs.domain.csv_columns import BadFile, Column, customer_columns, event_columns
from bulkjobs.domain.csv_file import CsvFile
from bulkjobs.models import BulkJob, BulkJobEntity, BulkJobOperation, BulkJobStatus
from configuration.queries.rules import NodeRules, WorkspaceRules
from contacthub_project.api.uploads import StoredUpload
from contacthub_project.core.errors import Conflict, Unavailable
from contacthub_project.core.identifiers import new_id
from contacthub_project.core.principal import Principal
from contacthub_project.db.sql import fetch_one
from contacthub_project.messaging.enqueue import enqueue_on_commit
from contacthub_project.runtime.logs import failure_details
from customers.actions.customers import open_node

TASK = "bulkjobs.tasks.process"
MOST_LOADED = 10  # reference: Create a bulk job
RETRY_AFTER = 5  # seconds: a job that is loaded is soon begun
LOCK_CLASS = 0x62756C6B
HOLD_NODE = "SELECT pg_advisory_xact_lock(%s::int, hashtext(%s))"
LONGEST_NAME = 255

log = structlog.get_logger("contacthub.bulkjobs")


@dataclass(frozen=True, slots=True)
class Upload:
    """What a client uploads; `event_type` is given for events only."""

    file: StoredUpload
    filename: str
    operation: str
    entity: str
    event_type: str | None


def load_job(
    workspace: WorkspaceRules, node: NodeRules, upload: Upload, *, by: Principal
) -> BulkJob:
    """The new job: LOADED, or FAILED with the reason when the file cannot be used at all.

    The file of a LOADED job is kept. Raises Locked or Forbidden for the node, Conflict when ten of
    its jobs wait already, Unavailable when the storage gives nothing back.
    """
    open_node(workspace, node.id)
    now = timezone.now()
    job = BulkJob(
        id=new_id(),
        workspace_id=workspace.id,
        node_id=node.id,
        filename=upload.filename[:LONGEST_NAME],
        operation=upload.operation,
        entity=upload.entity,
        event_type=upload.event_type,
        status=BulkJobStatus.LOADED,
        author_source=by.source_id,
        author_user=by.user_id,
        created_at=now,
        updated_at=now,
    )
    stored_as = upload.file.stored_as
    try:
        with default_storage.open(stored_as) as file:
            job.total = _checked(workspace, job, file)
    except BadFile as fault:
        job.status, job.error_message = BulkJobStatus.FAILED, str(fault)
        job.save(force_insert=True)
        return job
    except OSError as fault:
        log.error("uploads cannot be read", **failure_details(fault))
        raise Unavailable("Files cannot be read at the moment; try again later") from None
    job.file.name = stored_as
    _insert(job)
    upload.file.keep()
    return job


@transaction.atomic
def _insert(job: BulkJob) -> None:
    fetch_one(HOLD_NODE, [LOCK_CLASS, str(job.node_id)])
    loaded = BulkJob.objects.filter(node_id=job.node_id, status=BulkJobStatus.LOADED)
    if loaded.count_up_to(MOST_LOADED) >= MOST_LOADED:
        raise Conflict(
            f"{MOST_LOADED} jobs of the node are loaded and wait", retry_after=RETRY_AFTER
        )
    job.save(force_insert=True)
    enqueue_on_commit(TASK)


def columns_of(workspace: WorkspaceRules, job: BulkJob, header: list[str]) -> list[Column]:
    """The columns of a job's file; raises BadFile naming those that are not known."""
    if job.entity == BulkJobEntity.CUSTOMER:
        deletes = job.operation == BulkJobOperation.DELETE
        return customer_columns(header, workspace.customer_schema, deletes=deletes)
    assert job.event_type is not None, "events have a type"
    schema = workspace.event_schema(job.event_type)
    return event_columns(header, schema, with_id=job.operation != BulkJobOperation.INSERT)


def _checked(workspace: WorkspaceRules, job: BulkJob, file: File[Any]) -> int:
    """How many rows the file has; raises BadFile when it cannot be used."""
    rows = CsvFile(file.file)
    try:
        columns = columns_of(workspace, job, rows.header())
        if (
            job.entity == BulkJobEntity.EVENT
            and job.operation == BulkJobOperation.DELETE
            and "id" not in {column.name for column in columns}
        ):
            raise BadFile("events are deleted by a column id")
        return sum(1 for _ in rows)
    except UnicodeDecodeError:
        raise BadFile("the file is not UTF-8") from None
    finally:
        rows.detach()
