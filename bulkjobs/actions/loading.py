"""Taking a file in: kept in a form that can be gone on with, its columns found."""

from __future__ import annotations

from dataclasses import dataclass, field

import structlog
from django.conf import settings
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone

from bulkjobs.actions.storage import readable_file, store_file
from bulkjobs.domain.faults import BadFile
from bulkjobs.domain.files.tables import KeptTable, Layout, kept_form, layout_of
from bulkjobs.domain.headers import refuse_unknown
from bulkjobs.domain.reading import Reading
from bulkjobs.models import (
    BulkJob,
    BulkJobEntity,
    BulkJobOperation,
    BulkJobStatus,
    ClockTimestamp,
)
from bulkjobs.queries.columns import possible_columns
from configuration.queries.rules import NodeRules, WorkspaceRules
from contacthub_project.api.uploads import StoredUpload
from contacthub_project.core.errors import Conflict
from contacthub_project.core.identifiers import new_id
from contacthub_project.core.principal import Principal
from contacthub_project.db.sql import fetch_one
from contacthub_project.messaging.enqueue import enqueue_on_commit
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
    reading: Reading = field(default_factory=Reading)
    dry_run: bool = False


def load_job(
    workspace: WorkspaceRules, node: NodeRules, upload: Upload, *, by: Principal
) -> BulkJob:
    """The new job: LOADED, or FAILED with the reason when the file cannot be used at all.

    The file of a LOADED job is kept. Raises Locked or Forbidden for the node, Conflict when ten of
    its jobs wait already, Unavailable when the storage takes or gives nothing.
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
    """Find out what the file is; have the job keep it as it came, or in another form.

    Raises BadFile and Unavailable.
    """
    most_bytes = settings.BULK_BYTES
    with readable_file(upload.file.stored_as) as file:
        layout = layout_of(file, upload.reading.wishes, most_bytes=most_bytes)
        job.layout = layout.as_json()
        job.file.name = (
            upload.file.stored_as
            if layout.is_kept_as_it_came
            else store_file(kept_form(file, layout, most_bytes=most_bytes))
        )


def _drop_file(job: BulkJob, upload: Upload) -> None:
    """Remove the form in which a file was to be kept; what came in removes itself."""
    if job.file.name and job.file.name != upload.file.stored_as:
        default_storage.delete(job.file.name)
    job.file.name = ""


@transaction.atomic
def _insert(job: BulkJob) -> None:
    fetch_one(HOLD_NODE, [LOCK_CLASS, str(job.node_id)])
    loaded = BulkJob.objects.filter(node_id=job.node_id, status=BulkJobStatus.LOADED)
    if loaded.count_up_to(MOST_LOADED) >= MOST_LOADED:
        raise Conflict(
            f"{MOST_LOADED} jobs of the node are loaded and wait", retry_after=RETRY_AFTER
        )
    # By the database's clock, which workers go by: this one's may be wrong.
    job.available_at = ClockTimestamp()  # type: ignore[assignment]
    job.save(force_insert=True)
    enqueue_on_commit(TASK)


def _check(workspace: WorkspaceRules, job: BulkJob, reading: Reading) -> None:
    """Find the columns of the file and count its rows; raises BadFile when it cannot be used."""
    layout = Layout.from_json(job.layout)
    possible = possible_columns(workspace, job.entity, job.event_type)
    with readable_file(job.file.name or "") as file:
        table = KeptTable(file, layout)
        matches = possible.match(table.header(), reading.mapping)
        refuse_unknown(matches)
        job.columns = matches.choices
        job.offset, job.lines = table.offset, table.lines
        if (
            job.entity == BulkJobEntity.EVENT
            and job.operation == BulkJobOperation.DELETE
            and "id" not in {choice.path for choice in matches.choices}
        ):
            raise BadFile("events are deleted by a column id")
        job.total = sum(1 for _ in table)
        job.blank = table.blank
    job.cell_rules = reading.cell_rules(layout).as_json()
