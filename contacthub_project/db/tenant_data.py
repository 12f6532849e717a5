"""The interface of apps that keep data of workspaces and nodes.

`configuration` deletes, empties, rekeys and builds nodes, and knows none of the apps above it. Each
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
    """Keeps data that belongs to nodes. By default each method does nothing."""

    #: Owners are called in ascending order: events (10) go before their customers (20).
    order: int
    #: Whether it keeps events, which can be removed without the customers.
    holds_events = False

    def erase_node_batch(self, *, workspace_id: UUID, node_id: UUID, limit: int) -> int:
        """Remove at most `limit` rows of the node in one short transaction.

        Returns how many rows went; 0 means that nothing is left.
        """
        return 0

    def erase_workspace_batch(self, *, workspace_id: UUID, limit: int) -> int:
        """The same for what belongs to a workspace and to none of its nodes."""
        return 0

    def has_values(self, *, workspace_id: UUID, section: str, name: str) -> bool:
        """Whether anything in the workspace has a value of an extended property.

        `section` is `customers`, `products` or a type of event; `name` may be dotted.
        """
        return False

    def customers_lacking(
        self, *, workspace_id: UUID, node_id: UUID, schema: Any, paths: Sequence[str], most: int
    ) -> Contradictions:
        """Customers of a node without a value at one of the paths, which `schema` knows.

        None are counted beyond `most`.
        """
        return Contradictions()

    def customers_against(
        self, *, workspace_id: UUID, schema: Any, paths: Sequence[str], most: int
    ) -> Contradictions:
        """Customers of a workspace whose values at the paths a `CustomerSchema` refuses."""
        return Contradictions()

    def count_up_to(self, *, node_id: UUID, most: int) -> int:
        """How many rows the node has, counting no further than `most`."""
        return 0

    def start_rekeying(self, *, workspace_id: UUID, node_id: UUID) -> int:
        """Within a transaction: prepare for new keys; how many customers are to get one."""
        return 0

    def compute_keys(
        self, *, workspace_id: UUID, node_id: UUID, policy: Any, after: UUID | None, limit: int
    ) -> Sequence[UUID]:
        """Compute and keep the keys that a matching policy gives the next customers by their ids.

        Within the caller's transaction. Returns the ids, none when all are done; so does
        `write_keys`.
        """
        return ()

    def key_collisions(
        self, *, workspace_id: UUID, node_id: UUID, most: int
    ) -> Sequence[list[str]]:
        """Groups of ids of customers that share a computed key."""
        return ()

    def write_keys(
        self, *, workspace_id: UUID, node_id: UUID, after: UUID | None, limit: int
    ) -> Sequence[UUID]:
        """Give the next customers the keys computed for them."""
        return ()

    def clear_keys(self, *, workspace_id: UUID, node_id: UUID, limit: int) -> int:
        """Forget at most `limit` computed keys; how many."""
        return 0

    def start_building(self, *, workspace_id: UUID, node_id: UUID) -> None:
        """Within a transaction: an aggregate node is to be filled, from the start."""

    def build_batch(self, *, workspace_id: UUID, node_id: UUID) -> bool:
        """Go on filling an aggregate node, for one short transaction; True when it is full."""
        return True


_owners: list[TenantDataOwner] = []


def register(owner: TenantDataOwner) -> None:
    """Make `owner` known; called once per process while Django starts."""
    _owners.append(owner)
    _owners.sort(key=lambda known: known.order)


def all_owners() -> tuple[TenantDataOwner, ...]:
    """Every owner, in ascending `order`."""
    return tuple(_owners)
