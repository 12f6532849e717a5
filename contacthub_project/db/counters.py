"""How many customers or events a node has: known to an app above those that list them."""

from __future__ import annotations

from enum import Enum, auto
from typing import Protocol
from uuid import UUID


class Entity(Enum):
    CUSTOMERS = auto()
    EVENTS = auto()


class EntityCounter(Protocol):
    """Tells how many live customers, or events, a node has this moment."""

    def __call__(self, workspace_id: UUID, node_id: UUID, entity: Entity) -> int: ...


_totals: list[EntityCounter] = []


def register(totals: EntityCounter) -> None:
    """Make known who counts; called once per process while Django starts."""
    _totals[:] = [totals]


def count_of(workspace_id: UUID, node_id: UUID, entity: Entity) -> int:
    """How many of them the node has."""
    return _totals[0](workspace_id, node_id, entity)
