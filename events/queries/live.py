"""Incoming events: accepted ones of the change feed, refused ones of the quarantine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from configuration.queries.rules import WorkspaceRules
from contacthub_project.db.sql import fetch_all
from customers.domain.refusals import RefusedEntity
from customers.models import ChangeEntity, ChangeOperation, QuarantinedRequest
from customers.queries.feed import FeedFilter, last_offset, read_page

PAGE = 200
AUTHORS = "SELECT id, registered_by FROM events_event WHERE workspace_id = %s AND id = ANY(%s)"
NONE = UUID(int=0)


@dataclass(frozen=True, slots=True)
class LivePosition:
    """A client's position: an offset of the feed, and the id of the last refused example."""

    offset: int
    refused: UUID

    def __str__(self) -> str:
        return f"{self.offset}.{self.refused}"


@dataclass(frozen=True, slots=True)
class LiveFilter:
    """The filter of a client; `nodes` are those that it may read, None for all."""

    nodes: tuple[UUID, ...] | None = None
    source_id: UUID | None = None
    type: str | None = None


def position_now(workspace_id: UUID) -> LivePosition:
    """Return the position after everything there is."""
    quarantined = QuarantinedRequest.objects.in_workspace(workspace_id)
    last = quarantined.order_by("-id").values_list("id", flat=True).first()
    return LivePosition(last_offset(workspace_id, FeedFilter()), last or NONE)


def read_live(
    workspace: WorkspaceRules, position: LivePosition, live_filter: LiveFilter
) -> tuple[list[dict[str, Any]], LivePosition]:
    """Return the events since a position, and the position after them.

    Raises Gone for a position that is older than what is kept.
    """
    feed_filter = FeedFilter(live_filter.nodes, (ChangeEntity.EVENT.value,))
    updates, offset = read_page(
        workspace, after=position.offset, size=PAGE, feed_filter=feed_filter
    )
    events = [
        update["entity"]["data"]
        for update in updates
        if update["operation"] == ChangeOperation.CREATE and "type" in update["entity"]["data"]
    ]
    refused = _refused(workspace, position, live_filter)
    elements = [*_accepted(workspace, events, live_filter), *map(_refusal_document, refused)]
    return elements, LivePosition(offset, refused[-1].id if refused else position.refused)


def _accepted(
    workspace: WorkspaceRules, events: Sequence[dict[str, Any]], live_filter: LiveFilter
) -> Iterator[dict[str, Any]]:
    ids = [UUID(event["id"]) for event in events]
    authors = dict(fetch_all(AUTHORS, [workspace.id, ids], prepare=False)) if ids else {}
    for event in events:
        author = authors.get(UUID(event["id"]), "")
        if live_filter.source_id is not None and author != str(live_filter.source_id):
            continue
        if live_filter.type is not None and event["type"] != live_filter.type:
            continue
        yield {
            "outcome": "ACCEPTED",
            "id": event["id"],
            "moment": event["registeredAt"],
            "type": event["type"],
            "nodeId": event["nodeId"],
            "sourceId": author if "-" in author else None,
            "reason": None,
            "message": None,
            "errors": [],
            "body": event,
        }


def _refused(
    workspace: WorkspaceRules, position: LivePosition, live_filter: LiveFilter
) -> list[QuarantinedRequest]:
    rows = QuarantinedRequest.objects.in_workspace(workspace.id)
    rows = rows.filter(id__gt=position.refused, entity=RefusedEntity.EVENT)
    if live_filter.nodes is not None:
        rows = rows.filter(node_id__in=live_filter.nodes)
    if live_filter.source_id is not None:
        rows = rows.filter(source_id=live_filter.source_id)
    if live_filter.type is not None:
        rows = rows.filter(type=live_filter.type)
    return list(rows.order_by("id")[:PAGE])


def _refusal_document(refused: QuarantinedRequest) -> dict[str, Any]:
    try:
        body = orjson.loads(refused.body)
    except orjson.JSONDecodeError:
        body = None
    return {
        "outcome": "REFUSED",
        "id": refused.id,
        "moment": refused.refused_at,
        "type": refused.type or None,
        "nodeId": refused.node_id,
        "sourceId": refused.source_id,
        "reason": refused.reason,
        "message": refused.message,
        "errors": refused.errors,
        "body": body if isinstance(body, dict) else None,
    }
