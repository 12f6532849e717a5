"""A model field for numbers of any size."""

from __future__ import annotations

from typing import Any

from django.db import models


class ExactNumber(models.Field):
    """PostgreSQL's `numeric` without a scale, a Decimal in Python.

    Django's DecimalField requires a scale, to which the database would pad every value.
    """

    def db_type(self, connection: Any) -> str:
        return "numeric"
