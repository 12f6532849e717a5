"""Build aggregate nodes: small ones within the request, large ones by a resumable task.

A node is LOCKED from its activation, or a change of its exclusion filters, until it is built. From
then on changes of customers in its entry nodes are merged into it (`TenantDataOwner`).
"""

from __future__ import annotations

import time
from uuid import UUID

from django.db import transaction

from configuration.actions.changing import lock_workspace_row
from configuration.models import Node, NodeState
from configuration.queries.rules import configuration_changed
from contacthub_project.db.tenant_data import all_owners
from contacthub_project.messaging.enqueue import enqueue_on_commit

TASK = "configuration.tasks.build_aggregates"
SECONDS_IN_REQUEST = 1.0


def start_building(node: Node) -> None:
    """Have a locked aggregate node built anew; call within the transaction that holds its lock.

    Locks the entry nodes too, which waits for writers under way: later writers see that the node is
    aggregated.
    """
    entries = Node.objects.in_workspace(node.workspace_id).filter(id__in=node.entry_nodes)
    for entry in entries.select_for_update().order_by("id"):
        if not entry.is_aggregated:
            entry.is_aggregated = True
            entry.save(update_fields=["is_aggregated"])
    node.state = NodeState.LOCKED
    for owner in all_owners():
        owner.start_building(workspace_id=node.workspace_id, node_id=node.id)
    enqueue_on_commit(TASK)


def unmark_entry_nodes(node: Node) -> None:
    """Unmark the entry nodes of a removed aggregate node that no other node aggregates."""
    others = Node.objects.in_workspace(node.workspace_id).aggregates().exclude(id=node.id)
    still_aggregated = {
        entry for other in others.exclude(state=NodeState.NEW) for entry in other.entry_nodes
    }
    entries = Node.objects.in_workspace(node.workspace_id)
    entries.filter(id__in=set(node.entry_nodes) - still_aggregated).update(is_aggregated=False)


def go_on_building(workspace_id: UUID, node_id: UUID, *, seconds: float) -> bool:
    """Build for about so many seconds; return whether the node is complete, and ACTIVE."""
    deadline = time.monotonic() + seconds
    for owner in all_owners():
        while not owner.build_batch(workspace_id=workspace_id, node_id=node_id):
            if time.monotonic() > deadline:
                return False
    with transaction.atomic():
        lock_workspace_row(workspace_id)
        locked = Node.objects.in_workspace(workspace_id).select_for_update()
        node = locked.filter(id=node_id, state=NodeState.LOCKED).first()
        if node is not None:
            node.state = NodeState.ACTIVE
            node.save(update_fields=["state"])
            configuration_changed(workspace_id)
    return True


def build_in_request(node: Node) -> Node:
    """Build a LOCKED node for at most SECONDS_IN_REQUEST and return it; a task does the rest."""
    if node.state == NodeState.LOCKED:
        go_on_building(node.workspace_id, node.id, seconds=SECONDS_IN_REQUEST)
        node.refresh_from_db()
    return node


def build_all(*, seconds: float) -> bool:
    """Build all LOCKED aggregate nodes for about so many seconds; return whether none is left."""
    deadline = time.monotonic() + seconds
    building = Node.objects.filter(removed_at=None, state=NodeState.LOCKED).aggregates()
    for node in building:
        left = deadline - time.monotonic()
        if not go_on_building(node.workspace_id, node.id, seconds=left):
            return False
    return True
