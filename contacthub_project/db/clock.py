"""Moments by the database's clock: one for all processes, and put back at times as any other."""

from __future__ import annotations

from datetime import timedelta

from django.db import models
from django.db.models import Func, Q


class StatementTimestamp(Func):
    """The server's clock when the statement came, also in a transaction that has lasted."""

    function = "statement_timestamp"
    output_field = models.DateTimeField()


def is_over(column: str, *, longest: timedelta) -> Q:
    """Whether a wait until the moment in a column is over.

    A moment that is further away than the `longest` wait was noted before the clock was put back;
    how much of it is left is unknown, and it counts as over.
    """
    now = StatementTimestamp()
    return Q(**{f"{column}__lte": now}) | Q(**{f"{column}__gt": now + longest})
