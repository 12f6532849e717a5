"""Pins entry customers together in an aggregate node, or keeps them apart."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from configuration.models import NodeState, NodeType
from configuration.queries.rules import NodeRules, WorkspaceRules
from contacthub_project.core.errors import Conflict, FieldError, Invalid, Locked, NotFound
from contacthub_project.core.principal import Principal
from customers.actions.aggregation import lock_aggregates, remerge
from customers.domain.matching import match_key
from customers.models import AggregatePin, Customer
from customers.models.customer_row import CustomerRow
from customers.queries.documents import document_of


@transaction.atomic
def pin_customer(
    workspace: WorkspaceRules, node: NodeRules, customer_id: UUID, *, to: UUID | None, by: Principal
) -> AggregatePin:
    """Pin a customer to the person of `to`, or to a person of its own (None).

    Both stay where they are put, whatever becomes of their values. Raises NotFound for a customer
    that is no member of the node's entry nodes, Invalid for `to`, Conflict for an entry node.
    """
    lock_aggregates(workspace.id)
    _check_node(node)
    rows = _members(workspace, node, [customer_id, *([] if to is None else [to])])
    if customer_id not in rows:
        raise NotFound(f"customer not found {customer_id}")
    if to is None:
        key = hashlib.sha256(f"apart {node.id} {customer_id}".encode()).digest()
        _store(workspace.id, node.id, customer_id, key, is_apart=True, by=by)
    else:
        if to not in rows or to == customer_id:
            raise Invalid.at("/with", "is no other customer of the entry nodes", "reference")
        key = _key_of(workspace.id, node, rows[to])
        for each in (customer_id, to):
            _store(workspace.id, node.id, each, key, is_apart=False, by=by)
    remerge(workspace.id, entries=list(rows), only_node=node.id)
    pins = AggregatePin.objects.in_workspace(workspace.id)
    return pins.get(node_id=node.id, customer_id=customer_id)


@transaction.atomic
def unpin_customer(workspace: WorkspaceRules, node: NodeRules, customer_id: UUID) -> None:
    """Remove a pin, so that the customer's values decide again; raises NotFound."""
    lock_aggregates(workspace.id)
    _check_node(node)
    pins = AggregatePin.objects.in_workspace(workspace.id)
    if not pins.filter(node_id=node.id, customer_id=customer_id).delete()[0]:
        raise NotFound(f"pin not found {customer_id}")
    remerge(workspace.id, entries=[customer_id], only_node=node.id)


def _check_node(node: NodeRules) -> None:
    if node.type != NodeType.AGGREGATE:
        raise Conflict("Only customers of aggregate nodes can be pinned")
    if node.state == NodeState.LOCKED:
        raise Locked


def _members(
    workspace: WorkspaceRules, node: NodeRules, ids: list[UUID]
) -> Mapping[UUID, CustomerRow]:
    """Return the live customers among `ids` in the node's entry nodes."""
    rows = Customer.objects.live_rows(workspace.id, ids)
    return {UUID(row.id): row for row in rows if UUID(row.node_id) in node.entry_nodes}


def _key_of(workspace_id: UUID, node: NodeRules, row: CustomerRow) -> bytes:
    """Return the customer's matching key in the node; raises Invalid without one."""
    pins = AggregatePin.objects.in_workspace(workspace_id).filter(node_id=node.id)
    pinned = pins.filter(customer_id=row.id, is_apart=False).first()
    if pinned is not None:
        return bytes(pinned.match_key)
    key = match_key(node.matching, document_of(row))
    if key is None:
        fault = FieldError("/with", "has none of the values that the node matches by", "unique")
        raise Invalid(errors=[fault])
    return key


def _store(
    workspace_id: UUID,
    node_id: UUID,
    customer_id: UUID,
    key: bytes,
    *,
    is_apart: bool,
    by: Principal,
) -> None:
    pins = AggregatePin.objects.in_workspace(workspace_id)
    pins.filter(node_id=node_id, customer_id=customer_id).delete()
    AggregatePin.objects.create(
        workspace_id=workspace_id,
        node_id=node_id,
        customer_id=customer_id,
        match_key=key,
        is_apart=is_apart,
        pinned_at=timezone.now(),
        pinned_by=by.author,
    )
