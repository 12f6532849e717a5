"""Writing customers by sets: each set is one SQL function, one round trip and one transaction.

`customers/sql/functions/write_customers.sql` writes a customer with all that belongs to it (its row
in the change feed, its pending merge, its lines in the consent log), in the order of locks that all
writers follow. What a customer is to become is decided here, by pure functions; a change names the
version that it was made of, and is refused when there is another one by then
(docs/decisions/0018-gathering.md).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from django.db import connection, transaction

from configuration.queries.rules import NodeRules
from contacthub_project.core.identifiers import new_id
from contacthub_project.core.principal import Principal
from contacthub_project.db.gathering import Gatherer, gathering_connections
from contacthub_project.db.sql import fetch_all, fetch_one, load
from contacthub_project.messaging.enqueue import enqueue_on_commit
from customers.actions.identity_locks import (
    lock_identities,
    notify_identities_appeared,
    slots_of,
)
from customers.domain.consents import consent_changes
from customers.domain.identities import EXTERNAL_ID
from customers.domain.matching import match_key
from customers.domain.merge import EMPTY, Document
from customers.models import DeletedState
from customers.models.customer import CustomerRow
from customers.queries.documents import document_of

OPEN_NODE = load("customers/sql/lock_open_node")
WRITE = """
SELECT * FROM customers_write(%(workspace_id)s, %(guards)s::text::json, %(slots)b::int[],
    %(creates)s::text::json, %(changes)s::text::json, %(last_round)s::int, %(may_wait)s::boolean,
    %(deletes)s::boolean)
