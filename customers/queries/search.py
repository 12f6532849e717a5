"""Searching a node's customers: one statement for the page and the counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol
from uuid import UUID

from configuration.domain.customer_schema import LIST_OF, CustomerSchema
from configuration.domain.extended_properties import indexed_paths
from configuration.models import NodeState
from configuration.queries.rules import NodeRules, WorkspaceRules
from contacthub_project.api.pagination import LARGEST_MATCH, Page
from contacthub_project.api.query import SortKey
from contacthub_project.core.date_math import Clock
from contacthub_project.core.errors import FieldError, Forbidden
from contacthub_project.db.counters import Entity, count_of
from contacthub_project.db.sql import fetch_one, records_of
from customers.domain.matching import key_of_values
from customers.domain.query_compiler import (
    Fragment,
    Place,
    TextComparison,
    all_of,
    compared_text,
    compile_expression,
)
from customers.domain.query_language import (
    BehaviourCondition,
    Expression,
    Parsed,
    attributes_all_equal,
    demanded_values,
    parse_query,
)
from customers.models.customer import ROW_AS_JSON, CustomerRow
from customers.queries.keyset import Order, OrderKey, last_values

NEWEST_FIRST = (SortKey("updatedAt", descending=True),)
COLUMNS = {
    "intId": "customer.int_id",
    "externalId": "customer.external_id",
    "extra": "customer.extra",
    "enabled": "customer.enabled",
    "registeredAt": "customer.registered_at",
    "updatedAt": "customer.updated_at",
    "version": "customer.version",
    "sourceInfo.registeredBy": "customer.registered_by",
    "sourceInfo.updatedBy": "customer.updated_by",
}
UUID_COLUMNS = {"id": "customer.id", "nodeId": "customer.node_id"}
# Indexes that find a node's customers by a value in any case (see Customer.Meta).
FOLDED_INDEXES = frozenset({"base.contacts.email", "base.firstName", "base.lastName"})
ALWAYS_THERE = frozenset({"updatedAt", "registeredAt", "id", "intId", "version", "nodeId"})
COLUMN_TYPES = {
    "intId": "bigint", "version": "integer", "enabled": "boolean",
    "registeredAt": "timestamptz", "updatedAt": "timestamptz",
}  # fmt: skip
UNSORTED_KINDS = (LIST_OF, "object")

IN_NODE = "customer.workspace_id = %s AND customer.node_id = %s AND customer.deleted = 0"
# The matches are found once, in order, for the page and the count alike.
SEARCH = f"""
WITH matched AS MATERIALIZED (
    SELECT found.id, row_number() OVER () AS position
    FROM (
        SELECT customer.id FROM customers_customer AS customer
        WHERE {IN_NODE} AND ({{condition}})
        ORDER BY {{order}} LIMIT {LARGEST_MATCH}
    ) AS found
),
page AS (SELECT id, position FROM matched ORDER BY position OFFSET %s LIMIT %s)
SELECT
    (SELECT count(*) FROM matched),
    {{page}}
"""
# Without a condition everybody matches, and how many those are is known.
LIST = f"""
WITH page AS (
    SELECT found.id, row_number() OVER () AS position
    FROM (
        SELECT customer.id FROM customers_customer AS customer
        WHERE {IN_NODE} ORDER BY {{order}} OFFSET %s LIMIT %s
    ) AS found
)
SELECT
    NULL::bigint,
    {{page}}
"""
# The page after a row: as much of each range as the page could need, put in order again.
RANGE = f"""
(SELECT customer.id FROM customers_customer AS customer
 WHERE {IN_NODE} AND ({{condition}}) ORDER BY {{order}} LIMIT %s)
"""
PAGE_AFTER = """
WITH page AS (
    SELECT customer.id, row_number() OVER (ORDER BY {order}) AS position
    FROM ({ranges}) AS found JOIN customers_customer AS customer USING (id)
    ORDER BY position LIMIT %s
)
SELECT
    {page}
