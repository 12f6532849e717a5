"""Folds deltas into counters.

A delta is removed and counted in one transaction, and one worker at a time works on a workspace; so
a crash loses none and counts none twice. Readers add the deltas that are not folded yet: late
folding makes reads slower, never wrong.
"""

from __future__ import annotations

import time
from uuid import UUID

from django.db import transaction

from analytics.actions.recounting import recount
from analytics.queries.measures import LOCK_CLASS
from contacthub_project.db.sql import fetch_all, fetch_one, fetch_value, load

TASK = "analytics.tasks.fold"
BATCH = 20_000

LOCK = "SELECT pg_try_advisory_xact_lock(%s::int, hashtext(%s))"
WORKSPACES = load("analytics/sql/workspaces_to_fold")
OPEN_LEDGER = load("analytics/sql/open_ledger")
FOLD = load("analytics/sql/fold_deltas")


def fold_all(*, seconds: float) -> bool:
    """Fold deltas for about so many seconds; return True when none are left.

    Workspaces whose time zone was changed are counted again.
    """
    deadline = time.monotonic() + seconds
    for workspace_id, is_elsewhere in fetch_all(WORKSPACES, []):
        if is_elsewhere:
            recount(workspace_id, repair=True)
        while fold(workspace_id) == BATCH:
            if time.monotonic() > deadline:
                return False
    return True


@transaction.atomic
def fold(workspace_id: UUID) -> int:
    """Fold a batch of a workspace's deltas.

    Return their number, 0 while another process does it.
    """
    if not fetch_value(LOCK, [LOCK_CLASS, str(workspace_id)]):
        return 0
    fetch_one(OPEN_LEDGER, {"workspace_id": workspace_id})
    parameters = {"workspace_id": workspace_id, "limit": BATCH}
    folded: int = fetch_value(FOLD, parameters, prepare=False)
    return folded