"""
MERGE_PENDING = "customers.tasks.merge_pending"


class NodeNotOpen(Exception):
    """The node is gone, locked, or recognises customers in another way than the writer thinks."""


class Overtaken(Exception):
    """The customer is not what it was when its change was made."""


class Outcome(StrEnum):
    """What became of a write; what each means is told with the SQL function."""

    WRITTEN = "WRITTEN"
    MERGE = "MERGE"
    CONFLICT = "CONFLICT"
    STALE = "STALE"
    NOT_OPEN = "NOT_OPEN"
    AWAITED = "AWAITED"


class WriteResult(NamedTuple):
    """What became of a write, and the customer that stands against it, if one does."""

    outcome: Outcome
    int_id: int | None = None
    version: int | None = None
    written_at: datetime | None = None
    known: CustomerRow | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerWrite:
    """What is to be written of a customer.

    `guard` is what the writer believes of the node, None to write whatever state it is in; `before`
    is what was stored, None for a new customer, as `document` is for one that goes. A change holds
    for `version` only, None for any. With `appears` an external id comes into being, which nobody
    holds yet.
    """

    id: UUID
    node_id: UUID
    guard: NodeRules | None
    before: Document | None
    document: Document | None
    match_key: bytes | None
    version: int | None = None
    appears: str | None = None
    registered_at: str | None = None
    registered_by: str | None = None
    updated_by: str | None = None
    source_id: UUID | None = None
    user_id: int | None = None

    @classmethod
    def of_new(cls, node: NodeRules, document: Document, by: Principal) -> CustomerWrite:
        """The write that makes a customer of a document."""
        return cls(
            id=new_id(),
            node_id=node.id,
            guard=node,
            before=None,
            document=document,
            match_key=match_key(node.matching, document),
            appears=document["externalId"],
            registered_by=by.author,
            updated_by=by.author,
            source_id=by.source_id,
            user_id=by.user_id,
        )

    @classmethod
    def of_change(
        cls, node: NodeRules, row: CustomerRow, after: Document, by: Principal
    ) -> CustomerWrite:
        """The write that changes the customer that `row` was read of."""
        external_id = after["externalId"]
        return cls(
            id=UUID(row.id),
            node_id=node.id,
            guard=node,
            before=document_of(row),
            document=after,
            match_key=match_key(node.matching, after),
            version=row.version,
            appears=None if external_id == row.external_id else external_id,
            updated_by=by.author,
            source_id=by.source_id,
            user_id=by.user_id,
        )

    @classmethod
    def of_deletion(
        cls, node: NodeRules, customer_id: UUID, version: int | None, by: Principal
    ) -> CustomerWrite:
        """The write that ends a customer and releases its key; its data stays until forgotten."""
        return cls(
            id=customer_id,
            node_id=node.id,
            guard=node,
            before=EMPTY,
            document=None,
            match_key=None,
            version=version,
            updated_by=by.author,
        )

    @property
    def is_new(self) -> bool:
        return self.before is None

    def changed_row(self, row: CustomerRow, result: WriteResult) -> CustomerRow:
        """The customer as it is now, of the row that the change was made of."""
        assert result.version is not None
        assert result.written_at is not None
        return self.expected_row(row)._replace(version=result.version, updated_at=result.written_at)

    def expected_row(self, row: CustomerRow) -> CustomerRow:
        """The customer as it will be, but for the time, of the row that the change is made of."""
        assert self.document is not None
        return row._replace(
            external_id=self.document["externalId"],
            base=self.document["base"],
            consents=self.document["consents"],
            extended=self.document["extended"],
            extra=self.document["extra"],
            tags=self.document["tags"],
            enabled=self.document["enabled"],
            version=row.version + 1,
            updated_by=self.updated_by,
        )

    def as_json(self, guards: Mapping[int, int], round_number: int) -> dict[str, Any]:
        """The row of the set that stands for it; `guards` are the numbers of those of the set."""
        row: dict[str, Any] = {
            "id": self.id,
            "round": round_number,
            "guard": None if self.guard is None else guards[id(self.guard)],
            "node_id": self.node_id,
            "version": self.version,
            "match_key": None if self.match_key is None else f"\\x{self.match_key.hex()}",
            "deleted": DeletedState.LIVE.value,
            "appears": self.appears,
            "registered_at": self.registered_at,
            "registered_by": self.registered_by,
            "updated_by": self.updated_by,
            "source_id": self.source_id,
            "user_id": self.user_id,
        }
        document = self.document
        if document is None:
            return row | {"deleted": DeletedState.DELETED.value}
        row["external_id"] = document["externalId"]
        for name in ("enabled", "extra", "base", "consents", "extended", "tags"):
            row[name] = document[name]  # type: ignore[literal-required]
        if self.guard is not None:
            changes = consent_changes((self.before or EMPTY)["consents"], document["consents"])
            if changes:
                row["log"] = changes
        return row


def write_customer(workspace_id: UUID, write: CustomerWrite) -> WriteResult:
    """Write a customer, in the transaction there is or with whatever else is written; what became.

    What waits for its external id is told (`customers.actions.identity_locks`). Outside of a
    transaction nobody is waited for who holds the customer: then the write is stale. Raises
    NodeNotOpen.
    """
    if connection.in_atomic_block:
        (result,) = write_customers(workspace_id, [write])
    else:
        # Rows that hold a client's id go by themselves: they may have to wait for it.
        result = _gatherer.submit((workspace_id, write.appears is not None), write)
    if result.outcome is Outcome.AWAITED:
        result = _written_awaited(workspace_id, write)
    if result.outcome is Outcome.NOT_OPEN:
        raise NodeNotOpen
    if write.guard is not None:
        follow(write.guard)
    return result


@transaction.atomic
def _written_awaited(workspace_id: UUID, write: CustomerWrite) -> WriteResult:
    assert write.appears is not None
    lock_identities([(write.node_id, EXTERNAL_ID, write.appears)])
    (result,) = write_customers(workspace_id, [replace(write, appears=None)])
    if result.outcome is Outcome.WRITTEN:
        appeared = [(write.id, EXTERNAL_ID, write.appears)]
        notify_identities_appeared(workspace_id, write.node_id, appeared)
    return result


def write_customers(workspace_id: UUID, writes: Sequence[CustomerWrite]) -> list[WriteResult]:
    """Write a set, waiting for whoever holds something of it; what became of each, in order.

    In the caller's transaction, or in one of its own. Several changes of one customer are made one
    after the other, each of the version that the one before has made.
    """
    found = fetch_all(WRITE, set_parameters(workspace_id, writes, may_wait=True), prepare=None)
    return set_results(writes, found)


def _write_set(group: tuple[UUID, bool], writes: Sequence[CustomerWrite]) -> list[WriteResult]:
    workspace_id, _ = group
    with gathering_connections.connection() as raw:
        parameters = set_parameters(workspace_id, writes, may_wait=False)
        return set_results(writes, raw.execute(WRITE, parameters).fetchall())


def _write_alone(group: tuple[UUID, bool], write: CustomerWrite) -> WriteResult:
    return write_customers(group[0], [write])[0]


_gatherer = Gatherer(_write_set, alone=_write_alone, lanes_of_group=2)


def set_parameters(
    workspace_id: UUID, writes: Sequence[CustomerWrite], *, may_wait: bool
) -> dict[str, Any]:
    """What `WRITE` takes."""
    believed = {id(write.guard): write.guard for write in writes if write.guard is not None}
    guards = {key: number for number, key in enumerate(believed)}
    rows: dict[bool, list[dict[str, Any]]] = {True: [], False: []}
    rounds = _rounds(writes)
    for write, round_number in zip(writes, rounds, strict=True):
        rows[write.is_new].append(write.as_json(guards, round_number))
    appearing = [
        (write.node_id, EXTERNAL_ID, write.appears) for write in writes if write.appears is not None
    ]
    return {
        "workspace_id": workspace_id,
        "guards": _json(
            [
                {
                    "number": guards[key],
                    "node_id": node.id,
                    "unique_properties": node.matching.properties,
                    "case_sensitive": node.matching.case_sensitive,
                }
                for key, node in believed.items()
            ]
        ),
        "slots": slots_of(appearing),
        "creates": _json(rows[True]) if rows[True] else None,
        "changes": _json(rows[False]) if rows[False] else None,
        "last_round": max(rounds, default=0),
        "may_wait": may_wait,
        "deletes": any(write.document is None for write in writes),
    }


def set_results(
    writes: Sequence[CustomerWrite], found: Sequence[tuple[Any, ...]]
) -> list[WriteResult]:
    """What became of each write, by the rows that `WRITE` has answered."""
    results: dict[tuple[UUID, int], WriteResult] = {}
    for outcome, customer_id, number, int_id, version, written_at, known in found:
        row = None if known is None else CustomerRow(*orjson.loads(known))
        result = WriteResult(Outcome(outcome), int_id, version, written_at, row)
        results.setdefault((customer_id, number), result)
    return [
        results[write.id, number] for write, number in zip(writes, _rounds(writes), strict=True)
    ]


def _rounds(writes: Sequence[CustomerWrite]) -> list[int]:
    """Which of its customer's writes in the set each is."""
    seen: Counter[UUID] = Counter()
    rounds = []
    for write in writes:
        rounds.append(seen[write.id])
        seen[write.id] += 1
    return rounds


def follow(node: NodeRules) -> None:
    """Have aggregate customers follow soon what was written to a node."""
    if node.is_aggregated:
        enqueue_on_commit(MERGE_PENDING)


def lock_open_node(workspace_id: UUID, node: NodeRules) -> None:
    """Keep the node as it is until the transaction ends; raises NodeNotOpen."""
    guard = {
        "workspace_id": workspace_id,
        "node_id": node.id,
        "unique_properties": list(node.matching.properties),
        "case_sensitive": node.matching.case_sensitive,
    }
    if fetch_one(OPEN_NODE, guard) is None:
        raise NodeNotOpen


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()
