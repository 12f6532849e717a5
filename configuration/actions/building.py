"""Filling aggregate nodes: at once when it is little, else by a task, resumable.

A node is LOCKED from its activation, or a change of whom it leaves out, until it is built.
Meanwhile and ever after, what changes in its entry nodes is followed by those who keep customers.
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
    """Within a transaction that has locked an aggregate node: have it built, from the start.

    Entry nodes are locked as well, which waits for the writers under way: whoever writes after them
    knows that an aggregate follows.
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


def stop_following(node: Node) -> None:
    """Within a transaction: entry nodes of a removed aggregate node that no other follows."""
    others = Node.objects.in_workspace(node.workspace_id).aggregates().exclude(id=node.id)
    followed = {
        entry for other in others.exclude(state=NodeState.NEW) for entry in other.entry_nodes
    }
    Node.objects.filter(id__in=set(node.entry_nodes) - followed).update(is_aggregated=False)


def go_on_building(workspace_id: UUID, node_id: UUID, *, seconds: float) -> bool:
    """Build for about so many seconds; True, and the node is active, when it is done."""
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
    """The node, built when that is little to do; else LOCKED, and a task goes on."""
    if node.state == NodeState.LOCKED:
        go_on_building(node.workspace_id, node.id, seconds=SECONDS_IN_REQUEST)
        node.refresh_from_db()
    return node


def build_all(*, seconds: float) -> bool:
    """Go on with every aggregate node that is being built; True when none is left."""
    deadline = time.monotonic() + seconds
    building = Node.objects.filter(removed_at=None, state=NodeState.LOCKED).aggregates()
    for node in building:
        left = deadline - time.monotonic()
        if not go_on_building(node.workspace_id, node.id, seconds=left):
            return False
    return True
