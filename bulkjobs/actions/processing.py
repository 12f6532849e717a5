"""Working on jobs: chunk by chunk, each one transaction that also says how far the job is.

A worker takes a slice of a job, about a second, then one of another: the statement `claim_job` says
of which. Its claim keeps other workers off the job for a while, which each chunk prolongs. A worker
that is killed loses the chunk it was at, and nothing else: when its claim has run out somebody goes
on after the last row that was done, so no row is applied twice. An exception that nobody expected
costs its row, or its job, and no other.
"""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

import structlog
from django.core.files.storage import default_storage
from django.db import DatabaseError, InterfaceError, OperationalError, transaction
from django.utils import timezone
from psycopg.errors import DiskFull

from bulkjobs.actions.chunks import note_results, tried, withhold_forgotten
from bulkjobs.actions.failures import (
    is_lost_to_another,
    log_failure,
)
from bulkjobs.actions.storage import cached_file, forget_copy
from bulkjobs.domain.faults import BadFile
from bulkjobs.domain.files.csv_rows import FileRow
from bulkjobs.domain.files.tables import KeptTable, Layout
from bulkjobs.models import (
    BulkJob,
    BulkJobQuerySet,
    BulkJobStatus,
    ClockTimestamp,
    ForgottenIdentity,
    Outcome,
)
from configuration.queries.rules import latest_rules_of
from contacthub_project.core.errors import ContacthubError, Locked
from contacthub_project.db.sql import analyze_grown_tables, fetch_one, load
from contacthub_project.messaging.pubsub import notify_on_commit
from contacthub_project.runtime.disk import database_has_room
from customers.actions.bulk_upsert import LostRace
from customers.actions.writes import NodeNotOpen

CHUNK = 500
CHUNK_BYTES = 2 << 20
SLICE_SECONDS = 1.0
LEASE_SECONDS = 15.0  # that a claim lasts from the latest chunk on
AGAIN_SECONDS = 5.0  # until a job is tried again that could not be worked on
ATTEMPTS = 5  # at a chunk, within one slice
MOST_ATTEMPTS = 3  # at the same rows, by workers that were killed or lost the database

log = structlog.get_logger("contacthub.bulkjobs")


CLAIM_JOB = load("bulkjobs/sql/claim_job")
# What jobs fill, and what is looked up in meanwhile.
LOADED = ("customers_customer", "events_event", "customers_change")


@dataclass(frozen=True, slots=True)
class Claim:
    """A worker's claim of a job, for a slice of work that ends at a time of `time.monotonic`."""

    job_id: UUID
    id: UUID
    deadline: float

    def job(self) -> BulkJobQuerySet:
        """The job, unless it is stopped or no longer this worker's."""
        return BulkJob.objects.to_do().filter(id=self.job_id, claim=self.id)

    def is_over(self) -> bool:
        return time.monotonic() >= self.deadline


@dataclass(frozen=True, slots=True)
class Chunk:
    """Rows of a file, the byte at which the next one begins, and how many lines are before it."""

    rows: list[FileRow]
    end: int
    lines: int


def process(*, seconds: float) -> bool:
    """Work on jobs for about so many seconds; False when some can be gone on with at once."""
    deadline = time.monotonic() + seconds
    while database_has_room() and (claim := _claimed(deadline)) is not None:
        _work_on(claim)
        if time.monotonic() >= deadline:
            return not BulkJob.objects.available().exists()
    return True


def stop_job(job: BulkJob) -> None:
    """Have workers leave a job alone, from the next chunk on."""
    BulkJob.objects.to_do().filter(id=job.id).update(
        status=BulkJobStatus.STOPPED, updated_at=timezone.now()
    )


def resume_job(job: BulkJob) -> None:
    """Have workers go on with a stopped job, from where it was stopped."""
    BulkJob.objects.filter(id=job.id, status=BulkJobStatus.STOPPED).update(
        status=BulkJobStatus.SCHEDULED,
        updated_at=timezone.now(),
        claim=None,
        available_at=ClockTimestamp(),
        attempts=0,
    )


def _claimed(deadline: float) -> Claim | None:
    """A slice of the job whose turn it is; None when there is none to be worked on now."""
    claim_id = uuid4()
    row = fetch_one(CLAIM_JOB, {"claim": claim_id, "lease": LEASE_SECONDS})
    if row is None:
        return None
    return Claim(row[0], claim_id, min(deadline, time.monotonic() + SLICE_SECONDS))


