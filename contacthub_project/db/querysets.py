"""What querysets of all apps share."""

from __future__ import annotations

from typing import TypeVar

from django.db import models
from django.db.models import F, Func, JSONField, Value

Row = TypeVar("Row", bound=models.Model)


class BoundedQuerySet(models.QuerySet[Row]):
    """A queryset that can be counted cheaply."""

    def count_up_to(self, most: int) -> int:
        """How many there are, without looking at more than `most` of them."""
        return self.order_by()[:most].count()


def json_value_at(column: str, *path: str) -> Func:
    """The value in a JSON column at a path, whatever its names; NULL when there is none."""
    names = [Value(name) for name in path]
    return Func(F(column), *names, function="jsonb_extract_path", output_field=JSONField())
