"""Making, changing and deleting entry nodes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from configuration.actions.removal import TASK
from configuration.domain.customer_schema import CustomerSchema
from configuration.domain.matching_policy import MatchingPolicy, policy_faults
from configuration.models import Node, NodeType, Source
from configuration.rules import configuration_changed
from contacthub_project.data_holders import all_holders
from contacthub_project.errors import Conflict, FieldError, Invalid, NotFound, Stale
from contacthub_project.nudges import nudge_on_commit

# What an entry node is given when it is made or changed (reference: Create entry node).
EntryNodeValues = dict[str, Any]


@transaction.atomic
def create_entry_node(
    workspace_id: UUID, *, values: EntryNodeValues, schema: CustomerSchema
) -> Node:
    """A new entry node; raises Invalid when a policy names what customers do not have."""
    node = Node(workspace_id=workspace_id, type=NodeType.ENTRY, **values)
    _check(node, schema)
    node.save(force_insert=True)
    configuration_changed(workspace_id)
    return node


@transaction.atomic
def modify_entry_node(
    node: Node, *, values: EntryNodeValues, schema: CustomerSchema, expected_version: int | None
) -> Node:
    """Change an entry node.

    Raises Stale when somebody else changed it first, Conflict when a policy that recognises
    customers changes while there are any.
    """
    node = lock_node(node)
    if expected_version is not None and expected_version != node.version:
        raise Stale
    matching_before = (node.unique_properties, node.case_sensitive)
    for name, value in values.items():
        setattr(node, name, value)
    _check(node, schema)
    if matching_before != (node.unique_properties, node.case_sensitive):
        _check_no_customers(node)
    node.version += 1
    node.save(update_fields=[*values, "version"])
    configuration_changed(node.workspace_id)
    return node


@transaction.atomic
def delete_entry_node(node: Node) -> None:
    """Make a node unreachable at once; a task then removes its data in batches."""
    node = lock_node(node)
    node.removed_at = timezone.now()
    node.save(update_fields=["removed_at"])
    configuration_changed(node.workspace_id)
    nudge_on_commit(TASK)


def lock_node(node: Node) -> Node:
    """The node as it is now, kept from every other writer until the transaction ends.

    Writers of customers hold a weaker lock on the row, so this waits for those under way.
    """
    locked = Node.objects.in_workspace(node.workspace_id).select_for_update().filter(id=node.id)
    found = locked.first()
    if found is None:
        raise NotFound(f"node not found {node.id}")
    return found


def _check(node: Node, schema: CustomerSchema) -> None:
    policy = MatchingPolicy(tuple(node.unique_properties), node.case_sensitive)
    faults = [
        FieldError(f"/uniqueCustomer{fault.path}", fault.message, fault.code)
        for fault in policy_faults(policy, schema)
    ]
    faults += [
        FieldError(f"/mandatoryProperties/{index}", "must name a property of a customer", "path")
        for index, path in enumerate(node.mandatory_properties)
        if not schema.has(path)
    ]
    faults += _source_faults(node.workspace_id, node.source_priority)
    if faults:
        raise Invalid(errors=faults)


def _source_faults(workspace_id: UUID, source_ids: Sequence[UUID]) -> list[FieldError]:
    known = set(
        Source.objects.in_workspace(workspace_id)
        .filter(Q(id__in=source_ids))
        .values_list("id", flat=True)
    )
    return [
        FieldError(f"/sourcePriority/{index}", "is not a source of this workspace", "reference")
        for index, source_id in enumerate(source_ids)
        if source_id not in known
    ]


def _check_no_customers(node: Node) -> None:
    if any(holder.has_data(node_id=node.id) for holder in all_holders()):
        raise Conflict("The node has customers, which are recognised by the policy it has")
