"""Counts a workspace again from its rows, to verify and repair its counters.

Everything is read in one snapshot, so writers continue meanwhile and are neither missed nor counted
twice: what they have committed by then is in the rows, what they commit later is in deltas that the
snapshot does not contain.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

import structlog
from django.db import connection, transaction
from django.utils import timezone

from analytics.models import Counter, Delta, Ledger, Presence
from analytics.queries.measures import LOCK_CLASS
from configuration.models import Workspace
from contacthub_project.db.sql import fetch_all, fetch_one, fetch_value, load

LOCK_TIMEOUT_SECONDS = 60.0

LOCK = "SELECT pg_try_advisory_lock(%s::int, hashtext(%s))"
UNLOCK = "SELECT pg_advisory_unlock(%s::int, hashtext(%s))"
COMPARE = load("analytics/sql/compare_counters")
COUNT = load("analytics/sql/count_anew")
COUNT_VISITS = load("analytics/sql/count_visits_anew")

log = structlog.get_logger("contacthub.analytics")


@dataclass(frozen=True, slots=True)
class Difference:
    """A counter that differs from the rows."""

    node_id: UUID
    metric: str
    key: str
    day: date
    counted: Decimal
    actual: Decimal


def recount_all(*, repair: bool) -> dict[UUID, list[Difference]]:
    """Recount every workspace; return the differences by workspace, where there are any."""
    found = {}
    for workspace_id in Workspace.objects.present().values_list("id", flat=True):
        differences = recount(workspace_id, repair=repair)
        if differences:
            found[workspace_id] = differences
    return found


def recount(workspace_id: UUID, *, repair: bool) -> list[Difference]:
    """Return the differences between a workspace's counters and its rows; `repair` corrects them.

    Raises TimeoutError when another process works on the workspace's counters for too long.
    """
    with _locked_ledger(workspace_id), _snapshot():
        zones = Workspace.objects.filter(id=workspace_id).values_list("timezone", flat=True)
        time_zone = zones.first()
        if time_zone is None:
            return []
        ledger = Ledger.objects.filter(workspace_id=workspace_id).first()
        counted_in = time_zone if ledger is None else ledger.time_zone
        parameters = {"workspace_id": workspace_id, "time_zone": counted_in}
        differences = [Difference(*row) for row in fetch_all(COMPARE, parameters, prepare=False)]
        if differences:
            log.warning("counters differ", workspace=str(workspace_id), how_many=len(differences))
        if repair and (differences or counted_in != time_zone):
            _rebuild_counters(workspace_id, time_zone)
        _update_ledger(workspace_id, time_zone if repair else counted_in, len(differences))
    return differences


def _rebuild_counters(workspace_id: UUID, time_zone: str) -> None:
    for model in (Delta, Counter, Presence):
        model.objects.filter(workspace_id=workspace_id).delete()
    with connection.cursor() as cursor:
        for statement in (COUNT, COUNT_VISITS):
            cursor.execute(statement, {"workspace_id": workspace_id, "time_zone": time_zone})


def _update_ledger(workspace_id: UUID, time_zone: str, differences: int) -> None:
    # Counters of zero are not kept.
    Counter.objects.filter(workspace_id=workspace_id, value=0).delete()
    Presence.objects.filter(workspace_id=workspace_id, times=0).delete()
    Ledger.objects.update_or_create(
        workspace_id=workspace_id,
        defaults={
            "time_zone": time_zone,
            "differences": differences,
            "recounted_at": timezone.now(),
        },
    )


@contextmanager
def _locked_ledger(workspace_id: UUID) -> Iterator[None]:
    """Lock the workspace's counters; called before the snapshot is taken."""
    name = [LOCK_CLASS, str(workspace_id)]
    deadline = time.monotonic() + LOCK_TIMEOUT_SECONDS
    while not fetch_value(LOCK, name):
        if time.monotonic() > deadline:
            raise TimeoutError(f"the counters of workspace {workspace_id} are being worked on")
        time.sleep(0.05)
    try:
        yield
    finally:
        fetch_one(UNLOCK, name)


@contextmanager
def _snapshot() -> Iterator[None]:
    """Read everything in one snapshot until the end."""
    is_ours = not connection.in_atomic_block
    with transaction.atomic():
        if is_ours:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        yield
