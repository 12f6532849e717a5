"""The retention purge: deletes events older than the months of their type and node.

Each batch is a short transaction that includes the run's progress; so an interrupted run continues,
and no lock is held for longer than a batch takes.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog
from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.utils import timezone

from configuration.domain.retention import cutoffs, effective_months
from configuration.models import EventTypeSettings, Node, Workspace
from contacthub_project.db.sql import fetch_one, fetch_value, load
from contacthub_project.messaging.pubsub import notify_on_commit
from events.models import PurgeRun

EXPIRED = load("events/sql/expired_events")
DELETE_EXPIRED = load("events/sql/delete_expired_events")

TASK = "events.tasks.purge"
BATCH = 1000
LOCK = 0x70757267


log = structlog.get_logger("contacthub.purge")


@dataclass(frozen=True, slots=True)
class Expiry:
    """Events of a type in a node that are dated before a moment, to be deleted."""

    node_id: UUID
    type: str
    before: datetime

    @property
    def position(self) -> str:
        """Its position in the order of a run."""
        return f"{self.node_id} {self.type}"


@dataclass(frozen=True, slots=True)
class Expired:
    """The events of one expiry that a purge would delete."""

    expiry: Expiry
    count: int
    oldest: datetime
    newest: datetime


def expiries(workspace_id: UUID, as_of: datetime) -> list[Expiry]:
    """Return the expiries of a workspace, node by node and type by type, in the order of a run.

    A node's own months override the workspace's; 0 keeps events for ever; a node can disable it.
    """
    settings = EventTypeSettings.objects.in_workspace(workspace_id)
    of_workspace = {
        each.type: each.retention_months for each in settings if each.retention_months is not None
    }
    nodes = Node.objects.in_workspace(workspace_id).filter(retention_enabled=True)
    found = [
        Expiry(node.id, event_type, before)
        for node in nodes
        for event_type, before in cutoffs(
            effective_months(of_workspace, node.retention_months), as_of
        ).items()
    ]
    return sorted(found, key=lambda expiry: expiry.position)


def expired(workspace_id: UUID, as_of: datetime) -> Iterator[Expired]:
    """Return what a purge would delete: the dry run."""
    for expiry in expiries(workspace_id, as_of):
        count, oldest, newest = fetch_one(EXPIRED, _parameters(workspace_id, expiry))
        if count:
            yield Expired(expiry, count, oldest, newest)


def start_runs() -> int:
    """Start a run in every workspace without one; return their number."""
    now = timezone.now()
    started = 0
    for workspace_id in Workspace.objects.present().values_list("id", flat=True):
        try:
            with transaction.atomic():
                PurgeRun.objects.create(
                    workspace_id=workspace_id, as_of=now, started_at=now, worked_at=now
                )
            started += 1
        except IntegrityError:
            continue  # a run is under way
    return started


def go_on(*, seconds: float) -> bool:
    """Continue the runs for about so many seconds; return True when none is left.

    Does nothing while another worker does it.
    """
    deadline = time.monotonic() + seconds
    if not fetch_value("SELECT pg_try_advisory_lock(%s)", [LOCK]):
        return True
    try:
        for run in PurgeRun.objects.filter(finished_at=None).order_by("started_at", "id"):
            if not _continue(run, deadline):
                return False
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])
    return True


def _continue(run: PurgeRun, deadline: float) -> bool:
    for expiry in expiries(run.workspace_id, run.as_of):
        if expiry.position < run.position:
            continue
        while _delete_batch(run, expiry) == BATCH:
            if time.monotonic() > deadline:
                return False
    now = timezone.now()
    PurgeRun.objects.in_workspace(run.workspace_id).filter(id=run.id).update(
        finished_at=now, worked_at=now
    )
    run.refresh_from_db()
    log.info(
        "purged",
        workspace=str(run.workspace_id),
        deleted=run.deleted,
        rows_per_second=round(run.rows_per_second),
    )
    return True


def _delete_batch(run: PurgeRun, expiry: Expiry) -> int:
    """Delete a batch and record it, in one transaction; return the number."""
    began = time.monotonic()
    with transaction.atomic():
        parameters = _parameters(run.workspace_id, expiry) | {"limit": BATCH}
        deleted: int = fetch_value(DELETE_EXPIRED, parameters)
        PurgeRun.objects.in_workspace(run.workspace_id).filter(id=run.id).update(
            position=expiry.position,
            worked_at=timezone.now(),
            looked_at=F("looked_at") + deleted,
            deleted=F("deleted") + deleted,
            seconds_worked=F("seconds_worked") + (time.monotonic() - began),
        )
        notify_on_commit(run.workspace_id)
    return deleted


def _parameters(workspace_id: UUID, expiry: Expiry) -> dict[str, object]:
    return {
        "workspace_id": workspace_id,
        "node_id": expiry.node_id,
        "type": expiry.type,
        "before": expiry.before,
    }
