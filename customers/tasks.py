"""Celery shells round actions."""

from __future__ import annotations

from celery import shared_task

from contacthub_project.messaging.enqueue import enqueue
from customers.actions import aggregation, feed, property_indexes

SLICE_SECONDS = 20.0


@shared_task(name=property_indexes.TASK)
def reconcile_property_indexes() -> None:
    """Make the indexes on extended properties what the configuration says."""
    property_indexes.reconcile()


@shared_task(name=aggregation.TASK)
def merge_pending() -> None:
    """Let aggregate customers follow their members for a while, and ask for another go."""
    if not aggregation.merge_pending(seconds=SLICE_SECONDS):
        enqueue(aggregation.TASK)


@shared_task(name="customers.tasks.trim_feeds")
def trim_feeds() -> None:
    """Forget changes that are older than the feed keeps them."""
    feed.trim_all()
