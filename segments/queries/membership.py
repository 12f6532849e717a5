"""Reads memberships: of one customer, of combinations of segments, and sizes by day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import combinations
from typing import Any
from uuid import UUID

from configuration.queries.rules import NodeRules, WorkspaceRules
from contacthub_project.db.sql import fetch_all, load
from segments.models import Member, Segment, SizeOfDay
from segments.queries.definitions import definitions_of
from segments.queries.evaluation import evaluate

OVERLAP = load("segments/sql/overlap")


def segments_of_customer(
    workspace: WorkspaceRules, node: NodeRules, customer_id: UUID
) -> list[Segment]:
    """Return the segments of a live customer by name, evaluated now.

    Of segments that are not valid, those that it was in last.
    """
    definitions = definitions_of(workspace)
    found = evaluate(
        workspace, node, definitions.of_node(node.id), [customer_id], datetime.now(UTC)
    )
    ids = {segment_id for segment_id, members in found.members.items() if members}
    unknown = [*definitions.faults, *found.too_costly]
    if unknown:
        last = Member.objects.in_workspace(workspace.id).filter(customer_id=customer_id)
        ids |= set(last.filter(segment_id__in=unknown).values_list("segment_id", flat=True))
    segments = Segment.objects.present(workspace.id).filter(node_id=node.id, id__in=ids)
    return list(segments.order_by("name", "id"))


def segment_names(workspace_id: UUID, customer_ids: Sequence[UUID]) -> dict[UUID, list[str]]:
    """Return the names of the segments that each of some customers is kept in, in order."""
    members = Member.objects.in_workspace(workspace_id).filter(customer_id__in=customer_ids)
    pairs = list(members.values_list("segment_id", "customer_id"))
    segments = Segment.objects.present(workspace_id).filter(id__in={each for each, _ in pairs})
    names = dict(segments.values_list("id", "name"))
    found: dict[UUID, list[str]] = {}
    for segment_id, customer_id in sorted(pairs, key=lambda pair: names.get(pair[0], "")):
        if segment_id in names:
            found.setdefault(customer_id, []).append(names[segment_id])
    return found


def overlap_of(workspace_id: UUID, ids: Sequence[UUID]) -> list[dict[str, Any]]:
    """Return the number of customers for each combination of some segments."""
    parameters = {"workspace_id": workspace_id, "segments": list(ids)}
    counts = {
        frozenset(members): count
        for members, count in fetch_all(OVERLAP, parameters, prepare=False)
    }
    return [
        {"segments": list(some), "count": counts.get(frozenset(some), 0)}
        for size in range(1, len(ids) + 1)
        for some in combinations(ids, size)
    ]


def sizes_by_day(segment: Segment, first: date, last: date) -> list[dict[str, Any]]:
    """Return the size of a segment at the end of each day, and how many entered and left.

    Days before the segment was first built are left out.
    """
    days = SizeOfDay.objects.in_workspace(segment.workspace_id).filter(segment_id=segment.id)
    before = days.filter(day__lt=first).order_by("-day").first()
    noted = {each.day: each for each in days.filter(day__range=(first, last))}
    size = None if before is None else before.size
    found = []
    day = first
    while day <= last:
        of_day = noted.get(day)
        size = size if of_day is None else of_day.size
        if size is not None:
            found.append(
                {
                    "day": day.isoformat(),
                    "size": size,
                    "entered": 0 if of_day is None else of_day.entered,
                    "left": 0 if of_day is None else of_day.departed,
                }
            )
        day += timedelta(days=1)
    return found
