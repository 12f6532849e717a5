"""The retention purge: events older than their type and node keep them go, and nothing else.

Each batch is a short transaction of its own, with the run's progress in it; so a run that is killed
goes on where it stopped, and no lock is held for longer than a batch takes.
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

DELETE_EXPIRED = load("events/sql/delete_expired_events")

TASK = "events.tasks.purge"
BATCH = 1000
LOCK = 0x70757267

EXPIRED = """
SELECT count(*), min(date), max(date) FROM events_event
WHERE node_id = %(node_id)s AND type = %(type)s AND date < %(before)s
  AND workspace_id = %(workspace_id)s
"""

log = structlog.get_logger("contacthub.purge")


@dataclass(frozen=True, slots=True)
class Expiry:
    """Events of a type in a node that are dated before a moment are to go."""

    node_id: UUID
    type: str
    before: datetime

    @property
    def position(self) -> str:
        """Where it stands in the order of a run."""
        return f"{self.node_id} {self.type}"


@dataclass(frozen=True, slots=True)
class Expired:
    """What a purge would delete of one expiry."""

    expiry: Expiry
    count: int
    oldest: datetime
    newest: datetime


def expiries(workspace_id: UUID, as_of: datetime) -> list[Expiry]:
    """What is to go from a workspace, node by node and type by type, in the order of a run.

    A node's own months win over the workspace's; 0 keeps for ever; a node can switch it off.
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
    """What a purge would delete: the dry run."""
    for expiry in expiries(workspace_id, as_of):
        count, oldest, newest = fetch_one(EXPIRED, _parameters(workspace_id, expiry))
        if count:
            yield Expired(expiry, count, oldest, newest)


def start_runs() -> int:
    """Begin a run in every workspace that has none under way; how many were begun."""
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
            continue  # it has one
    return started


def go_on(*, seconds: float) -> bool:
    """Work on the runs under way for about so many seconds; True when none is left.

    Nothing is done while another worker is at it.
    """
    deadline = time.monotonic() + seconds
    if not fetch_value("SELECT pg_try_advisory_lock(%s)", [LOCK]):
        return True
    try:
        for run in PurgeRun.objects.filter(finished_at=None).order_by("started_at", "id"):
            if not _work_on(run, deadline):
                return False
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])
    return True


def _work_on(run: PurgeRun, deadline: float) -> bool:
    for expiry in expiries(run.workspace_id, run.as_of):
        if expiry.position < run.position:
            continue
        while _delete_batch(run, expiry) == BATCH:
            if time.monotonic() > deadline:
                return False
    now = timezone.now()
    PurgeRun.objects.filter(id=run.id).update(finished_at=now, worked_at=now)
    run.refresh_from_db()
    log.info(
        "purged",
        workspace=str(run.workspace_id),
        deleted=run.deleted,
        rows_per_second=round(run.rows_per_second),
    )
    return True


def _delete_batch(run: PurgeRun, expiry: Expiry) -> int:
    """Delete a batch and note it, both or neither; how many went."""
    began = time.monotonic()
    with transaction.atomic():
        parameters = _parameters(run.workspace_id, expiry) | {"limit": BATCH}
        deleted: int = fetch_value(DELETE_EXPIRED, parameters)
        PurgeRun.objects.filter(id=run.id).update(
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
