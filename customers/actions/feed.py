"""Giving offsets to changes, and forgetting old ones.

Changes are written without an offset, in the transaction of their cause. Whoever reads seals first:
holding the workspace's row of `customers_feed`, the changes that are committed and have no offset
get the next ones, in insertion order. What commits later gets a later offset, so nobody who has
read up to an offset can miss anything below it (docs/decisions/0006-change-feed.md).
"""

from __future__ import annotations

from datetime import timedelta
from time import monotonic
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from configuration.models import Workspace
from contacthub_project.core.errors import Unavailable
from contacthub_project.db.sql import fetch_one, fetch_value, load

SEALED_AT_ONCE = 10_000
SEALING_SECONDS = 10.0  # what one request spends on sealing; the next one goes on
TRIMMED_AT_ONCE = 5_000

UNSEALED = """
SELECT EXISTS (SELECT FROM customers_change WHERE workspace_id = %s AND feed_offset IS NULL)
"""
BEGIN = """
INSERT INTO customers_feed (workspace_id, last_offset, trimmed_to) VALUES (%s, 0, 0)
ON CONFLICT (workspace_id) DO NOTHING RETURNING workspace_id
"""
# A statement of its own: the next one must see what the holder before us has committed.
HOLD = "SELECT last_offset FROM customers_feed WHERE workspace_id = %s FOR UPDATE"
SEAL = load("customers/sql/seal_changes")
TRIM = load("customers/sql/trim_feed")


def seal(workspace_id: UUID) -> bool:
    """Give the next offsets to committed changes that have none, to 10000 of them at most.

    Whether all of them that were committed before the call have offsets now.
    """
    if not fetch_value(UNSEALED, [workspace_id]):
        return True
    with transaction.atomic():
        held = fetch_one(HOLD, [workspace_id])
        if held is None:
            fetch_one(BEGIN, [workspace_id])
            held = fetch_one(HOLD, [workspace_id])
        parameters = {
            "workspace_id": workspace_id,
            "last_offset": held[0],
            "limit": SEALED_AT_ONCE,
        }
        # A plan made while few changes were waiting would be quadratic in many.
        sealed: int = fetch_value(SEAL, parameters, prepare=False)
        return sealed < SEALED_AT_ONCE


def seal_everything(workspace_id: UUID) -> None:
    """Give offsets to all changes that were committed before the call, batch by batch.

    Every batch is a transaction, so what is sealed stays sealed. Raises Unavailable when that takes
    longer than ten seconds.
    """
    deadline = monotonic() + SEALING_SECONDS
    while not seal(workspace_id):
        if monotonic() > deadline:
            raise Unavailable("Changes are still being put in order; try again to go on with it")


def trim(workspace_id: UUID) -> int:
    """Forget a batch of changes that are older than the feed keeps them; how many went.

    Those that nobody has read are sealed first: an offset says what is missing, no gap does.
    """
    while not seal(workspace_id):
        pass
    before = timezone.now() - timedelta(days=settings.FEED_DAYS)
    with transaction.atomic():
        if fetch_one(HOLD, [workspace_id]) is None:
            return 0
        parameters = {"workspace_id": workspace_id, "before": before, "limit": TRIMMED_AT_ONCE}
        trimmed: int = fetch_value(TRIM, parameters, prepare=False)
        return trimmed


def trim_all() -> None:
    """Forget all old changes of all workspaces, batch by batch."""
    for workspace_id in Workspace.objects.present().values_list("id", flat=True):
        while trim(workspace_id) == TRIMMED_AT_ONCE:
            pass
