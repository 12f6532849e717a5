"""The duty of every app above that keeps something about customers.

A customer is deleted, forgotten, exported or recognised here, where nothing is known of events or
uploads. Each app that keeps such things registers a follower in its `AppConfig.ready`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any
from uuid import UUID

# Kinds of identity besides the key that customers are recognised by.
SESSION_ID = "SESSION_ID"
EXTERNAL_ID = "EXTERNAL_ID"


class CustomerObserver:
    """Keeps something about customers. Its writes run in the transaction of their cause.

    What a follower does not say is that there is nothing to do.
    """

    def customer_deleted(self, *, workspace_id: UUID, customer_id: UUID) -> None:
        """Remove what belongs to a customer that is no more."""

    def customer_forgotten(
        self, *, workspace_id: UUID, customer_id: UUID, known_by: Collection[str] = ()
    ) -> None:
        """Remove every trace of a person; whatever remains must not name them.

        `known_by` are the texts by which the person was recognised and known to the client.
        """

    def identities_appeared(
        self, *, workspace_id: UUID, node_id: UUID, identities: Sequence[tuple[UUID, str, str]]
    ) -> None:
        """Sessions (SESSION_ID) or clients' ids (EXTERNAL_ID) have become customers'.

        Each is a customer's id, a kind and a value. The caller holds them
        (`customers.actions.identity_locks`), so nothing that waits for them can slip past.
        """

    def exported(self, *, workspace_id: UUID, customer_id: UUID) -> Iterator[tuple[str, Any]]:
        """What the person's export says of them: names of lists, and lazily their elements."""
        return iter(())


_followers: list[CustomerObserver] = []


def register(follower: CustomerObserver) -> None:
    """Make `follower` known; called once per process while Django starts."""
    _followers.append(follower)


def all_observers() -> tuple[CustomerObserver, ...]:
    """Every follower."""
    return tuple(_followers)
