"""Working on jobs: chunk by chunk, each one transaction that also says how far the job is.

A worker that is killed loses the chunk it was at, and nothing else; whoever goes on begins after
the last row that was done, so no row is applied twice. The job's row is locked meanwhile, so no two
workers are at one job. An exception that nobody expected costs its row, or its job, and no other.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID, uuid4

import orjson
import structlog
from django.core.files.storage import default_storage
from django.db import InterfaceError, OperationalError, transaction
from django.utils import timezone

from bulkjobs.actions.failures import (
    UnexpectedFailures,
    applied_in_isolation,
    is_lost_to_another,
    log_failure,
)
from bulkjobs.actions.loading import columns_of, opened
from bulkjobs.actions.rows import Row, RowResult
from bulkjobs.domain.csv_columns import BadFile, BadRow, Column, body_of, rows_of
from bulkjobs.models import BulkJob, BulkJobStatus, Outcome
from configuration.queries.rules import WorkspaceRules, latest_rules_of
from contacthub_project.core.errors import ContacthubError, Locked
from contacthub_project.db.sql import analyze_grown_tables, fetch_one, load
from contacthub_project.messaging.pubsub import notify_on_commit
from customers.actions.bulk_upsert import LostRace
from customers.actions.statements import NodeNotOpen

CHUNK = 500
ATTEMPTS = 5  # at a chunk, within one go
MOST_ATTEMPTS = 3  # at the same rows, by workers that were killed or lost the database

log = structlog.get_logger("contacthub.bulkjobs")


NOTE_RESULTS = load("bulkjobs/sql/note_results")
# What jobs fill, and what is looked up in meanwhile.
LOADED = ("customers_customer", "events_event", "customers_change")


def process(*, seconds: float) -> bool:
    """Work on the jobs that are to be done, for about so many seconds; True when none is left."""
    deadline = time.monotonic() + seconds
    for job_id in list(BulkJob.objects.to_do().values_list("id", flat=True)):
        if not _work_on(job_id, deadline):
            return False
    return True


def stop_job(job: BulkJob) -> None:
    """Have workers leave a job alone, from the next chunk on."""
    BulkJob.objects.to_do().filter(id=job.id).update(
        status=BulkJobStatus.STOPPED, updated_at=timezone.now()
    )


def resume_job(job: BulkJob) -> None:
    """Have workers go on with a stopped job, from where it was stopped."""
    BulkJob.objects.filter(id=job.id, status=BulkJobStatus.STOPPED).update(
        status=BulkJobStatus.SCHEDULED, updated_at=timezone.now()
    )


def _work_on(job_id: UUID, deadline: float) -> bool:
    """Whether the worker need not come back to the job."""
    job = _begun(job_id)
    if job is None:
        return True
    try:
        return _go_on(job, deadline)
    except (InterfaceError, OperationalError) as fault:
        log_failure(job_id, fault)
        return True  # the sweep comes back; `attempts` says how often it has
    except Exception as fault:
        logref = log_failure(job_id, fault)
        _finish(job_id, BulkJobStatus.FAILED, f"internal error, logref {logref}")
        return True


@transaction.atomic
def _begun(job_id: UUID) -> BulkJob | None:
    """The job, its attempt noted; None when it is not to be worked on now."""
    locked = BulkJob.objects.to_do().select_for_update(skip_locked=True)
    job = locked.filter(id=job_id).first()
    if job is None:
        return None
    if job.attempts >= MOST_ATTEMPTS:
        logref = str(uuid4())
        log.error("bulk job given up", job=str(job_id), row=job.position + 1, logref=logref)
        told = f"internal error after row {job.position}, {MOST_ATTEMPTS} times; logref {logref}"
        _finish(job_id, BulkJobStatus.FAILED, told)
        return None
    job.attempts += 1
    job.save(update_fields=["attempts"])
    return job


def _go_on(job: BulkJob, deadline: float) -> bool:
    job_id = job.id
    try:
        with default_storage.open(job.file.name or "") as file:
            text = opened(file.file)
            rows = rows_of(text)
            header = next(rows)
            for chunk in _chunks(itertools.islice(rows, job.position, None), job.position):
                if not _do_chunk(job_id, header, chunk):
                    return True
                analyze_grown_tables(*LOADED)
                if time.monotonic() > deadline:
                    _leave(job_id)
                    return False
    except (BadFile, FileNotFoundError, StopIteration) as fault:
        _finish(job_id, BulkJobStatus.FAILED, str(fault) or "the file is gone")
        return True
    except Locked:
        _leave(job_id)
        return True  # the node is being reorganised; the sweep comes back
    except ContacthubError as refusal:
        _finish(job_id, BulkJobStatus.FAILED, refusal.message)
        return True
    _finish(job_id, BulkJobStatus.PROCESSED, None)
    return True


def _leave(job_id: UUID) -> None:
    """Note that a worker has left a job in good order."""
    BulkJob.objects.to_do().filter(id=job_id).update(attempts=0)


def _chunks(rows: Iterator[list[str]], position: int) -> Iterator[tuple[int, list[list[str]]]]:
    while chunk := list(itertools.islice(rows, CHUNK)):
        yield position, chunk
        position += len(chunk)


def _do_chunk(job_id: UUID, header: list[str], chunk: tuple[int, list[list[str]]]) -> bool:
    """Apply a chunk and note it, both or neither; False when the job is no longer ours."""
    for _ in range(ATTEMPTS):
        try:
            with transaction.atomic():
                return _apply(job_id, header, *chunk)
        except (NodeNotOpen, LostRace):
            continue  # under the latest rules, or with what somebody else has just made
        except OperationalError as fault:
            if not is_lost_to_another(fault):
                raise
    raise Locked


def _apply(job_id: UUID, header: list[str], position: int, cells: list[list[str]]) -> bool:
    locked = BulkJob.objects.to_do().select_for_update(skip_locked=True)
    job = locked.filter(id=job_id, position=position).first()
    if job is None:
        return False  # stopped, or another worker is at it
    workspace = latest_rules_of(job.workspace_id)
    if workspace is None:
        raise BadFile("the workspace is gone")
    columns = columns_of(workspace, job, header)
    results = _results(workspace, job, columns, position, cells)
    fetch_one(
        NOTE_RESULTS,
        {
            "job_id": job.id,
            "rows": [each.row for each in results],
            "outcomes": [each.outcome for each in results],
            "entity_ids": [each.entity_id for each in results],
            "messages": [each.message for each in results],
            "columns": [each.column for each in results],
            "codes": [each.code for each in results],
        },
        prepare=False,
    )
    failed = sum(each.outcome == Outcome.FAILED for each in results)
    job.status = BulkJobStatus.PROCESSING
    job.position += len(cells)
    job.attempts = 1  # at the rows that come next
    job.failed += failed
    job.processed += len(results) - failed
    job.updated_at = timezone.now()
    job.save(update_fields=["status", "position", "attempts", "failed", "processed", "updated_at"])
    notify_on_commit(job.workspace_id)
    return True


def _results(
    workspace: WorkspaceRules,
    job: BulkJob,
    columns: Sequence[Column],
    position: int,
    cells: Sequence[list[str]],
) -> list[RowResult]:
    rows, refused = [], []
    failures = UnexpectedFailures(job.id)
    names = [column.name for column in columns]
    for number, row in enumerate(cells, position + 1):
        try:
            body = body_of(columns, row)
            rows.append(Row(number, body, len(orjson.dumps(body)), names))
        except BadRow as bad:
            refused.append(RowResult.failure(number, bad.errors))
        except Exception as failure:
            refused.append(failures.result_of(number, failure))
    done = applied_in_isolation(workspace, job, rows, failures)
    return sorted([*refused, *done], key=lambda result: result.row)


def _finish(job_id: UUID, status: BulkJobStatus, message: str | None) -> None:
    """End a job. Its file goes at once: what it held is in the hub now, or was refused."""
    with transaction.atomic():
        job = BulkJob.objects.to_do().select_for_update().filter(id=job_id).first()
        if job is None:
            return
        name = job.file.name
        job.status, job.error_message, job.file = status, message, ""
        job.updated_at = timezone.now()
        job.save(update_fields=["status", "error_message", "file", "updated_at"])
        if name:
            transaction.on_commit(lambda: default_storage.delete(name), robust=True)
    log.info("bulk job ended", job=str(job_id), status=str(status), rows=job.position)


def remove_old_results(before: Any) -> int:
    """Forget jobs that ended before a moment, with their results; how many."""
    ended = [BulkJobStatus.PROCESSED, BulkJobStatus.FAILED]
    old = BulkJob.objects.filter(status__in=ended, updated_at__lt=before)
    return old.delete()[0]
