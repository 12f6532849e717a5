"""Re-key all customers of a node for another matching policy, or none of them.

The node is locked (423 to writes of customers) from the request until the change is in force or
given up, so nobody writes under either policy meanwhile. No step holds more than a batch:

1. COMPUTING: the new keys go into a table of their own, batch by batch.
2. CHECKING: if two customers would share a key, the change is given up; nothing was touched yet.
3. WRITING: the keys go to the customers, batch by batch. Keys of two policies are never equal, so
   old and new keys do not collide.
4. APPLYING: one short transaction, which locks the workspace and then the node as every change of
   the configuration does, saves the requested change of the node and unlocks it.

Each batch is a transaction that also records the position, so another process resumes after a
crash. Few customers are re-keyed within the request, many by a task.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from configuration.actions.changing import lock_workspace_row
from configuration.domain.matching_policy import MatchingPolicy, policy_of
from configuration.domain.placeholders import placeholders_of
from configuration.models import Node, NodeState, Rekeying, RekeyingState, Source
from configuration.queries.rules import configuration_changed
from configuration.signals import source_priority_changed
from contacthub_project.core.errors import Conflict
from contacthub_project.db.tenant_data import all_owners

AT_ONCE = 5000  # customers that are re-keyed within the request
BATCH = 2000
MOST_COLLISIONS = 10


def start_rekeying(node: Node, change: Mapping[str, Any]) -> None:
    """Lock a node and record the change; call within the transaction that holds its lock.

    `change` holds values by model field.
    """
    total = sum(
        owner.start_rekeying(workspace_id=node.workspace_id, node_id=node.id)
        for owner in all_owners()
    )
    Rekeying.objects.update_or_create(
        workspace_id=node.workspace_id,
        node_id=node.id,
        defaults={
            "state": RekeyingState.COMPUTING,
            "change": _as_json(change),
            "position": None,
            "done": 0,
            "total": total,
            "collisions": [],
            "has_keys": True,
            "started_at": timezone.now(),
            "ended_at": None,
        },
    )
    Node.objects.in_workspace(node.workspace_id).filter(id=node.id).update(state=NodeState.LOCKED)


def rekey_in_request(node: Node) -> tuple[Node, Rekeying | None]:
    """Re-key for at most a request's time; return the node and, if unfinished, the re-keying.

    Raises Conflict, naming the customers that would be one person, when the change is given up.
    """
    rekeying = (
        Rekeying.objects.under_way().in_workspace(node.workspace_id).filter(node_id=node.id).first()
    )
    if rekeying is None:
        return node, None
    if rekeying.total <= AT_ONCE:
        rekey(node.workspace_id, node.id)
        rekeying.refresh_from_db()
        node.refresh_from_db()
    if rekeying.state == RekeyingState.COLLIDED:
        data = {"collisions": rekeying.collisions}
        raise Conflict("Customers of the node would become one person", data=data)
    return node, None if rekeying.has_ended else rekeying


def rekey_all(*, seconds: float) -> bool:
    """Continue all unfinished re-keyings; return whether none is left."""
    deadline = time.monotonic() + seconds
    unfinished = Rekeying.objects.unfinished().values_list("workspace_id", "node_id")
    return all(rekey(*each, deadline=deadline) for each in list(unfinished))


def rekey(workspace_id: UUID, node_id: UUID, *, deadline: float | None = None) -> bool:
    """Continue a node's re-keying; return whether it ended before the deadline (monotonic)."""
    while _step(workspace_id, node_id):
        if deadline is not None and time.monotonic() > deadline:
            return False
    return True


def _step(workspace_id: UUID, node_id: UUID) -> bool:
    """Do the next short transaction; return whether there was anything to do."""
    unfinished = Rekeying.objects.unfinished().in_workspace(workspace_id)
    rekeying = unfinished.filter(node_id=node_id).select_related("node").first()
    if rekeying is None:
        return False
    if rekeying.state == RekeyingState.CHECKING:
        _check(rekeying)
    elif rekeying.state == RekeyingState.APPLYING:
        _apply(rekeying)
    else:
        _do_batch(rekeying)
    return True


