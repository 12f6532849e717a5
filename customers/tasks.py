"""Celery tasks; each calls one action."""

from __future__ import annotations

from celery import shared_task

from contacthub_project.messaging.enqueue import enqueue
from customers.actions import (
    deliveries,
    duplicates,
    expiry,
    feed,
    history_expiry,
    merge_journals,
    pending_merges,
    property_indexes,
    quarantine,
)

SLICE_SECONDS = 20.0
DELIVERY_SECONDS = 10.0  # short, for a worker that is asked to stop ends with its task


@shared_task(name=property_indexes.TASK)
def reconcile_property_indexes() -> None:
    """Create and drop indexes on extended properties as configured."""
    property_indexes.reconcile()


@shared_task(name=pending_merges.TASK)
def merge_pending() -> None:
    """Merge pending aggregate customers; enqueues itself again if some are left."""
    if not pending_merges.merge_pending(seconds=SLICE_SECONDS):
        enqueue(pending_merges.TASK)


@shared_task(name=expiry.TASK)
def erase_deleted() -> None:
    """Erase customers whose days since they were deleted are over, and ask for another go."""
    if not expiry.erase_deleted(seconds=SLICE_SECONDS):
        enqueue(expiry.TASK)


@shared_task(name=duplicates.TASK)
def find_duplicates() -> None:
    """Look for duplicates among what has changed, and ask for another go."""
    if not duplicates.find_duplicates(seconds=SLICE_SECONDS):
        enqueue(duplicates.TASK)


@shared_task(name=history_expiry.TASK)
def remove_old_history() -> None:
    """Remove replaced values that are kept no longer, and ask for another go."""
    if not history_expiry.remove_old_history(seconds=SLICE_SECONDS):
        enqueue(history_expiry.TASK)


@shared_task(name=merge_journals.TASK)
def remove_old_merge_journals() -> None:
    """Remove journals of merges that are kept no longer, and ask for another go."""
    if not merge_journals.remove_old_journals(seconds=SLICE_SECONDS):
        enqueue(merge_journals.TASK)


@shared_task(name="customers.tasks.trim_feeds")
def trim_feeds() -> None:
    """Delete changes that are older than the feed keeps them."""
    feed.trim_all()


@shared_task(name=deliveries.TASK)
def deliver() -> None:
    """Tell webhooks of changes for a while, and ask for another go."""
    if not deliveries.deliver(seconds=DELIVERY_SECONDS):
        enqueue(deliveries.TASK)


@shared_task(name="customers.tasks.remove_old_attempts")
def remove_old_attempts() -> None:
    """Remove old attempts from the log of webhooks."""
    deliveries.remove_old_attempts()


@shared_task(name="customers.tasks.remove_old_refusals")
def remove_old_refusals() -> None:
    """Remove old examples and counts of what was refused."""
    quarantine.remove_old()
