"""What customers are known by besides their key: sessions, and the client's own ids.

What was anonymous waits for such an identity to appear. Whoever makes one appear and whoever is
about to wait for one hold it first, so that one of the two sees the other
(docs/decisions/identities.md).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from django.db import transaction

from contacthub_project.sql import fetch_one
from customers.followers import all_followers

SESSION_ID = "SESSION_ID"
EXTERNAL_ID = "EXTERNAL_ID"
HOLD = "SELECT pg_advisory_xact_lock(%s)"


def hold_identity(node_id: UUID, kind: str, value: str) -> None:
    """Keep others from doing anything about this identity until the transaction ends.

    To be taken before any lock on a row, as everybody does.
    """
    digest = hashlib.sha256(f"{node_id} {kind} {value}".encode()).digest()
    fetch_one(HOLD, [int.from_bytes(digest[:8], signed=True)])


@contextmanager
def holding_external_id(node_id: UUID, value: str | None) -> Iterator[None]:
    """A transaction that holds the client's id; without one, neither."""
    if value is None:
        yield
        return
    with transaction.atomic():
        hold_identity(node_id, EXTERNAL_ID, value)
        yield


def announce_identity(
    workspace_id: UUID, node_id: UUID, customer_id: UUID, *, kind: str, value: str
) -> None:
    """Tell those who wait for an identity, held by this transaction, whose it is now."""
    for follower in all_followers():
        follower.identity_appeared(
            workspace_id=workspace_id,
            node_id=node_id,
            customer_id=customer_id,
            kind=kind,
            value=value,
        )
