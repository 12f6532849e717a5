"""Refreshes the members of segments incrementally, from the change feed and due evaluations.

What happened is in the change feed, in `segments_pendingcustomer` (deleted events, changed members
of aggregate customers, changed lists) and in `segments_dueevaluation` (moments at which time alone
changes something). A step takes some of each, evaluates the segments that depend on what has
changed, and stores the result and its progress in one transaction: a crash between any two lines
repeats a step at most.

One step at a time works on a workspace: it locks the workspace's row of `segments_feedcursor`.
Locks are taken in this order: that row, customers by id, what is kept of segments.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from enum import Enum, auto
from typing import NamedTuple
from uuid import UUID

from django.db import connection, transaction

from configuration.models import NodeType
from configuration.queries.rules import NodeRules, WorkspaceRules, latest_rules_of
from contacthub_project.db.sql import (
    fetch_all,
    fetch_column,
    fetch_optional,
    fetch_record,
    fetch_records,
    load,
)
from customers.actions.feed import seal
from customers.models import ChangeEntity, ChangeOperation
from segments.actions.affected import Affected
from segments.actions.applying import Compared, apply, note_changes, remove_departed
from segments.actions.building import build_batch, check_definitions, mark_too_costly, restart_all
from segments.actions.removal import remove_batch
from segments.models import DueEvaluation, FeedCursor, Segment, SegmentState
from segments.queries.definitions import Definition, Definitions, definitions_of
from segments.queries.evaluation import Evaluation, evaluate

TASK = "segments.tasks.refresh"
CHANGES_AT_ONCE = 2000

WORKSPACES = "SELECT workspace_id FROM segments_feedcursor"
LOCK_CURSOR = """
SELECT feed_offset, configuration_version FROM segments_feedcursor
WHERE workspace_id = %s FOR NO KEY UPDATE SKIP LOCKED
"""
HAS_WORK = load("segments/sql/has_work")
NEXT_CHANGES = load("segments/sql/next_changes")
OWNERS = load("segments/sql/owners_of_events")
AGGREGATES = load("segments/sql/aggregates_of_members")
NODES = load("segments/sql/nodes_of_customers")
TAKE_PENDING = load("segments/sql/take_pending")
NEW_TO_SEGMENTS = load("segments/sql/new_to_segments")


class FeedPosition(NamedTuple):
    """What is evaluated: changes up to an offset, definitions of a configuration's version."""

    feed_offset: int
    configuration_version: int


class NextChange(NamedTuple):
    """A row of `next_changes.sql`; without a change only the feed's own columns are set."""

    last_offset: int
    trimmed_to: int
    feed_offset: int
    entity: str
    entity_id: UUID
    operation: str
    changed_paths: list[str] | None


class Pending(NamedTuple):
    """A row of `take_pending.sql`: a `PendingCustomer`."""

    customer_id: UUID
    segment_id: UUID | None
    event_types: list[str] | None


class Progress(Enum):
    """What a step has done: nothing was left to do, all that there was, or a part of it."""

    NOTHING = auto()
    CAUGHT_UP = auto()
    MORE = auto()


def refresh(*, seconds: float) -> bool:
    """Refresh for so many seconds at most; return True when everything is evaluated.

    Workspaces take turns, step by step, so that none waits for another to be done. What happens
    meanwhile is left to the next call, which takes it together: a step costs much the same for one
    change as for a hundred.
    """
    deadline = time.monotonic() + seconds
    workspaces = [workspace_id for (workspace_id,) in fetch_all(WORKSPACES, [])]
    while workspaces:
        active = []
        for workspace_id in workspaces:
            if time.monotonic() > deadline:
                return False
            if step(workspace_id, datetime.now(UTC)) is Progress.MORE:
                active.append(workspace_id)
        workspaces = active
    return True


def refresh_workspace(workspace_id: UUID, *, now: datetime | None = None) -> None:
    """Refresh the segments of a workspace until no change is left.

    `now` is the moment that segments are evaluated at, the present one by default.
    """
    while step(workspace_id, now or datetime.now(UTC)) is not Progress.NOTHING:
        pass


