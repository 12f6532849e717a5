"""Counting a workspace anew from its rows: the proof of the counters, and their repair.

Everything is looked at in one snapshot, so writers go on meanwhile and are neither missed nor
counted twice: what they have committed by then is in the rows, what they commit later is in deltas
that the snapshot does not show.
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

PATIENCE = 60.0

HOLD = "SELECT pg_try_advisory_lock(%s::int, hashtext(%s))"
LET_GO = "SELECT pg_advisory_unlock(%s::int, hashtext(%s))"
COMPARE = load("analytics/sql/compare_counters")
COUNT = load("analytics/sql/count_anew")
COUNT_VISITS = load("analytics/sql/count_visits_anew")

log = structlog.get_logger("contacthub.analytics")


@dataclass(frozen=True, slots=True)
class Difference:
    """A counter that is not what the rows add up to."""

    node_id: UUID
    metric: str
    key: str
    day: date
    counted: Decimal
    actual: Decimal


def recount_all(*, mend: bool) -> dict[UUID, list[Difference]]:
    """Recount every workspace; the differences by workspace, where there are any."""
    found = {}
    for workspace_id in Workspace.objects.present().values_list("id", flat=True):
        differences = recount(workspace_id, mend=mend)
        if differences:
            found[workspace_id] = differences
    return found


def recount(workspace_id: UUID, *, mend: bool) -> list[Difference]:
    """What differs between the counters of a workspace and its rows; with `mend`, no more.

    Raises TimeoutError when another works on the workspace's counters for long.
    """
    with _held(workspace_id), _snapshot():
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
        if mend and (differences or counted_in != time_zone):
            _count_anew(workspace_id, time_zone)
        _note(workspace_id, time_zone if mend else counted_in, len(differences))
    return differences


def _count_anew(workspace_id: UUID, time_zone: str) -> None:
    for model in (Delta, Counter, Presence):
        model.objects.filter(workspace_id=workspace_id).delete()
    with connection.cursor() as cursor:
        for statement in (COUNT, COUNT_VISITS):
            cursor.execute(statement, {"workspace_id": workspace_id, "time_zone": time_zone})


def _note(workspace_id: UUID, time_zone: str, differences: int) -> None:
    # What has come down to nothing need not be kept.
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
def _held(workspace_id: UUID) -> Iterator[None]:
    """The workspace's counters, for ourselves; held before the snapshot is taken."""
    name = [LOCK_CLASS, str(workspace_id)]
    deadline = time.monotonic() + PATIENCE
    while not fetch_value(HOLD, name):
        if time.monotonic() > deadline:
            raise TimeoutError(f"the counters of workspace {workspace_id} are being worked on")
        time.sleep(0.05)
    try:
        yield
    finally:
        fetch_one(LET_GO, name)


@contextmanager
def _snapshot() -> Iterator[None]:
    """One view of everything until the end, what others commit meanwhile left out."""
    is_ours = not connection.in_atomic_block
    with transaction.atomic():
        if is_ours:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        yield
