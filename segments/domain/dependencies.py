"""The index from paths of customers and types of events to the segments that look at them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from uuid import UUID

from customers.domain.changed_paths import WITH_PATHS


class Dependencies:
    """Finds the segments whose members may change by a change of a customer or an event."""

    def __init__(self) -> None:
        self._by_attribute: dict[str, set[UUID]] = defaultdict(set)
        # By each path that is that of an attribute or above it.
        self._within: dict[str, set[UUID]] = defaultdict(set)
        self._by_event_type: dict[str, set[UUID]] = defaultdict(set)
        self._by_every_change: set[UUID] = set()
        self._by_customers: set[UUID] = set()

    def add(self, segment_id: UUID, attributes: Iterable[str], event_types: Iterable[str]) -> None:
        """Add a segment that looks at attributes of customers, and at types of events.

        Attributes that a write can change without naming them, such as `updatedAt`, are taken as
        changed by every one.
        """
        for attribute in attributes:
            self._by_customers.add(segment_id)
            if attribute.partition(".")[0] not in WITH_PATHS:
                self._by_every_change.add(segment_id)
            self._by_attribute[attribute].add(segment_id)
            for path in _path_and_above(attribute):
                self._within[path].add(segment_id)
        for event_type in event_types:
            self._by_event_type[event_type].add(segment_id)

    def of_paths(self, paths: Iterable[str] | None) -> set[UUID]:
        """Return the segments that look at a path, above or below it; None for unknown paths."""
        if paths is None:
            return self._by_customers
        found = set(self._by_every_change)
        for path in paths:
            found |= self._within.get(path, set())
            for above in _path_and_above(path):
                found |= self._by_attribute.get(above, set())
        return found

    def of_event_type(self, event_type: str) -> set[UUID]:
        """Return the segments that look at events of a type."""
        return self._by_event_type.get(event_type, set())

    @property
    def event_types(self) -> list[str]:
        """The types of events that any segment looks at."""
        return list(self._by_event_type)


def _path_and_above(path: str) -> Iterator[str]:
    while path:
        yield path
        path = path.rpartition(".")[0]
