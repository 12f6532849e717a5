"""Locks on identities besides the matching key: sessions, external ids, keys of further rules.

Anonymous events wait for such an identity. A transaction that creates an identity, and one that is
about to wait for it, both lock it first, so that one of them sees the other
(docs/decisions/0010-identities.md).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from uuid import UUID

from contacthub_project.core.text import folded
from contacthub_project.db.sql import fetch_one
from customers.domain.identities import EXTERNAL_ID
from customers.observers import all_observers

# Identities share so many locks, so that a batch of a thousand events takes no more.
SLOTS = 256
LOCK_CLASS = 0x6964656E
MATCHING_KEY = "MATCHING_KEY"  # a key by a matching rule after the first, in hexadecimal
HOLD = """
SELECT count(*) FROM (
    SELECT pg_advisory_xact_lock(%s::int, slot) FROM unnest(%s::int[]) AS slot
) AS held
"""

Identity = tuple[UUID, str, str]  # the node, the kind and the value


def lock_identities(identities: Iterable[Identity]) -> None:
    """Lock identities until the transaction ends.

    Called once, before any row is locked, it cannot deadlock. Where a transaction learns of more
    later, it is repeated as a whole (`contacthub_project.db.deadlocks`).
    """
    slots = slots_of(identities)
    if slots:
        fetch_one(HOLD, [LOCK_CLASS, slots])


def slots_of(identities: Iterable[Identity]) -> list[int]:
    """Return the locks of identities, in the order in which they are taken."""
    return sorted({_slot(*identity) for identity in identities})


def _slot(node_id: UUID, kind: str, value: str) -> int:
    if kind == EXTERNAL_ID:
        value = folded(value)  # for nodes that ignore case; in others more values share a lock
    digest = hashlib.sha256(f"{node_id} {kind} {value}".encode()).digest()
    return int.from_bytes(digest[:4]) % SLOTS


def notify_identities_appeared(
    workspace_id: UUID, node_id: UUID, identities: Sequence[tuple[UUID, str, str]]
) -> None:
    """Notify observers of the customers of identities, locked by this transaction.

    Each is a customer's id, a kind and a value.
    """
    if identities:
        for observer in all_observers():
            observer.identities_appeared(
                workspace_id=workspace_id, node_id=node_id, identities=identities
            )
