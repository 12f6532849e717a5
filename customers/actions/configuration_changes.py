"""What customers do about facts of the configuration below."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from configuration.signals import (
    customer_extended_changed,
    placeholders_changed,
    source_priority_changed,
)
from contacthub_project.messaging.enqueue import enqueue_on_commit
from customers.actions.aggregation import recognise_all_again, remerge_all
from customers.actions.property_indexes import TASK


def connect() -> None:
    """Listen; called once per process while Django starts."""
    customer_extended_changed.connect(_look_at_indexes, dispatch_uid="property indexes")
    for changed in (customer_extended_changed, source_priority_changed):
        changed.connect(_merge_again, dispatch_uid="aggregates")
    placeholders_changed.connect(_recognise_again, dispatch_uid="aggregates")


def _merge_again(*, workspace_id: UUID, **_: Any) -> None:
    remerge_all(workspace_id)


def _recognise_again(*, workspace_id: UUID, **_: Any) -> None:
    recognise_all_again(workspace_id)


def _look_at_indexes(**_: Any) -> None:
    enqueue_on_commit(TASK)
