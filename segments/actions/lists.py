"""Putting customers on the lists of static segments, and taking them from these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction

from configuration.queries.rules import WorkspaceRules
from contacthub_project.core.errors import Conflict
from contacthub_project.core.identifiers import canonical_identifier
from contacthub_project.db.sql import StatementTemplate, fetch_all, fetch_value, load
from contacthub_project.messaging.enqueue import enqueue_on_commit
from customers.queries.attributes import CustomerAttributes, clock_of
from customers.queries.search import compiled_query
from segments.actions.refreshing import TASK
from segments.actions.removal import lock_feed_cursor
from segments.actions.segments import checked_query, found_segment, limited_time
from segments.models import Segment, SegmentKind

LIST = load("segments/sql/list_customers")
LIST_MATCHES = StatementTemplate("segments/sql/list_matches")
UNLIST = load("segments/sql/unlist_customers")
BY_EXTERNAL_IDS = load("segments/sql/customers_by_external_ids")


@dataclass(frozen=True, slots=True)
class ListRequest:
    """Whom to put on a list, and whom to take from it.

    With a `query` (in its envelope; None for none) all who fit it now are put on it.
    """

    add: Sequence[UUID] = ()
    add_external_ids: Sequence[str] = ()
    query: Any = None
    remove: Sequence[UUID] = ()


@dataclass(frozen=True, slots=True)
class ListChange:
    """What became of a list: how many were put on it and taken from it, and who is unknown."""

    added: int
    removed: int
    unknown: Sequence[UUID]
    unknown_external_ids: Sequence[str]


def change_list(workspace: WorkspaceRules, segment_id: UUID, request: ListRequest) -> ListChange:
    """Put customers of the node on a static segment's list, and take others from it.

    Raises NotFound, Conflict for a dynamic segment, and Invalid for a query that is not valid or
    takes too long.
    """
    segment = found_segment(workspace.id, segment_id)
    if segment.kind != SegmentKind.STATIC:
        raise Conflict("The members of a dynamic segment are those who fit its query")
    expression = None
    if request.query is not None:
        expression = checked_query(workspace, segment.node_id, request.query)
    with transaction.atomic():
        lock_feed_cursor(workspace.id)
        found_segment(workspace.id, segment_id)
        by_external_id = _by_external_ids(workspace, segment, request.add_external_ids)
        of_list = {
            "workspace_id": workspace.id,
            "segment_id": segment.id,
            "node_id": segment.node_id,
        }
        ids = {"ids": [*request.add, *by_external_id.values()]}
        known = fetch_all(LIST, of_list | ids, prepare=False)
        added = sum(is_new for _, is_new in known)
        if expression is not None:
            added += _list_matches(workspace, segment, expression)
        gone = fetch_all(UNLIST, of_list | {"ids": list(request.remove)}, prepare=False)
        enqueue_on_commit(TASK)
    there = {customer_id for customer_id, _ in known}
    return ListChange(
        added=added,
        removed=len(gone),
        unknown=[each for each in request.add if each not in there],
        unknown_external_ids=[
            each for each in request.add_external_ids if each not in by_external_id
        ],
    )


def _by_external_ids(
    workspace: WorkspaceRules, segment: Segment, external_ids: Sequence[str]
) -> dict[str, UUID]:
    """Return the customers of the segment's node by the external ids as they were given."""
    if not external_ids:
        return {}
    stored = {canonical_identifier(each): each for each in external_ids}
    matching = workspace.nodes[segment.node_id].matching
    parameters = {
        "workspace_id": workspace.id,
        "node_id": segment.node_id,
        "external_ids": list(stored),
        "ignores_case": matching.ignores_case_of("externalId"),
    }
    found = dict(fetch_all(BY_EXTERNAL_IDS, parameters, prepare=False))
    given = {each: canonical_identifier(each) for each in external_ids}
    return {each: found[key] for each, key in given.items() if key in found}


def _list_matches(workspace: WorkspaceRules, segment: Segment, expression: Any) -> int:
    """Put all who fit an expression now on the list; return how many are new on it."""
    node = workspace.nodes[segment.node_id]
    attributes = CustomerAttributes.of(workspace, node)
    condition = compiled_query(expression, workspace, node, attributes, clock_of(workspace))
    statement = LIST_MATCHES.compose(
        workspace_id=workspace.id, node_id=node.id, segment_id=segment.id, condition=condition
    )
    with limited_time():
        added: int = fetch_value(statement.sql, statement.parameters, prepare=False)
    return added
