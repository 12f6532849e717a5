"""Pages of lists: `page` from 0, `size`, and the page object."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NotRequired, TypedDict

from django.db.models import QuerySet

from contacthub_project.api.query import QueryParameters

LARGEST_MATCH = 10_000  # the most elements that a search reads


class PageObject(TypedDict):
    """The position of a page in its list; `next` is the cursor of the next page."""

    size: int
    totalElements: int
    totalUnfilteredElements: int
    totalPages: int
    number: int
    next: NotRequired[str | None]


class PageDocument(TypedDict):
    """A page of a list, as in responses."""

    elements: Sequence[Any]
    page: PageObject


@dataclass(frozen=True, slots=True)
class PageRules:
    """The bounds of a list's pages; `last_page` None means no bound."""

    default_size: int
    largest_size: int
    last_page: int | None


CONFIGURATION = PageRules(default_size=20, largest_size=50, last_page=50)
ENTITIES = PageRules(default_size=10, largest_size=100, last_page=None)


@dataclass(frozen=True, slots=True)
class Page:
    """The requested page of a list."""

    number: int
    size: int

    @classmethod
    def from_query(cls, parameters: QueryParameters, rules: PageRules) -> Page:
        """Read `page` and `size`; faults are added to `parameters`."""
        return cls(
            number=parameters.whole_number("page", default=0, most=rules.last_page),
            size=parameters.whole_number(
                "size", default=rules.default_size, most=rules.largest_size
            ),
        )

    @property
    def first(self) -> int:
        """The number of elements before the page."""
        return self.number * self.size

    @property
    def window(self) -> tuple[int, int]:
        """The number of matches to skip and to return, within LARGEST_MATCH."""
        first = min(self.first, LARGEST_MATCH)
        return first, min(self.size, LARGEST_MATCH - first)

    def slice(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Return the rows of the page; raises ValueError for an unordered queryset."""
        if not rows.ordered:
            raise ValueError("a paged queryset needs an order")
        return rows[self.first : self.first + self.size]

    def of(
        self,
        elements: Iterable[Any],
        *,
        total: int,
        unfiltered: int | None = None,
    ) -> PageDocument:
        """Return the answer; `unfiltered` is the total without filters, None if there are none."""
        return {
            "elements": elements if isinstance(elements, Sequence) else list(elements),
            "page": {
                "size": self.size,
                "totalElements": total,
                "totalUnfilteredElements": total if unfiltered is None else unfiltered,
                "totalPages": -(-total // self.size) if self.size else 0,
                "number": self.number,
            },
        }
