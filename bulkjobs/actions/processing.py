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
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import orjson
import structlog
from django.core.files.storage import default_storage
from django.db import DatabaseError, InterfaceError, OperationalError, transaction
from django.utils import timezone

from bulkjobs.actions.failures import (
    UnexpectedFailures,
    applied_in_isolation,
    is_lost_to_another,
    log_failure,
)
from bulkjobs.actions.loading import columns_of
from bulkjobs.actions.rows import Row, RowResult
from bulkjobs.domain.csv_columns import BadFile, BadRow, Column, body_of
from bulkjobs.domain.csv_file import CsvFile
from bulkjobs.domain.identities import identities_of
from bulkjobs.models import (
    BulkJob,
    BulkJobEntity,
    BulkJobQuerySet,
    BulkJobStatus,
    ClockTimestamp,
    ForgottenIdentity,
    Outcome,
    digest_of,
)
from configuration.queries.rules import WorkspaceRules, latest_rules_of
from contacthub_project.core.errors import ContacthubError, Locked
from contacthub_project.db.sql import analyze_grown_tables, fetch_one, load
from contacthub_project.messaging.pubsub import notify_on_commit
from customers.actions.bulk_upsert import LostRace
from customers.actions.writes import NodeNotOpen
from customers.domain.merge import EMPTY, for_create

CHUNK = 500
CHUNK_BYTES = 2 << 20
SLICE_SECONDS = 1.0
LEASE_SECONDS = 15.0  # that a claim lasts from the latest chunk on
AGAIN_SECONDS = 5.0  # until a job is tried again that could not be worked on
ATTEMPTS = 5  # at a chunk, within one slice
MOST_ATTEMPTS = 3  # at the same rows, by workers that were killed or lost the database

log = structlog.get_logger("contacthub.bulkjobs")


CLAIM_JOB = load("bulkjobs/sql/claim_job")
NOTE_RESULTS = load("bulkjobs/sql/note_results")
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
    """Rows of a file, and the byte at which the next one begins."""

    rows: list[list[str]]
    end: int


def process(*, seconds: float) -> bool:
    """Work on jobs for about so many seconds; False when some can be gone on with at once."""
    deadline = time.monotonic() + seconds
    while (claim := _claimed(deadline)) is not None:
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
        _leave(claim, for_seconds=AGAIN_SECONDS)  # `attempts` stay
    except Exception as fault:
        logref = log_failure(job.id, fault)
        _finish(claim, BulkJobStatus.FAILED, f"internal error, logref {logref}")
    except BaseException:
        with contextlib.suppress(DatabaseError):
            _leave(claim)
        raise


def _go_on(claim: Claim, job: BulkJob) -> None:
    try:
        with default_storage.open(job.file.name or "") as file:
            rows = CsvFile(file.file)
            header = rows.header()
            if job.offset:
                rows.skip_to(job.offset)
            for chunk in _chunks(rows):
                if not _do_chunk(claim, header, chunk):
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


def _chunks(file: CsvFile) -> Iterator[Chunk]:
    """The rest of a file, a bounded number of rows and bytes at once."""
    rows: list[list[str]] = []
    begin = file.offset
    for row in file:
        rows.append(row)
        if len(rows) == CHUNK or file.offset - begin >= CHUNK_BYTES:
            yield Chunk(rows, file.offset)
            rows, begin = [], file.offset
    if rows:
        yield Chunk(rows, file.offset)


def _do_chunk(claim: Claim, header: list[str], chunk: Chunk) -> bool:
    """Apply a chunk and note it, both or neither; False when the job is no longer ours."""
    for _ in range(ATTEMPTS):
        try:
            with transaction.atomic():
                return _apply(claim, header, chunk)
        except (NodeNotOpen, LostRace):
            continue  # under the latest rules, or with what somebody else has just made
        except OperationalError as fault:
            if not is_lost_to_another(fault):
                raise
    raise Locked


def _apply(claim: Claim, header: list[str], chunk: Chunk) -> bool:
    job = claim.job().select_for_update(no_key=True).first()
    if job is None:
        return False  # stopped, or another worker's
    workspace = latest_rules_of(job.workspace_id)
    if workspace is None:
        raise BadFile("the workspace is gone")
    columns = columns_of(workspace, job, header)
    forgotten = ForgottenIdentity.objects.digests_for(job.id)
    results = _results(workspace, job, columns, chunk.rows, forgotten)
    if ForgottenIdentity.objects.digests_for(job.id) != forgotten:
        raise LostRace  # somebody was forgotten meanwhile, and may be among the rows
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
    claim.job().update(
        status=BulkJobStatus.PROCESSING,
        position=job.position + len(chunk.rows),
        offset=chunk.end,
        attempts=1,  # at the rows that come next
        available_at=ClockTimestamp() + timedelta(seconds=LEASE_SECONDS),
        failed=job.failed + failed,
        processed=job.processed + len(results) - failed,
        updated_at=timezone.now(),
    )
    notify_on_commit(job.workspace_id)
    return True


def _results(
    workspace: WorkspaceRules,
    job: BulkJob,
    columns: Sequence[Column],
    cells: Sequence[list[str]],
    forgotten: Collection[bytes],
) -> list[RowResult]:
    """What becomes of the job's next rows; those with a `forgotten` digest are left out."""
    rows, refused = [], []
    failures = UnexpectedFailures(job.id)
    names = [column.name for column in columns]
    for number, row in enumerate(cells, job.position + 1):
        try:
            body = body_of(columns, row)
            if forgotten and _names_one_of(forgotten, workspace, job, body):
                refused.append(RowResult(number, Outcome.FORGOTTEN))
            else:
                rows.append(Row(number, body, len(orjson.dumps(body)), names))
        except BadRow as bad:
            refused.append(RowResult.failure(number, bad.errors))
        except Exception as failure:
            refused.append(failures.result_of(number, failure))
    done = applied_in_isolation(workspace, job, rows, failures)
    return sorted([*refused, *done], key=lambda result: result.row)


def _names_one_of(
    forgotten: Collection[bytes], workspace: WorkspaceRules, job: BulkJob, body: dict[str, Any]
) -> bool:
    """Whether a row has an identity of somebody who has been forgotten."""
    node = workspace.nodes.get(job.node_id)
    if node is None:
        return False
    document = for_create(EMPTY, body) if job.entity == BulkJobEntity.CUSTOMER else body
    return any(digest_of(each) in forgotten for each in identities_of(node.matching, document))


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
        ForgottenIdentity.objects.filter(job=job).delete()
        if name:
            transaction.on_commit(lambda: default_storage.delete(name), robust=True)
    log.info("bulk job ended", job=str(job.id), status=str(status), rows=job.position)