def _work_on(claim: Claim) -> None:
    """Do a slice of a job, and say when it is to be gone on with."""
    job = claim.job().first()
    if job is None:
        return
    if job.attempts > MOST_ATTEMPTS:
        logref = str(uuid4())
        log.error("bulk job given up", job=str(job.id), row=job.position + 1, logref=logref)
        told = f"internal error after row {job.position}, {MOST_ATTEMPTS} times; logref {logref}"
        _finish(claim, BulkJobStatus.FAILED, told)
        return
    try:
        _go_on(claim, job)
    except FileNotFoundError:
        _finish(claim, BulkJobStatus.FAILED, "the file is gone")
    except (InterfaceError, OperationalError, OSError) as fault:
        log_failure(job.id, fault)
        # `attempts` stay, unless it will go on as soon as there is room.
        anew = {"attempts": 0} if isinstance(fault.__cause__, DiskFull) else {}
        _leave(claim, for_seconds=AGAIN_SECONDS, **anew)
    except Exception as fault:
        logref = log_failure(job.id, fault)
        _finish(claim, BulkJobStatus.FAILED, f"internal error, logref {logref}")
    except BaseException:
        with contextlib.suppress(DatabaseError):
            _leave(claim)
        raise


def _go_on(claim: Claim, job: BulkJob) -> None:
    try:
        with cached_file(job.file.name or "") as file:
            layout = Layout.from_json(job.layout)
            table = KeptTable(file, layout, offset=job.offset, lines=job.lines)
            for chunk in _chunks(table):
                if not _do_chunk(claim, chunk):
                    return
                analyze_grown_tables(*LOADED)
                if claim.is_over():
                    _leave(claim, attempts=0)
                    return
    except BadFile as fault:
        _finish(claim, BulkJobStatus.FAILED, str(fault))
    except Locked:  # the node is being reorganised
        _leave(claim, for_seconds=AGAIN_SECONDS, attempts=0)
    except ContacthubError as refusal:
        _finish(claim, BulkJobStatus.FAILED, refusal.message)
    else:
        _finish(claim, BulkJobStatus.PROCESSED, None)


def _leave(claim: Claim, *, for_seconds: float = 0, **values: int) -> None:
    """Give a claim back, setting other columns too; nobody takes the job for some seconds."""
    available_at = ClockTimestamp() + timedelta(seconds=for_seconds)
    claim.job().update(claim=None, available_at=available_at, **values)


def _chunks(table: KeptTable) -> Iterator[Chunk]:
    """The rest of a file, a bounded number of rows and bytes at once."""
    rows: list[FileRow] = []
    begin = table.offset
    for row in table:
        rows.append(row)
        if len(rows) == CHUNK or table.offset - begin >= CHUNK_BYTES:
            yield Chunk(rows, table.offset, table.lines)
            rows, begin = [], table.offset
    if rows:
        yield Chunk(rows, table.offset, table.lines)


def _do_chunk(claim: Claim, chunk: Chunk) -> bool:
    """Apply a chunk and note it, both or neither; False when the job is no longer ours."""
    for _ in range(ATTEMPTS):
        try:
            with transaction.atomic():
                return _apply(claim, chunk)
        except (NodeNotOpen, LostRace):
            continue  # under the latest rules, or with what somebody else has just made
        except OperationalError as fault:
            if not is_lost_to_another(fault):
                raise
    raise Locked


def _apply(claim: Claim, chunk: Chunk) -> bool:
    job = claim.job().select_for_update(no_key=True).first()
    if job is None:
        return False  # stopped, or another worker's
    workspace = latest_rules_of(job.workspace_id)
    if workspace is None:
        raise BadFile("the workspace is gone")
    forgotten = ForgottenIdentity.objects.digests_for(job.id)
    results = tried(workspace, job, chunk.rows, forgotten)
    if ForgottenIdentity.objects.digests_for(job.id) != forgotten:
        raise LostRace  # somebody was forgotten meanwhile, and may be among the rows
    note_results(job, results)
    outcomes = Counter(job.outcomes)
    outcomes.update(str(each.outcome) for each in results)
    claim.job().update(
        status=BulkJobStatus.PROCESSING,
        position=job.position + len(chunk.rows),
        offset=chunk.end,
        lines=chunk.lines,
        attempts=1,  # at the rows that come next
        available_at=ClockTimestamp() + timedelta(seconds=LEASE_SECONDS),
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
        ForgottenIdentity.objects.filter(job=job).delete()
        if name:
            transaction.on_commit(lambda: default_storage.delete(name), robust=True)
            forget_copy(name)
    log.info("bulk job ended", job=str(job.id), status=str(status), rows=job.position)
