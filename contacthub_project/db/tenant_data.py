"""The interface of apps that keep data of workspaces and nodes.

`configuration` deletes, empties, rekeys and builds nodes without importing the apps above it. Each
of those registers a `TenantDataOwner` in its `AppConfig.ready`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Contradictions:
    """Customers whose values contradict a change: how many, and how many at each dotted path."""

    customers: int = 0
    by_path: Mapping[str, int] = field(default_factory=dict)


class TenantDataOwner:
    """An app that keeps data of nodes. By default each method does nothing."""

    #: Owners are called in ascending order: events (10) go before their customers (20).
    order: int
    #: Whether it keeps events, which can be removed without the customers.
    holds_events = False

    def erase_node_batch(self, *, workspace_id: UUID, node_id: UUID, limit: int) -> int:
        """Remove at most `limit` rows of the node in one short transaction.

        Returns the number of removed rows; 0 means that none are left.
        """
        return 0

    def erase_workspace_batch(self, *, workspace_id: UUID, limit: int) -> int:
        """Remove at most `limit` rows of the workspace that belong to none of its nodes."""
        return 0

    def has_values(self, *, workspace_id: UUID, section: str, name: str) -> bool:
        """Return whether any row of the workspace has a value of an extended property.

        `section` is `customers`, `products` or a type of event; `name` may be dotted.
        """
        return False

    def customers_lacking(
        self, *, workspace_id: UUID, node_id: UUID, schema: Any, paths: Sequence[str], most: int
    ) -> Contradictions:
        """Return the customers of a node without a value at one of the paths of `schema`.

        They are counted up to `most`.
        """
        return Contradictions()

    def customers_against(
        self, *, workspace_id: UUID, schema: Any, paths: Sequence[str], most: int
    ) -> Contradictions:
        """Return the customers of a workspace whose values at the paths are invalid by `schema`."""
        return Contradictions()

    def count_up_to(self, *, workspace_id: UUID, node_id: UUID, most: int) -> int:
        """Return the number of rows of the node, counting up to `most`."""
        return 0

    def start_rekeying(self, *, workspace_id: UUID, node_id: UUID) -> int:
        """Prepare for new keys, within a transaction; return how many customers will get one."""
        return 0

    def compute_keys(
        self, *, workspace_id: UUID, node_id: UUID, policy: Any, after: UUID | None, limit: int
    ) -> Sequence[UUID]:
        """Compute and store the keys of the next customers, in the order of their ids.

        Within the caller's transaction. Returns the ids, none when all are done; so does
        `write_keys`.
        """
        return ()

    def key_collisions(
        self, *, workspace_id: UUID, node_id: UUID, most: int
    ) -> Sequence[list[str]]:
        """Return groups of ids of customers that share a computed key."""
        return ()

    def write_keys(
        self, *, workspace_id: UUID, node_id: UUID, after: UUID | None, limit: int
    ) -> Sequence[UUID]:
        """Assign the computed keys to the next customers."""
        return ()

    def clear_keys(self, *, workspace_id: UUID, node_id: UUID, limit: int) -> int:
        """Delete at most `limit` computed keys; return the number."""
        return 0

    def start_building(self, *, workspace_id: UUID, node_id: UUID) -> None:
        """Prepare to fill an aggregate node from the start, within a transaction."""

    def build_batch(self, *, workspace_id: UUID, node_id: UUID) -> bool:
        """Continue filling an aggregate node in one short transaction.

        Return True when complete.
        """
        return True


_owners: list[TenantDataOwner] = []


def register(owner: TenantDataOwner) -> None:
    """Register `owner`; called once per process while Django starts."""
    _owners.append(owner)
    _owners.sort(key=lambda known: known.order)


def all_owners() -> tuple[TenantDataOwner, ...]:
    """Return every owner, in ascending `order`."""
    return tuple(_owners)
