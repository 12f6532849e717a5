"""Celery tasks; each calls one action."""

from __future__ import annotations

from celery import shared_task

from contacthub_project.messaging.enqueue import enqueue
from events.actions import attachment, inactivity, purge

SECONDS_AT_A_TIME = 50.0


@shared_task(name="events.tasks.start_purge")
def start_purge() -> None:
    """Start the retention purge of every workspace."""
    purge.start_runs()
    enqueue(purge.TASK)


@shared_task(name=purge.TASK)
def go_on_purging() -> None:
    """Continue the purges for a limited time; enqueues itself while some are left."""
    if not purge.go_on(seconds=SECONDS_AT_A_TIME):
        enqueue(purge.TASK)


@shared_task(name=inactivity.TASK)
def delete_inactive_customers() -> None:
    """Delete inactive customers for a limited time; enqueues itself while some are left."""
    if not inactivity.delete_inactive(seconds=SECONDS_AT_A_TIME):
        enqueue(inactivity.TASK)


@shared_task(name="events.tasks.sum_up_dropped_events")
def sum_up_dropped_events() -> None:
    """Merge the counts of dropped events."""
    attachment.sum_up_dropped_events()
