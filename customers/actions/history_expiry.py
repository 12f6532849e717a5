"""Removes expired histories of customers' values."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from configuration.models import Workspace
from contacthub_project.db.querysets import TenantQuerySet
from customers.models import ValueChange

TASK = "customers.tasks.remove_old_history"
BATCH = 5000


def remove_old_history(*, seconds: float) -> bool:
    """Remove changes older than each workspace's `history_days`; return True when none is left.

    Journals of merges are kept for MERGE_JOURNAL_DAYS at least.
    """
    deadline = time.monotonic() + seconds
    for workspace_id, days in Workspace.objects.present().values_list("id", "history_days"):
        changes = ValueChange.objects.in_workspace(workspace_id)
        for old in (
            changes.filter(changed_at__lt=_before(max(days, settings.MERGE_JOURNAL_DAYS))),
            changes.filter(changed_at__lt=_before(days), after__isnull=True),
        ):
            while _remove_batch(old) == BATCH:
                if time.monotonic() > deadline:
                    return False
    return True


def _before(days: int) -> datetime:
    return timezone.now() - timedelta(days=days)


@transaction.atomic
def _remove_batch(old: TenantQuerySet[ValueChange]) -> int:
    keys = list(old.values_list("pk", flat=True)[:BATCH])
    if not keys:
        return 0
    workspace_id = keys[0][0]
    changes = ValueChange.objects.in_workspace(workspace_id)
    return changes.filter(pk__in=keys).delete()[0]
