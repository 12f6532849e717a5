"""Aggregate customers follow their members.

What has to be merged again stands in `customers_pendingmerge`, written in the transaction of the
change; so a crash loses none of it, and doing it twice is harmless. One worker at a time works on a
workspace.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import orjson
from django.db import transaction

from configuration.domain.conditions import AnyOf, parse_condition
from configuration.models import NodeState, NodeType
from configuration.queries.rules import NodeRules, WorkspaceRules, latest_rules_of
from contacthub_project.core.identifiers import new_id
from contacthub_project.core.timestamps import format_timestamp
from contacthub_project.db.sql import fetch_all, fetch_one, load
from contacthub_project.messaging.enqueue import enqueue_on_commit
from contacthub_project.messaging.pubsub import notify_on_commit
from customers.actions.customers import LARGEST_CUSTOMER
from customers.actions.writes import MERGE_PENDING, CustomerWrite, Outcome, write_customers
from customers.domain.aggregation import LOWEST_RANK, Member, fitting, in_order
from customers.domain.matching import match_key
from customers.domain.merge import Document, unchanged
from customers.domain.query_compiler import compile_expression
from customers.models.customer import ROW_AS_JSON, CustomerRow
from customers.observers import all_observers
from customers.queries.documents import document_of, system_properties
from customers.queries.search import CustomerAttributes, clock_of

TASK = MERGE_PENDING
CHUNK = 200
# Of a person with more members, only so many count: those changed last.
MOST_MEMBERS = 1000
MEMBERS_AT_ONCE = 2000  # are in memory, or as many as one person has
LOCK_CLASS = 0x61676772

HOLD = "SELECT pg_advisory_xact_lock(%s::int, hashtext(%s))"
TRY_TO_HOLD = "SELECT pg_try_advisory_xact_lock(%s::int, hashtext(%s))"
EVERYBODY = """
INSERT INTO customers_pendingmerge (workspace_id, aggregate_node_id, match_key)
SELECT DISTINCT workspace_id, aggregate_node_id, match_key FROM customers_aggregatemember
WHERE workspace_id = %s
RETURNING id
"""
# Who is somebody's member may change with the values that identify nobody, or begin to.
EVERY_ENTRY = """
INSERT INTO customers_pendingmerge (workspace_id, entry_id)
SELECT customer.workspace_id, customer.id
FROM customers_customer AS customer JOIN configuration_node AS node ON node.id = customer.node_id
WHERE customer.workspace_id = %s AND customer.deleted = 0 AND node.is_aggregated
RETURNING id
"""
WORKSPACES = "SELECT DISTINCT workspace_id FROM customers_pendingmerge"
TAKE = """
DELETE FROM customers_pendingmerge WHERE id IN (
    SELECT id FROM customers_pendingmerge WHERE workspace_id = %s
    ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED
)
RETURNING entry_id, aggregate_node_id, match_key
"""
ENTRIES = f"""
SELECT {ROW_AS_JSON} FROM customers_customer
WHERE workspace_id = %s AND id = ANY (%s::uuid[])
"""
EXCLUDED = """
SELECT customer.id FROM customers_customer AS customer
WHERE customer.workspace_id = %s AND customer.id = ANY (%s::uuid[]) AND ({condition})
"""
HOLD_ENTRIES = """
SELECT id FROM customers_customer WHERE id = ANY (%s::uuid[]) ORDER BY id FOR UPDATE
"""
MEMBERSHIPS = """
SELECT entry_id, match_key FROM customers_aggregatemember
WHERE aggregate_node_id = %s AND entry_id = ANY (%s::uuid[])
"""
LEAVE = """
DELETE FROM customers_aggregatemember
WHERE aggregate_node_id = %s AND entry_id = ANY (%s::uuid[]) RETURNING entry_id
"""
JOIN = load("customers/sql/join_aggregate_node")
# Of each person those who count, the last changed first.
MEMBERS = """
SELECT person.match_key, member.entry_id
FROM unnest(%s::bytea[]) AS person (match_key), LATERAL (
    SELECT entry_id FROM customers_aggregatemember
    WHERE aggregate_node_id = %s AND match_key = person.match_key
    ORDER BY changed_at DESC, entry_id LIMIT %s
) AS member
"""
AGGREGATES = f"""
SELECT match_key, {ROW_AS_JSON} FROM customers_customer
WHERE node_id = %s AND match_key = ANY (%s::bytea[]) AND deleted = 0
"""
# When each leaf of a customer's consents was changed last.
CONSENTED = """
SELECT DISTINCT ON (customer_id, property) customer_id, property, date
FROM customers_consentlogentry
WHERE customer_id = ANY (%s::uuid[]) AND property IS NOT NULL
ORDER BY customer_id, property, id DESC
"""
DELETE = load("customers/sql/delete_aggregates")
BELONG = load("customers/sql/link_members")


@dataclass(frozen=True, slots=True)
class Person:
    """A person of an aggregate node: the key and the aggregate customer, as it was and is to be."""

    id: UUID
    key: bytes
    before: Document | None
    document: Document
    registered_at: str
    registered_by: str | None
    updated_by: str | None


def remerge_all(workspace_id: UUID) -> None:
    """Within the transaction that changes how customers are merged: have all merged anew."""
    fetch_all(EVERYBODY, [workspace_id])
    enqueue_on_commit(TASK)


def recognise_all_again(workspace_id: UUID) -> None:
    """The same where aggregate nodes may take other customers for one person than before."""
    fetch_all(EVERY_ENTRY, [workspace_id])
    enqueue_on_commit(TASK)


def lock_aggregates(workspace_id: UUID) -> None:
    """Within a transaction that will merge, before it holds a customer: wait for others who do."""
    fetch_one(HOLD, [LOCK_CLASS, str(workspace_id)])


def merge_pending(*, seconds: float) -> bool:
    """Merge again what is pending, for about so many seconds; True when nothing is left.

    Workspaces that another worker works on are left to it.
    """
    deadline = time.monotonic() + seconds
    is_done = True
    for (workspace_id,) in fetch_all(WORKSPACES, []):
        while _merge_chunk(workspace_id):
            if time.monotonic() > deadline:
                is_done = False
                break
    return is_done


def _merge_chunk(workspace_id: UUID) -> bool:
    """Whether there may be more."""
    with transaction.atomic():
        if not fetch_one(TRY_TO_HOLD, [LOCK_CLASS, str(workspace_id)])[0]:
            return False
        rows = fetch_all(TAKE, [workspace_id, CHUNK])
        persons = defaultdict(set)
        for _, node_id, key in rows:
            if key is not None:
                persons[node_id].add(bytes(key))
        remerge(
            workspace_id,
            entries={entry for entry, _, _ in rows if entry is not None},
            persons=persons,
        )
        notify_on_commit(workspace_id)
    return len(rows) == CHUNK


@transaction.atomic
def remerge(
    workspace_id: UUID,
    *,
    entries: Iterable[UUID] = (),
    persons: Mapping[UUID, set[bytes]] | None = None,
    only_node: UUID | None = None,
) -> None:
    """Make aggregate customers what their members say, in every aggregate node or in one.

    `entries` are entry customers that have changed or gone, `persons` the keys of persons that have
    lost a member, by aggregate node. Waits for others who do this in the workspace.
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
    wanted = list(entries)
    found = fetch_all(ENTRIES, [workspace_id, wanted], prepare=False)
    rows = [CustomerRow(*orjson.loads(row)) for (row,) in found]
    aggregations = [_Aggregation(rules, node, rows, wanted) for node in aggregates]
    # Those who come or go are held at once and in order, before anything of them is touched.
    moving = sorted({entry for each in aggregations for entry in each.moving})
    if moving:
        fetch_all(HOLD_ENTRIES, [moving], prepare=False)
    for each in aggregations:
        each.merge((persons or {}).get(each.node_id, set()))


