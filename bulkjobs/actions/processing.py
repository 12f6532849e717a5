"""Processes jobs chunk by chunk; each is a transaction that includes the job's progress.

A worker processes a slice of a job, about a second, then one of another, chosen by the statement
`next_jobs`. Its claim excludes other workers for a time that each chunk extends. A killed worker
loses the current chunk only: when its claim has expired, another continues after the last processed
row, so no row is applied twice. An unexpected exception fails its row, or its job, and no other.
"""

from __future__ import annotations

import contextlib
import gc
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from uuid import uuid4

import structlog
from django.core.files.storage import default_storage
from django.db import DatabaseError, InterfaceError, OperationalError, transaction
from django.db.models import F
from django.utils import timezone
from psycopg.errors import DiskFull

from bulkjobs.actions.chunks import note_results, tried, withhold_forgotten
from bulkjobs.actions.claims import LEASE_SECONDS, Claim
from bulkjobs.actions.conversion import convert
from bulkjobs.actions.failures import (
    is_retryable,
    log_failure,
)
from bulkjobs.actions.refused_rows import refused_rows
from bulkjobs.actions.storage import cached_file, forget_copy
from bulkjobs.domain.faults import BadFile
from bulkjobs.domain.files.csv_rows import FileRow
from bulkjobs.domain.files.tables import KeptTable, Layout
from bulkjobs.models import (
    BulkJob,
    BulkJobStatus,
    ForgottenIdentity,
    Outcome,
)
from bulkjobs.models.job import LONGEST_WAIT
from configuration.queries.rules import latest_rules_of
from contacthub_project.core.errors import ContacthubError, Locked
from contacthub_project.db.leases import LeaseLost
from contacthub_project.db.sql import analyze_grown_tables, fetch_all, load
from contacthub_project.messaging.pubsub import notify_on_commit
from contacthub_project.runtime.disk import database_has_room
from customers.actions.bulk_upsert import ConcurrentInsert
from customers.actions.refusals import record_refusals
from customers.actions.writes import NodeNotOpen

CHUNK = 1000
CHUNK_BYTES = 2 << 20
SLICE_SECONDS = 1.0
AGAIN_SECONDS = 5.0  # until a job that could not be processed is tried again
ATTEMPTS = 5  # at a chunk, within one slice
MOST_ATTEMPTS = 3  # at the same rows, by workers that were killed or disconnected

log = structlog.get_logger("contacthub.bulkjobs")


MOST_LOOKED_AT = 20  # of the waiting ones
NEXT_JOBS = load("bulkjobs/sql/next_jobs")
# What jobs fill, and what is looked up in meanwhile.
LOADED = ("customers_customer", "events_event", "customers_change")


@dataclass(frozen=True, slots=True)
class Chunk:
    """Rows of a file, the byte at which the next one begins, and the number of lines before it."""

    rows: list[FileRow]
    end: int
    lines: int


def process(*, seconds: float, takes_raw: bool = True) -> bool:
    """Process jobs for about so many seconds; return False when some can continue at once.

    Unless it `takes_raw`, jobs whose file is still to be converted are left to others.
    """
    deadline = time.monotonic() + seconds
    while database_has_room() and (claim := _claimed(deadline, takes_raw)) is not None:
        _process_slice(claim)
        if time.monotonic() >= deadline:
            return not BulkJob.objects.available().exists()
    return True


def stop_job(job: BulkJob) -> None:
    """Stop processing a job, from the next chunk on."""
    BulkJob.objects.to_do().filter(workspace_id=job.workspace_id, id=job.id).update(
        status=BulkJobStatus.STOPPED, updated_at=timezone.now()
    )


def resume_job(job: BulkJob) -> None:
    """Continue a stopped job, from where it was stopped."""
    jobs = BulkJob.objects.filter(workspace_id=job.workspace_id, id=job.id)
    jobs.filter(status=BulkJobStatus.STOPPED).release(
        status=BulkJobStatus.SCHEDULED, updated_at=timezone.now(), attempts=0
    )


def _claimed(deadline: float, takes_raw: bool = True) -> Claim | None:
    """Claim a slice of the next job; return None when there is none."""
    claim_id = uuid4()
    longest = LONGEST_WAIT.total_seconds()
    looked_for = {"most": MOST_LOOKED_AT, "raw": takes_raw, "longest": longest}
    while jobs := fetch_all(NEXT_JOBS, looked_for):
        for workspace_id, job_id, turn in jobs:
            job = BulkJob.objects.available().filter(workspace_id=workspace_id, id=job_id)
            if job.acquire(claim_id, LEASE_SECONDS, turn=turn, attempts=F("attempts") + 1):
                ends = min(deadline, time.monotonic() + SLICE_SECONDS)
                return Claim(workspace_id, job_id, claim_id, ends)
    return None


