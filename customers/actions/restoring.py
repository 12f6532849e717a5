"""Restores deleted customers with their data."""

from __future__ import annotations

from uuid import UUID

import orjson

from configuration.queries.rules import WorkspaceRules
from contacthub_project.core.errors import Conflict, NotFound
from contacthub_project.core.principal import Principal
from contacthub_project.db.sql import fetch_one, load
from customers.actions.identity_locks import lock_identities, notify_identities_appeared
from customers.actions.matching_keys import claim_keys_of, key_identities
from customers.actions.repetition import repeated_on_conflict
from customers.actions.validation import open_node
from customers.actions.writes import enqueue_aggregate_merge, lock_open_node
from customers.domain.identities import EXTERNAL_ID, SESSION_ID
from customers.domain.matching import match_key
from customers.models import Customer, DeletedSession, DeletedState
from customers.models.customer_row import CustomerRow
from customers.observers import all_observers
from customers.queries.documents import document_of

RESTORE = load("customers/sql/restore_customer")


def restore_customer(workspace: WorkspaceRules, customer_id: UUID, *, by: Principal) -> CustomerRow:
    """Restore a deleted customer and return it; a live one is returned unchanged.

    Its events and sessions are restored, except those whose external id or value others have taken
    meanwhile. Events that arrived since and wait for it are attached. Raises NotFound for an erased
    one, Locked, and Conflict when another customer of its node has its key (`data.customer.id`).
    """
    # IntegrityError: a customer was just created with the key, which the next attempt finds.
    return repeated_on_conflict(workspace, lambda rules: _restored(rules, customer_id, by))


def _restored(workspace: WorkspaceRules, customer_id: UUID, by: Principal) -> CustomerRow:
    known = Customer.objects.known_row(workspace.id, customer_id)
    if known is None:
        raise NotFound(f"customer not found {customer_id}")
    node = open_node(workspace, UUID(known.node_id))
    hidden = DeletedSession.objects.filter(workspace_id=workspace.id, customer_id=customer_id)
    identities = [(SESSION_ID, value) for value in hidden.values_list("value", flat=True)]
    if known.external_id is not None:
        identities.append((EXTERNAL_ID, known.external_id))
    # The lock order of all writers: identities, the node, customers.
    locked = [(node.id, kind, value) for kind, value in identities]
    lock_identities(locked + key_identities(node, [document_of(known)]))
    lock_open_node(workspace.id, node)
    held = Customer.objects.lock_known_rows(workspace.id, [customer_id])
    if not held:
        raise NotFound(f"customer not found {customer_id}")
    (row,) = held
    if row.deleted == DeletedState.LIVE:
        return row
    key = match_key(node.matching, document_of(row))
    _check_nobody_has(workspace.id, node.id, key)
    text, sessions = fetch_one(
        RESTORE,
        {
            "workspace_id": workspace.id,
            "id": customer_id,
            "match_key": key,
            "author": by.author,
            "keeps_history": workspace.keeps_history,
        },
    )
    claim_keys_of(workspace.id, node, {customer_id: document_of(row)})
    for observer in all_observers():
        observer.customer_restored(workspace_id=workspace.id, customer_id=customer_id)
    appeared = [(customer_id, SESSION_ID, value) for value in sessions]
    if row.external_id is not None:
        appeared.append((customer_id, EXTERNAL_ID, row.external_id))
    notify_identities_appeared(workspace.id, node.id, appeared)
    enqueue_aggregate_merge(node)
    return CustomerRow(*orjson.loads(text))


def _check_nobody_has(workspace_id: UUID, node_id: UUID, key: bytes | None) -> None:
    if key is None:
        return
    other = Customer.objects.lock_same_person(workspace_id, node_id, key)
    if other is not None:
        raise Conflict(
            f"Conflict with existing customer {other.id}", data={"customer": {"id": other.id}}
        )
