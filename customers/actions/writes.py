"""Writes customers in sets: each set is one SQL function, one round trip and one transaction.

`customers/sql/functions/write_customers.sql` writes a customer with all that belongs to it (its row
in the change feed, its pending merge, its lines in the consent log), in the lock order of all
writers. Pure functions decide here what a customer becomes; a change names the version that it was
made of, and is refused when the current version is another (docs/decisions/0018-gathering.md).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import UUID

import orjson
from django.db import IntegrityError, transaction

from configuration.queries.rules import NodeRules
from contacthub_project.db.deadlocks import repeated_on_deadlock
from contacthub_project.db.gathering import Gatherer, gathering_connections
from contacthub_project.db.sql import fetch_all, fetch_one, load, savepoint
from contacthub_project.messaging.enqueue import enqueue_on_commit
from contacthub_project.runtime.blocking import in_thread, run_blocking
from customers.actions.customer_write import CustomerWrite, Outcome, WriteResult
from customers.actions.identity_locks import (
    MATCHING_KEY,
    lock_identities,
    notify_identities_appeared,
    slots_of,
)
from customers.actions.suppression import note_return
from customers.domain.identities import EXTERNAL_ID
from customers.models.customer_row import CustomerRow

OPEN_NODE = load("customers/sql/lock_open_node")
WRITE = """
SELECT * FROM customers_write(%(workspace_id)s, %(guards)s::text::json, %(slots)b::int[],
    %(creates)s::text::json, %(changes)s::text::json, %(last_round)s::int, %(may_wait)s::boolean,
    %(deletes)s::boolean)
"""
# For sets with keys of several matching rules.
WRITE_KEYED = WRITE.replace("customers_write(", "customers_write_keyed(")
MERGE_PENDING = "customers.tasks.merge_pending"


class NodeNotOpen(Exception):
    """The node is gone, locked, or has another matching policy than the writer expects."""


class ConcurrentChange(Exception):
    """The customer has changed since the change was made."""


async def write_customer(workspace_id: UUID, write: CustomerWrite) -> WriteResult:
    """Write a customer, in the current transaction or batched with others; return the result.

    Events that wait for its external id are attached (`customers.actions.identity_locks`). In the
    event loop it does not wait for a lock of the customer: then the write is stale. Raises
    NodeNotOpen, and IntegrityError when another customer gets the same values concurrently.
    """
    if write.brings_back:
        return await in_thread(partial(_written_and_noted, workspace_id, write))
    # Rows with an external id are written alone: they may have to wait for its lock.
    group = (workspace_id, write.appears is not None, write.keys is not None)
    result = await _gatherer.submit(group, write)
    if result.outcome is Outcome.AWAITED:
        result = await in_thread(partial(_written_awaited, workspace_id, write))
    if result.outcome is Outcome.NOT_OPEN:
        raise NodeNotOpen
    if write.guard is not None:
        enqueue_aggregate_merge(write.guard)
    return result


@repeated_on_deadlock
@transaction.atomic
def _written_and_noted(workspace_id: UUID, write: CustomerWrite) -> WriteResult:
    alone = write_customer(workspace_id, replace(write, brings_back=()))
    result = run_blocking(alone)
    if result.outcome is Outcome.WRITTEN:
        note_return(workspace_id, write.brings_back, write.id)
    return result


@repeated_on_deadlock
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
    """Write a set, waiting for locks; return the results, in order.

    In the caller's transaction, or in its own. Several changes of one customer are made one after
    the other, each of the version of the previous one.
    """
    statement = WRITE if all(write.keys is None for write in writes) else WRITE_KEYED
    found = fetch_all(statement, set_parameters(workspace_id, writes, may_wait=True), prepare=None)
    return set_results(writes, found)


# A workspace, and whether rows have external ids to lock, and keys of several rules.
Group = tuple[UUID, bool, bool]


async def _write_set(group: Group, writes: Sequence[CustomerWrite]) -> list[WriteResult]:
    workspace_id, _, is_keyed = group
    async with gathering_connections.connection() as raw:
        parameters = set_parameters(workspace_id, writes, may_wait=False)
        cursor = await raw.execute(WRITE_KEYED if is_keyed else WRITE, parameters)
        return set_results(writes, await cursor.fetchall())


@repeated_on_deadlock
def _write_alone(group: Group, write: CustomerWrite) -> WriteResult:
    try:
        with savepoint():
            (result,) = write_customers(group[0], [write])
    except IntegrityError:
        if not write.is_new:
            raise
        # Somebody with its key has just been merged away: now it is known whose the key is.
        with savepoint():
            (result,) = write_customers(group[0], [write])
    return result


_gatherer = Gatherer(_write_set, alone=_write_alone, lanes_of_group=2)


def set_parameters(
    workspace_id: UUID, writes: Sequence[CustomerWrite], *, may_wait: bool
) -> dict[str, Any]:
    """Return the parameters of `WRITE`."""
    believed = {id(write.guard): write.guard for write in writes if write.guard is not None}
    guards = {key: number for number, key in enumerate(believed)}
    rows: dict[bool, list[dict[str, Any]]] = {True: [], False: []}
    rounds = _rounds(writes)
    for write, round_number in zip(writes, rounds, strict=True):
        rows[write.is_new].append(write.as_json(guards, round_number))
    appearing = [
        (write.node_id, EXTERNAL_ID, write.appears) for write in writes if write.appears is not None
    ]
    appearing += [
        (write.node_id, MATCHING_KEY, key.hex())
        for write in writes
        for key in (write.keys or {}).values()
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
                    "matching_rules": node.matching.stored_rules,
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
    """Return the result of each write from the rows of `WRITE`."""
    results: dict[tuple[UUID, int], WriteResult] = {}
    for outcome, customer_id, number, int_id, version, written_at, known in found:
        row = None if known is None else CustomerRow(*orjson.loads(known))
        result = WriteResult(Outcome(outcome), int_id, version, written_at, row)
        results.setdefault((customer_id, number), result)
    return [
        results[write.id, number] for write, number in zip(writes, _rounds(writes), strict=True)
    ]


def _rounds(writes: Sequence[CustomerWrite]) -> list[int]:
    """Return the position of each write among its customer's writes."""
    seen: Counter[UUID] = Counter()
    rounds = []
    for write in writes:
        rounds.append(seen[write.id])
        seen[write.id] += 1
    return rounds


def enqueue_aggregate_merge(node: NodeRules) -> None:
    """Enqueue the merge of aggregate customers after a write to a node."""
    if node.is_aggregated:
        enqueue_on_commit(MERGE_PENDING)


def lock_open_node(workspace_id: UUID, node: NodeRules) -> None:
    """Lock the node until the transaction ends; raises NodeNotOpen."""
    guard = {
        "workspace_id": workspace_id,
        "node_id": node.id,
        "unique_properties": list(node.matching.properties),
        "case_sensitive": node.matching.case_sensitive,
        "matching_rules": _json(node.matching.stored_rules),
    }
    if fetch_one(OPEN_NODE, guard) is None:
        raise NodeNotOpen


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()