@transaction.atomic
def _do_batch(known: Rekeying) -> None:
    """Process the next batch of a state that passes over all customers."""
    locked = Rekeying.objects.select_for_update().in_workspace(known.workspace_id)
    rekeying = locked.filter(node_id=known.node_id).first()
    if rekeying is None or rekeying.state != known.state:
        return  # another process was faster
    node = known.node
    if rekeying.has_ended:
        rekeying.has_keys = any(
            owner.clear_keys(workspace_id=node.workspace_id, node_id=node.id, limit=BATCH)
            for owner in all_owners()
        )
        rekeying.save(update_fields=["has_keys"])
        return
    count, last = 0, rekeying.position
    for owner in all_owners():
        if rekeying.state == RekeyingState.COMPUTING:
            ids = owner.compute_keys(
                workspace_id=node.workspace_id,
                node_id=node.id,
                policy=_policy(node, rekeying.change),
                after=rekeying.position,
                limit=BATCH,
            )
        else:
            ids = owner.write_keys(
                workspace_id=node.workspace_id,
                node_id=node.id,
                after=rekeying.position,
                limit=BATCH,
            )
        if ids:
            count, last = count + len(ids), ids[-1]
    rekeying.done += count
    rekeying.position = last
    if not count:
        is_computed = rekeying.state == RekeyingState.COMPUTING
        rekeying.state = RekeyingState.CHECKING if is_computed else RekeyingState.APPLYING
    rekeying.save(update_fields=["state", "position", "done"])


def _check(rekeying: Rekeying) -> None:
    """Give the change up if customers would collide, else continue with WRITING."""
    node = rekeying.node
    collisions = [
        group
        for owner in all_owners()
        for group in owner.key_collisions(
            workspace_id=node.workspace_id, node_id=node.id, most=MOST_COLLISIONS
        )
    ]
    with transaction.atomic():
        locked = _lock(rekeying, RekeyingState.CHECKING)
        if locked is None:
            return
        node, rekeying = locked
        if not collisions:
            rekeying.state, rekeying.position, rekeying.done = RekeyingState.WRITING, None, 0
            rekeying.save(update_fields=["state", "position", "done"])
            return
        _end(rekeying, RekeyingState.COLLIDED, collisions)
        node.state = NodeState.ACTIVE
        node.save(update_fields=["state"])
        configuration_changed(node.workspace_id)


@transaction.atomic
def _apply(rekeying: Rekeying) -> None:
    """Save the requested change and unlock the node."""
    locked = _lock(rekeying, RekeyingState.APPLYING)
    if locked is None:
        return
    node, rekeying = locked
    priority = node.source_priority
    for name, value in rekeying.change.items():
        setattr(node, name, value)
    source_ids = [UUID(str(source)) for source in node.source_priority]
    sources = Source.objects.in_workspace(node.workspace_id).filter(id__in=source_ids)
    known = set(sources.values_list("id", flat=True))
    # A source may have been deleted meanwhile.
    node.source_priority = [source for source in source_ids if source in known]
    node.state = NodeState.ACTIVE
    node.version += 1
    node.save()
    _end(rekeying, RekeyingState.DONE, [])
    configuration_changed(node.workspace_id)
    if node.is_aggregated and node.source_priority != priority:
        source_priority_changed.send(Node, workspace_id=node.workspace_id)


def _lock(known: Rekeying, state: RekeyingState) -> tuple[Node, Rekeying] | None:
    """Lock the node and its re-keying in the documented order.

    Returns None when the re-keying is no longer in that state, or the node is gone.
    """
    lock_workspace_row(known.workspace_id)
    nodes = Node.objects.in_workspace(known.workspace_id).select_for_update()
    node = nodes.filter(id=known.node_id).first()
    if node is None:
        return None
    locked = Rekeying.objects.select_for_update().in_workspace(node.workspace_id)
    rekeying = locked.filter(node_id=node.id, state=state).first()
    return None if rekeying is None else (node, rekeying)


def _end(rekeying: Rekeying, state: RekeyingState, collisions: list[list[str]]) -> None:
    rekeying.state, rekeying.collisions = state, collisions
    rekeying.ended_at = timezone.now()
    rekeying.save(update_fields=["state", "collisions", "ended_at"])


def _policy(node: Node, change: Mapping[str, Any]) -> MatchingPolicy:
    placeholders = placeholders_of(node.workspace.placeholder_values)
    return policy_of(
        change["unique_properties"],
        change["case_sensitive"],
        change["matching_rules"],
        placeholders,
    )


def _as_json(change: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: [str(each) for each in value] if name == "source_priority" else value
        for name, value in change.items()
    }
