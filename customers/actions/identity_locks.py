"""What customers are known by besides their key: sessions, and the client's own ids.

What was anonymous waits for such an identity to appear. Whoever makes one appear and whoever is
about to wait for one hold it first, so that one of the two sees the other
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

# Identities share this many locks: a batch of a thousand events takes no more of the server's.
SLOTS = 256
LOCK_CLASS = 0x6964656E
HOLD = """
SELECT count(*) FROM (
    SELECT pg_advisory_xact_lock(%s::int, slot) FROM unnest(%s::int[]) AS slot
) AS held
"""

Identity = tuple[UUID, str, str]  # the node, the kind and the value


def lock_identities(identities: Iterable[Identity]) -> None:
    """Keep others from doing anything about these identities until the transaction ends.

    To be called once, before any row is locked; so nobody waits for somebody who waits for them.
    """
    slots = slots_of(identities)
    if slots:
        fetch_one(HOLD, [LOCK_CLASS, slots])


def slots_of(identities: Iterable[Identity]) -> list[int]:
    """The locks that stand for identities, in the order in which they are taken."""
    return sorted({_slot(*identity) for identity in identities})


def _slot(node_id: UUID, kind: str, value: str) -> int:
    if kind == EXTERNAL_ID:
        value = folded(value)  # some nodes compare it so; for others more share a lock
    digest = hashlib.sha256(f"{node_id} {kind} {value}".encode()).digest()
    return int.from_bytes(digest[:4]) % SLOTS


def notify_identities_appeared(
    workspace_id: UUID, node_id: UUID, identities: Sequence[tuple[UUID, str, str]]
) -> None:
    """Tell those who wait for identities, held by this transaction, whose they are now.

    Each is a customer's id, a kind and a value.
    """
    if identities:
        for observer in all_observers():
            observer.identities_appeared(
                workspace_id=workspace_id, node_id=node_id, identities=identities
            )
