"""Searches events: of a customer, of a node, or of all readable nodes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from configuration.models import NodeType
from configuration.queries.rules import NodeRules
from contacthub_project.api.pagination import LARGEST_MATCH, Page
from contacthub_project.api.query import SortKey
from contacthub_project.core.sql_fragments import Fragment, all_of, union_all
from contacthub_project.db.counters import Entity, count_in, count_of
from contacthub_project.db.sql import StatementTemplate, fetch_one, records_of
from customers.queries.keyset import Order, OrderKey, last_values
from events.models.event import ROW_AS_JSON, EventRow

NEWEST_FIRST = (SortKey("date", descending=True),)
SORTED_BY = {
    "date": OrderKey("event.date", "timestamptz"),
    "registeredAt": OrderKey("event.registered_at", "timestamptz"),
    "updatedAt": OrderKey("event.updated_at", "timestamptz"),
    "type": OrderKey('event.type COLLATE "C"', "text"),
    "context": OrderKey('event.context COLLATE "C"', "text"),
    "id": OrderKey("event.id", "uuid"),
}

SEARCH = StatementTemplate("events/sql/search_events", row_as_json=ROW_AS_JSON)
PAGE = """
SELECT event.id FROM {source} AS event WHERE {condition} ORDER BY {order} OFFSET %s LIMIT %s
"""
# One of several nodes that are searched together: as many rows as the page could need.
OF_A_NODE = """
SELECT event.id, event.date, event.registered_at, event.updated_at, event.type, event.context
FROM events_event AS event WHERE {condition} ORDER BY {order} LIMIT %s
"""
IS_OF_MEMBER = """
EXISTS (SELECT FROM customers_aggregatemember AS member
        WHERE member.workspace_id = event.workspace_id AND member.entry_id = event.customer_id
          AND member.aggregate_node_id = %s)