def _process_slice(claim: Claim) -> None:
    """Process a slice of a job, and schedule the next one."""
    job = claim.job().first()
    if job is None:
        return
    if job.attempts > MOST_ATTEMPTS:
        logref = str(uuid4())
        log.error("bulk job given up", job=str(job.id), row=job.position + 1, logref=logref)
        message = f"internal error after row {job.position}, {MOST_ATTEMPTS} times; logref {logref}"
        _finish(claim, BulkJobStatus.FAILED, message)
        return
    try:
        _continue(claim, job)
    except FileNotFoundError:
        _finish(claim, BulkJobStatus.FAILED, "the file is gone")
    except (InterfaceError, OperationalError, OSError) as fault:
        log_failure(job.id, fault)
        # `attempts` stay, unless it will go on as soon as there is room.
        reset = {"attempts": 0} if isinstance(fault.__cause__, DiskFull) else {}
        _release(claim, for_seconds=AGAIN_SECONDS, **reset)
    except Exception as fault:
        logref = log_failure(job.id, fault)
        _finish(claim, BulkJobStatus.FAILED, f"internal error, logref {logref}")
    except BaseException:
        with contextlib.suppress(DatabaseError):
            _release(claim)
        raise


def _continue(claim: Claim, job: BulkJob) -> None:
    try:
        if job.is_raw:
            # Minutes, of a large workbook: others are not kept waiting.
            convert(claim, job, between_pieces=partial(process, seconds=1.0, takes_raw=False))
            _release(claim, attempts=0)
            return
        with cached_file(job.file.name or "") as file:
            layout = Layout.from_json(job.layout)
            table = KeptTable(file, layout, offset=job.offset, lines=job.lines)
            for chunk in _chunks(table):
                if not _do_chunk(claim, chunk):
                    return
                analyze_grown_tables(*LOADED)
                if claim.is_over():
                    _release(claim, attempts=0)
                    return
    except LeaseLost:
        return
    except BadFile as fault:
        _finish(claim, BulkJobStatus.FAILED, str(fault))
    except Locked:  # the node is being reorganised
        _release(claim, for_seconds=AGAIN_SECONDS, attempts=0)
    except ContacthubError as refusal:
        _finish(claim, BulkJobStatus.FAILED, refusal.message)
    else:
        _finish(claim, BulkJobStatus.PROCESSED, None)


def _release(claim: Claim, *, for_seconds: float = 0, **values: int) -> None:
    """Give a claim back, setting other columns too; nobody takes the job for some seconds."""
    claim.job().release(for_seconds, **values)


def _chunks(table: KeptTable) -> Iterator[Chunk]:
    """Yield the rest of a file in chunks, bounded in rows and bytes."""
    rows: list[FileRow] = []
    begin = table.offset
    for row in table:
        rows.append(row)
        if len(rows) == CHUNK or table.offset - begin >= CHUNK_BYTES:
            yield Chunk(rows, table.offset, table.lines)
            rows, begin = [], table.offset
    if rows:
        yield Chunk(rows, table.offset, table.lines)


@contextlib.contextmanager
def _without_collections() -> Iterator[None]:
    """Pause the collector of cycles: the rows of a chunk are none, and live as long as it does."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _do_chunk(claim: Claim, chunk: Chunk) -> bool:
    """Apply a chunk and note it, both or neither; False when the job is no longer ours."""
    for _ in range(ATTEMPTS):
        try:
            with _without_collections(), transaction.atomic():
                return _apply(claim, chunk)
        except (NodeNotOpen, ConcurrentInsert):
            continue  # under the latest rules, or with what somebody else has just made
        except OperationalError as fault:
            if not is_retryable(fault):
                raise
    raise Locked


def _apply(claim: Claim, chunk: Chunk) -> bool:
    job = claim.job().select_for_update(no_key=True).first()
    if job is None:
        return False  # stopped, or another worker's
    workspace = latest_rules_of(job.workspace_id)
    if workspace is None:
        raise BadFile("the workspace is gone")
    forgotten = ForgottenIdentity.objects.digests_for(job.workspace_id, job.id)
    results = tried(workspace, job, chunk.rows, forgotten)
    if ForgottenIdentity.objects.digests_for(job.workspace_id, job.id) != forgotten:
        raise ConcurrentInsert  # somebody was forgotten meanwhile, and may be among the rows
    note_results(job, results)
    if not job.dry_run:
        record_refusals(job.workspace_id, refused_rows(workspace, job, results))
    outcomes = Counter(job.outcomes)
    outcomes.update(str(each.outcome) for each in results)
    claim.job().extend(
        LEASE_SECONDS,
        status=BulkJobStatus.PROCESSING,
        position=job.position + len(chunk.rows),
        offset=chunk.end,
        lines=chunk.lines,
        attempts=1,  # at the rows that come next
        failed=outcomes[Outcome.FAILED],
        processed=job.processed + len(results),
        outcomes=dict(outcomes),
        updated_at=timezone.now(),
    )
    notify_on_commit(job.workspace_id)
    return True


def _finish(claim: Claim, status: BulkJobStatus, message: str | None) -> None:
    """End a job. Its file goes at once: what it held is in the hub now, or was refused."""
    with transaction.atomic():
        job = claim.job().select_for_update(no_key=True).first()
        if job is None:
            return
        name = job.file.name
        job.status, job.error_message, job.file, job.claim = status, message, "", None
        job.updated_at = timezone.now()
        job.save(update_fields=["status", "error_message", "file", "claim", "updated_at"])
        withhold_forgotten(job)
        ForgottenIdentity.objects.filter(workspace_id=job.workspace_id, job_id=job.id).delete()
        if name:
            transaction.on_commit(lambda: default_storage.delete(name), robust=True)
            forget_copy(name)
    log.info("bulk job ended", job=str(job.id), status=str(status), rows=job.position)
