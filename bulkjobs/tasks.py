"""Celery shells round actions."""

from __future__ import annotations

from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from bulkjobs.actions.loading import TASK
from bulkjobs.actions.processing import process, remove_old_results
from contacthub_project.messaging.enqueue import enqueue

TASK_SECONDS = 10.0  # then other tasks get a turn


@shared_task(name=TASK)
def work() -> None:
    """Work on bulk jobs for a while, and ask for another go."""
    if not process(seconds=TASK_SECONDS):
        enqueue(TASK)


@shared_task(name="bulkjobs.tasks.remove_old")
def remove_old() -> None:
    """Forget the jobs and results of long ago."""
    remove_old_results(timezone.now() - timedelta(days=settings.BULK_DAYS))
