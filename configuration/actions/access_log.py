"""Entries of the audit log for accesses to personal data, and the retention of entries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from configuration.models import StaffChange
from contacthub_project.core.identifiers import as_uuid

BATCH = 10_000
MOST_KEYS = 200
NOT_OBJECTS = frozenset({"workspace_id"})


def record_access(
    *,
    user_id: int,
    workspace_id: UUID,
    method: str,
    path: str,
    summary: str,
    keys: Sequence[str],
    customer_id: UUID | None = None,
    reason: str = "",
) -> None:
    """Record an access to, export or erasure of personal data; never the data itself.

    `keys` are the ids of the accessed rows, customers' ids among them.
    """
    StaffChange.objects.create(
        user_id=user_id,
        workspace_id=workspace_id,
        customer_id=customer_id,
        method=method,
        path=path[:500],
        summary=summary,
        object_keys=[key[:255] for key in dict.fromkeys(keys)][:MOST_KEYS],
        reason=reason,
    )


def keys_in(parts: Mapping[str, Any]) -> list[str]:
    """Return the ids in the parts of an address, except the workspace's."""
    values = [str(value) for name, value in parts.items() if name not in NOT_OBJECTS]
    return [str(as_uuid(value) or value)[:255] for value in values]


def remove_old_entries() -> int:
    """Remove entries older than AUDIT_DAYS, in batches; return their number."""
    if not settings.AUDIT_DAYS:
        return 0
    before, removed = timezone.now() - timedelta(days=settings.AUDIT_DAYS), 0
    while True:
        old = StaffChange.objects.filter(at__lt=before).order_by("at")
        ids = list(old.values_list("id", flat=True)[:BATCH])
        if not ids:
            return removed
        removed += StaffChange.objects.filter(id__in=ids).delete()[0]
