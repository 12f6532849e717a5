"""Create, change, empty and delete entry nodes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypedDict
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from configuration.actions.changing import customer_schema_of, lock_workspace
from configuration.actions.contradictions import check_nobody_lacks
from configuration.actions.rekeying import start_rekeying
from configuration.actions.removal import EVENTS_ONLY, EVERYTHING, TASK
from configuration.domain.customer_schema import CustomerSchema
from configuration.domain.matching_policy import MatchingRule, policy_faults
from configuration.domain.normalizers import Normalizer
from configuration.models import Node, NodeState, NodeType, Source
from configuration.queries.rules import configuration_changed
from configuration.signals import source_priority_changed
from contacthub_project.core.errors import (
    Conflict,
    FieldError,
    Invalid,
    Locked,
    NotFound,
    Stale,
    unknown_references,
)
from contacthub_project.db.tenant_data import all_owners
from contacthub_project.messaging.enqueue import enqueue_on_commit

POLICY = "/uniqueCustomer"
POLICY_FIELDS = ("unique_properties", "case_sensitive", "matching_rules")


class EntryNodeValues(TypedDict, total=False):
    """Values of an entry node by model field (reference: Create entry node)."""

    name: str
    description: str | None
    image_url: str | None
    unique_properties: list[str]
    case_sensitive: bool
    matching_rules: list[Any]
    source_priority: list[UUID]
    mandatory_properties: list[str]


@transaction.atomic
def create_entry_node(workspace_id: UUID, *, values: EntryNodeValues) -> Node:
    """Create an entry node; raises Invalid for unknown properties or sources."""
    workspace = lock_workspace(workspace_id)
    node = Node(workspace_id=workspace_id, type=NodeType.ENTRY, **values)
    _check(node, customer_schema_of(workspace))
    node.save(force_insert=True)
    configuration_changed(workspace_id)
    return node


@transaction.atomic
def modify_entry_node(
    node: Node,
    *,
    values: EntryNodeValues,
    expected_version: int | None,
    policy_at: str = POLICY,
    force: bool = False,
) -> Node:
    """Change an entry node; values equal to the stored ones change nothing.

    `policy_at` is the pointer to the matching policy in the request. With another policy the node
    is locked and its customers are re-keyed first (`configuration.actions.rekeying`); nothing else
    has changed yet. Raises Invalid for unknown properties or sources, Conflict, unless `force`,
    when customers lack what will be required, Stale when the version is not `expected_version`,
    Locked while a task works in the node.
    """
    workspace = lock_workspace(node.workspace_id)
    node = lock_node(node)
    if expected_version is not None and expected_version != node.version:
        raise Stale
    if node.state == NodeState.LOCKED:
        raise Locked
    policy = _policy_of(node)
    priority = node.source_priority
    required = {*node.mandatory_properties, *_required_by_rules(node)}
    values = _with_rules(node, values)
    if all(getattr(node, name) == value for name, value in values.items()):
        return node
    for name, value in values.items():
        setattr(node, name, value)
    schema = customer_schema_of(workspace)
    _check(node, schema, policy_at)
    if not force:
        pointers = _required_pointers(node, policy_at)
        new = {path: at for path, at in pointers.items() if path not in required}
        check_nobody_lacks(node.workspace_id, node.id, schema, new)
    if policy != _policy_of(node) and _has_data(node):
        _rekey_first(node, values)
    else:
        _save_change(node, priority)
    return node


def set_matching_rules(
    node: Node,
    rules: Sequence[MatchingRule],
    *,
    expected_version: int | None,
    force: bool = False,
) -> Node:
    """Change the rules by which an entry node recognises customers, as `modify_entry_node` does.

    Telephone numbers without a prefix are those of the workspace's country, unless a rule says
    another one; a rule keeps its country when that of the workspace changes.
    """
    country = node.workspace.country
    given = [_with_country(rule, country) for rule in rules]
    first = given[0]
    is_plain = len(given) == 1 and first.is_plain
    values: EntryNodeValues = {
        "unique_properties": first.paths,
        "case_sensitive": first.case_sensitive,
        "matching_rules": [] if is_plain else [rule.as_json() for rule in given],
    }
    return modify_entry_node(
        node,
        values=values,
        expected_version=expected_version,
        policy_at="/rules/0" if is_plain else "",
        force=force,
    )


def _with_country(rule: MatchingRule, country: str | None) -> MatchingRule:
    return MatchingRule(
        tuple(
            replace(each, country=each.country or country)
            if each.normalizer == Normalizer.PHONE
            else each
            for each in rule.properties
        )
    )


def _with_rules(node: Node, values: EntryNodeValues) -> EntryNodeValues:
    """Return the values; another `uniqueCustomer` replaces all rules, the same one none."""
    if "matching_rules" in values or all(
        values.get(name, getattr(node, name)) == getattr(node, name)
        for name in ("unique_properties", "case_sensitive")
    ):
        return values
    return {**values, "matching_rules": []}


def _policy_of(node: Node) -> dict[str, Any]:
    """Return the node's matching policy by model field."""
    return {name: getattr(node, name) for name in POLICY_FIELDS}


