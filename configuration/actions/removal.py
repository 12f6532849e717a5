"""Removes the data of deleted workspaces and nodes, in short, resumable transactions."""

from __future__ import annotations

import time
from uuid import UUID

from django.db import transaction

from configuration.actions.changing import lock_workspace_row
from configuration.models import (
    IdempotencyKey,
    Node,
    NodeGrant,
    NodeState,
    Rekeying,
    SendSource,
    SourceNode,
    Workspace,
)
from configuration.queries.rules import configuration_changed
from contacthub_project.db.tenant_data import all_owners
from contacthub_project.messaging.pubsub import notify_on_commit

TASK = "configuration.tasks.remove_deleted"
BATCH = 1000
# What a node that is being emptied loses.
EVERYTHING, EVENTS_ONLY = "ALL", "EVENTS"


def remove_deleted(*, seconds: float) -> bool:
    """Remove deleted data for about so many seconds; return whether none is left."""
    deadline = time.monotonic() + seconds
    for node in Node.objects.removed():
        if not _empty(node.workspace_id, node.id, deadline):
            return False
        _remove_node(node)
    for node in Node.objects.being_emptied():
        if not _empty(
            node.workspace_id, node.id, deadline, events_only=node.emptying == EVENTS_ONLY
        ):
            return False
        _reopen(node)
    for workspace_id in list(Workspace.objects.removed().values_list("id", flat=True)):
        if not _remove_workspace(workspace_id, deadline):
            return False
    return True


def _remove_workspace(workspace_id: UUID, deadline: float) -> bool:
    nodes = Node.objects.filter(workspace_id=workspace_id)
    for node_id in list(nodes.values_list("id", flat=True)):
        if not _empty(workspace_id, node_id, deadline):
            return False
    for owner in all_owners():
        while owner.erase_workspace_batch(workspace_id=workspace_id, limit=BATCH):
            if time.monotonic() > deadline:
                return False
    with transaction.atomic():
        IdempotencyKey.objects.in_workspace(workspace_id).delete()
        for node in nodes:
            _remove_node(node)
        Workspace.objects.filter(id=workspace_id).delete()
    return True


@transaction.atomic
def _remove_node(node: Node) -> None:
    """Remove the row of an empty node, and what configures it."""
    for model in (Rekeying, NodeGrant, SourceNode, SendSource):
        model.objects.filter(workspace_id=node.workspace_id, node_id=node.id).delete()
    node.delete()


@transaction.atomic
def _reopen(node: Node) -> None:
    lock_workspace_row(node.workspace_id)
    Node.objects.in_workspace(node.workspace_id).filter(id=node.id).update(
        state=NodeState.ACTIVE, emptying=None
    )
    configuration_changed(node.workspace_id)


def _empty(
    workspace_id: UUID, node_id: UUID, deadline: float, *, events_only: bool = False
) -> bool:
    """Remove the node's data until the deadline; return whether it is empty."""
    owners = [each for each in all_owners() if each.holds_events or not events_only]
    for owner in owners:
        while owner.erase_node_batch(workspace_id=workspace_id, node_id=node_id, limit=BATCH):
            notify_on_commit(workspace_id)
            if time.monotonic() > deadline:
                return False
    return True
