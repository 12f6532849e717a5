"""Recognising a node's customers by another policy: all of them, or none.

The node is locked (423) from the moment the change is asked for until it is through or given up.
Few customers are re-keyed within the request; many by a task, which starts over when it is killed.
"""

from __future__ import annotations

from django.db import transaction

from configuration.actions.nodes import lock_node
from configuration.domain.matching_policy import MatchingPolicy
from configuration.domain.placeholders import placeholders_of
from configuration.models import Node, NodeState
from configuration.queries.rules import configuration_changed
from contacthub_project.core.errors import Conflict
from contacthub_project.db.tenant_data import all_owners

AT_ONCE = 5000  # customers that are re-keyed within the request


def finish_rekeying_in_request(node: Node) -> Node:
    """Finish now if the node is small; raises Conflict, naming customers that would collide."""
    if node.pending_policy is None:
        return node
    if all(
        owner.count_up_to(node_id=node.id, most=AT_ONCE) < AT_ONCE
        for owner in all_owners()
        if not owner.holds_events
    ):
        node = finish_rekeying(node)
        if node.rekeying_report is not None:
            raise Conflict(
                "Customers of the node would become one person", data=node.rekeying_report
            )
    return node


@transaction.atomic
def finish_rekeying(node: Node) -> Node:
    """Give every customer of the node its new key, and the node its new policy.

    When customers would collide nothing changes but the node's `rekeying_report`, which names them.
    """
    node = lock_node(node)
    if node.pending_policy is None:
        return node
    policy = MatchingPolicy(
        tuple(node.pending_policy["properties"]),
        node.pending_policy["caseSensitive"],
        placeholders_of(node.workspace.placeholder_values),
    )
    collisions = [
        collision
        for owner in all_owners()
        for collision in owner.rekey_node(
            workspace_id=node.workspace_id, node_id=node.id, policy=policy
        )
    ]
    if collisions:
        node.rekeying_report = {"collisions": collisions}
    else:
        node.unique_properties = list(policy.properties)
        node.case_sensitive = policy.case_sensitive
        node.rekeying_report = None
        node.version += 1
    node.pending_policy = None
    node.state = NodeState.ACTIVE
    node.save()
    configuration_changed(node.workspace_id)
    return node


def finish_all_rekeying() -> None:
    """Finish what was too large for a request, or was interrupted."""
    for node in Node.objects.being_rekeyed():
        finish_rekeying(node)
