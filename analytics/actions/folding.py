"""Folding deltas into counters: what has been written is added to what has been counted.

A delta is taken and counted in one transaction, and one worker at a time works on a workspace; so a
crash loses none and counts none twice. Readers add what is not folded yet: to fold late costs them
time, never exactness.
"""

from __future__ import annotations

import time
from uuid import UUID

from django.db import transaction

from analytics.actions.recounting import recount
from analytics.queries.measures import CHANGED_HEADS, FACTS, LOCK_CLASS, VISITS
from contacthub_project.db.sql import fetch_all, fetch_one

TASK = "analytics.tasks.fold"
BATCH = 20_000

HOLD = "SELECT pg_try_advisory_xact_lock(%s::int, hashtext(%s))"
WORKSPACES = """
SELECT workspace.id,
       ledger.time_zone IS NOT NULL AND ledger.time_zone <> workspace.timezone AS is_elsewhere
FROM configuration_workspace AS workspace
LEFT JOIN analytics_ledger AS ledger ON ledger.workspace_id = workspace.id
WHERE workspace.removed_at IS NULL AND (
    EXISTS (SELECT FROM analytics_delta AS delta WHERE delta.workspace_id = workspace.id)
    OR ledger.time_zone <> workspace.timezone
)
"""
OPEN_LEDGER = """
INSERT INTO analytics_ledger (workspace_id, time_zone, differences)
SELECT id, timezone, 0 FROM configuration_workspace WHERE id = %s
ON CONFLICT (workspace_id) DO NOTHING RETURNING workspace_id
"""
FOLD = f"""
WITH taken AS (
    DELETE FROM analytics_delta
    WHERE workspace_id = %(workspace_id)s AND id IN (
        SELECT id FROM analytics_delta WHERE workspace_id = %(workspace_id)s
        ORDER BY id LIMIT %(limit)s
    )
    RETURNING *
),
ledger AS (
    UPDATE analytics_ledger SET folded_at = now() WHERE workspace_id = %(workspace_id)s
    RETURNING time_zone
),
visit AS ({VISITS.format(deltas="taken", ledger="ledger")}),
-- As they were before: a statement does not see what it writes itself.
head AS ({CHANGED_HEADS}),
present AS (
    INSERT INTO analytics_presence (workspace_id, node_id, kind, day, member, times)
    SELECT workspace_id, node_id, metric || ' ' || key, day, member, times FROM visit
    ORDER BY node_id, metric, key, day, member
    ON CONFLICT (workspace_id, node_id, kind, day, member)
    DO UPDATE SET times = analytics_presence.times + EXCLUDED.times
),
counted AS (
    INSERT INTO analytics_counter (workspace_id, node_id, metric, key, day, value)
    SELECT workspace_id, node_id, metric, key, day, sum(value)
    FROM (
        {FACTS.format(deltas="taken", ledger="ledger")}
        UNION ALL SELECT * FROM head
    ) AS fact
    GROUP BY 1, 2, 3, 4, 5 HAVING sum(value) <> 0
    ORDER BY 1, 2, 3, 4, 5
    ON CONFLICT (workspace_id, node_id, metric, day, key)
    DO UPDATE SET value = analytics_counter.value + EXCLUDED.value
)
SELECT count(*) FROM taken
"""


def fold_all(*, seconds: float) -> bool:
    """Fold what there is, for about so many seconds; True when nothing is left.

    Workspaces whose time zone was changed are counted anew.
    """
    deadline = time.monotonic() + seconds
    for workspace_id, is_elsewhere in fetch_all(WORKSPACES, []):
        if is_elsewhere:
            recount(workspace_id, mend=True)
        while fold(workspace_id) == BATCH:
            if time.monotonic() > deadline:
                return False
    return True


@transaction.atomic
def fold(workspace_id: UUID) -> int:
    """Fold a batch of a workspace's deltas; how many there were, 0 while another is at it."""
    if not fetch_one(HOLD, [LOCK_CLASS, str(workspace_id)])[0]:
        return 0
    fetch_one(OPEN_LEDGER, [workspace_id])
    parameters = {"workspace_id": workspace_id, "limit": BATCH}
    (folded,) = fetch_one(FOLD, parameters, prepare=False)
    return folded