"""


class Behaviour(Protocol):
    """What customers did, as queries ask for it: known to the app that keeps events."""

    def parsed(
        self, did: Any, workspace: WorkspaceRules, at: str
    ) -> tuple[BehaviourCondition | None, list[FieldError]]:
        """The `did` of a query, or everything wrong with it; `at` points to it."""
        ...

    def compiled(
        self, behaviour: Any, workspace: WorkspaceRules, node: NodeRules, clock: Clock
    ) -> Fragment:
        """A condition on the row `customer`, of the node, that holds when it did that."""
        ...


_behaviour: list[Behaviour] = []


def register_behaviour(behaviour: Behaviour) -> None:
    """Make known who answers for `did`; called once per process while Django starts."""
    _behaviour[:] = [behaviour]


@dataclass(frozen=True, slots=True)
class CustomerAttributes:
    """The attributes of a node's customers, and where their values are found."""

    schema: CustomerSchema
    recognised: frozenset[str] = frozenset()
    case_sensitive: bool = True
    indexed: frozenset[tuple[str, ...]] = frozenset()

    @classmethod
    def of(cls, workspace: WorkspaceRules, node: NodeRules) -> CustomerAttributes:
        """Properties that the node recognises customers by are compared as it compares them."""
        matching = node.matching
        return cls(
            schema=workspace.customer_schema,
            recognised=frozenset(matching.properties),
            case_sensitive=matching.case_sensitive,
            indexed=frozenset(indexed_paths(workspace.customer_extended)),
        )

    def place_of(self, path: str) -> Place:
        """Where the values of an attribute that the schema knows are found."""
        comparison = TextComparison.EXACT
        if path in self.recognised:
            comparison = TextComparison.TRIMMED if self.case_sensitive else TextComparison.FOLDED
        if path in UUID_COLUMNS:
            column = UUID_COLUMNS[path]
            return Place(f"{column}::text", uuid_column=column)
        if path in COLUMNS:
            return Place(COLUMNS[path], comparing=comparison)
        section, *keys = path.split(".")
        return Place(
            f"customer.{section}",
            tuple(keys),
            comparing=comparison,
            has_folded_index=path in FOLDED_INDEXES,
            has_json_index=section == "extended" and tuple(keys) in self.indexed,
        )


@dataclass(frozen=True, slots=True)
class Search:
    """What a client looks for; `query` is what `parse_search_query` gives.

    With the `after` values of a row (see `Found.last`), the page begins after that row.
    """

    external_id: str | None
    query: Expression | None
    sort: Sequence[SortKey]
    page: Page
    after: Sequence[str | None] | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """The rows of a page, how many customers match (10000 at most) and how many there are.

    `total` is None for a page that begins after a row: they are not counted again. `last` holds the
    values that the list is ordered by, of the page's last row, when the page is full.
    """

    rows: list[CustomerRow]
    total: int | None
    unfiltered: int
    last: Sequence[str | None] | None = None


def parse_search_query(document: Any, workspace: WorkspaceRules) -> Parsed:
    """The query in its envelope, or everything wrong with it."""

    def parse_did(did: Any, at: str) -> tuple[BehaviourCondition | None, list[FieldError]]:
        return _behaviour[0].parsed(did, workspace, at)

    return parse_query(document, workspace.customer_schema, parse_did)


def clock_of(workspace: WorkspaceRules) -> Clock:
    """The present moment, and the time zone whose days count in the workspace."""
    return Clock(datetime.now(UTC), workspace.zone)


def is_sortable(schema: CustomerSchema, field: str) -> bool:
    """Whether customers can be ordered by a property: it must be a single value."""
    kind = schema.kind_of(field)
    return kind is not None and not kind.startswith(UNSORTED_KINDS)


def check_lookup(node: NodeRules, search: Search) -> None:
    """Raise Forbidden for a search by which one that may not read profiles could learn of them.

    It may look up whom it knows already: by external id, or by equality of everything that the
    node recognises customers by, which must be named all at once.
    """
    if search.sort is not NEWEST_FIRST:
        raise Forbidden("The client is not allowed to sort customers")
    if search.query is None and search.external_id:
        return
    if search.query is not None:
        unique = set(node.matching.properties)
        asked = attributes_all_equal(search.query)
        if asked == {"externalId"} or (asked and unique <= asked <= unique | {"externalId"}):
            return
    raise Forbidden(
        "The client is only allowed to look up by externalId, or by EQUALS of all of: "
        + ", ".join(node.matching.properties)
    )


