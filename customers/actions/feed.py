"""Assigns offsets to changes, and deletes old changes.

Changes are written without an offset, in the transaction of their cause. A reader seals first: with
the workspace's row of `customers_feed` locked, committed changes without an offset get the next
ones, in insertion order. Later commits get later offsets, so a reader that has read up to an offset
cannot miss any below it (docs/decisions/0006-change-feed.md).
"""

from __future__ import annotations

from datetime import timedelta
from time import monotonic
from uuid import UUID

from django.conf import settings
from django.db import OperationalError, transaction
from django.utils import timezone
from psycopg.errors import DiskFull

from configuration.models import Workspace
from contacthub_project.core.errors import Unavailable
from contacthub_project.db.sql import fetch_one, fetch_optional, fetch_value, load

SEALED_AT_ONCE = 10_000
SEALING_SECONDS = 10.0  # the most that one request spends on sealing; the next one continues
TRIMMED_AT_ONCE = 5_000

UNSEALED = """
SELECT EXISTS (SELECT FROM customers_change WHERE workspace_id = %s AND feed_offset IS NULL)
"""
INSERT_FEED = """
INSERT INTO customers_feed (workspace_id, last_offset, trimmed_to) VALUES (%s, 0, 0)
ON CONFLICT (workspace_id) DO NOTHING RETURNING workspace_id
"""
# A separate statement: the next one must see what the previous holder has committed.
LOCK_FEED = "SELECT last_offset FROM customers_feed WHERE workspace_id = %s FOR UPDATE"
SEAL = load("customers/sql/seal_changes")
TRIM = load("customers/sql/trim_feed")


def seal(workspace_id: UUID) -> bool:
    """Give the next offsets to committed changes without one, to at most 10000.

    Returns whether all changes committed before the call have offsets now. Also True when the
    database's disk is full: the feed then ends earlier, and continues later.
    """
    try:
        return _sealed(workspace_id)
    except OperationalError as failure:
        if not isinstance(failure.__cause__, DiskFull):
            raise
        return True


def _sealed(workspace_id: UUID) -> bool:
    if not fetch_value(UNSEALED, [workspace_id]):
        return True
    with transaction.atomic():
        last_offset = fetch_optional(LOCK_FEED, [workspace_id])
        if last_offset is None:
            fetch_one(INSERT_FEED, [workspace_id])
            last_offset = fetch_value(LOCK_FEED, [workspace_id])
        parameters = {
            "workspace_id": workspace_id,
            "last_offset": last_offset,
            "limit": SEALED_AT_ONCE,
        }
        # A plan made for few changes would be quadratic in many.
        sealed: int = fetch_value(SEAL, parameters, prepare=False)
        return sealed < SEALED_AT_ONCE


def seal_everything(workspace_id: UUID) -> None:
    """Give offsets to all changes that were committed before the call, in batches.

    Every batch is a transaction, so sealed changes stay sealed. Raises Unavailable when that takes
    longer than ten seconds.
    """
    deadline = monotonic() + SEALING_SECONDS
    while not seal(workspace_id):
        if monotonic() > deadline:
            raise Unavailable("Changes are still being put in order; try again to go on with it")


def trim(workspace_id: UUID) -> int:
    """Delete a batch of changes older than the feed keeps them; return their number.

    Unread ones are sealed first: readers detect missing changes by their offsets.
    """
    while not _sealed(workspace_id):
        pass
    before = timezone.now() - timedelta(days=settings.FEED_DAYS)
    with transaction.atomic():
        if fetch_one(LOCK_FEED, [workspace_id]) is None:
            return 0
        parameters = {"workspace_id": workspace_id, "before": before, "limit": TRIMMED_AT_ONCE}
        trimmed: int = fetch_value(TRIM, parameters, prepare=False)
        return trimmed


def trim_all() -> None:
    """Delete all old changes of all workspaces, in batches."""
    for workspace_id in Workspace.objects.present().values_list("id", flat=True):
        while trim(workspace_id) == TRIMMED_AT_ONCE:
            pass
