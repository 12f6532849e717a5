"""The interface to entity counts, which `analytics` implements for the lists of lower apps."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto
from typing import Protocol
from uuid import UUID


class Entity(Enum):
    CUSTOMERS = auto()
    EVENTS = auto()


class EntityCounter(Protocol):
    """Returns how many live customers, or events, some nodes have together."""

    def __call__(self, workspace_id: UUID, node_ids: Sequence[UUID], entity: Entity) -> int: ...


_counters: list[EntityCounter] = []


def register(counter: EntityCounter) -> None:
    """Set the implementation; called once per process while Django starts."""
    _counters[:] = [counter]


def count_of(workspace_id: UUID, node_id: UUID, entity: Entity) -> int:
    """How many of them the node has."""
    return count_in(workspace_id, [node_id], entity)


def count_in(workspace_id: UUID, node_ids: Sequence[UUID], entity: Entity) -> int:
    """How many of them the nodes have together; an aggregate node has those of its members too."""
    return _counters[0](workspace_id, node_ids, entity)
