"""Finds customers that may be the same person, in workspaces with `findDuplicates`.

A worker checks all customers once, then those with changes in the feed. A customer costs a bounded
number of look-ups: it has few blocking keys, and blocks with more than `MOST_OF_BLOCK` customers
are not compared. Each batch is a transaction that includes the progress, so an interrupted run
continues.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from django.db import transaction
from django.utils import timezone

from configuration.models import NodeType, Workspace
from configuration.queries.rules import WorkspaceRules, latest_rules_of
from contacthub_project.core.errors import NotFound
from contacthub_project.core.identifiers import new_id
from contacthub_project.core.principal import Principal
from contacthub_project.db.sql import (
    analyze_grown_tables,
    fetch_all,
    fetch_one,
    fetch_records,
    fetch_value,
    load,
)
from customers.actions.feed import seal
from customers.domain.duplicates import (
    LEAST_SCORE,
    DuplicateReason,
    Features,
    blocking_keys,
    likeness,
)
from customers.models import (
    BlockingKey,
    Customer,
    DuplicatePair,
    DuplicateSearch,
    DuplicateState,
)

TASK = "customers.tasks.find_duplicates"
BATCH = 500  # customers in a transaction
CHANGES = 2000  # changes that a batch reads
MOST_OF_BLOCK = 50
REMOVED_AT_ONCE = 10_000
LOCK_CLASS = 0x64757065
TRY_LOCK = "SELECT pg_try_advisory_xact_lock(%s::int, hashtext(%s))"
POSITION = "SELECT last_offset, trimmed_to FROM customers_feed WHERE workspace_id = %s"
NEXT_CHANGES = """
SELECT feed_offset, entity_id, entity = 'CUSTOMER' FROM customers_change
WHERE workspace_id = %s AND feed_offset > %s ORDER BY feed_offset LIMIT %s
"""
COMPARED = load("customers/sql/compared_customers")
KEYS = load("customers/sql/replace_blocking_keys")
BLOCKS = load("customers/sql/blocks")
STORE = load("customers/sql/store_duplicate_pairs")


class NextChange(NamedTuple):
    """A row of NEXT_CHANGES."""

    feed_offset: int
    entity_id: UUID
    is_of_customer: bool


@dataclass(frozen=True, slots=True)
class _Compared:
    node_id: UUID
    features: Features


def find_duplicates(*, seconds: float) -> bool:
    """Search all workspaces for about so many seconds; return True when all is done."""
    deadline = time.monotonic() + seconds
    for workspace_id in Workspace.objects.present().values_list("id", flat=True):
        workspace = latest_rules_of(workspace_id)
        if workspace is None:
            continue
        step = _search_batch if workspace.finds_duplicates else _remove_batch
        while step(workspace):
            if time.monotonic() > deadline:
                return False
    return True


def rebuild(workspace_id: UUID) -> None:
    """Check all customers of a workspace again; dismissed pairs stay dismissed."""
    DuplicateSearch.objects.in_workspace(workspace_id).update(
        is_building=True, position=None, customers=0, started_at=timezone.now()
    )


@transaction.atomic
def set_state(
    workspace_id: UUID, pair_id: UUID, state: DuplicateState, *, by: Principal
) -> DuplicatePair:
    """Dismiss a pair, or reopen it; raises NotFound."""
    pairs = DuplicatePair.objects.in_workspace(workspace_id).filter(id=pair_id)
    pair = pairs.select_for_update().first()
    if pair is None:
        raise NotFound(f"duplicate not found {pair_id}")
    if pair.state != state:
        is_dismissed = state == DuplicateState.DISMISSED
        pair.state = state
        pair.dismissed_at = timezone.now() if is_dismissed else None
        pair.dismissed_by = by.author if is_dismissed else None
        pairs.update(
            state=pair.state, dismissed_at=pair.dismissed_at, dismissed_by=pair.dismissed_by
        )
    return pair


def _search_batch(workspace: WorkspaceRules) -> bool:
    """Check the next customers of a workspace; return whether there may be more."""
    seal(workspace.id)
    with transaction.atomic():
        if not fetch_value(TRY_LOCK, [LOCK_CLASS, str(workspace.id)]):
            return False
        search = _search_of(workspace.id)
        goes_on = (
            _build(workspace, search) if search.is_building else _compare_changed(workspace, search)
        )
    if search.is_building:
        analyze_grown_tables("customers_blockingkey", "customers_duplicatepair")
    return goes_on


def _search_of(workspace_id: UUID) -> DuplicateSearch:
    """Return the progress of the search; it restarts if changes of the feed were trimmed."""
    found = fetch_one(POSITION, [workspace_id])
    last_offset, trimmed_to = (0, 0) if found is None else found
    search = DuplicateSearch.objects.in_workspace(workspace_id).first()
    if search is None or search.feed_offset < trimmed_to:
        DuplicateSearch.objects.in_workspace(workspace_id).delete()
        search = DuplicateSearch.objects.create(
            workspace_id=workspace_id, feed_offset=last_offset, started_at=timezone.now()
        )
    return search


def _build(workspace: WorkspaceRules, search: DuplicateSearch) -> bool:
    customers = Customer.objects.in_workspace(workspace.id).live().order_by("id")
    if search.position is not None:
        customers = customers.filter(id__gt=search.position)
    ids = list(customers.values_list("id", flat=True)[:BATCH])
    _compare(workspace, ids)
    is_done = len(ids) < BATCH
    DuplicateSearch.objects.in_workspace(workspace.id).update(
        position=None if is_done else ids[-1],
        is_building=not is_done,
        customers=search.customers + len(ids),
    )
    return True


def _compare_changed(workspace: WorkspaceRules, search: DuplicateSearch) -> bool:
    parameters = [workspace.id, search.feed_offset, CHANGES]
    changes = fetch_records(NextChange, NEXT_CHANGES, parameters)
    if not changes:
        return False
    _compare(workspace, sorted({each.entity_id for each in changes if each.is_of_customer}))
    last_offset = changes[-1].feed_offset
    DuplicateSearch.objects.in_workspace(workspace.id).update(feed_offset=last_offset)
    return len(changes) == CHANGES


def _compare(workspace: WorkspaceRules, ids: Sequence[UUID]) -> None:
    """Store blocking keys of customers, and find similar ones."""
    if not ids:
        return
    changed = _compared(workspace, ids)
    keys = {
        customer_id: blocking_keys(workspace.id, each.node_id, each.features)
        for customer_id, each in changed.items()
    }
    fetch_all(
        KEYS,
        {
            "workspace_id": workspace.id,
            "ids": list(ids),
            "customers": [customer_id for customer_id, own in keys.items() for _ in own],
            "keys": [key for own in keys.values() for key in own],
        },
        prepare=False,
    )
    distinct_keys = sorted({key for own in keys.values() for key in own})
    blocks = {
        key: customers
        for key, customers in fetch_all(
            BLOCKS,
            {"workspace_id": workspace.id, "keys": distinct_keys, "most": MOST_OF_BLOCK},
            prepare=False,
        )
        if customers is not None and 1 < len(customers) <= MOST_OF_BLOCK
    }
    others = {each for customers in blocks.values() for each in customers} - changed.keys()
    known = changed | _compared(workspace, sorted(others))
    _store(workspace.id, ids, _similar_pairs(keys, blocks, known))


def _compared(workspace: WorkspaceRules, ids: Sequence[UUID]) -> dict[UUID, _Compared]:
    if not ids:
        return {}
    nodes = [node.id for node in workspace.nodes.values() if node.type == NodeType.ENTRY]
    parameters = {"workspace_id": workspace.id, "ids": list(ids), "nodes": nodes}
    return {
        customer_id: _Compared(
            node_id,
            Features.of({"externalId": external_id, "base": orjson.loads(base)}, workspace.country),
        )
        for customer_id, node_id, external_id, base in fetch_all(
            COMPARED, parameters, prepare=False
        )
    }


Found = tuple[UUID, float, Sequence[DuplicateReason]]  # the node, the likeness, the reasons


def _similar_pairs(
    keys: Mapping[UUID, Sequence[int]],
    blocks: Mapping[int, Sequence[UUID]],
    known: Mapping[UUID, _Compared],
) -> dict[tuple[UUID, UUID], Found]:
    """Return the sufficiently similar pairs of the customers with `keys` and of their blocks."""
    found: dict[tuple[UUID, UUID], Found] = {}
    for customer_id, own in keys.items():
        others = {each for key in own for each in blocks.get(key, ())} - {customer_id}
        for other in others & known.keys():
            pair = (min(customer_id, other), max(customer_id, other))
            if pair in found:
                continue
            score, reasons = likeness(known[customer_id].features, known[other].features)
            if score >= LEAST_SCORE:
                found[pair] = (known[customer_id].node_id, score, reasons)
    return found


def _store(
    workspace_id: UUID, ids: Sequence[UUID], found: Mapping[tuple[UUID, UUID], Found]
) -> None:
    parameters: dict[str, Any] = {
        "workspace_id": workspace_id,
        "ids": list(ids),
        "first_ids": [first for first, _ in found],
        "second_ids": [second for _, second in found],
        "nodes": [node_id for node_id, _, _ in found.values()],
        "scores": [score for _, score, _ in found.values()],
        "reasons": [orjson.dumps(reasons).decode() for _, _, reasons in found.values()],
        "pair_ids": [new_id() for _ in found],
    }
    fetch_all(STORE, parameters, prepare=False)


@transaction.atomic
def _remove_batch(workspace: WorkspaceRules) -> bool:
    """Remove data of searches that were switched off; return whether there may be more."""
    if not DuplicateSearch.objects.in_workspace(workspace.id).exists():
        return False
    keys = BlockingKey.objects.in_workspace(workspace.id)
    ids = list(keys.values_list("customer_id", flat=True)[:REMOVED_AT_ONCE])
    if ids:
        keys.filter(customer_id__in=ids).delete()
        return True
    pairs = DuplicatePair.objects.in_workspace(workspace.id).filter(state=DuplicateState.OPEN)
    pairs = pairs.exclude(reasons__contains=[DuplicateReason.SAME_IDENTITY])
    pair_ids = list(pairs.values_list("id", flat=True)[:REMOVED_AT_ONCE])
    if pair_ids:
        pairs.filter(id__in=pair_ids).delete()
        return True
    DuplicateSearch.objects.in_workspace(workspace.id).delete()
    return False
