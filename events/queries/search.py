"""Searching events: a customer's time line, or those of a node."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from configuration.queries.rules import NodeRules
from contacthub_project.api.pagination import LARGEST_MATCH, Page
from contacthub_project.api.query import SortKey
from contacthub_project.db.counters import Entity, count_of
from contacthub_project.db.sql import fetch_one, rows_of
from customers.domain.query_compiler import Fragment, all_of
from events.models.event import ROW_AS_JSON
from events.queries.documents import EventRow

NEWEST_FIRST = (SortKey("date", descending=True),)
SORTED_BY = {
    "date": "event.date", "registeredAt": "event.registered_at", "updatedAt": "event.updated_at",
    "type": 'event.type COLLATE "C"', "context": 'event.context COLLATE "C"', "id": "event.id",
}  # fmt: skip

SEARCH = f"""
SELECT
    (SELECT count(*) FROM (
        SELECT FROM events_event AS event WHERE {{filtered}} LIMIT {LARGEST_MATCH}
    ) AS counted),
    CASE WHEN %s THEN (SELECT count(*) FROM (
        SELECT FROM events_event AS event WHERE {{scope}} LIMIT {LARGEST_MATCH}
    ) AS everything) END,
    (SELECT json_agg({ROW_AS_JSON}::json ORDER BY page.position)::text
     FROM (
        SELECT found.id, row_number() OVER () AS position
        FROM ({{page}}) AS found
     ) AS page JOIN events_event USING (id))
"""

PAGE = """
SELECT event.id FROM {source} AS event WHERE {filtered} ORDER BY {order} OFFSET %s LIMIT %s
"""
# One of the nodes that an aggregate node shows: as much of it as the page could need.
OF_A_NODE = """
(SELECT event.id, event.date, event.registered_at, event.updated_at, event.type, event.context
 FROM events_event AS event WHERE {filtered} ORDER BY {order} LIMIT %s)
"""
IS_SHOWN = """
EXISTS (SELECT FROM customers_aggregatemember AS member
        WHERE member.entry_id = event.customer_id AND member.aggregate_node_id = %s)
"""
BELONGS = f"event.node_id = %s OR {IS_SHOWN}"


@dataclass(frozen=True, slots=True)
class Search:
    """What a client looks for; None and empty lists do not restrict.

    The customers are one, or an aggregate customer and its members. An aggregate node shows the
    events of its members.
    """

    customer_ids: Sequence[UUID]
    node: NodeRules | None
    types: Sequence[str]
    contexts: Sequence[str]
    date_from: datetime | None
    date_to: datetime | None
    sort: Sequence[SortKey]
    page: Page


@dataclass(frozen=True, slots=True)
class Found:
    """The rows of a page, how many events match and how many there are.

    Counts end at 10000, but that of a whole node.
    """

    rows: list[EventRow]
    total: int
    unfiltered: int


def search_events(workspace_id: UUID, search: Search) -> Found:
    """The events of a customer or node that fit, in the order asked for, ids breaking ties."""
    scope = _scope(workspace_id, search)
    filtered = all_of([scope, *_filters(search)])
    page = _page(workspace_id, search, filtered)
    statement = SEARCH.format(scope=scope.sql, filtered=filtered.sql, page=page.sql)
    whole_node = search.node if not search.customer_ids else None
    parameters = (
        *filtered.parameters,
        whole_node is None,
        *scope.parameters,
        *page.parameters,
    )
    total, unfiltered, rows = fetch_one(statement, parameters, prepare=False)
    if whole_node is not None:
        unfiltered = count_of(workspace_id, whole_node.id, Entity.EVENTS)
    return Found(rows_of(rows), total, unfiltered)


def _page(workspace_id: UUID, search: Search, filtered: Fragment) -> Fragment:
    """The ids of a page, in order.

    The nodes that an aggregate node shows are read one by one, each in the order of its index, and
    merged: of a million events only those of the page are looked at.
    """
    order = _order(search.sort)
    first = min(search.page.first, LARGEST_MATCH)
    window = (first, min(search.page.size, LARGEST_MATCH - first))
    if search.customer_ids or search.node is None or not search.node.entry_nodes:
        sql = PAGE.format(source="events_event", filtered=filtered.sql, order=order)
        return Fragment(sql, (*filtered.parameters, *window))
    parts = [
        _of_a_node(workspace_id, node, search, order, sum(window))
        for node in (search.node.id, *search.node.entry_nodes)
    ]
    source = f"({' UNION ALL '.join(part.sql for part in parts)})"
    return Fragment(
        PAGE.format(source=source, filtered="true", order=order),
        (*itertools.chain.from_iterable(part.parameters for part in parts), *window),
    )


def _of_a_node(workspace_id: UUID, node: UUID, search: Search, order: str, limit: int) -> Fragment:
    """The first events of one of the nodes that an aggregate node shows."""
    assert search.node is not None
    parts = [Fragment("event.workspace_id = %s", (workspace_id,)), _one_of("event.node_id", [node])]
    if node != search.node.id:
        parts.append(Fragment(IS_SHOWN, (search.node.id,)))
    wanted = all_of([*parts, *_filters(search)])
    sql = OF_A_NODE.format(filtered=wanted.sql, order=order)
    return Fragment(sql, (*wanted.parameters, limit))


def _scope(workspace_id: UUID, search: Search) -> Fragment:
    parts = [Fragment("event.workspace_id = %s", (workspace_id,))]
    if search.customer_ids:
        parts.append(_one_of("event.customer_id", search.customer_ids))
    if search.node is not None:
        parts.append(_one_of("event.node_id", [search.node.id, *search.node.entry_nodes]))
        if search.node.entry_nodes:
            parts.append(Fragment(BELONGS, (search.node.id, search.node.id)))
    return all_of(parts)


def _filters(search: Search) -> list[Fragment]:
    filters = []
    if search.types:
        filters.append(_one_of("event.type", search.types))
    if search.contexts:
        filters.append(_one_of("event.context", search.contexts))
    if search.date_from is not None:
        filters.append(Fragment("event.date >= %s", (search.date_from,)))
    if search.date_to is not None:
        filters.append(Fragment("event.date <= %s", (search.date_to,)))
    return filters


def _one_of(column: str, values: Sequence[Any]) -> Fragment:
    # A single value, so that an index on it can give the order too.
    if len(values) == 1:
        return Fragment(f"{column} = %s", (values[0],))
    return Fragment(f"{column} = ANY (%s)", (list(values),))


def _order(sort: Sequence[SortKey]) -> str:
    keys = [f"{SORTED_BY[key.field]} {'DESC' if key.descending else 'ASC'}" for key in sort]
    return ", ".join([*keys, f"event.id {'DESC' if sort[-1].descending else 'ASC'}"])
