"""Celery shells round actions."""

from __future__ import annotations

from celery import shared_task

from analytics.actions import folding, recounting
from contacthub_project.messaging.enqueue import enqueue

SECONDS_AT_A_TIME = 20.0


@shared_task(name=folding.TASK)
def fold() -> None:
    """Fold what has been written since; the rest follows at once."""
    if not folding.fold_all(seconds=SECONDS_AT_A_TIME):
        enqueue(folding.TASK)


@shared_task(name="analytics.tasks.recount")
def recount() -> None:
    """Prove the counters of every workspace, and mend what differs."""
    recounting.recount_all(mend=True)
