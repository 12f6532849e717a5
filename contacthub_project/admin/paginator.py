"""A paginator for lists that may have millions of rows."""

from __future__ import annotations

from functools import cached_property

from django.core.paginator import Paginator

from contacthub_project.db.querysets import BoundedQuerySet

MOST_ROWS = 10_000


class BoundedPaginator(Paginator):  # type: ignore[type-arg]
    """A paginator that counts and shows no more than the first MOST_ROWS rows.

    Filters and search reach the others; no page costs more than reading so many index entries.
    """

    @cached_property
    def count(self) -> int:
        rows = self.object_list
        if isinstance(rows, BoundedQuerySet):
            return rows.count_up_to(MOST_ROWS)
        return min(super().count, MOST_ROWS)
