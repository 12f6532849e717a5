"""Removes expired histories of customers' values."""

from __future__ import annotations

import time
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from configuration.models import Workspace
from customers.models import ValueChange

TASK = "customers.tasks.remove_old_history"
BATCH = 5000


def remove_old_history(*, seconds: float) -> bool:
    """Remove changes older than each workspace's `history_days`; return True when none is left."""
    deadline = time.monotonic() + seconds
    for workspace_id, days in Workspace.objects.present().values_list("id", "history_days"):
        while _remove_batch(workspace_id, days) == BATCH:
            if time.monotonic() > deadline:
                return False
    return True


@transaction.atomic
def _remove_batch(workspace_id: UUID, days: int) -> int:
    before = timezone.now() - timedelta(days=days)
    changes = ValueChange.objects.in_workspace(workspace_id)
    old = changes.filter(changed_at__lt=before)
    keys = list(old.values_list("pk", flat=True)[:BATCH])
    return changes.filter(pk__in=keys).delete()[0] if keys else 0