def search_customers(workspace: WorkspaceRules, node: NodeRules, search: Search) -> Found:
    """The customers of a node that fit, by the order asked for, absent values last.

    Ids break ties. No more than 10000 matches are looked at, unless the page begins after a row.
    """
    attributes = CustomerAttributes.of(workspace, node)
    order = order_of(search.sort, attributes)
    scope = (workspace.id, node.id)
    condition = _condition(workspace, node, search, attributes)
    if search.after is not None:
        return _page_after(search.after, search.page.size, order, scope, condition)
    window = search.page.window
    if condition is None:
        statement = LIST.format(order=order.sql, page=_page(order))
        parameters: tuple[Any, ...] = (*scope, *window)
    else:
        statement = SEARCH.format(condition=condition.sql, order=order.sql, page=_page(order))
        parameters = (*scope, *condition.parameters, *window)
    matching, rows, last = fetch_one(statement, parameters, prepare=False)
    everybody = count_of(workspace.id, node.id, Entity.CUSTOMERS)
    total = min(everybody, LARGEST_MATCH) if matching is None else matching
    records = records_of(CustomerRow, rows)
    return Found(records, total, everybody, last_values(last, records, window[1]))


def selection(
    workspace: WorkspaceRules,
    node: NodeRules,
    query: Expression | None,
    sort: Sequence[SortKey],
) -> tuple[Fragment | None, str]:
    """The condition and the order of all customers of a node that fit, as SQL of `customer`."""
    attributes = CustomerAttributes.of(workspace, node)
    search = Search(None, query, sort, Page(0, 0))
    return _condition(workspace, node, search, attributes), order_of(sort, attributes).sql


def _page(order: Order) -> str:
    return order.page(ROW_AS_JSON, "customers_customer", "customer")


def _page_after(
    values: Sequence[str | None],
    size: int,
    order: Order,
    scope: tuple[UUID, UUID],
    condition: Fragment | None,
) -> Found:
    statements, parameters = [], []
    for each in order.after(values):
        wanted = each if condition is None else all_of([condition, each])
        statements.append(RANGE.format(condition=wanted.sql, order=order.sql))
        parameters += [*scope, *wanted.parameters, size]
    statement = PAGE_AFTER.format(
        ranges=" UNION ALL ".join(statements), order=order.sql, page=_page(order)
    )
    rows, last = fetch_one(statement, (*parameters, size), prepare=False)
    records = records_of(CustomerRow, rows)
    everybody = count_of(*scope, Entity.CUSTOMERS)
    return Found(records, None, everybody, last_values(last, records, size))


def order_of(sort: Sequence[SortKey], attributes: CustomerAttributes) -> Order:
    """An order: text without regard to case, absent values last, ties by id."""
    keys = [_order_key(key, attributes) for key in sort]
    return Order((*keys, OrderKey("customer.id", "uuid", descending=sort[-1].descending)))


def _order_key(key: SortKey, attributes: CustomerAttributes) -> OrderKey:
    place, kind = attributes.place_of(key.field), attributes.schema.kind_of(key.field)
    if place.uuid_column is not None:
        expression, value_type = place.uuid_column, "uuid"
    elif kind == "text":
        text = compared_text(TextComparison.FOLDED, place.text)
        expression, value_type = f'{text} COLLATE "C"', "text"
    elif place.keys is None:
        expression, value_type = place.column, COLUMN_TYPES.get(key.field, "text")
    elif kind in {"moment", "date"}:
        expression, value_type = f'{place.text} COLLATE "C"', "text"
    else:
        expression, value_type = place.json, "jsonb"
    return OrderKey(
        expression, value_type, descending=key.descending, nullable=key.field not in ALWAYS_THERE
    )


def _condition(
    workspace: WorkspaceRules, node: NodeRules, search: Search, attributes: CustomerAttributes
) -> Fragment | None:
    clock = clock_of(workspace)
    parts = []
    if search.external_id is not None:
        same = "customer.external_id = %s"
        if node.matching.ignores_case_of("externalId"):
            same = 'customers_folded(customer.external_id) COLLATE "C" = customers_folded(%s)'
        parts.append(Fragment(same, (search.external_id,)))
    if search.query is not None:

        def compile_did(behaviour: Any) -> Fragment:
            return _behaviour[0].compiled(behaviour, workspace, node, clock)

        key = key_of_values(node.matching, demanded_values(search.query))
        if key is not None and node.state == NodeState.ACTIVE:
            # Follows from the query, and is found by an index, whatever the properties are. While
            # a node is locked its customers may have keys of another policy.
            parts.append(Fragment("customer.match_key = %s", (key,)))
        parts.append(compile_expression(search.query, attributes, clock, compile_did))
    return all_of(parts) if parts else None
