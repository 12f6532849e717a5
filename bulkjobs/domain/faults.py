"""Faults of a file as a whole, and of single rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from contacthub_project.core.errors import FieldError


class BadFile(Exception):
    """The file as a whole cannot be used; the message is for its sender."""


class BadRow(Exception):
    """A row cannot be used: each error names its column.

    `body` is the content of the other cells.
    """

    def __init__(self, errors: Sequence[FieldError], body: Mapping[str, Any]) -> None:
        super().__init__("row")
        self.errors = list(errors)
        self.body = dict(body)
