"""Reacts to changes of the configuration."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from configuration.signals import (
    country_changed,
    customer_extended_changed,
    placeholders_changed,
    source_priority_changed,
)
from contacthub_project.messaging.enqueue import enqueue_on_commit
from customers.actions import duplicates
from customers.actions.pending_merges import rematch_all, remerge_all
from customers.actions.property_indexes import TASK


def connect() -> None:
    """Connect the receivers; called once per process while Django starts."""
    customer_extended_changed.connect(_look_at_indexes, dispatch_uid="property indexes")
    for changed in (customer_extended_changed, source_priority_changed):
        changed.connect(_merge_again, dispatch_uid="aggregates")
    country_changed.connect(_look_for_duplicates, dispatch_uid="duplicates")
    placeholders_changed.connect(_match_again, dispatch_uid="aggregates")


def _merge_again(*, workspace_id: UUID, **_: Any) -> None:
    remerge_all(workspace_id)


def _match_again(*, workspace_id: UUID, **_: Any) -> None:
    rematch_all(workspace_id)


def _look_for_duplicates(*, workspace_id: UUID, **_: Any) -> None:
    duplicates.rebuild(workspace_id)


def _look_at_indexes(**_: Any) -> None:
    enqueue_on_commit(TASK)