"""
IS_IN_NODE = f"event.node_id = %s OR {IS_OF_MEMBER}"


@dataclass(frozen=True, slots=True)
class Search:
    """The parameters of a search; None and empty lists do not restrict.

    The customers are one, or an aggregate customer and its members. An aggregate node includes the
    events of its members. Without customers and node, the events of the `readable` nodes are
    searched, each once, in its own node. With the `after` values of an event (see `Found.last`),
    the page begins after that event.
    """

    customer_ids: Sequence[UUID]
    node: NodeRules | None
    readable: Sequence[NodeRules]
    external_id: str | None
    types: Sequence[str]
    contexts: Sequence[str]
    date_from: str | None
    before: str | None
    sort: Sequence[SortKey]
    page: Page
    after: Sequence[str | None] | None = None

    @property
    def is_of_all_nodes(self) -> bool:
        """Whether neither a customer nor a node is given."""
        return not self.customer_ids and self.node is None


@dataclass(frozen=True, slots=True)
class Found:
    """The rows of a page, the number of matches (10000 at most) and of all events.

    `total` is None for a page that begins after an event: they are not counted again. `last` holds
    the sort values of the page's last event, when the page is full.
    """

    rows: list[EventRow]
    total: int | None
    unfiltered: int
    last: Sequence[str | None] | None = None


def search_events(workspace_id: UUID, search: Search) -> Found:
    """Return the matching events in the requested order, ids breaking ties."""
    scope = _scope(workspace_id, search)
    condition = all_of([scope, *_filters(search)])
    order, window = _order(search.sort), _window(search)
    page = _page(workspace_id, search, condition, order, window)
    uncounted = _uncounted(workspace_id, search, scope)
    statement = SEARCH.compose(
        **order.parameters,
        workspace_id=workspace_id,
        page=page,
        is_counted=search.after is None,
        condition=condition,
        most=LARGEST_MATCH,
        has_uncounted=uncounted is not None,
        uncounted=uncounted or Fragment("event.workspace_id = %s AND false", (workspace_id,)),
    )
    total, by_rows, rows, last = fetch_one(statement.sql, statement.parameters, prepare=False)
    records = records_of(EventRow, rows)
    unfiltered = (by_rows or 0) + _counted(workspace_id, search)
    return Found(records, total, unfiltered, last_values(last, records, window[1]))


def _uncounted(workspace_id: UUID, search: Search, scope: Fragment) -> Fragment | None:
    """Return the condition of the events without counters, None if there are none.

    There are counters neither of a customer's events nor of an aggregate node's own: the counters
    of aggregate nodes include the events of members.
    """
    if search.customer_ids:
        return scope
    aggregates = [node.id for node in search.readable if node.type == NodeType.AGGREGATE]
    if search.is_of_all_nodes and aggregates:
        return all_of(
            [
                Fragment("event.workspace_id = %s", (workspace_id,)),
                Fragment("event.node_id = ANY (%s)", (aggregates,)),
            ]
        )
    return None


def _counted(workspace_id: UUID, search: Search) -> int:
    """Return the number of events by the counters."""
    if search.customer_ids:
        return 0
    if search.node is not None:
        return count_of(workspace_id, search.node.id, Entity.EVENTS)
    entries = [node.id for node in search.readable if node.type == NodeType.ENTRY]
    return count_in(workspace_id, entries, Entity.EVENTS)


def _window(search: Search) -> tuple[int, int]:
    """Return the number of matches before the page, and on it."""
    return search.page.window if search.after is None else (0, search.page.size)


def _page(
    workspace_id: UUID,
    search: Search,
    condition: Fragment,
    order: Order,
    window: tuple[int, int],
) -> Fragment:
    """Return the ids of a page, in order.

    Several nodes (all, or those of an aggregate node) are read one by one, each in the order of its
    index, and merged: of a million events only those of the page are read.
    """
    following = [] if search.after is None else order.after(search.after)
    nodes = _nodes_searched_together(search)
    if len(nodes) < 2:
        condition = all_of([condition, *following])
        sql = PAGE.format(source="events_event", condition=condition.sql, order=order.sql)
        return Fragment(sql, (*condition.parameters, *window))
    source = union_all(
        [_of_a_node(workspace_id, node, search, following, order, sum(window)) for node in nodes]
    )
    sql = PAGE.format(source=f"({source.sql})", condition="true", order=order.sql)
    return Fragment(sql, (*source.parameters, *window))


def _nodes_searched_together(search: Search) -> list[UUID]:
    if search.customer_ids:
        return []
    if search.node is None:
        return [node.id for node in search.readable]
    return [search.node.id, *search.node.entry_nodes]


def _of_a_node(
    workspace_id: UUID,
    node: UUID,
    search: Search,
    following: Sequence[Fragment],
    order: Order,
    limit: int,
) -> Fragment:
    """Return the first events of one of several nodes that are searched together."""
    parts = [Fragment("event.workspace_id = %s", (workspace_id,)), _one_of("event.node_id", [node])]
    if search.node is not None and node != search.node.id:
        parts.append(Fragment(IS_OF_MEMBER, (search.node.id,)))
    condition = all_of([*parts, *_filters(search), *following])
    sql = OF_A_NODE.format(condition=condition.sql, order=order.sql)
    return Fragment(sql, (*condition.parameters, limit))


def _scope(workspace_id: UUID, search: Search) -> Fragment:
    parts = [Fragment("event.workspace_id = %s", (workspace_id,))]
    if search.customer_ids:
        parts.append(_one_of("event.customer_id", search.customer_ids))
    if search.is_of_all_nodes:
        parts.append(_one_of("event.node_id", [node.id for node in search.readable]))
    if search.node is not None:
        parts.append(_one_of("event.node_id", [search.node.id, *search.node.entry_nodes]))
        if search.node.entry_nodes:
            parts.append(Fragment(IS_IN_NODE, (search.node.id, search.node.id)))
    return all_of(parts)


def _filters(search: Search) -> list[Fragment]:
    filters = []
    if search.external_id is not None:
        filters.append(Fragment("event.external_id = %s", (search.external_id,)))
    if search.types:
        filters.append(_one_of("event.type", search.types))
    if search.contexts:
        filters.append(_one_of("event.context", search.contexts))
    if search.date_from is not None:
        filters.append(Fragment("event.date >= %s::timestamptz", (search.date_from,)))
    if search.before is not None:
        filters.append(Fragment("event.date < %s::timestamptz", (search.before,)))
    return filters


def _one_of(column: str, values: Sequence[Any]) -> Fragment:
    # A single value, so that an index on it can provide the order too.
    if len(values) == 1:
        return Fragment(f"{column} = %s", (values[0],))
    return Fragment(f"{column} = ANY (%s)", (list(values),))


def _order(sort: Sequence[SortKey]) -> Order:
    """Return an order of events, ties by id; every key has a value in every event."""
    keys = [replace(SORTED_BY[key.field], descending=key.descending) for key in sort]
    return Order((*keys, replace(SORTED_BY["id"], descending=sort[-1].descending)))
