"""The queue of aggregate customers to merge again, `customers_pendingmerge`.

Entries are written in the transaction of the change that causes them, so a crash loses none;
merging twice is harmless. One worker at a time works on a workspace.
"""

from __future__ import annotations

import time
from collections import defaultdict
from typing import NamedTuple
from uuid import UUID

from django.db import transaction

from contacthub_project.db.sql import fetch_all, fetch_value, load
from contacthub_project.messaging.enqueue import enqueue_on_commit
from contacthub_project.messaging.pubsub import notify_on_commit
from customers.actions.aggregation import LOCK_CLASS, remerge
from customers.actions.writes import MERGE_PENDING

TASK = MERGE_PENDING
CHUNK = 200
TRY_LOCK = "SELECT pg_try_advisory_xact_lock(%s::int, hashtext(%s))"
WORKSPACES = "SELECT DISTINCT workspace_id FROM customers_pendingmerge"
QUEUE_ALL_MEMBERS = load("customers/sql/queue_all_members")
QUEUE_ALL_ENTRIES = load("customers/sql/queue_all_entries")
TAKE = load("customers/sql/take_pending_merges")


class PendingMerge(NamedTuple):
    """An entry customer to match and merge again, or a person (key) of an aggregate node."""

    entry_id: UUID | None
    node_id: UUID | None
    key: memoryview | None


def remerge_all(workspace_id: UUID) -> None:
    """Queue all persons, in the transaction that changes how customers are merged."""
    fetch_all(QUEUE_ALL_MEMBERS, {"workspace_id": workspace_id})
    enqueue_on_commit(TASK)


def rematch_all(workspace_id: UUID) -> None:
    """Queue all entry customers, in the transaction that changes how customers are matched."""
    fetch_all(QUEUE_ALL_ENTRIES, {"workspace_id": workspace_id})
    enqueue_on_commit(TASK)


def merge_pending(*, seconds: float) -> bool:
    """Merge what is pending for about so many seconds; return whether the queue is empty.

    Workspaces that another worker has locked are skipped.
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
    """Merge the next entries of a workspace; return whether there may be more."""
    with transaction.atomic():
        if not fetch_value(TRY_LOCK, [LOCK_CLASS, str(workspace_id)]):
            return False
        rows = fetch_all(TAKE, {"workspace_id": workspace_id, "size": CHUNK})
        pending = [PendingMerge(*row) for row in rows]
        persons: dict[UUID, set[bytes]] = defaultdict(set)
        for each in pending:
            if each.node_id is not None and each.key is not None:
                persons[each.node_id].add(bytes(each.key))
        remerge(
            workspace_id,
            entries={each.entry_id for each in pending if each.entry_id is not None},
            persons=persons,
        )
        notify_on_commit(workspace_id)
    return len(pending) == CHUNK
