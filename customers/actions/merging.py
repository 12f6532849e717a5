"""Merges customers of one node into one of them, with a journal for undoing it.

Lock order of all writers: the workspace's aggregates, identities, the node, customers by id, their
data. Of two concurrent merges of the same customers, the second does not find them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from configuration.queries.rules import NodeRules, WorkspaceRules
from contacthub_project.core.errors import (
    Conflict,
    FieldError,
    Invalid,
    NotFound,
    Stale,
    pointer,
)
from contacthub_project.core.identifiers import new_id
from contacthub_project.core.principal import Principal
from contacthub_project.core.timestamps import format_timestamp
from contacthub_project.db.sql import fetch_all, load
from customers.actions.aggregation import lock_aggregates, remerge
from customers.actions.customer_write import CustomerWrite, Outcome
from customers.actions.identity_locks import lock_identities, notify_identities_appeared
from customers.actions.matching_keys import key_identities
from customers.actions.merge_journals import record_merge, sessions_of, write_journal
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
from customers.domain.merge import Document
from customers.domain.paths import value_at
from customers.domain.record_merge import Origin, Participant, choice_faults, merged_record
from customers.models import (
    ChangeCause,
    Customer,
)
from customers.models.customer_row import CustomerRow
from customers.observers import all_observers
from customers.queries.consent_history import consents_changed_at
from customers.queries.documents import document_of, system_properties
from customers.queries.merges import merged_into
from customers.queries.suppressions import returning

MERGE_AWAY = load("customers/sql/merge_away")
MOST_MERGED = 20  # customers merged into one at once
INVALID_MERGE = "The customers cannot be merged"


@dataclass(frozen=True, slots=True)
class MergeRequest:
    """The customers to merge into one, and by property path the one whose value wins."""

    customers: Sequence[UUID]
    values: Mapping[str, str] = field(default_factory=dict)
    expected_version: int | None = None


@dataclass(frozen=True, slots=True)
class Merged:
    """A merge, or the preview of one: then `id` is None.

    `counts` is the number of moved rows by kind: events, sessions, subscriptions.
    """

    id: UUID | None
    row: CustomerRow
    customers: Sequence[UUID]
    origins: Sequence[Origin]
    rows: Mapping[str, CustomerRow]
    counts: Mapping[str, int]


def preview_merge(
    workspace: WorkspaceRules, survivor_id: UUID, request: MergeRequest, *, by: Principal
) -> Merged:
    """Return the result that `merge_customers` would have now, without locks and writes."""
    merging = _Merging(workspace, survivor_id, request, by)
    return merging.planned(Customer.objects.live_rows(workspace.id, merging.ids))


def merge_customers(
    workspace: WorkspaceRules, survivor_id: UUID, request: MergeRequest, *, by: Principal
) -> Merged:
    """Merge customers of a node into one, with all of their data.

    Raises NotFound for a missing survivor, Invalid with every fault of the request, Stale, Locked,
    TooLarge, PersonForgotten, and Conflict when the merged customer would match another one of the
    node (`data.customer.id`).
    """
    return repeated_on_conflict(
        workspace, lambda rules: _Merging(rules, survivor_id, request, by).made()
    )


class _Merging:
    """A merge, with the rules as they were read."""

    def __init__(
        self, workspace: WorkspaceRules, survivor_id: UUID, request: MergeRequest, by: Principal
    ) -> None:
        self._workspace = workspace
        self._survivor_id = survivor_id
        self._request = request
        self._by = by
        self.ids = sorted({survivor_id, *request.customers})

    def made(self) -> Merged:
        """Merge, within a transaction; raises NodeNotOpen or ConcurrentChange, to be repeated."""
        known = self._checked(Customer.objects.live_rows(self._workspace.id, self.ids))
        node = self._node(known)
        if node.is_aggregated:
            lock_aggregates(self._workspace.id)
        merged_now = document_of(self._planned(known).row)
        external_ids = [
            (node.id, EXTERNAL_ID, row.external_id)
            for row in known.values()
            if row.external_id is not None
        ]
        documents = [*map(document_of, known.values()), merged_now]
        lock_identities(external_ids + key_identities(node, documents))
        lock_open_node(self._workspace.id, node)
        rows = self._checked(Customer.objects.lock_live_rows(self._workspace.id, self.ids))
        if any(rows[each].external_id != known[each].external_id for each in rows):
            raise ConcurrentChange
        merged = self._planned(rows)
        returned = self._returning(node, rows, document_of(merged.row))
        note_return(self._workspace.id, returned, self._survivor_id)
        sessions = sessions_of(self._workspace.id, self._request.customers)
        parameters = self._parameters()
        merged_away = fetch_all(MERGE_AWAY, parameters, prepare=False)
        assert len(merged_away) == len(self._request.customers), "they are locked"
        before = rows[str(self._survivor_id)]
        merge_id = new_id()
        after = self._write_survivor(node, before, document_of(merged.row), merge_id)
        merge = record_merge(
            self._workspace.id, merge_id, before, after, merged.origins, by=self._by
        )
        counts = write_journal(node, merge, rows, sessions)
        if node.is_aggregated:
            remerge(self._workspace.id, entries=self.ids)
        enqueue_aggregate_merge(node)
        return replace(merged, id=merge.id, row=after, counts=counts)

    def planned(self, rows: Sequence[CustomerRow]) -> Merged:
        """Return the result of merging the customers as they are; raises refusals."""
        known = self._checked(rows)
        node = self._node(known)
        merged = self._planned(known)
        self._returning(node, known, document_of(merged.row))
        counts = {"sessions": len(sessions_of(self._workspace.id, self._request.customers))}
        for observer in all_observers():
            counts |= observer.movable(
                workspace_id=self._workspace.id, customer_ids=self._request.customers
            )
        return replace(merged, counts=dict(merged.counts) | counts)

    def _parameters(self) -> dict[str, Any]:
        return {
            "workspace_id": self._workspace.id,
            "survivor_id": self._survivor_id,
            "ids": sorted(self._request.customers),
            "author": self._by.author,
            "keeps_history": self._workspace.keeps_history,
        }

    def _checked(self, rows: Sequence[CustomerRow]) -> dict[str, CustomerRow]:
        """Return the customers by their ids.

        Raises NotFound or Invalid unless all can be merged.
        """
        found = {row.id: row for row in rows if UUID(row.node_id) in self._workspace.nodes}
        survivor = found.get(str(self._survivor_id))
        if survivor is None:
            raise NotFound(f"customer not found {self._survivor_id}")
        open_node(self._workspace, UUID(survivor.node_id))
        expected = self._request.expected_version
        if expected is not None and expected != survivor.version:
            raise Stale
        faults = []
        for index, customer_id in enumerate(self._request.customers):
            row = found.get(str(customer_id))
            at = f"/customers/{index}"
            if row is None:
                into = merged_into(self._workspace.id, customer_id)
                data = None if into is None else {"mergedInto": str(into)}
                faults.append(FieldError(at, "is no customer of the workspace", "reference", data))
            elif row.node_id != survivor.node_id:
                faults.append(FieldError(at, "is a customer of another node", "node"))
        if faults:
            raise Invalid(INVALID_MERGE, errors=faults)
        return found

    def _node(self, rows: Mapping[str, CustomerRow]) -> NodeRules:
        return open_node(self._workspace, UUID(rows[str(self._survivor_id)].node_id))

    def _planned(self, rows: Mapping[str, CustomerRow]) -> Merged:
        survivor = rows[str(self._survivor_id)]
        documents = {key: document_of(row) for key, row in rows.items()}
        faults = [
            FieldError(pointer("values", path), message, "path")
            for path, message in choice_faults(self._request.values, documents)
        ]
        if faults:
            raise Invalid(INVALID_MERGE, errors=faults)
        consented = consents_changed_at(self._workspace.id, self.ids)
        people = {
            key: Participant(
                key,
                documents[key],
                str(system_properties(row)["updatedAt"]),
                consented.get(UUID(key), {}),
            )
            for key, row in rows.items()
        }
        others = [people[str(each)] for each in self._request.customers]
        after, origins = merged_record(people[survivor.id], others, self._request.values)
        before = documents[survivor.id]
        node = self._node(rows)
        check_document(self._workspace, node, after, before=before, given={})
        write = CustomerWrite.of_change(node, survivor, after, self._by)
        subscriptions = sum(
            len(value_at(documents[str(each)], "base.subscriptions") or ())
            for each in self._request.customers
        )
        return Merged(
            None,
            write.expected_row(survivor),
            list(self._request.customers),
            self._visible_origins(origins, after),
            rows,
            {"subscriptions": subscriptions},
        )

    def _visible_origins(self, origins: Sequence[Origin], after: Document) -> list[Origin]:
        """The origins of properties that the workspace has not disabled."""
        visible = self._workspace.customer_schema.without_disabled({**after})
        return [each for each in origins if value_at(visible, each.path) is not None]

    def _returning(
        self, node: NodeRules, rows: Mapping[str, CustomerRow], after: Document
    ) -> list[bytes]:
        """Return values of a forgotten person that the survivor gets; raises PersonForgotten."""
        before = document_of(rows[str(self._survivor_id)])
        return returning(self._workspace, node, after, before=before, given={})

    def _write_survivor(
        self, node: NodeRules, row: CustomerRow, after: Document, merge_id: UUID
    ) -> CustomerRow:
        write = CustomerWrite.of_change(node, row, after, self._by, cause=ChangeCause.MERGE)
        # Its external id is locked by now.
        held = replace(write, appears=None, merge_id=merge_id, may_share=True)
        (result,) = write_customers(self._workspace.id, [held])
        if result.outcome is Outcome.CONFLICT:
            assert result.known is not None
            raise Conflict(
                f"Conflict with existing customer {result.known.id}",
                data={"customer": {"id": result.known.id}},
            )
        if result.outcome is Outcome.NOT_OPEN:
            raise NodeNotOpen
        if result.outcome is not Outcome.WRITTEN:
            raise ConcurrentChange
        changed = write.changed_row(row, result)
        moment = changed.updated_at
        if not isinstance(moment, str):
            changed = changed._replace(updated_at=format_timestamp(moment))
        if write.appears is not None:
            appeared = [(self._survivor_id, EXTERNAL_ID, write.appears)]
            notify_identities_appeared(self._workspace.id, node.id, appeared)
        return changed