def _rekey_first(node: Node, values: EntryNodeValues) -> None:
    """Lock the node, whose change is not saved yet, and record the change for re-keying."""
    start_rekeying(node, dict(values) | _policy_of(node))
    configuration_changed(node.workspace_id)
    enqueue_on_commit(TASK)
    node.refresh_from_db()


def _save_change(node: Node, priority_before: list[UUID]) -> None:
    """Save the node's change."""
    node.version += 1
    node.save()
    configuration_changed(node.workspace_id)
    if node.is_aggregated and node.source_priority != priority_before:
        source_priority_changed.send(Node, workspace_id=node.workspace_id)


@transaction.atomic
def delete_entry_node(node: Node) -> None:
    """Make a node unreachable; a task removes its data in batches.

    Raises Conflict while an aggregate node is made of it.
    """
    lock_workspace(node.workspace_id)
    node = lock_node(node)
    if Node.objects.in_workspace(node.workspace_id).filter(entry_nodes__contains=[node.id]):
        raise Conflict("An aggregate node is made of this node; delete that one first")
    mark_removed(node, state=NodeState.REMOVED)


@transaction.atomic
def empty_entry_node(node: Node, *, events_only: bool) -> None:
    """Remove all customers and events of a node, or its events only, by a task.

    Writes to the node are answered 423 until the task has finished. Raises Locked when a task works
    in the node already.
    """
    lock_workspace(node.workspace_id)
    node = lock_node(node)
    if node.state != NodeState.ACTIVE:
        raise Locked
    node.state = NodeState.LOCKED
    node.emptying = EVENTS_ONLY if events_only else EVERYTHING
    node.save(update_fields=["state", "emptying"])
    configuration_changed(node.workspace_id)
    enqueue_on_commit(TASK)


def mark_removed(node: Node, *, state: NodeState) -> None:
    """Make a locked node unreachable and enqueue the removal of its data."""
    node.state = state
    node.removed_at = timezone.now()
    node.save(update_fields=["state", "removed_at"])
    configuration_changed(node.workspace_id)
    enqueue_on_commit(TASK)


def lock_node(node: Node) -> Node:
    """Lock the node and return it as it is now; raises NotFound.

    Waits for writers of customers, which hold a weaker lock on the row.
    """
    locked = Node.objects.in_workspace(node.workspace_id).select_for_update().filter(id=node.id)
    found = locked.first()
    if found is None:
        raise NotFound(f"node not found {node.id}")
    return found


def _check(node: Node, schema: CustomerSchema, policy_at: str = POLICY) -> None:
    faults = [
        FieldError(policy_at + fault.path, fault.message, fault.code)
        for fault in policy_faults(node.matching, schema)
    ]
    faults += [
        FieldError(f"/mandatoryProperties/{index}", "must name a property of a customer", "path")
        for index, path in enumerate(node.mandatory_properties)
        if not schema.has(path)
    ]
    faults += _source_faults(node.workspace_id, node.source_priority)
    if faults:
        raise Invalid(errors=faults)


def _required_pointers(node: Node, policy_at: str) -> dict[str, str]:
    """Return the required properties, each with its pointer in the request."""
    mandatory = {
        path: f"/mandatoryProperties/{index}"
        for index, path in enumerate(node.mandatory_properties)
    }
    at = f"{policy_at}/rules/0" if node.matching_rules else policy_at
    unique = {
        path: f"{at}/properties/{index}" for index, path in enumerate(_required_by_rules(node))
    }
    return mandatory | unique


def _required_by_rules(node: Node) -> Sequence[str]:
    """Return the properties that every customer must have: of several rules, any one will do."""
    return [] if node.matching.has_several_rules else node.unique_properties


def _source_faults(workspace_id: UUID, source_ids: Sequence[UUID]) -> list[FieldError]:
    known = set(
        Source.objects.in_workspace(workspace_id)
        .filter(Q(id__in=source_ids))
        .values_list("id", flat=True)
    )
    return unknown_references(
        source_ids, known, at="/sourcePriority/{}", message="is not a source of this workspace"
    )


def _has_data(node: Node) -> bool:
    return any(
        owner.count_up_to(workspace_id=node.workspace_id, node_id=node.id, most=1)
        for owner in all_owners()
    )
