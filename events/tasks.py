"""Celery shells round actions."""

from __future__ import annotations

from celery import shared_task

from contacthub_project.messaging.enqueue import enqueue
from events.actions import attachment, idempotency, purge

SECONDS_AT_A_TIME = 50.0


@shared_task(name="events.tasks.start_purge")
def start_purge() -> None:
    """Begin the nightly purge of every workspace."""
    purge.start_runs()
    enqueue(purge.TASK)


@shared_task(name=purge.TASK)
def go_on_purging() -> None:
    """Work on the purges under way, a bounded time; the rest follows at once."""
    if not purge.go_on(seconds=SECONDS_AT_A_TIME):
        enqueue(purge.TASK)


@shared_task(name="events.tasks.clear_old_keys")
def clear_old_keys() -> None:
    """Forget the idempotency keys of yesterday."""
    idempotency.clear_old_keys()


@shared_task(name="events.tasks.sum_up_dropped_events")
def sum_up_dropped_events() -> None:
    """Sum up what was counted of dropped events."""
    attachment.sum_up_dropped_events()
