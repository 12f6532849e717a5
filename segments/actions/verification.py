"""Verifies the members of segments by a new evaluation, and repairs differences."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from configuration.queries.rules import NodeRules, WorkspaceRules, latest_rules_of
from contacthub_project.db.sql import fetch_all, fetch_record, load
from customers.queries.feed import last_offset
from customers.queries.feed_filter import FeedFilter
from segments.actions.applying import Compared, Pair, apply, differing
from segments.actions.building import next_customers
from segments.actions.refreshing import WORKSPACES, refresh_workspace
from segments.actions.removal import lock_feed_cursor
from segments.models import (
    DueEvaluation,
    FeedCursor,
    MembershipChange,
    PendingCustomer,
    Segment,
    SegmentState,
)
from segments.queries.definitions import Definition, definitions_of
from segments.queries.evaluation import evaluate

log = structlog.get_logger("contacthub.segments")

CHANGES_AT_ONCE = 5000
SEGMENTS_AT_ONCE = 50
ROUNDS = 3
CATCH_UP_SECONDS = 120.0

COMPARE_SIZE = load("segments/sql/compare_size")


@dataclass(slots=True)
class Verified:
    """The result of a verification: numbers of segments, evaluated customers and differences.

    `wrong` are pairs of a segment and a customer that was in it, or not, and should not, or should;
    `sizes` are segments whose size was wrong.
    """

    segments: int = 0
    customers: int = 0
    wrong: int = 0
    sizes: int = 0

    def add(self, other: Verified) -> None:
        """Count what another proof has found, too."""
        self.segments += other.segments
        self.customers += other.customers
        self.wrong += other.wrong
        self.sizes += other.sizes


def verify_all(*, repairs: bool = True) -> Verified:
    """Verify the segments of all workspaces; see `verify_workspace`."""
    total = Verified()
    for (workspace_id,) in fetch_all(WORKSPACES, []):
        workspace = latest_rules_of(workspace_id)
        if workspace is not None and not workspace.is_disabled:
            total.add(verify_workspace(workspace, repairs=repairs))
    return total


def verify_workspace(
    workspace: WorkspaceRules, *, repairs: bool = True, now: datetime | None = None
) -> Verified:
    """Compare who is in the segments of a workspace with a fresh evaluation, batch by batch.

    Changes that are not evaluated yet are evaluated first: they are no faults. Faults are
    logged, and mended when it `repairs`.
    """
    refresh_workspace(workspace.id, now=now)
    found = Verified()
    ready = Segment.objects.present(workspace.id).filter(state=SegmentState.READY)
    ids = list(ready.values_list("id", flat=True))
    definitions = definitions_of(workspace)
    for node_id, node in workspace.nodes.items():
        of_node = [each for each in definitions.among(ids) if each.node_id == node_id]
        for first in range(0, len(of_node), SEGMENTS_AT_ONCE):
            some = of_node[first : first + SEGMENTS_AT_ONCE]
            found.add(_verify(workspace, node, some, repairs=repairs, now=now))
    for segment_id in ids:
        found.sizes += _verify_size(workspace.id, segment_id, repairs=repairs)
    if found.wrong or found.sizes:
        log.error(
            "segments were wrong",
            workspace=str(workspace.id),
            members=found.wrong,
            sizes=found.sizes,
            mended=repairs,
        )
    return found


def _verify(
    workspace: WorkspaceRules,
    node: NodeRules,
    definitions: Sequence[Definition],
    *,
    repairs: bool,
    now: datetime | None,
) -> Verified:
    found = Verified(segments=len(definitions))
    after: UUID | None = None
    while True:
        compared = next_customers(workspace.id, node.id, after=after)
        found.customers += len(compared.ids)
        moment = now or datetime.now(UTC)
        evaluation = evaluate(workspace, node, definitions, compared.ids, moment)
        candidates = {customer for _, customer in differing(workspace.id, evaluation, compared)}
        if candidates:
            found.wrong += _confirmed_differences(
                workspace, node, definitions, sorted(candidates), repairs=repairs, now=now
            )
        if compared.until is None:
            return found
        after = compared.until


def _confirmed_differences(
    workspace: WorkspaceRules,
    node: NodeRules,
    definitions: Sequence[Definition],
    ids: list[UUID],
    *,
    repairs: bool,
    now: datetime | None,
) -> int:
    """Return how many differences remain after the latest changes are evaluated, in several tries.

    What is not evaluated yet differs once; a fault does so every time. Segments that have got
    another query meanwhile are left out.
    """
    wrong: set[Pair] | None = None
    compared = Compared(ids=ids)
    for _ in range(ROUNDS):
        if not _caught_up(workspace.id, now):
            log.warning("segments not verified", workspace=str(workspace.id), reason="behind")
            return 0
        with transaction.atomic():
            lock_feed_cursor(workspace.id)
            moment = now or datetime.now(UTC)
            unchanged = _unchanged(workspace.id, definitions)
            evaluation = evaluate(workspace, node, unchanged, ids, moment)
            differences = differing(workspace.id, evaluation, compared)
            wrong = differences if wrong is None else wrong & differences
    if wrong and repairs:
        with transaction.atomic():
            lock_feed_cursor(workspace.id)
            unchanged = _unchanged(workspace.id, definitions)
            evaluation = evaluate(workspace, node, unchanged, ids, moment)
            apply(workspace, [(evaluation, compared)], moment)
    return len(wrong or ())


def _caught_up(workspace_id: UUID, now: datetime | None) -> bool:
    """Wait until all changes so far are evaluated, here or by another worker; False if too long."""
    end = last_offset(workspace_id, FeedFilter())
    pending = PendingCustomer.objects.filter(workspace_id=workspace_id)
    last_pending = pending.aggregate(last=Max("id"))["last"] or 0
    due = DueEvaluation.objects.in_workspace(workspace_id)
    due = due.filter(due_at__lte=now or datetime.now(UTC))
    cursors = FeedCursor.objects.filter(workspace_id=workspace_id, feed_offset__gte=end)
    deadline = time.monotonic() + CATCH_UP_SECONDS
    while time.monotonic() < deadline:
        refresh_workspace(workspace_id, now=now)
        is_behind = not cursors.exists() or pending.filter(id__lte=last_pending).exists()
        if not is_behind and not due.exists():
            return True
        time.sleep(0.2)  # another worker has the feed cursor
    return False


def _unchanged(workspace_id: UUID, definitions: Sequence[Definition]) -> list[Definition]:
    """Return those of the definitions by which members are kept; the feed cursor is locked."""
    by_id = {each.id: each for each in definitions}
    ready = Segment.objects.present(workspace_id).filter(state=SegmentState.READY, id__in=by_id)
    return [
        by_id[segment_id]
        for segment_id, fingerprint in ready.values_list("id", "fingerprint")
        if fingerprint == by_id[segment_id].fingerprint
    ]


class _Sizes(NamedTuple):
    """The stored size of a segment, and the number of its members."""

    stored: int
    members: int


def _verify_size(workspace_id: UUID, segment_id: UUID, *, repairs: bool) -> int:
    """Correct the size of a segment; return whether it differed from the number of members."""
    with transaction.atomic():
        lock_feed_cursor(workspace_id)
        pending = PendingCustomer.objects.filter(workspace_id=workspace_id, segment_id=segment_id)
        parameters = {"workspace_id": workspace_id, "segment_id": segment_id}
        sizes = fetch_record(_Sizes, COMPARE_SIZE, parameters)
        # Forgotten members are counted until their pending rows are evaluated.
        if sizes is None or sizes.stored == (size := sizes.members + pending.count()):
            return 0
        if repairs:
            Segment.objects.present(workspace_id).filter(id=segment_id).update(size=size)
        return 1


def remove_old_changes() -> None:
    """Delete membership changes that are older than the change feed is kept."""
    before = timezone.now() - timedelta(days=settings.FEED_DAYS)
    for (workspace_id,) in fetch_all(WORKSPACES, []):
        changes = MembershipChange.objects.in_workspace(workspace_id)
        old = changes.filter(changed_at__lt=before).order_by("changed_at")
        while ids := list(old.values_list("id", flat=True)[:CHANGES_AT_ONCE]):
            changes.filter(id__in=ids).delete()
