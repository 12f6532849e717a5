"""Background exports: written to the storage, kept for some days, recorded in the audit log."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone

from bulkjobs.actions.failures import log_failure
from bulkjobs.actions.storage import EXPORTS, store_file
from bulkjobs.models import BulkJobEntity, BulkJobStatus, ExportJob, StatementTimestamp
from bulkjobs.queries.export_files import ExportFormat, exported_file
from bulkjobs.queries.export_requests import Export
from configuration.models import StaffChange
from configuration.queries.rules import NodeRules, WorkspaceRules, latest_rules_of
from contacthub_project.api.uploads import discard_file
from contacthub_project.core.errors import Conflict, ContacthubError
from contacthub_project.core.principal import Principal
from contacthub_project.db.leases import Lease, LeaseLost
from contacthub_project.db.sql import fetch_one
from contacthub_project.messaging.enqueue import enqueue_on_commit

TASK = "bulkjobs.tasks.export"
MOST_WAITING = 10  # for each node
RETRY_AFTER = 30  # seconds
LEASE_SECONDS = 60.0  # from the latest check on
LOOK_SECONDS = 1.0  # between checks whether the claim still holds
MOST_ATTEMPTS = 3
MOST_LOOKED_AT = 20  # of the waiting ones
LOCK_CLASS = 0x6578706F
HOLD_NODE = "SELECT pg_advisory_xact_lock(%s::int, hashtext(%s))"


@transaction.atomic
def request_export(
    workspace: WorkspaceRules,
    node: NodeRules,
    export: Export,
    file_format: ExportFormat,
    *,
    has_mark: bool,
    by: Principal,
    summary: str = "Export",
) -> ExportJob:
    """Return a new export of a node; raises Conflict when ten of them wait already.

    The audit log has it by its id after the `summary`.
    """
    fetch_one(HOLD_NODE, [LOCK_CLASS, str(node.id)])
    exports = ExportJob.objects.in_node(workspace.id, node.id)
    waiting = exports.filter(status=BulkJobStatus.LOADED)
    if waiting.count_up_to(MOST_WAITING) >= MOST_WAITING:
        raise Conflict(f"{MOST_WAITING} exports of the node wait", retry_after=RETRY_AFTER)
    job = ExportJob.objects.create(
        workspace_id=workspace.id,
        node_id=node.id,
        entity=BulkJobEntity.EVENT if export.event_type else BulkJobEntity.CUSTOMER,
        request=export.as_json(),
        file_format=file_format,
        has_mark=has_mark,
        author_source=by.source_id,
        author_user=by.user_id,
        available_at=StatementTimestamp(),
    )
    record_export(workspace, node, export, by=by, summary=f"{summary} {job.id}")
    enqueue_on_commit(TASK)
    return job


def record_export(
    workspace: WorkspaceRules, node: NodeRules, export: Export, *, by: Principal, summary: str
) -> None:
    """Record in the audit log who exports what; of clients without a person the source."""
    whose = "" if by.user_id else f" by source {by.source_id}"
    StaffChange.objects.create(
        user_id=by.user_id,
        workspace_id=workspace.id,
        method="POST",
        path=f"/workspaces/{workspace.id}/nodes/{node.id}/export",
        summary=f"{summary} of {export.event_type or 'customers'}{whose}"[:200],
    )


def write_exports(*, between_pieces: Callable[[], object]) -> None:
    """Write all waiting exports; about every second `between_pieces` is called, for other work."""
    while (job := _claimed()) is not None:
        _write(job, between_pieces)


def _claimed() -> ExportJob | None:
    """Claim an export that waits; return None when there is none."""
    waiting = ExportJob.objects.available().values_list("workspace_id", "id")
    return next((job for each in list(waiting[:MOST_LOOKED_AT]) if (job := _claim(*each))), None)


def _claim(workspace_id: UUID, job_id: UUID) -> ExportJob | None:
    with transaction.atomic():
        available = ExportJob.objects.available().in_workspace(workspace_id)
        job = available.select_for_update(skip_locked=True).filter(id=job_id).first()
        if job is None:
            return None  # claimed by another worker
        if job.attempts >= MOST_ATTEMPTS:
            job.status, job.error_message = BulkJobStatus.FAILED, "could not be written"
            job.save(update_fields=["status", "error_message"])
            return job
        job.claim, job.status, job.written = uuid4(), BulkJobStatus.PROCESSING, 0
        job.attempts += 1
        job.save(update_fields=["claim", "status", "written", "attempts"])
        _extend_lease(job)
    return job


def _extend_lease(job: ExportJob) -> None:
    """Extend the claim; raises LeaseLost when it is lost."""
    leased = ExportJob.objects.held_by(_lease_of(job))
    if not leased.extend(LEASE_SECONDS, written=job.written, updated_at=timezone.now()):
        raise LeaseLost


def _lease_of(job: ExportJob) -> Lease:
    assert job.claim is not None
    return Lease(job.workspace_id, job.id, job.claim)


def _write(job: ExportJob, between_pieces: Callable[[], object]) -> None:
    if job.status != BulkJobStatus.PROCESSING:
        return
    name = ""
    try:
        workspace = latest_rules_of(job.workspace_id)
        node = workspace.nodes.get(job.node_id) if workspace else None
        if workspace is None or node is None:
            raise ContacthubError("The node is gone")
        file_format = ExportFormat(job.file_format)
        pieces = exported_file(
            workspace,
            node,
            Export.from_json(job.request),
            file_format,
            mark=job.has_mark,
            counted=partial(_counted, job),
        )
        name = store_file(_renewing_lease(pieces, job, between_pieces), EXPORTS, f".{file_format}")
        _finish(job, BulkJobStatus.PROCESSED, None, name)
    except LeaseLost:
        if name:
            discard_file(name)
    except ContacthubError as refusal:
        _finish(job, BulkJobStatus.FAILED, refusal.message, "")
    except Exception as failure:
        logref = log_failure(job.id, failure)
        _finish(job, BulkJobStatus.FAILED, f"internal error, logref {logref}", "")


def _counted(job: ExportJob, rows: Iterable[Any]) -> Iterator[Any]:
    for row in rows:
        job.written += 1
        yield row


def _renewing_lease(
    pieces: Iterable[bytes], job: ExportJob, between_pieces: Callable[[], object]
) -> Iterator[bytes]:
    """Yield the pieces; between them, about every second, do other work."""
    looked = time.monotonic()
    for piece in pieces:
        yield piece
        if time.monotonic() - looked >= LOOK_SECONDS:
            _extend_lease(job)
            between_pieces()
            looked = time.monotonic()


def _finish(job: ExportJob, status: str, message: str | None, name: str) -> None:
    if not ExportJob.objects.held_by(_lease_of(job)).update(
        status=status,
        error_message=message,
        file=name,
        written=job.written,
        claim=None,
        updated_at=timezone.now(),
    ):
        raise LeaseLost


@transaction.atomic
def delete_export(job: ExportJob) -> None:
    """Delete an export and its file; one that is being written is deleted by its worker."""
    exports = ExportJob.objects.in_workspace(job.workspace_id)
    locked = exports.select_for_update().filter(id=job.id).first()
    if locked is not None:
        _drop_file(locked)
        locked.delete()


def remove_exports(*, ended_before: datetime) -> None:
    """Remove the exports that ended before a moment, with their files."""
    ended = (BulkJobStatus.PROCESSED, BulkJobStatus.FAILED)
    for job in ExportJob.objects.filter(status__in=ended, updated_at__lt=ended_before)[:1000]:
        delete_export(job)


def withdraw_exports(workspace_id: UUID, *, begun_before: datetime | None = None) -> int:
    """Remove just forgotten people from the workspace's exports.

    Return the number of deleted files.

    Files are deleted; exports that are being written start again. With `begun_before` only those
    that were requested before a moment.
    """
    exports = ExportJob.objects.filter(workspace_id=workspace_id)
    if begun_before is not None:
        exports = exports.filter(created_at__lt=begun_before)
    for job in exports.exclude(file=""):
        _drop_file(job)
    message = "the file was removed, as somebody in the workspace was forgotten: export again"
    withdrawn = exports.exclude(file="").update(
        file="", status=BulkJobStatus.FAILED, error_message=message, updated_at=timezone.now()
    )
    exports.filter(status=BulkJobStatus.PROCESSING).update(
        status=BulkJobStatus.LOADED, claim=None, attempts=0, available_at=StatementTimestamp()
    )
    return withdrawn


def _drop_file(job: ExportJob) -> None:
    if job.file.name:
        transaction.on_commit(partial(default_storage.delete, job.file.name), robust=True)
