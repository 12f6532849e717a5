"""The interface to entity counts, which `analytics` implements for the lists of lower apps."""

from __future__ import annotations

from enum import Enum, auto
from typing import Protocol
from uuid import UUID


class Entity(Enum):
    CUSTOMERS = auto()
    EVENTS = auto()


class EntityCounter(Protocol):
    """Returns how many live customers, or events, a node has."""

    def __call__(self, workspace_id: UUID, node_id: UUID, entity: Entity) -> int: ...


_counters: list[EntityCounter] = []


def register(counter: EntityCounter) -> None:
    """Set the implementation; called once per process while Django starts."""
    _counters[:] = [counter]


def count_of(workspace_id: UUID, node_id: UUID, entity: Entity) -> int:
    """How many of them the node has."""
    return _counters[0](workspace_id, node_id, entity)
