"""What querysets of all apps share."""

from __future__ import annotations

from typing import TypeVar

from django.db import models

Row = TypeVar("Row", bound=models.Model)


class BoundedQuerySet(models.QuerySet[Row]):
    """A queryset that can be counted cheaply."""

    def count_up_to(self, most: int) -> int:
        """How many there are, without looking at more than `most` of them."""
        return self.order_by()[:most].count()
