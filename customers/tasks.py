"""Celery shells round actions."""

from __future__ import annotations

from celery import shared_task

from customers.actions import feed, property_indexes


@shared_task(name=property_indexes.TASK)
def reconcile_property_indexes() -> None:
    """Make the indexes on extended properties what the configuration says."""
    property_indexes.reconcile()


@shared_task(name="customers.tasks.trim_feeds")
def trim_feeds() -> None:
    """Forget changes that are older than the feed keeps them."""
    feed.trim_all()
