"""Rows of a job, and their results."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from django.db import transaction

from bulkjobs.domain.row_bodies import column_of, place_of
from bulkjobs.models import Outcome
from contacthub_project.core.errors import ContacthubError, FieldError
from contacthub_project.core.identifiers import as_uuid
from customers.domain.refusals import RefusalReason, reason_of
from customers.queries.suppressions import PersonForgotten


@dataclass(frozen=True, slots=True)
class Row:
    """A row: its line in the file, its body, and the body's size in bytes as JSON.

    `columns` are the names of the file's columns by the paths of their properties.
    """

    number: int
    body: dict[str, Any]
    size: int
    columns: Mapping[str, str] = field(default_factory=dict)
    warnings: Sequence[FieldError] = ()

    def refused(self, refusal: ContacthubError) -> RowResult:
        """Return the result of a refused row, with faults by the names of columns.

        Of a forgotten person it contains no data.
        """
        if isinstance(refusal, PersonForgotten):
            return RowResult(self.number, Outcome.FORGOTTEN)
        errors = [self._in_the_file(error) for error in refusal.errors]
        failure = RowResult.failure(self.number, errors, refusal.message)
        return replace(failure, reason=reason_of(refusal))

    def _in_the_file(self, error: FieldError) -> FieldError:
        """An error of the body, at the column that is at fault."""
        place = place_of(error.path, self.body)
        column = column_of(place, self.columns)
        if not place or column == place:
            return replace(error, path=self.columns.get(place, place))
        within = place.removeprefix(f"{column}.")
        message = f"{within} {error.message}" if within != place else error.message
        return replace(error, path=self.columns[column], message=message)


@dataclass(slots=True)
class RowResult:
    """The result of a row (see `bulkjobs.models.Result`).

    Of an accepted one `message` is a warning.
    """

    row: int
    outcome: str
    entity_id: UUID | None = None
    message: str | None = None
    column: str | None = None
    code: str | None = None
    identity: dict[str, str] | None = None
    cells: list[str] | None = None
    digests: list[str] | None = None
    reason: RefusalReason | None = None
    body: Mapping[str, Any] | None = None

    @classmethod
    def failure(cls, row: int, errors: Sequence[FieldError], message: str = "") -> RowResult:
        """Return a refused row: all its errors as text, the column and the code of the first.

        The errors' paths are names of columns.
        """
        details = "; ".join(f"{error.path} {error.message}".strip() for error in errors)
        column = errors[0].path or None if errors else None
        code = errors[0].code if errors else None
        return cls(row, Outcome.FAILED, None, details or message, column, code)

    def with_warnings(self, warnings: Sequence[FieldError]) -> RowResult:
        """Return the result with warnings, unless it has errors."""
        if not warnings or self.outcome == Outcome.FAILED:
            return self
        message = "; ".join(f"{warning.path} {warning.message}" for warning in warnings)
        return replace(self, message=message, column=warnings[0].path, code=warnings[0].code)


def without_foreign_ids(rows: Sequence[Row]) -> tuple[list[Row], list[RowResult]]:
    """Return rows without those whose id cannot be ours, and the results of these."""
    kept, refused = [], []
    for row in rows:
        given = row.body.get("id")
        if given is None or as_uuid(given) is not None:
            kept.append(row)
            continue
        message = "is no id of this hub; the ids of other systems are external ids"
        error = FieldError(row.columns.get("id", "id"), message, "format")
        refused.append(RowResult.failure(row.number, [error]))
    return kept, refused


def applied_singly(rows: Sequence[Row], act: Callable[[Row], tuple[str, UUID]]) -> list[RowResult]:
    """Apply rows one by one; the effects of a refused one are rolled back."""
    results = []
    for row in rows:
        try:
            with transaction.atomic():
                outcome, entity_id = act(row)
            results.append(RowResult(row.number, outcome, entity_id))
        except ContacthubError as refusal:
            results.append(row.refused(refusal))
    return results
