"""Pages: `page` from 0, `size`, and a page object with all five keys."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NotRequired, TypedDict

from django.db.models import QuerySet

from contacthub_project.api.query import QueryParameters

LARGEST_MATCH = 10_000  # searches look at no more elements than these


class PageObject(TypedDict):
    """Which part of a list an answer holds; `next` is the cursor of the page after it."""

    size: int
    totalElements: int
    totalUnfilteredElements: int
    totalPages: int
    number: int
    next: NotRequired[str | None]


class PageDocument(TypedDict):
    """A page of a list, as it is answered."""

    elements: Sequence[Any]
    page: PageObject


@dataclass(frozen=True, slots=True)
class PageRules:
    """Bounds of a list; the contract gives `page` at most 50 for configuration lists."""

    default_size: int
    largest_size: int
    last_page: int | None


CONFIGURATION = PageRules(default_size=20, largest_size=50, last_page=50)
ENTITIES = PageRules(default_size=10, largest_size=100, last_page=None)


@dataclass(frozen=True, slots=True)
class Page:
    """Which slice of a list is asked for."""

    number: int
    size: int

    @classmethod
    def asked_for(cls, parameters: QueryParameters, rules: PageRules) -> Page:
        """Read `page` and `size`; faults go to `parameters`."""
        return cls(
            number=parameters.whole_number("page", default=0, most=rules.last_page),
            size=parameters.whole_number(
                "size", default=rules.default_size, most=rules.largest_size
            ),
        )

    @property
    def first(self) -> int:
        """How many elements stand before the page."""
        return self.number * self.size

    @property
    def window(self) -> tuple[int, int]:
        """How many matches of a search are passed over, and how many are wanted."""
        first = min(self.first, LARGEST_MATCH)
        return first, min(self.size, LARGEST_MATCH - first)

    def slice(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """The rows of this page; an unordered queryset would give any rows."""
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
        """The answer. `unfiltered` is the total without the filters, None when there are none."""
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
