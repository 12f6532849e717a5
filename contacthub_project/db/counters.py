"""The interface for counting entities, which `analytics` implements for the lists of other apps."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto
from typing import Protocol
from uuid import UUID


class Entity(Enum):
    CUSTOMERS = auto()
    EVENTS = auto()


class EntityCounter(Protocol):
    """Counts the live customers, or the events, of several nodes together."""

    def __call__(self, workspace_id: UUID, node_ids: Sequence[UUID], entity: Entity) -> int: ...


_counters: list[EntityCounter] = []


def register(counter: EntityCounter) -> None:
    """Set the implementation; called once per process while Django starts."""
    _counters[:] = [counter]


def count_of(workspace_id: UUID, node_id: UUID, entity: Entity) -> int:
    """Return the number of entities of the node."""
    return count_in(workspace_id, [node_id], entity)


def count_in(workspace_id: UUID, node_ids: Sequence[UUID], entity: Entity) -> int:
    """Return the number of entities of the nodes together.

    Aggregate nodes have those of their members.
    """
    return _counters[0](workspace_id, node_ids, entity)
