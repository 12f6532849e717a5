"""Celery shells round actions."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from bulkjobs.actions import exporting, loading, removal, storage
from bulkjobs.actions.processing import process
from contacthub_project.messaging.enqueue import enqueue

TASK_SECONDS = 10.0  # then other tasks get a turn


@shared_task(name=loading.TASK)
def work() -> None:
    """Work on bulk jobs for a while, and ask for another go."""
    if not process(seconds=TASK_SECONDS):
        enqueue(loading.TASK)


@shared_task(name=exporting.TASK)
def export() -> None:
    """Write exports that wait; jobs get every other second meanwhile."""
    exporting.write_exports(meanwhile=partial(process, seconds=1.0))


@shared_task(name=removal.TASK, needs_room=False)
def remove_old() -> None:
    """Remove the jobs and results of long ago, and what is left of deleted jobs."""
    ended_before = timezone.now() - timedelta(days=settings.BULK_DAYS)
    exporting.remove_exports(ended_before=timezone.now() - timedelta(days=settings.EXPORT_DAYS))
    if not removal.remove_jobs(ended_before=ended_before, seconds=TASK_SECONDS):
        enqueue(removal.TASK)


@shared_task(name="bulkjobs.tasks.remove_stray_files", needs_room=False)
def remove_stray_files() -> None:
    """Remove uploads of yesterday and before that became no job."""
    storage.remove_old_copies()
    removal.remove_stray_files(stored_before=timezone.now() - timedelta(days=1))
