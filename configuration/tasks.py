"""Celery shells round actions; what is to be done stands in the database."""

from __future__ import annotations

from celery import shared_task

from configuration.actions import removal
from contacthub_project.nudges import nudge

SLICE_SECONDS = 20.0


@shared_task(name=removal.TASK)
def remove_deleted() -> None:
    """Remove data of deleted nodes and workspaces for a while, and ask for another go if needed."""
    if not removal.remove_deleted(seconds=SLICE_SECONDS):
        nudge(removal.TASK)
