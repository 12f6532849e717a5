"""Leases: one worker at a time works on a row, for a limited time that it extends.

A row has the token of its latest holder (`claim`) and, in `lease_column`, the end of the lease by
the database's clock. The lease of a killed worker expires, and another worker acquires the row.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar, Self, TypeVar
from uuid import UUID

from django.db import models
from django.db.models.expressions import Combinable

from contacthub_project.db.clock import StatementTimestamp, is_over
from contacthub_project.db.querysets import TenantQuerySet

Row = TypeVar("Row", bound=models.Model)


class LeaseLost(Exception):
    """The row was removed or stopped, or another worker has the lease."""


@dataclass(frozen=True, slots=True)
class Lease:
    """A worker's lease of a row; `token` is new for each."""

    workspace_id: UUID
    row_id: UUID
    token: UUID


def lease_end(seconds: float) -> Combinable:
    """Return the moment so many seconds from now, by the database's clock."""
    return StatementTimestamp() + timedelta(seconds=seconds)


class LeasedQuerySet(TenantQuerySet[Row]):
    """Rows that workers lease."""

    lease_column: ClassVar[str] = "available_at"

    def unleased(self, *, longest: timedelta) -> Self:
        """Return the rows without a current lease; no lease lasts longer than `longest`."""
        return self.filter(is_over(self.lease_column, longest=longest))

    def held_by(self, lease: Lease) -> Self:
        """Return the row of a lease, if it is still the holder's."""
        rows = self.in_workspace(lease.workspace_id)
        return rows.filter(id=lease.row_id, claim=lease.token)

    def acquire(self, token: UUID, seconds: float, **values: Any) -> bool:
        """Lease the rows, which `unleased` has filtered, and set values; return whether any was."""
        return self.extend(seconds, claim=token, **values)

    def extend(self, seconds: float, **values: Any) -> bool:
        """Extend the lease of the rows, and set values; return False when it is lost."""
        return bool(self.update(**{self.lease_column: lease_end(seconds)}, **values))

    def release(self, seconds: float = 0, **values: Any) -> bool:
        """End the lease of the rows; no worker acquires them for so many seconds."""
        return self.extend(seconds, claim=None, **values)
