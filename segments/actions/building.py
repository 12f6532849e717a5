"""Evaluates new and changed segments for all customers of their nodes, in batches."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from configuration.queries.rules import WorkspaceRules
from contacthub_project.db.sql import fetch_all, load
from segments.actions.applying import Compared, apply
from segments.models import DueEvaluation, Segment, SegmentState
from segments.queries.definitions import Definition, Definitions
from segments.queries.evaluation import evaluate

CUSTOMERS_AT_ONCE = 5000
SEGMENTS_AT_ONCE = 50
TOO_COSTLY = (
    "Evaluating the segment takes too long: narrow it by conditions on the customers themselves,"
    " or by shorter time frames of events"
)

NEXT_CUSTOMERS = load("segments/sql/next_customers")


def check_definitions(workspace: WorkspaceRules, definitions: Definitions) -> None:
    """Mark segments that have become invalid; rebuild those whose meaning has changed.

    A segment keeps its members meanwhile.
    """
    for segment in _headers(workspace.id):
        fault = definitions.faults.get(segment.id)
        definition = definitions.valid.get(segment.id)
        if fault is not None:
            if segment.state != SegmentState.BROKEN or segment.broken_reason != fault:
                _update(segment, state=SegmentState.BROKEN, broken_reason=fault, fingerprint="")
                due = DueEvaluation.objects.in_workspace(workspace.id)
                due.filter(segment_id=segment.id).delete()
        elif definition is not None and segment.fingerprint != definition.fingerprint:
            _update(
                segment,
                state=SegmentState.BUILDING,
                broken_reason=None,
                fingerprint=definition.fingerprint,
                position=None,
            )


def restart_all(workspace_id: UUID) -> None:
    """Rebuild all valid segments of a workspace, because changes were missed."""
    segments = Segment.objects.present(workspace_id).exclude(state=SegmentState.BROKEN)
    segments.update(state=SegmentState.BUILDING, position=None)


def mark_too_costly(workspace_id: UUID, ids: Sequence[UUID]) -> None:
    """Mark segments that cannot be evaluated in time as BROKEN, until they are changed."""
    if ids:
        segments = Segment.objects.present(workspace_id).filter(id__in=ids)
        segments.update(state=SegmentState.BROKEN, broken_reason=TOO_COSTLY)


def build_batch(workspace: WorkspaceRules, definitions: Definitions, now: datetime) -> bool:
    """Evaluate segments for the next batch of customers; return False when none is BUILDING."""
    building = [each for each in _headers(workspace.id) if each.state == SegmentState.BUILDING]
    if not building:
        return False
    # Those that have come equally far are evaluated together.
    first = min(building, key=lambda each: (each.position is not None, str(each.position)))
    together = [
        each
        for each in building
        if (each.node_id, each.position) == (first.node_id, first.position)
    ][:SEGMENTS_AT_ONCE]
    valid = definitions.among(each.id for each in together)
    if valid:
        _build(workspace, valid, together, now)
    return bool(valid)


def _build(
    workspace: WorkspaceRules,
    definitions: Sequence[Definition],
    segments: Sequence[Segment],
    now: datetime,
) -> None:
    node = workspace.nodes[segments[0].node_id]
    compared = next_customers(workspace.id, node.id, after=segments[0].position)
    evaluation = evaluate(workspace, node, definitions, compared.ids, now)
    mark_too_costly(workspace.id, evaluation.too_costly)
    unlogged = {each.id for each in segments if each.built_at is None}
    apply(workspace, [(evaluation, compared)], now, unlogged=unlogged)
    built = Segment.objects.present(workspace.id).filter(
        id__in=list(evaluation.members), state=SegmentState.BUILDING
    )
    if compared.until is None:
        built.update(state=SegmentState.READY, position=None, built_at=now)
    else:
        built.update(position=compared.until)


def next_customers(workspace_id: UUID, node_id: UUID, *, after: UUID | None) -> Compared:
    """Return the next customers of a node by id; `until` is None when they are the last."""
    parameters = {
        "workspace_id": workspace_id,
        "node_id": node_id,
        "after": after,
        "limit": CUSTOMERS_AT_ONCE,
    }
    ids = [key for (key,) in fetch_all(NEXT_CUSTOMERS, parameters, prepare=False)]
    until = None if len(ids) < CUSTOMERS_AT_ONCE else ids[-1]
    return Compared(ids=ids, is_range=True, after=after, until=until)


def _headers(workspace_id: UUID) -> list[Segment]:
    """Return the segments of a workspace without their queries."""
    return list(
        Segment.objects.present(workspace_id).only(
            "id", "workspace_id", "node_id", "state", "broken_reason", "fingerprint", "position",
            "built_at",
        )
    )  # fmt: skip


def _update(segment: Segment, **values: object) -> None:
    for name, value in values.items():
        setattr(segment, name, value)
    segment.save(update_fields=list(values))
