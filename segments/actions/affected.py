"""Customers whose membership in segments may have changed, and in which segments."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from segments.queries.definitions import Definition

MOST_GROUPS = 8


@dataclass(slots=True)
class Affected:
    """The customers to evaluate again.

    `everywhere`: for all segments of their nodes; `created`: for those that a new customer can be
    in; `segments`: for these only. `due` are segments of which an evaluation was due. `is_full`
    tells that there may be more of it.
    """

    is_full: bool = False
    everywhere: set[UUID] = field(default_factory=set)
    created: set[UUID] = field(default_factory=set)
    segments: dict[UUID, set[UUID]] = field(default_factory=lambda: defaultdict(set))
    due: set[UUID] = field(default_factory=set)

    @property
    def customers(self) -> set[UUID]:
        """All of them."""
        return self.everywhere | self.created | self.segments.keys()

    def add(self, customer_id: UUID, segments: Iterable[UUID]) -> None:
        """Add segments of a customer; none leave the customer out."""
        if segments:
            self.segments[customer_id].update(segments)

    def groups(
        self, customers: Iterable[UUID], definitions: Sequence[Definition]
    ) -> list[tuple[list[Definition], list[UUID]]]:
        """Group customers of a node by which of its segments they are to be evaluated for.

        There are eight groups at most, because each costs a statement: the smallest are put
        together, and evaluated for the segments of all of them.
        """
        every = frozenset(each.id for each in definitions)
        found: dict[frozenset[UUID], list[UUID]] = defaultdict(list)
        for customer_id in customers:
            some = every
            if customer_id not in self.everywhere:
                some = every & self.segments[customer_id]
            if some:
                found[some].append(customer_id)
        groups = sorted(found.items(), key=lambda group: -len(group[1]))
        if len(groups) > MOST_GROUPS:
            rest = groups[MOST_GROUPS - 1 :]
            together = frozenset[UUID]().union(*(some for some, _ in rest))
            of_rest = [customer_id for _, ids in rest for customer_id in ids]
            groups = [*groups[: MOST_GROUPS - 1], (together, of_rest)]
        return [
            ([each for each in definitions if each.id in some], sorted(ids)) for some, ids in groups
        ]