def step(workspace_id: UUID, now: datetime) -> Progress:
    """Do a part of what is to be done in a workspace."""
    if not fetch_optional(HAS_WORK, {"workspace_id": workspace_id, "now": now}):
        return Progress.NOTHING
    seal(workspace_id)
    with transaction.atomic():
        position = fetch_record(FeedPosition, LOCK_CURSOR, [workspace_id])
        workspace = latest_rules_of(workspace_id)
        if position is None or workspace is None or workspace.is_disabled:
            return Progress.NOTHING
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL jit = off")
        definitions = definitions_of(workspace)
        if position.configuration_version != workspace.version:
            check_definitions(workspace, definitions)
            cursors = FeedCursor.objects.filter(workspace_id=workspace_id)
            cursors.update(configuration_version=workspace.version)
        affected = Affected()
        end = _take_changes(workspace_id, position.feed_offset, definitions, affected)
        forgotten = _take_pending(workspace_id, definitions, affected)
        _take_due(workspace_id, now, affected)
        if affected.customers or forgotten:
            _evaluate(workspace, definitions, affected, forgotten, now)
        if end != position.feed_offset:
            FeedCursor.objects.filter(workspace_id=workspace_id).update(feed_offset=end)
        if end != position.feed_offset or affected.customers or forgotten:
            unfinished = (SegmentState.BUILDING, SegmentState.REMOVED)
            others = Segment.objects.in_workspace(workspace_id).filter(state__in=unfinished)
            is_more = affected.is_full or others.exists()
            return Progress.MORE if is_more else Progress.CAUGHT_UP
        is_more = build_batch(workspace, definitions, now) or remove_batch(workspace_id)
        return Progress.MORE if is_more else Progress.NOTHING


def _take_changes(
    workspace_id: UUID, after: int, definitions: Definitions, affected: Affected
) -> int:
    """Add what the next changes of the feed are about; return the offset of the last of them.

    What no segment looks at is left out.
    """
    parameters = {"workspace_id": workspace_id, "after": after, "size": CHANGES_AT_ONCE}
    rows = fetch_records(NextChange, NEXT_CHANGES, parameters)
    if not rows:
        return after
    last_offset = rows[0].last_offset
    if after < rows[0].trimmed_to:
        restart_all(workspace_id)
        return last_offset
    events = []
    changes = [each for each in rows if each.feed_offset is not None]
    for each in changes:
        if each.entity == ChangeEntity.CUSTOMER:
            if each.operation == ChangeOperation.UPDATE:
                affected.add(each.entity_id, definitions.dependencies.of_paths(each.changed_paths))
            elif each.operation == ChangeOperation.CREATE:
                affected.created.add(each.entity_id)
            else:
                affected.everywhere.add(each.entity_id)
        elif each.entity == ChangeEntity.EVENT and each.operation != ChangeOperation.DELETE:
            events.append(each.entity_id)
    if events and definitions.dependencies.event_types:
        _add_events(workspace_id, events, definitions, affected)
    if len(changes) < CHANGES_AT_ONCE:
        return max(after, last_offset)
    affected.is_full = True
    return changes[-1].feed_offset


def _add_events(
    workspace_id: UUID, events: list[UUID], definitions: Definitions, affected: Affected
) -> None:
    """Add whose the events are, aggregate customers too; of deleted events triggers tell."""
    dependencies = definitions.dependencies
    parameters = {"workspace_id": workspace_id, "ids": events, "types": dependencies.event_types}
    segments: dict[UUID, set[UUID]] = defaultdict(set)
    for customer_id, event_type in fetch_all(OWNERS, parameters, prepare=False):
        segments[customer_id] |= dependencies.of_event_type(event_type)
    for entry_id, aggregate_id in _aggregates(workspace_id, list(segments)):
        affected.add(aggregate_id, segments[entry_id])
    for customer_id, some in segments.items():
        affected.add(customer_id, some)


