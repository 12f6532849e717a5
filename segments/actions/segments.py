"""Create, change and delete segments, and try their queries."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, TypedDict
from uuid import UUID

from django.db import OperationalError, connection, transaction
from django.utils import timezone
from psycopg.errors import QueryCanceled

from configuration.actions.changing import lock_workspace
from configuration.queries.rules import NodeRules, WorkspaceRules
from contacthub_project.api.pagination import Page
from contacthub_project.core.errors import Conflict, FieldError, Invalid, NotFound, Stale
from contacthub_project.core.identifiers import new_id
from contacthub_project.core.principal import Principal
from contacthub_project.messaging.enqueue import enqueue_on_commit
from customers.actions.feed import seal_everything
from customers.models.customer_row import CustomerRow
from customers.queries.search import (
    NEWEST_FIRST,
    Search,
    parse_search_query,
    search_customers,
)
from segments.actions.building import TOO_COSTLY
from segments.actions.refreshing import TASK
from segments.actions.removal import lock_feed_cursor, segments_changed
from segments.domain.expansion import NotExpandable, Parsed, referred
from segments.models import Segment, SegmentKind, SegmentState
from segments.queries.counting import count_matches
from segments.queries.definitions import definition_of, parsed_segments

MOST_SEGMENTS = 1000  # of a workspace
MOST_SECONDS = 10  # that counting who fits a segment may take


class SegmentValues(TypedDict, total=False):
    """Values of a segment that can change, by model field."""

    name: str
    description: str
    owner: str
    tags: list[str]
    query: Any


def create_segment(
    workspace: WorkspaceRules,
    node: NodeRules,
    values: SegmentValues,
    *,
    kind: SegmentKind,
    by: Principal,
) -> Segment:
    """Create a segment, whose members are found from now on.

    Raises Invalid for a query that is not valid or takes too long, Conflict when the workspace has
    1000.
    """
    segment_id = new_id()
    if kind == SegmentKind.DYNAMIC:
        check_query(workspace, node, values.get("query"), segment_id)
    elif values.get("query") is not None:
        raise Invalid.at("/query", "is for dynamic segments", "exclusive")
    seal_everything(workspace.id)  # changes up to here are covered by the build
    with transaction.atomic():
        lock_workspace(workspace.id)
        lock_feed_cursor(workspace.id)
        present = Segment.objects.present(workspace.id)
        if present.count_up_to(MOST_SEGMENTS) >= MOST_SEGMENTS:
            raise Conflict(f"A workspace has at most {MOST_SEGMENTS} segments")
        segment = Segment.objects.create(
            id=segment_id,
            workspace_id=workspace.id,
            node_id=node.id,
            kind=kind.value,
            created_by=by.author,
            **values,
        )
        segments_changed(workspace.id)
        enqueue_on_commit(TASK)
    return segment


def modify_segment(
    workspace: WorkspaceRules,
    segment_id: UUID,
    values: SegmentValues,
    *,
    expected_version: int | None,
) -> Segment:
    """Change a segment; another query rebuilds it, and the old members stay until then.

    Raises Invalid, NotFound, and Stale when the version is not `expected_version`.
    """
    segment = found_segment(workspace.id, segment_id)
    if values.get("query") is not None and segment.kind == SegmentKind.STATIC:
        raise Invalid.at("/query", "is for dynamic segments", "exclusive")
    if segment.kind == SegmentKind.STATIC:
        values.pop("query", None)
    elif "query" in values and values["query"] != segment.query:
        check_query(workspace, workspace.nodes[segment.node_id], values["query"], segment.id)
    with transaction.atomic():
        lock_workspace(workspace.id)
        lock_feed_cursor(workspace.id)
        segment = found_segment(workspace.id, segment_id)
        if expected_version is not None and expected_version != segment.version:
            raise Stale
        changed = [name for name, value in values.items() if getattr(segment, name) != value]
        if not changed:
            return segment
        if "query" in changed:
            # Another one may have come to refer to this one meanwhile.
            _checked(workspace, segment.node_id, values["query"], segment.id)
            segment.state, segment.fingerprint = SegmentState.BUILDING, ""
            segment.position, segment.broken_reason = None, None
        for name in changed:
            setattr(segment, name, values[name])  # type: ignore[literal-required]
        segment.version += 1
        segment.updated_at = timezone.now()
        segment.save()
        segments_changed(workspace.id)
        enqueue_on_commit(TASK)
    return segment


@transaction.atomic
def delete_segment(workspace: WorkspaceRules, segment_id: UUID) -> None:
    """Delete a segment; raises NotFound, and Conflict when others refer to it."""
    lock_workspace(workspace.id)
    lock_feed_cursor(workspace.id)
    segment = found_segment(workspace.id, segment_id)
    parsed = parsed_segments(workspace)
    users = [each for each in parsed.values() if segment_id in referred(each.expression)]
    if users:
        names = ", ".join(f'"{each.name}"' for each in users[:10])
        raise Conflict(
            f"Other segments refer to it: {names}",
            data={"segments": [{"id": str(each.id), "name": each.name} for each in users[:10]]},
        )
    segment.state = SegmentState.REMOVED
    segment.save(update_fields=["state"])
    segments_changed(workspace.id)
    enqueue_on_commit(TASK)


def check_query(
    workspace: WorkspaceRules, node: NodeRules, query: Any, segment_id: UUID | None = None
) -> int:
    """Return how many customers fit a query now; raises Invalid, also when that takes too long."""
    expression = checked_query(workspace, node.id, query, segment_id)
    with limited_time():
        return count_matches(workspace, node, expression)


def checked_query(
    workspace: WorkspaceRules, node_id: UUID, query: Any, segment_id: UUID | None = None
) -> Any:
    """Return the expression of a query, without references; raises Invalid with pointers."""
    return _checked(workspace, node_id, query, segment_id).expression


@contextmanager
def limited_time() -> Iterator[None]:
    """Limit statements within to ten seconds; raises Invalid with advice when one takes longer."""
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL statement_timeout = '{MOST_SECONDS}s'")
            yield
    except OperationalError as failure:
        if isinstance(failure.__cause__, QueryCanceled):
            raise Invalid.at("/query", TOO_COSTLY, "query") from None
        raise


@dataclass(frozen=True, slots=True)
class Preview:
    """The number of customers that match a query, and the latest changed ones."""

    count: int
    rows: Sequence[CustomerRow]


def preview(workspace: WorkspaceRules, node: NodeRules, query: Any, *, size: int) -> Preview:
    """Run a query in a node; raises Invalid, also for a query that takes too long."""
    count = check_query(workspace, node, query)
    expression, _ = parse_search_query(query, workspace)
    search = Search(None, expression, NEWEST_FIRST, Page(0, size), is_counted=False)
    return Preview(count, search_customers(workspace, node, search).rows)


def _checked(workspace: WorkspaceRules, node_id: UUID, query: Any, segment_id: UUID | None) -> Any:
    """Return the definition of a query; raises Invalid with pointers into it."""
    expression, faults = parse_search_query(query, workspace)
    if faults:
        raise Invalid(
            "The query is not valid",
            errors=[replace(fault, path=f"/query{fault.path}") for fault in faults],
        )
    others = parsed_segments(workspace) if referred(expression) else {}
    parsed = Parsed(segment_id or UUID(int=0), node_id, "", expression)
    if segment_id is not None:
        name = others[segment_id].name if segment_id in others else ""
        parsed = Parsed(segment_id, node_id, name, expression)
        others[segment_id] = parsed
    try:
        return definition_of(workspace, parsed, others)
    except NotExpandable as failure:
        raise Invalid(
            "The query is not valid", errors=[FieldError("/query", str(failure), "reference")]
        ) from None


def found_segment(workspace_id: UUID, segment_id: UUID) -> Segment:
    """Return the segment; raises NotFound."""
    segment: Segment | None = Segment.objects.present(workspace_id).filter(id=segment_id).first()
    if segment is None:
        raise NotFound(f"segment not found {segment_id}")
    return segment
