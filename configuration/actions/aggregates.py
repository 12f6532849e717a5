"""Create, change, activate and delete aggregate nodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict
from uuid import UUID

from django.db import transaction

from configuration.actions.building import build_in_request, start_building, unmark_entry_nodes
from configuration.actions.changing import customer_schema_of, lock_workspace
from configuration.actions.nodes import lock_node, mark_removed
from configuration.domain.condition_parser import parse_condition
from configuration.domain.conditions import depends_on_now
from configuration.domain.customer_schema import CustomerSchema
from configuration.domain.matching_policy import policy_faults
from configuration.models import Node, NodeState, NodeType
from configuration.queries.rules import configuration_changed
from contacthub_project.core.errors import (
    Conflict,
    FieldError,
    Invalid,
    Locked,
    Stale,
    unknown_references,
)

IMMUTABLE = {
    "entry_nodes": "/entryNodes",
    "unique_properties": "/matchingProperties/properties",
    "case_sensitive": "/matchingProperties/caseSensitive",
}

# The only change of state that a client can ask for (reference).
ACTIVATION = (NodeState.NEW, NodeState.ACTIVE)


class AggregateNodeValues(TypedDict, total=False):
    """Values of an aggregate node by model field (reference: Aggregate nodes)."""

    name: str
    description: str | None
    image_url: str | None
    entry_nodes: list[UUID]
    unique_properties: list[str]
    case_sensitive: bool
    exclusion_filters: list[Any]
    state: str


@transaction.atomic
def create_aggregate_node(workspace_id: UUID, *, values: AggregateNodeValues) -> Node:
    """Create an aggregate node in state NEW, in which it has no customers.

    Raises Invalid for entry nodes, matching properties or exclusion filters that cannot be.
    """
    schema = customer_schema_of(lock_workspace(workspace_id))
    node = Node(workspace_id=workspace_id, type=NodeType.AGGREGATE, state=NodeState.NEW, **values)
    faults = _policy_faults(node, schema) + _entry_faults(workspace_id, node.entry_nodes)
    faults += filter_faults(node.exclusion_filters, schema)
    if faults:
        raise Invalid(errors=faults)
    node.save(force_insert=True)
    configuration_changed(workspace_id)
    return node


def modify_aggregate_node(
    node: Node, *, values: AggregateNodeValues, expected_version: int | None
) -> Node:
    """Change name, description, image or exclusion filters; other filters rebuild the node.

    `state` ACTIVE also activates a NEW node. Raises Invalid when entry nodes or matching properties
    would change (reference: Modify aggregate node; their order does not count) or the state cannot,
    Stale when the version is not `expected_version`, Locked while the node is built.
    """
    return build_in_request(_modified(node, values, expected_version))


@transaction.atomic
def _modified(node: Node, values: Mapping[str, Any], expected_version: int | None) -> Node:
    schema = customer_schema_of(lock_workspace(node.workspace_id))
    node = lock_node(node)
    if node.state == NodeState.LOCKED:
        raise Locked
    if expected_version is not None and expected_version != node.version:
        raise Stale
    faults = [
        FieldError(place, "cannot be changed", "immutable")
        for name, place in IMMUTABLE.items()
        if name in values and not _is_same(values[name], getattr(node, name))
    ]
    faults += filter_faults(values.get("exclusion_filters", []), schema)
    state = values.get("state", node.state)
    is_activated = (node.state, state) == ACTIVATION
    if state != node.state and not is_activated:
        faults.append(FieldError("/state", f"cannot go from {node.state} to {state}", "immutable"))
    if faults:
        raise Invalid(errors=faults)
    before = node.exclusion_filters
    changing = [
        name
        for name in values
        if name not in IMMUTABLE and name != "state" and getattr(node, name) != values[name]
    ]
    if not changing and not is_activated:
        return node
    for name in changing:
        setattr(node, name, values[name])
    if is_activated or (node.exclusion_filters != before and node.state == NodeState.ACTIVE):
        start_building(node)
    node.version += 1
    node.save(update_fields=[*changing, "state", "version"])
    configuration_changed(node.workspace_id)
    return node


def set_aggregate_state(node: Node, *, state: str) -> Node:
    """Activate a NEW node; setting the present state does nothing.

    While there is much to build the node is LOCKED instead of ACTIVE. Raises Conflict for other
    transitions.
    """
    return build_in_request(_with_state(node, state))


@transaction.atomic
def _with_state(node: Node, state: str) -> Node:
    lock_workspace(node.workspace_id)
    node = lock_node(node)
    if state == node.state:
        return node
    if (node.state, state) != ACTIVATION:
        raise Conflict(f"A node cannot go from {node.state} to {state}")
    start_building(node)
    node.version += 1
    node.save(update_fields=["state", "version"])
    configuration_changed(node.workspace_id)
    return node


@transaction.atomic
def delete_aggregate_node(node: Node) -> None:
    """Make an aggregate node unreachable; a task removes its data later."""
    lock_workspace(node.workspace_id)
    node = lock_node(node)
    mark_removed(node, state=NodeState.REMOVED)
    unmark_entry_nodes(node)


def filter_faults(filters: Sequence[Any], schema: CustomerSchema) -> list[FieldError]:
    """Return the faults of exclusion filters, each a condition of the query language.

    Filters cannot depend on the present time: customers are matched against them when they change.
    """
    faults = []
    for index, each in enumerate(filters):
        at = f"/exclusionFilters/{index}"
        condition, condition_faults = parse_condition(each, schema, at=at)
        faults += condition_faults
        if condition is not None and depends_on_now(condition):
            message = "cannot be relative to now: customers are judged when they change"
            faults.append(FieldError(at, message, "relative"))
    return faults


def _is_same(given: Any, kept: Any) -> bool:
    """Return whether the values are equal; lists in any order."""
    return sorted(given) == sorted(kept) if isinstance(given, list) else given == kept


def _policy_faults(node: Node, schema: CustomerSchema) -> list[FieldError]:
    return [
        FieldError(f"/matchingProperties{fault.path}", fault.message, fault.code)
        for fault in policy_faults(node.matching, schema)
    ]


def _entry_faults(workspace_id: UUID, entry_nodes: Sequence[UUID]) -> list[FieldError]:
    known = set(
        Node.objects.in_workspace(workspace_id)
        .entries()
        .filter(id__in=entry_nodes)
        .values_list("id", flat=True)
    )
    faults = unknown_references(
        entry_nodes, known, at="/entryNodes/{}", message="is not an entry node of this workspace"
    )
    if len(set(entry_nodes)) < len(entry_nodes):
        faults.append(FieldError("/entryNodes", "names a node twice", "uniqueItems"))
    return faults