def _take_pending(
    workspace_id: UUID, definitions: Definitions, affected: Affected
) -> dict[UUID, int]:
    """Add pending customers; return how many people were forgotten in which segments."""
    parameters = {"workspace_id": workspace_id, "limit": CHANGES_AT_ONCE}
    forgotten: dict[UUID, int] = defaultdict(int)
    everywhere: set[UUID] = set()
    segments: dict[UUID, set[UUID]] = defaultdict(set)
    rows = fetch_records(Pending, TAKE_PENDING, parameters)
    affected.is_full |= len(rows) == CHANGES_AT_ONCE
    for row in rows:
        if row.segment_id is not None:
            forgotten[row.segment_id] += 1
        elif row.event_types is None:
            everywhere.add(row.customer_id)
        else:
            for event_type in row.event_types:
                segments[row.customer_id] |= definitions.dependencies.of_event_type(event_type)
    for entry_id, aggregate_id in _aggregates(workspace_id, [*everywhere, *segments]):
        if entry_id in everywhere:
            affected.everywhere.add(aggregate_id)
        affected.add(aggregate_id, segments[entry_id])
    for customer_id, some in segments.items():
        affected.add(customer_id, some)
    affected.everywhere |= everywhere
    return forgotten


def _take_due(workspace_id: UUID, now: datetime, affected: Affected) -> None:
    due = DueEvaluation.objects.in_workspace(workspace_id).filter(due_at__lte=now)
    pairs = list(due.order_by("due_at").values_list("segment_id", "customer_id")[:CHANGES_AT_ONCE])
    affected.is_full |= len(pairs) == CHANGES_AT_ONCE
    for segment_id, customer_id in pairs:
        affected.add(customer_id, [segment_id])
        affected.due.add(segment_id)


def _aggregates(workspace_id: UUID, entries: list[UUID]) -> Iterable[tuple[UUID, UUID]]:
    if not entries:
        return []
    return fetch_all(AGGREGATES, {"workspace_id": workspace_id, "ids": entries}, prepare=False)


def _evaluate(
    workspace: WorkspaceRules,
    definitions: Definitions,
    affected: Affected,
    forgotten: dict[UUID, int],
    now: datetime,
) -> None:
    """Evaluate the segments that depend on the changes, for the changed customers."""
    customers = affected.customers
    parameters = {"workspace_id": workspace.id, "ids": list(customers)}
    by_node: dict[UUID, set[UUID]] = defaultdict(set)
    for customer_id, node_id in fetch_all(NODES, parameters, prepare=False):
        by_node[node_id].add(customer_id)
    broken = set(Segment.objects.broken(workspace.id).values_list("id", flat=True))
    evaluations: list[tuple[Evaluation, Compared]] = []
    for node_id, of_node in by_node.items():
        node = workspace.nodes.get(node_id)
        if node is None:
            continue
        sound = [each for each in definitions.of_node(node_id) if each.id not in broken]
        _resolve_created(workspace.id, node, sound, of_node & affected.created, affected)
        for concerned, ids in affected.groups(of_node, sound):
            evaluation = evaluate(workspace, node, concerned, ids, now)
            evaluations.append((evaluation, Compared(ids=ids)))
    mark_too_costly(workspace.id, [each for found, _ in evaluations for each in found.too_costly])
    unbuilt = Segment.objects.present(workspace.id).filter(built_at=None)
    unlogged = set(unbuilt.values_list("id", flat=True))
    apply(workspace, evaluations, now, unlogged=unlogged)
    present = {each for ids in by_node.values() for each in ids}
    remove_departed(workspace, customers - present, now)
    _drop_due(workspace.id, affected.due - definitions.valid.keys() | affected.due & broken)
    note_changes(workspace, [], [], now, forgotten=forgotten)


def _resolve_created(
    workspace_id: UUID,
    node: NodeRules,
    definitions: Sequence[Definition],
    created: set[UUID],
    affected: Affected,
) -> None:
    """Add the segments of a node that its new customers can be in.

    Most have no events yet: those that they get are changes of their own. A customer may have been
    there before, and an aggregate customer has the events of its members.
    """
    if node.type == NodeType.AGGREGATE:
        affected.everywhere |= created
        return
    parameters = {"workspace_id": workspace_id, "ids": list(created)}
    new = {*fetch_column(NEW_TO_SEGMENTS, parameters, prepare=False)} if created else set()
    affected.everywhere |= created - new
    possible = [each.id for each in definitions if each.may_match_without_events]
    for customer_id in new:
        affected.add(customer_id, possible)


def _drop_due(workspace_id: UUID, segments: set[UUID]) -> None:
    """Remove due evaluations of segments that are not evaluated: they are rebuilt when mended."""
    if segments:
        DueEvaluation.objects.in_workspace(workspace_id).filter(segment_id__in=segments).delete()
