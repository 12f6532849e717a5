"""Accepts uploaded files: stores them in a seekable form and matches their columns."""

from __future__ import annotations

from dataclasses import dataclass, field

import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from bulkjobs.actions.storage import readable_file, store_file
from bulkjobs.domain.faults import BadFile
from bulkjobs.domain.files.tables import (
    KeptTable,
    Layout,
    header_of_workbook,
    kept_form,
    layout_of,
)
from bulkjobs.domain.headers import refuse_unknown
from bulkjobs.domain.reading import Reading
from bulkjobs.models import (
    BulkJob,
    BulkJobEntity,
    BulkJobOperation,
    BulkJobStatus,
    StatementTimestamp,
)
from bulkjobs.queries.columns import possible_columns
from configuration.queries.rules import NodeRules, WorkspaceRules
from contacthub_project.api.uploads import StoredUpload, discard_file
from contacthub_project.core.errors import Conflict
from contacthub_project.core.identifiers import new_id
from contacthub_project.core.principal import Principal
from contacthub_project.db.sql import fetch_one
from contacthub_project.messaging.enqueue import enqueue_on_commit
from customers.actions.validation import open_node

TASK = "bulkjobs.tasks.process"
MOST_LOADED = 10  # reference: Create a bulk job
RETRY_AFTER = 5  # seconds; loaded jobs start soon
LOCK_CLASS = 0x62756C6B
HOLD_NODE = "SELECT pg_advisory_xact_lock(%s::int, hashtext(%s))"
LONGEST_NAME = 255

log = structlog.get_logger("contacthub.bulkjobs")


@dataclass(frozen=True, slots=True)
class Upload:
    """An upload; `event_type` is for events only."""

    file: StoredUpload
    filename: str
    operation: str
    entity: str
    event_type: str | None
    reading: Reading = field(default_factory=Reading)
    dry_run: bool = False


def load_job(
    workspace: WorkspaceRules, node: NodeRules, upload: Upload, *, by: Principal
) -> BulkJob:
    """Return the new job: LOADED, or FAILED with the reason when the file cannot be used.

    The file of a LOADED job is kept. Raises Locked or Forbidden for the node, Conflict when ten of
    its jobs wait already, Unavailable when the storage fails.
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
        dry_run=upload.dry_run,
        author_source=by.source_id,
        author_user=by.user_id,
        created_at=now,
        updated_at=now,
    )
    try:
        _keep_file(job, upload)
        _check(workspace, job, upload.reading)
        _insert(job)
    except BadFile as fault:
        _drop_file(job, upload)
        job.status, job.error_message = BulkJobStatus.FAILED, str(fault)
        job.save(force_insert=True)
    except BaseException:
        _drop_file(job, upload)
        raise
    else:
        if job.file.name == upload.file.stored_as:
            upload.file.keep()
    return job


def _keep_file(job: BulkJob, upload: Upload) -> None:
    """Detect the format of the file, and store it as it came or converted.

    Raises BadFile and Unavailable.
    """
    most_bytes = settings.BULK_BYTES
    with readable_file(upload.file.stored_as) as file:
        layout = layout_of(file, upload.reading.options, most_bytes=most_bytes)
        job.layout, job.is_raw = layout.as_json(), layout.takes_long
        job.file.name = (
            upload.file.stored_as
            if layout.is_kept_as_it_came or layout.takes_long
            else store_file(kept_form(file, layout, most_bytes=most_bytes))
        )


def _drop_file(job: BulkJob, upload: Upload) -> None:
    """Remove the stored file; the upload removes itself."""
    if job.file.name and job.file.name != upload.file.stored_as:
        discard_file(job.file.name)
    job.file.name = ""


@transaction.atomic
def _insert(job: BulkJob) -> None:
    fetch_one(HOLD_NODE, [LOCK_CLASS, str(job.node_id)])
    loaded = BulkJob.objects.filter(
        workspace_id=job.workspace_id, node_id=job.node_id, status=BulkJobStatus.LOADED
    )
    if loaded.count_up_to(MOST_LOADED) >= MOST_LOADED:
        raise Conflict(
            f"{MOST_LOADED} jobs of the node are loaded and wait", retry_after=RETRY_AFTER
        )
    # By the database's clock, as in the workers' queries: this machine's may be wrong.
    job.available_at = StatementTimestamp()  # type: ignore[assignment]
    job.save(force_insert=True)
    enqueue_on_commit(TASK)


def _check(workspace: WorkspaceRules, job: BulkJob, reading: Reading) -> None:
    """Match the columns of the file, count its rows; raises BadFile when it cannot be used.

    The rows of a file that is still to be converted are counted then.
    """
    layout = Layout.from_json(job.layout)
    possible = possible_columns(workspace, job.entity, job.event_type)
    with readable_file(job.file.name or "") as file:
        if job.is_raw:
            header = header_of_workbook(file, layout, most_bytes=settings.BULK_BYTES)
        else:
            table = KeptTable(file, layout)
            header = table.header()
        matches = possible.match(header, reading.mapping)
        refuse_unknown(matches)
        job.columns = matches.choices
        if (
            job.entity == BulkJobEntity.EVENT
            and job.operation == BulkJobOperation.DELETE
            and "id" not in {choice.path for choice in matches.choices}
        ):
            raise BadFile("events are deleted by a column id")
        if not job.is_raw:
            job.offset, job.lines = table.offset, table.lines
            job.total = sum(1 for _ in table)
            job.blank = table.blank
    job.cell_rules = reading.cell_rules(layout).as_json()
