"""Deletes customers that have been inactive for longer than the workspace's retention.

They are deleted like any other: hidden with their events and sessions, with a change in the feed,
restorable until they are erased. Each batch is a transaction; after an interruption the next run
continues.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import structlog
from django.db import transaction
from django.utils import timezone

from configuration.domain.retention import months_before
from configuration.models import NodeState, NodeType, Workspace
from configuration.queries.rules import NodeRules, WorkspaceRules, latest_rules_of
from contacthub_project.core.principal import Principal
from contacthub_project.messaging.pubsub import notify_on_commit
from customers.actions.customer_write import CustomerWrite, Outcome
from customers.actions.writes import (
    NodeNotOpen,
    enqueue_aggregate_merge,
    lock_open_node,
    write_customers,
)
from customers.models import Customer, DeletedState
from customers.observers import all_observers
from events.models import Event
from events.queries.inactivity import inactive_customers

TASK = "events.tasks.delete_inactive_customers"
BATCH = 100

log = structlog.get_logger("contacthub.purge")


class _Position(NamedTuple):
    """The position in a node."""

    moment: datetime | None = None
    customer_id: UUID | None = None


def delete_inactive(*, seconds: float) -> bool:
    """Delete inactive customers for about so many seconds.

    Return True when all have been checked.
    """
    deadline = time.monotonic() + seconds
    silent = Workspace.objects.present().filter(customer_months__gt=0).order_by("id")
    for workspace_id, months in silent.values_list("id", "customer_months"):
        workspace = latest_rules_of(workspace_id)
        if workspace is None:
            continue
        before = months_before(timezone.now(), months)
        for node in _nodes(workspace):
            if not _delete_in_node(workspace, node, before, deadline):
                return False
    return True


def _nodes(workspace: WorkspaceRules) -> Iterator[NodeRules]:
    for node in workspace.nodes.values():
        if node.type == NodeType.ENTRY and node.state != NodeState.LOCKED:
            yield node


def _delete_in_node(
    workspace: WorkspaceRules, node: NodeRules, before: datetime, deadline: float
) -> bool:
    """Return whether the node has been checked to its end."""
    position, deleted = _Position(), 0
    while True:
        found = inactive_customers(
            workspace.id, node.id, before=before, after=position, limit=BATCH
        )
        if not found:
            break
        try:
            deleted += _delete_batch(workspace, node, [each for each, _ in found], before)
        except NodeNotOpen:
            break  # its policy is being changed: the next run continues
        customer_id, moment = found[-1]
        position = _Position(moment, customer_id)
        if time.monotonic() > deadline:
            return False
    if deleted:
        log.info("inactive customers deleted", node=str(node.id), deleted=deleted)
    return True


@transaction.atomic
def _delete_batch(
    workspace: WorkspaceRules, node: NodeRules, ids: list[UUID], before: datetime
) -> int:
    """Delete those of the customers that are still inactive once they are locked.

    Return the number.
    """
    lock_open_node(workspace.id, node)
    rows = Customer.objects.lock_known_rows(workspace.id, ids)
    heard_of = Event.objects.customers_active_since(workspace.id, ids, before)
    silent = [
        row
        for row in rows
        if row.deleted == DeletedState.LIVE
        and UUID(row.id) not in heard_of
        and datetime.fromisoformat(str(row.updated_at)) < before
    ]
    nobody = Principal(roles=frozenset(), workspaces=frozenset({workspace.id}), nodes=None)
    writes = [
        replace(CustomerWrite.of_deletion(node, UUID(row.id), row.version, nobody), updated_by=None)
        for row in silent
    ]
    results = write_customers(workspace.id, writes) if writes else []
    for write, result in zip(writes, results, strict=True):
        assert result.outcome is Outcome.WRITTEN, "it is held"
        for observer in all_observers():
            observer.customer_deleted(workspace_id=workspace.id, customer_id=write.id)
    if writes:
        enqueue_aggregate_merge(node)
        notify_on_commit(workspace.id)
    return len(writes)
