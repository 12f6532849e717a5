"""Celery tasks; each calls one action."""

from __future__ import annotations

from celery import shared_task

from contacthub_project.messaging.enqueue import enqueue
from segments.actions import refreshing, verification

SLICE_SECONDS = 20.0


@shared_task(name=refreshing.TASK)
def refresh() -> None:
    """Keep the members of segments as they should be, and ask for another go if some is left."""
    if not refreshing.refresh(seconds=SLICE_SECONDS):
        enqueue(refreshing.TASK)


@shared_task(name="segments.tasks.verify")
def verify() -> None:
    """Verify the members of all segments, and repair differences."""
    verification.verify_all()


@shared_task(name="segments.tasks.remove_old_changes")
def remove_old_changes() -> None:
    """Delete old membership changes."""
    verification.remove_old_changes()
