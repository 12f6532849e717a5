"""Celery tasks; each calls one action."""

from __future__ import annotations

from celery import shared_task

from analytics.actions import folding, recounting, sampling
from contacthub_project.messaging.enqueue import enqueue

SECONDS_AT_A_TIME = 20.0


@shared_task(name=folding.TASK)
def fold() -> None:
    """Fold the deltas; enqueues itself while some are left."""
    if not folding.fold_all(seconds=SECONDS_AT_A_TIME):
        enqueue(folding.TASK)


@shared_task(name="analytics.tasks.recount")
def recount() -> None:
    """Recount every workspace, and correct counters that differ."""
    recounting.recount_all(repair=True)


@shared_task(name="analytics.tasks.sample_operations")
def sample_operations() -> None:
    """Take a sample of what waits in each workspace."""
    sampling.sample_all()