class _Aggregation:
    """The persons of one aggregate node, and what becomes of some entry customers in it."""

    def __init__(
        self,
        workspace: WorkspaceRules,
        node: NodeRules,
        rows: Sequence[CustomerRow],
        entries: list[UUID],
    ) -> None:
        self._workspace = workspace
        self._node = node
        keys = self._keys(rows)
        self._keys_of_members = keys
        self._changed_ats = {UUID(row.id): system_properties(row)["updatedAt"] for row in rows}
        before = {
            entry: bytes(key)
            for entry, key in fetch_all(MEMBERSHIPS, [node.id, entries], prepare=False)
        }
        self._gone = [entry for entry in before if entry not in keys]
        self._joining = {entry: key for entry, key in keys.items() if before.get(entry) != key}
        self._concerned = set(before.values()) | set(keys.values())

    @property
    def node_id(self) -> UUID:
        return self._node.id

    @property
    def moving(self) -> set[UUID]:
        """Those who come, go, or become another person."""
        return {*self._gone, *self._joining}

    def merge(self, lost: set[bytes]) -> None:
        """Let them come and go, and make the aggregate customers what their members say."""
        if self._gone:
            fetch_all(LEAVE, [self._node.id, self._gone], prepare=False)
        if self._keys_of_members:
            entries = list(self._keys_of_members)
            fetch_all(
                JOIN,
                {
                    "workspace_id": self._workspace.id,
                    "node_id": self._node.id,
                    "entries": entries,
                    "keys": list(self._keys_of_members.values()),
                    "changed_ats": [self._changed_ats[each] for each in entries],
                },
                prepare=False,
            )
        self._rebuild(lost | self._concerned)

    def _keys(self, rows: Sequence[CustomerRow]) -> dict[UUID, bytes]:
        """Of those of the customers who belong here, the keys they are recognised by."""
        found = {}
        for row in rows:
            system = system_properties(row)
            if system["deleted"] == 0 and UUID(system["nodeId"]) in self._node.entry_nodes:
                key = match_key(self._node.matching, document_of(row))
                if key is not None:
                    found[UUID(row.id)] = key
        for excluded in self._excluded(list(found)):
            del found[excluded]
        return found

    def _excluded(self, ids: list[UUID]) -> list[UUID]:
        if not ids or not self._node.exclusion_filters:
            return []
        attributes = CustomerAttributes.of(self._workspace, self._node)
        schema = self._workspace.customer_schema
        filters = [
            parsed
            for each in self._node.exclusion_filters
            if (parsed := parse_condition(each, schema, at="")[0]) is not None
        ]
        if not filters:
            return []
        clock = clock_of(self._workspace)
        condition = compile_expression(AnyOf(tuple(filters)), attributes, clock)
        parameters = (self._workspace.id, ids, *condition.parameters)
        return [
            entry_id
            for (entry_id,) in fetch_all(EXCLUDED.format(condition=condition.sql), parameters)
        ]

    def _rebuild(self, keys: set[bytes]) -> None:
        if not keys:
            return
        members: dict[bytes, list[UUID]] = {key: [] for key in sorted(keys)}
        parameters = [list(members), self._node.id, MOST_MEMBERS]
        for key, entry in fetch_all(MEMBERS, parameters, prepare=False):
            members[bytes(key)].append(entry)
        # First those who become another's: so their events change owner, rather than go and come.
        self._end([each for group in _groups(members) for each in self._rebuild_some(group)])

    def _rebuild_some(self, members: Mapping[bytes, Sequence[UUID]]) -> list[UUID]:
        """Write the persons with these keys, each out of these members.

        The aggregate customers of those who have none any more are left to be removed.
        """
        existing = {
            bytes(key): CustomerRow(*orjson.loads(row))
            for key, row in fetch_all(AGGREGATES, [self._node.id, list(members)], prepare=False)
        }
        ids = [entry for entries in members.values() for entry in entries]
        found = fetch_all(ENTRIES, [self._workspace.id, ids], prepare=False)
        rows = {row.id: row for (text,) in found for row in [CustomerRow(*orjson.loads(text))]}
        consented = _consented(ids)
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
            fetch_all(BELONG, {"node_id": self._node.id, "keys": keys}, prepare=False)
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
            id=new_id() if known is None else UUID(known[0]),
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
        # Whoever merges holds the workspace's aggregates, so nobody else writes these customers.
        results = write_customers(self._workspace.id, [self._write_of(each) for each in persons])
        assert all(result.outcome is Outcome.WRITTEN for result in results), "they are held"

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
        """Remove aggregate customers who have no members any more, with all that is theirs."""
        if not ids:
            return
        for customer_id in ids:
            for observer in all_observers():
                observer.customer_forgotten(
                    workspace_id=self._workspace.id, customer_id=customer_id
                )
        fetch_one(DELETE, {"workspace_id": self._workspace.id, "ids": ids})


def _fits(document: Document) -> bool:
    return len(orjson.dumps(document)) <= LARGEST_CUSTOMER


def _groups(members: Mapping[bytes, Sequence[UUID]]) -> Iterator[dict[bytes, Sequence[UUID]]]:
    """The persons, as many at once as have MEMBERS_AT_ONCE members together, or a single one."""
    group: dict[bytes, Sequence[UUID]] = {}
    size = 0
    for key, entries in members.items():
        if group and size + len(entries) > MEMBERS_AT_ONCE:
            yield group
            group, size = {}, 0
        group[key] = entries
        size += len(entries)
    yield group


def _consented(ids: list[UUID]) -> dict[UUID, dict[str, str]]:
    moments: dict[UUID, dict[str, str]] = defaultdict(dict)
    for customer_id, path, date in fetch_all(CONSENTED, [ids], prepare=False):
        moments[customer_id][path] = format_timestamp(date)
    return moments
