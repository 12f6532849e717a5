"""Undoes merges: customers are as before, except that consents are never wider than now.

Changes and additions since the merge stay with the survivor, unless they name one of the customers.
Locks are taken as by a merge.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

import orjson
from django.utils import timezone

from configuration.queries.rules import NodeRules, WorkspaceRules
from contacthub_project.core.errors import Conflict, NotFound
from contacthub_project.core.principal import Principal
from contacthub_project.db.sql import fetch_all, load
from customers.actions.aggregation import lock_aggregates, remerge
from customers.actions.customer_write import CustomerWrite, Outcome
from customers.actions.identity_locks import lock_identities, notify_identities_appeared
from customers.actions.matching_keys import claim_keys_of, key_identities
from customers.actions.merge_journals import (
    restore_earlier_merges,
    stored_document,
    stored_row,
    unmerging_of,
)
from customers.actions.repetition import repeated_on_conflict
from customers.actions.validation import open_node
from customers.actions.writes import (
    ConcurrentChange,
    NodeNotOpen,
    enqueue_aggregate_merge,
    lock_open_node,
    write_customers,
)
from customers.domain.identities import EXTERNAL_ID
from customers.domain.matching import match_key
from customers.domain.merge import Document, unchanged
from customers.domain.record_merge import (
    before_merge,
    differing_consents,
    with_stricter_consents,
)
from customers.models import (
    ChangeCause,
    Customer,
    DeletedState,
    FormerIdentity,
    MergedCustomer,
    RecordMerge,
)
from customers.models.customer_row import CustomerRow
from customers.observers import Unmerging, all_observers
from customers.queries.documents import document_of

BRING_BACK = load("customers/sql/bring_back_merged")


@dataclass(frozen=True, slots=True)
class Unmerged:
    """An undone merge, or the preview of one.

    `counts` is by kind the number of rows that each customer gets back; kinds that begin with
    `later` were added after the merge. `stricter` are the paths of consents that differ from
    before, by customer.
    """

    merge: RecordMerge
    survivor: CustomerRow
    customers: Sequence[CustomerRow]
    counts: Mapping[str, Mapping[UUID, int]]
    stricter: Mapping[UUID, Sequence[str]] = field(default_factory=dict)


def preview_undo(workspace: WorkspaceRules, merge_id: UUID, *, by: Principal) -> Unmerged:
    """Return the result that `undo_merge` would have now, without locks and writes."""
    return _Undoing(workspace, merge_id, by).planned()


def undo_merge(workspace: WorkspaceRules, merge_id: UUID, *, by: Principal) -> Unmerged:
    """Separate merged customers again.

    Raises NotFound for an unknown merge, Locked, and Conflict when it was undone already, its
    journal has been removed, the survivor is missing, or another customer has the key of one of the
    customers (`data.customer.id`).
    """
    return repeated_on_conflict(workspace, lambda rules: _Undoing(rules, merge_id, by).made())


class _Undoing:
    """An undoing of a merge, with the rules as they were read."""

    def __init__(self, workspace: WorkspaceRules, merge_id: UUID, by: Principal) -> None:
        self._workspace = workspace
        self._by = by
        merge = RecordMerge.objects.in_workspace(workspace.id).filter(id=merge_id).first()
        if merge is None or merge.node_id not in workspace.nodes:
            raise NotFound(f"merge not found {merge_id}")
        self._merge = merge
        self._merged = list(
            MergedCustomer.objects.in_workspace(workspace.id)
            .filter(merge_id=merge_id)
            .order_by("customer_id")
        )

    def planned(self) -> Unmerged:
        """Return its result; raises refusals."""
        self._check_possible()
        node = open_node(self._workspace, self._merge.node_id)
        row = self._survivor(Customer.objects.live_row(self._workspace.id, self._merge.survivor_id))
        documents, own = self._documents(row), self._own(row)
        self._check_keys(node, row, own)
        survivor = CustomerWrite.of_change(node, row, own, self._by).expected_row(row)
        restored = [_with_document(each, documents[each.customer_id]) for each in self._merged]
        return self._result(survivor, restored, documents, self._returnable(node))

    def made(self) -> Unmerged:
        """Undo, within a transaction; raises NodeNotOpen or ConcurrentChange, to be repeated."""
        workspace_id, merge = self._workspace.id, self._merge
        self._check_possible()
        node = open_node(self._workspace, merge.node_id)
        if node.is_aggregated:
            lock_aggregates(workspace_id)
        unmerging = unmerging_of(node, self._merge, self._merged)
        identities = [
            (node.id, kind, value) for own in unmerging.identities.values() for kind, value in own
        ]
        documents_then = [stored_document(each) for each in self._merged]
        row = Customer.objects.live_row(workspace_id, merge.survivor_id)
        documents_then += [] if row is None else [self._own(row)]
        lock_identities(identities + key_identities(node, documents_then))
        lock_open_node(workspace_id, node)
        ids = [merge.survivor_id, *(each.customer_id for each in self._merged)]
        held = {row.id: row for row in Customer.objects.lock_rows(workspace_id, sorted(ids))}
        self._check_still_possible(held)
        row = held[str(merge.survivor_id)]
        documents, counts = self._documents(row), self._returnable(node)
        FormerIdentity.objects.in_workspace(workspace_id).filter(merge_id=merge.id).delete()
        survivor = self._write(node, row, self._own(row))
        restored = self._bring_back(node, documents)
        self._notify_observers(node, unmerging)
        moment = timezone.now()
        RecordMerge.objects.in_workspace(workspace_id).filter(id=merge.id).update(
            undone_at=moment, undone_by=self._by.author, before=None, after=None, origins=None
        )
        merge.undone_at, merge.undone_by = moment, self._by.author
        result = self._result(survivor, restored, documents, counts)
        merged = MergedCustomer.objects.in_workspace(workspace_id).filter(merge_id=merge.id)
        merged.update(is_undone=True, row=None, match_key=None, sessions=[])
        restore_earlier_merges(merge.survivor_id, self._merged)
        if node.is_aggregated:
            remerge(workspace_id, entries=ids)
        enqueue_aggregate_merge(node)
        return result

    def _check_possible(self) -> None:
        if self._merge.undone_at is not None:
            raise Conflict("The merge was undone already")
        if self._merge.before is None:
            raise Conflict("The journal of the merge has been removed")

    def _check_still_possible(self, held: Mapping[str, CustomerRow]) -> None:
        """Raise unless the merge is still in force and the survivor exists."""
        merges = RecordMerge.objects.in_workspace(self._workspace.id)
        if not merges.filter(id=self._merge.id, undone_at=None, before__isnull=False).exists():
            raise Conflict("The merge was undone already")
        row = held.get(str(self._merge.survivor_id))
        self._survivor(row if row is not None and row.deleted == DeletedState.LIVE else None)

    def _check_keys(self, node: NodeRules, row: CustomerRow, own: Document) -> None:
        """Raise Conflict when another customer has the key of one of the customers."""
        kept = match_key(node.matching, own)
        keys = [
            key for each in self._merged if (key := match_key(node.matching, stored_document(each)))
        ]
        if kept in keys:
            raise _conflict_with(row.id)
        others = Customer.objects.in_node(self._workspace.id, node.id).exclude(id=row.id)
        found = others.filter(match_key__in=[*keys, *([] if kept is None else [kept])])
        other = found.order_by("id").values_list("id", flat=True).first()
        if other is not None:
            raise _conflict_with(str(other))

    def _survivor(self, row: CustomerRow | None) -> CustomerRow:
        if row is None:
            raise Conflict(
                "The survivor is gone: restore it, or undo its own merge, before this one",
                data={"customer": {"id": str(self._merge.survivor_id)}},
            )
        return row

    def _own(self, now: CustomerRow) -> Document:
        """Return the survivor's document without values of the merge."""
        assert self._merge.before is not None
        assert self._merge.after is not None
        own, merged = CustomerRow(*self._merge.before), CustomerRow(*self._merge.after)
        document = before_merge(document_of(own), document_of(merged), document_of(now))
        return with_stricter_consents(document, document_of(now))

    def _documents(self, now: CustomerRow) -> dict[UUID, Document]:
        """Return the documents of the restored customers."""
        return {
            each.customer_id: with_stricter_consents(stored_document(each), document_of(now))
            for each in self._merged
        }

    def _returnable(self, node: NodeRules) -> dict[str, dict[UUID, int]]:
        counts: dict[str, dict[UUID, int]] = {
            "sessions": {each.customer_id: len(each.sessions) for each in self._merged}
        }
        unmerging = unmerging_of(node, self._merge, self._merged)
        for observer in all_observers():
            counts |= observer.returnable(workspace_id=self._workspace.id, unmerging=unmerging)
        return counts

    def _write(self, node: NodeRules, row: CustomerRow, after: Document) -> CustomerRow:
        write = CustomerWrite.of_change(node, row, after, self._by, cause=ChangeCause.UNDO)
        held = replace(write, appears=None, merge_id=self._merge.id, may_share=True)
        (result,) = write_customers(self._workspace.id, [held])
        if result.outcome is Outcome.CONFLICT:
            assert result.known is not None
            raise _conflict_with(result.known.id)
        if result.outcome is Outcome.NOT_OPEN:
            raise NodeNotOpen
        if result.outcome is not Outcome.WRITTEN:
            raise ConcurrentChange
        return Customer.objects.live_row(self._workspace.id, UUID(row.id)) or row

    def _bring_back(self, node: NodeRules, documents: Mapping[UUID, Document]) -> list[CustomerRow]:
        """Restore the customers as they were, then apply the stricter consents."""
        workspace_id = self._workspace.id
        given = []
        for each in self._merged:
            document = stored_document(each)
            key = match_key(node.matching, document)
            other = Customer.objects.lock_same_person(workspace_id, node.id, key)
            if key is not None and other is not None:
                raise _conflict_with(other.id)
            given.append(stored_row(each, document, key))
        parameters = {
            "workspace_id": workspace_id,
            "survivor_id": self._merge.survivor_id,
            "author": self._by.author,
            "keeps_history": self._workspace.keeps_history,
            "merge_id": self._merge.id,
            "rows": orjson.dumps(given).decode(),
        }
        found = fetch_all(BRING_BACK, parameters, prepare=False)
        rows = [CustomerRow(*orjson.loads(text)) for text, _ in found]
        if len(rows) != len(self._merged):
            raise ConcurrentChange
        claim_keys_of(workspace_id, node, {UUID(row.id): document_of(row) for row in rows})
        return [
            row
            if unchanged(document_of(row), documents[UUID(row.id)])
            else self._write(node, row, documents[UUID(row.id)])
            for row in rows
        ]

    def _notify_observers(self, node: NodeRules, unmerging: Unmerging) -> None:
        for observer in all_observers():
            observer.merge_undone(workspace_id=self._workspace.id, unmerging=unmerging)
        appeared = [
            (customer_id, kind, value)
            for customer_id, identities in unmerging.identities.items()
            for kind, value in identities
            if kind == EXTERNAL_ID  # sessions always have a customer
        ]
        notify_identities_appeared(self._workspace.id, node.id, appeared)

    def _result(
        self,
        survivor: CustomerRow,
        restored: Sequence[CustomerRow],
        documents: Mapping[UUID, Document],
        counts: Mapping[str, Mapping[UUID, int]],
    ) -> Unmerged:
        stricter: dict[UUID, list[str]] = {}
        for each in self._merged:
            stricter[each.customer_id] = differing_consents(
                stored_document(each), documents[each.customer_id]
            )
        return Unmerged(self._merge, survivor, restored, counts, stricter)


def _with_document(merged: MergedCustomer, document: Document) -> CustomerRow:
    assert merged.row is not None
    return CustomerRow(*merged.row)._replace(consents=document["consents"])


def _conflict_with(customer_id: str) -> Conflict:
    return Conflict(
        f"Conflict with existing customer {customer_id}", data={"customer": {"id": customer_id}}
    )
