"""Merges the entry customers of aggregate nodes into aggregate customers.

Customers to merge again are queued by `customers.actions.pending_merges`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import orjson
from django.db import transaction
from django.db.models import Q

from configuration.models import NodeState, NodeType
from configuration.queries.rules import NodeRules, WorkspaceRules, latest_rules_of
from contacthub_project.core.identifiers import new_id
from contacthub_project.db.sql import fetch_all, fetch_one, load
from customers.actions.aggregate_membership import MembershipChange
from customers.actions.customer_write import CustomerWrite, Outcome
from customers.actions.data_subject_requests import erase_free_text
from customers.actions.validation import LARGEST_CUSTOMER
from customers.actions.writes import write_customers
from customers.domain.aggregation import LOWEST_RANK, Member, fitting, in_order
from customers.domain.merge import Document, unchanged
from customers.models.customer_row import ROW_AS_JSON, CustomerRow
from customers.observers import all_observers
from customers.queries.consent_history import consents_changed_at
from customers.queries.documents import document_of, system_properties

# Of more members only those changed last are merged into one person.
MOST_MEMBERS = 1000
MEMBERS_AT_ONCE = 2000  # in memory
LOCK_CLASS = 0x61676772

LOCK = "SELECT pg_advisory_xact_lock(%s::int, hashtext(%s))"
ENTRIES = f"""
SELECT {ROW_AS_JSON} FROM customers_customer
WHERE workspace_id = %s AND id = ANY (%s::uuid[])
"""
LOCK_ENTRIES = """
SELECT id FROM customers_customer WHERE workspace_id = %s AND id = ANY (%s::uuid[])
ORDER BY id FOR UPDATE
"""
AGGREGATES = f"""
SELECT match_key, {ROW_AS_JSON} FROM customers_customer
WHERE workspace_id = %s AND node_id = %s AND match_key = ANY (%s::bytea[]) AND deleted = 0
"""
MEMBERS = load("customers/sql/members_by_key")
DELETE = load("customers/sql/delete_aggregates")
BELONG = load("customers/sql/link_members")


@dataclass(frozen=True, slots=True)
class Person:
    """A person of an aggregate node: its key, and the aggregate customer before and after."""

    id: UUID
    key: bytes
    before: Document | None
    document: Document
    registered_at: str
    registered_by: str | None
    updated_by: str | None


def lock_aggregates(workspace_id: UUID) -> None:
    """Lock the aggregate customers of a workspace until the transaction ends.

    Must be called before any customer is locked.
    """
    fetch_one(LOCK, [LOCK_CLASS, str(workspace_id)])


@transaction.atomic
def remerge(
    workspace_id: UUID,
    *,
    entries: Iterable[UUID] = (),
    persons: Mapping[UUID, set[bytes]] | None = None,
    only_node: UUID | None = None,
) -> None:
    """Merge aggregate customers again from their members, in every aggregate node or in one.

    `entries` are entry customers that were changed or deleted, `persons` the keys of persons that
    have lost a member, by aggregate node. Waits for other transactions that merge in the workspace.
    """
    lock_aggregates(workspace_id)
    rules = latest_rules_of(workspace_id)
    if rules is None:
        return
    aggregates = [
        node
        for node in rules.nodes.values()
        if node.type == NodeType.AGGREGATE
        and node.state in {NodeState.ACTIVE, NodeState.LOCKED}
        and only_node in {None, node.id}
    ]
    if not aggregates:
        return
    entry_ids = list(entries)
    found = fetch_all(ENTRIES, [workspace_id, entry_ids], prepare=False)
    rows = [CustomerRow(*orjson.loads(row)) for (row,) in found]
    aggregations = [_Aggregation(rules, node, rows, entry_ids) for node in aggregates]
    # All are locked at once and in order, before any of them is changed.
    moving = sorted({entry for each in aggregations for entry in each.moving})
    if moving:
        fetch_all(LOCK_ENTRIES, [workspace_id, moving], prepare=False)
    for each in aggregations:
        each.merge((persons or {}).get(each.node_id, set()))


class _Aggregation:
    """Merges some entry customers into the persons of one aggregate node."""

    def __init__(
        self,
        workspace: WorkspaceRules,
        node: NodeRules,
        rows: Sequence[CustomerRow],
        entries: list[UUID],
    ) -> None:
        self._workspace = workspace
        self._node = node
        self._memberships = MembershipChange(workspace, node, rows, entries)

    @property
    def node_id(self) -> UUID:
        return self._node.id

    @property
    def moving(self) -> set[UUID]:
        """Entry customers that join or leave the node, or become another person in it."""
        return self._memberships.moving

    def merge(self, changed_keys: set[bytes]) -> None:
        """Update memberships, then merge the persons, also those of `changed_keys`."""
        self._memberships.write()
        self._rebuild(changed_keys | self._memberships.keys)

    def _rebuild(self, keys: set[bytes]) -> None:
        if not keys:
            return
        members: dict[bytes, list[UUID]] = {key: [] for key in sorted(keys)}
        parameters = {
            "workspace_id": self._workspace.id,
            "node_id": self._node.id,
            "keys": list(members),
            "most": MOST_MEMBERS,
        }
        for key, entry in fetch_all(MEMBERS, parameters, prepare=False):
            members[bytes(key)].append(entry)
        # Persons without members are removed last: events move to their new owner before.
        self._end([each for group in _groups(members) for each in self._rebuild_some(group)])

    def _rebuild_some(self, members: Mapping[bytes, Sequence[UUID]]) -> list[UUID]:
        """Write the persons with these keys and members.

        Returns the ids of aggregate customers without members, which are to be removed.
        """
        of_keys = [self._workspace.id, self._node.id, list(members)]
        existing = {
            bytes(key): CustomerRow(*orjson.loads(row))
            for key, row in fetch_all(AGGREGATES, of_keys, prepare=False)
        }
        ids = [entry for entries in members.values() for entry in entries]
        found = fetch_all(ENTRIES, [self._workspace.id, ids], prepare=False)
        rows = {row.id: row for (text,) in found for row in [CustomerRow(*orjson.loads(text))]}
        consented = consents_changed_at(self._workspace.id, ids)
        new, changed = [], []
        for key, entries in members.items():
            known = existing.get(key)
            if not entries:
                continue
            person = self._person(key, [rows[str(each)] for each in entries], known, consented)
            if known is None:
                new.append(person)
            elif (
                not unchanged(document_of(known), person.document)
                or system_properties(known)["registeredAt"] != person.registered_at
            ):
                changed.append(person)
        self._write([*new, *changed])
        if new:
            keys = [person.key for person in new]
            belonging = {"workspace_id": self._workspace.id, "node_id": self._node.id, "keys": keys}
            fetch_all(BELONG, belonging, prepare=False)
        return [UUID(row.id) for key, row in existing.items() if not members[key]]

    def _person(
        self,
        key: bytes,
        rows: Sequence[CustomerRow],
        known: CustomerRow | None,
        consented: Mapping[UUID, Mapping[str, str]],
    ) -> Person:
        members = [self._member(row, consented) for row in rows]
        systems = {row.id: system_properties(row) for row in rows}
        first = systems[in_order(members)[0].id]
        return Person(
            id=new_id() if known is None else UUID(known.id),
            key=key,
            before=None if known is None else document_of(known),
            document=fitting(members, self._workspace.customer_extended, _fits),
            registered_at=min(system["registeredAt"] for system in systems.values()),
            registered_by=first["sourceInfo"]["registeredBy"],
            updated_by=first["sourceInfo"]["updatedBy"],
        )

    def _member(self, row: CustomerRow, consented: Mapping[UUID, Mapping[str, str]]) -> Member:
        system = system_properties(row)
        entry_node = self._workspace.nodes.get(UUID(system["nodeId"]))
        priority = [] if entry_node is None else [str(each) for each in entry_node.source_priority]
        source = system["sourceInfo"]["updatedBy"]
        return Member(
            id=row.id,
            document=document_of(row),
            rank=priority.index(source) if source in priority else LOWEST_RANK,
            updated_at=system["updatedAt"],
            consented_at=consented.get(UUID(row.id), {}),
        )

    def _write(self, persons: Sequence[Person]) -> None:
        if not persons:
            return
        # The lock of the workspace's aggregates excludes other writers of these customers.
        results = write_customers(self._workspace.id, [self._write_of(each) for each in persons])
        assert all(result.outcome is Outcome.WRITTEN for result in results), "they are locked"

    def _write_of(self, person: Person) -> CustomerWrite:
        return CustomerWrite(
            id=person.id,
            node_id=self._node.id,
            guard=None,
            before=person.before,
            document=person.document,
            match_key=person.key,
            registered_at=person.registered_at,
            registered_by=person.registered_by,
            updated_by=person.updated_by,
        )

    def _end(self, ids: list[UUID]) -> None:
        """Remove aggregate customers without members, with all their data."""
        if not ids:
            return
        for observer in all_observers():
            observer.aggregates_ended(workspace_id=self._workspace.id, customer_ids=ids)
        erase_free_text(self._workspace.id, Q(customer_id__in=ids))
        fetch_one(DELETE, {"workspace_id": self._workspace.id, "ids": ids})


def _fits(document: Document) -> bool:
    return len(orjson.dumps(document)) <= LARGEST_CUSTOMER


def _groups(members: Mapping[bytes, Sequence[UUID]]) -> Iterator[dict[bytes, Sequence[UUID]]]:
    """Yield groups of persons with at most MEMBERS_AT_ONCE members, or of one person with more."""
    group: dict[bytes, Sequence[UUID]] = {}
    size = 0
    for key, entries in members.items():
        if group and size + len(entries) > MEMBERS_AT_ONCE:
            yield group
            group, size = {}, 0
        group[key] = entries
        size += len(entries)
    yield group
