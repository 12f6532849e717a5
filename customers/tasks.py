"""Celery shells round actions."""

from __future__ import annotations

from celery import shared_task

from customers.actions import property_indexes


@shared_task(name=property_indexes.TASK)
def reconcile_property_indexes() -> None:
    """Make the indexes on extended properties what the configuration says."""
    property_indexes.reconcile()
