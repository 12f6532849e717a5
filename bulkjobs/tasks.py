"""Celery tasks; each calls one action."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from bulkjobs.actions import exporting, loading, removal, storage
from bulkjobs.actions.processing import process
from contacthub_project.messaging.enqueue import enqueue

TASK_SECONDS = 10.0  # then other tasks run


@shared_task(name=loading.TASK)
def work() -> None:
    """Process bulk jobs for a while; enqueues itself again."""
    if not process(seconds=TASK_SECONDS):
        enqueue(loading.TASK)


@shared_task(name=exporting.TASK)
def export() -> None:
    """Write waiting exports; jobs are processed every other second meanwhile."""
    exporting.write_exports(between_pieces=partial(process, seconds=1.0))


@shared_task(name=removal.TASK, needs_room=False)
def remove_old() -> None:
    """Remove old jobs and results, and the rest of deleted jobs."""
    ended_before = timezone.now() - timedelta(days=settings.BULK_DAYS)
    exporting.remove_exports(ended_before=timezone.now() - timedelta(days=settings.EXPORT_DAYS))
    if not removal.remove_jobs(ended_before=ended_before, seconds=TASK_SECONDS):
        enqueue(removal.TASK)


@shared_task(name="bulkjobs.tasks.remove_stray_files", needs_room=False)
def remove_stray_files() -> None:
    """Remove uploads of yesterday and before without a job."""
    storage.remove_old_copies()
    removal.remove_stray_files(stored_before=timezone.now() - timedelta(days=1))
