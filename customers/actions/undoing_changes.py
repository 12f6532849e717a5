"""Undoes single changes of customers, such as a POST or an import that matched the wrong person.

As far as the workspace keeps their history. Merges of customers are undone as a whole
(`customers.actions.unmerging`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from configuration.queries.rules import WorkspaceRules
from contacthub_project.core.errors import Conflict, NotFound, Stale
from contacthub_project.core.principal import Principal
from customers.actions.customer_write import CustomerWrite, Outcome
from customers.actions.identity_locks import lock_identities, notify_identities_appeared
from customers.actions.matching_keys import key_identities
from customers.actions.modification import changed_row
from customers.actions.repetition import repeated_on_conflict
from customers.actions.suppression import note_return
from customers.actions.validation import check_document, open_node
from customers.actions.writes import (
    ConcurrentChange,
    NodeNotOpen,
    enqueue_aggregate_merge,
    lock_open_node,
    write_customers,
)
from customers.domain.identities import EXTERNAL_ID
from customers.domain.merge import Document, unchanged
from customers.domain.passwords import password_in, with_password
from customers.domain.record_merge import (
    before_merge,
    differing_consents,
    differing_paths,
    with_stricter_consents,
)
from customers.models import ChangeCause, Customer
from customers.models.customer_row import CustomerRow
from customers.queries.documents import document_of
from customers.queries.history import around
from customers.queries.suppressions import returning


@dataclass(frozen=True, slots=True)
class UndoneChange:
    """The customer after an undoing, or as it would be.

    `restored` are the paths of properties that are as before the change, `kept` those that have
    changed since, `stricter` those of consents that are not as wide as before.
    """

    row: CustomerRow
    restored: Sequence[str]
    kept: Sequence[str]
    stricter: Sequence[str]


@dataclass(frozen=True, slots=True)
class _Plan:
    after: Document
    result: UndoneChange
    brings_back: Sequence[bytes]


def preview_undoing(
    workspace: WorkspaceRules,
    customer_id: UUID,
    version: int,
    *,
    expected_version: int | None,
    by: Principal,
) -> UndoneChange:
    """Return the result that `undo_change` would have now, without locks and writes."""
    row = Customer.objects.live_row(workspace.id, customer_id)
    return _planned(workspace, _checked(row, customer_id, expected_version), version, by).result


def undo_change(
    workspace: WorkspaceRules,
    customer_id: UUID,
    version: int,
    *,
    expected_version: int | None,
    by: Principal,
) -> UndoneChange:
    """Give a customer the values that it had before the change that made `version` of it.

    What has changed since stays, and consents are never wider than they are. Raises NotFound,
    Gone when the history is not kept so far back, Stale, Locked, Invalid, and Conflict for a merge,
    and when another customer has its key (`data.customer.id`).
    """
    return repeated_on_conflict(
        workspace, lambda rules: _undone(rules, customer_id, version, expected_version, by)
    )


def _undone(
    workspace: WorkspaceRules,
    customer_id: UUID,
    version: int,
    expected_version: int | None,
    by: Principal,
) -> UndoneChange:
    known = _checked(
        Customer.objects.live_row(workspace.id, customer_id), customer_id, expected_version
    )
    plan = _planned(workspace, known, version, by)
    node = open_node(workspace, UUID(known.node_id))
    external_id = plan.after["externalId"]
    own = [] if external_id is None else [(node.id, EXTERNAL_ID, external_id)]
    lock_identities(own + key_identities(node, [plan.after]))
    lock_open_node(workspace.id, node)
    row = Customer.objects.lock_live_row(workspace.id, customer_id)
    if row is None or row.version != known.version:
        raise ConcurrentChange
    if unchanged(document_of(row), plan.after):
        return plan.result
    write = CustomerWrite.of_change(node, row, plan.after, by, cause=ChangeCause.UNDO)
    # Its external id is locked by now.
    (result,) = write_customers(workspace.id, [replace(write, appears=None)])
    if result.outcome is Outcome.NOT_OPEN:
        raise NodeNotOpen
    changed = changed_row(row, write, result)
    note_return(workspace.id, plan.brings_back, customer_id)
    if write.appears is not None:
        notify_identities_appeared(
            workspace.id, node.id, [(customer_id, EXTERNAL_ID, write.appears)]
        )
    enqueue_aggregate_merge(node)
    return replace(plan.result, row=changed)


def _checked(row: CustomerRow | None, customer_id: UUID, expected: int | None) -> CustomerRow:
    if row is None:
        raise NotFound(f"customer not found {customer_id}")
    if expected is not None and expected != row.version:
        raise Stale
    return row


def _planned(workspace: WorkspaceRules, row: CustomerRow, version: int, by: Principal) -> _Plan:
    """Return what the customer is to become; raises refusals."""
    node = open_node(workspace, UUID(row.node_id))
    cause, before, then = around(workspace.id, row, version)
    if cause == ChangeCause.MERGE:
        raise Conflict("The change is a merge: undo the merge")
    now = document_of(row)
    own = before_merge(before, then, now)
    after = with_stricter_consents(own, now)
    if password_in(now["base"]) is not None:
        # Histories hold no passwords: the present one stays.
        after = {**after, "base": with_password(after["base"], password_in(now["base"]))}
    check_document(workspace, node, after, before=now, given={})
    brings_back = returning(workspace, node, after, before=now, given={})
    changed = set(differing_paths(before, then))
    restored = set(differing_paths(now, after))
    result = UndoneChange(
        CustomerWrite.of_change(node, row, after, by).expected_row(row)
        if not unchanged(now, after)
        else row,
        sorted(restored),
        sorted(changed - restored),
        differing_consents(own, after),
    )
    return _Plan(after, result, brings_back)
