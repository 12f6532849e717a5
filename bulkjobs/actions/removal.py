"""Removes jobs: hidden and without file at once, results later; and stray files."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from bulkjobs.actions.storage import EXPORTS
from bulkjobs.models import BulkJob, BulkJobStatus, ExportJob, ForgottenIdentity
from contacthub_project.api.uploads import FOLDER
from contacthub_project.core.errors import NotFound
from contacthub_project.db.sql import fetch_one, load
from contacthub_project.messaging.enqueue import enqueue_on_commit

TASK = "bulkjobs.tasks.remove_old"
STILL = (BulkJobStatus.PROCESSED, BulkJobStatus.FAILED, BulkJobStatus.STOPPED)
RESULTS_AT_ONCE = 20_000
JOBS_AT_ONCE = 100
FILES_AT_ONCE = 500

DELETE_RESULTS = load("bulkjobs/sql/delete_results")


@transaction.atomic
def delete_job(job: BulkJob) -> None:
    """Delete a job, its file and its results; a running one is stopped first.

    Waits for the rows that a worker is processing. Raises NotFound when it has been deleted
    meanwhile.
    """
    locked = BulkJob.objects.kept().select_for_update(no_key=True)
    latest = locked.filter(workspace_id=job.workspace_id, id=job.id).first()
    if latest is None:
        raise NotFound(f"bulk job not found {job.id}")
    _remove(latest)
    enqueue_on_commit(TASK)


def remove_jobs(*, ended_before: datetime, seconds: float) -> bool:
    """Remove the rest of deleted jobs, and jobs that ended or were stopped before a moment.

    Works for about so many seconds; returns True when nothing is left to remove.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        old = BulkJob.objects.kept().filter(status__in=STILL, updated_at__lt=ended_before)
        listed = list(old.values_list("workspace_id", "id")[:JOBS_AT_ONCE])
        aged = [each for each in listed if _remove_old(*each, ended_before)]
        removed = BulkJob.objects.filter(removed_at__isnull=False).order_by("removed_at").first()
        if removed is None:
            if not aged:
                return True
            continue
        of_job = {
            "workspace_id": removed.workspace_id,
            "job_id": removed.id,
            "limit": RESULTS_AT_ONCE,
        }
        (count,) = fetch_one(DELETE_RESULTS, of_job)
        if count < RESULTS_AT_ONCE:
            _forget_identities(removed)
            removed.delete()
    return False


@transaction.atomic
def _remove_old(workspace_id: UUID, job_id: UUID, ended_before: datetime) -> bool:
    """Hide a job; return False when a worker has it, or it has changed."""
    jobs = BulkJob.objects.kept().in_workspace(workspace_id).filter(id=job_id)
    locked = jobs.select_for_update(no_key=True, skip_locked=True)
    job = locked.filter(status__in=STILL, updated_at__lt=ended_before).first()
    if job is not None:
        _remove(job)
    return job is not None


def remove_stray_files(*, stored_before: datetime) -> int:
    """Remove files without a job, left by killed processes; return their number.

    `stored_before` must leave the time that an upload, or an export, may take.
    """
    return sum(
        _remove_strays(folder, jobs, stored_before)
        for folder, jobs in ((FOLDER, BulkJob.objects.all()), (EXPORTS, ExportJob.objects.all()))
    )


def _remove_strays(folder: str, jobs: QuerySet[Any], stored_before: datetime) -> int:
    try:
        names = default_storage.listdir(folder)[1]
    except FileNotFoundError:
        return 0
    removed = 0
    for begin in range(0, len(names), FILES_AT_ONCE):
        some = {f"{folder}/{name}" for name in names[begin : begin + FILES_AT_ONCE]}
        for name in some - set(jobs.filter(file__in=some).values_list("file", flat=True)):
            with suppress(FileNotFoundError):
                if default_storage.get_modified_time(name) < stored_before:
                    default_storage.delete(name)
                    removed += 1
    return removed


def _remove(job: BulkJob) -> None:
    """Hide a job that the caller has locked."""
    if job.file.name:
        transaction.on_commit(partial(default_storage.delete, job.file.name), robust=True)
    if job.status not in STILL:
        job.status = BulkJobStatus.STOPPED
    job.file, job.claim, job.removed_at = "", None, timezone.now()
    job.save(update_fields=["status", "file", "claim", "removed_at"])
    _forget_identities(job)


def _forget_identities(job: BulkJob) -> None:
    ForgottenIdentity.objects.filter(workspace_id=job.workspace_id, job_id=job.id).delete()
