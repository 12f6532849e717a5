"""Searches a node's customers: one statement for the page and the counts."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from configuration.domain.conditions import Comparison
from configuration.domain.customer_schema import LIST_OF, SECRET, CustomerSchema
from configuration.models import NodeState
from configuration.queries.rules import NodeRules, WorkspaceRules
from contacthub_project.api.pagination import LARGEST_MATCH, Page
from contacthub_project.api.query import SortKey
from contacthub_project.core.date_spans import Clock
from contacthub_project.core.errors import FieldError, Forbidden
from contacthub_project.core.sql_fragments import Fragment, all_of, union_all
from contacthub_project.db.counters import Entity, count_of
from contacthub_project.db.sql import StatementTemplate, fetch_one, records_of
from customers.domain.matching import key_of_values
from customers.domain.query_compiler import compile_expression
from customers.domain.query_language import (
    BehaviourCondition,
    Expression,
    InSegment,
    Parsed,
    attributes_all_equal,
    demanded_values,
    parse_query,
)
from customers.models.customer_row import ROW_AS_JSON, CustomerRow
from customers.queries.attributes import CustomerAttributes, clock_of, order_of
from customers.queries.keyset import Order, last_values

NEWEST_FIRST = (SortKey("updatedAt", descending=True),)
UNSORTED_KINDS = (LIST_OF, "object")

SEARCH = StatementTemplate("customers/sql/search_customers", row_as_json=ROW_AS_JSON)
LIST = StatementTemplate("customers/sql/list_customers", row_as_json=ROW_AS_JSON)
LIST_AFTER = StatementTemplate("customers/sql/list_customers_after", row_as_json=ROW_AS_JSON)
RANGE = StatementTemplate("customers/sql/customers_in_range")


class Behaviour(Protocol):
    """Parses and compiles behaviours (`did`): implemented by the app of events."""

    def parsed(
        self, did: Any, workspace: WorkspaceRules, at: str
    ) -> tuple[BehaviourCondition | None, list[FieldError]]:
        """Return the parsed `did` of a query, or its faults; `at` is its JSON pointer."""
        ...

    def compiled(
        self, behaviour: Any, workspace: WorkspaceRules, node: NodeRules, clock: Clock
    ) -> Fragment:
        """Return a condition on the row `customer`, of the node, for the behaviour."""
        ...

    def matching(
        self, behaviour: Any, workspace: WorkspaceRules, keys: Sequence[tuple[UUID, UUID]]
    ) -> set[tuple[UUID, UUID]]:
        """Return the keys, of node and event, of the events that the behaviour is about."""
        ...

    def next_values(
        self, behaviour: Any, workspace: WorkspaceRules, node: NodeRules, clock: Clock
    ) -> Sequence[tuple[Comparison, Fragment]]:
        """Return comparisons with relative moments, each with SQL of the values they reach next.

        The SQL is a JSON array of texts for the row `customer`: values of its events in ascending
        order, 100 at most (see `segments.domain.next_change`).
        """
        ...

    def event_types(self, behaviour: Any) -> frozenset[str]:
        """Return the types of events that the behaviour depends on."""
        ...


class Segments(Protocol):
    """The interface to segments, which the app of segments implements."""

    def parsed(
        self, segment: Any, workspace: WorkspaceRules, at: str
    ) -> tuple[Any, list[FieldError]]:
        """Return the parsed `segment` of a query and all faults; `at` is its JSON pointer."""
        ...

    def compiled(self, segment: Any, workspace: WorkspaceRules) -> Fragment:
        """Return a condition on the row `customer` for membership in the segment."""
        ...


_behaviour: list[Behaviour] = []
_segments: list[Segments] = []


def register_behaviour(behaviour: Behaviour) -> None:
    """Set the implementation of `did`; called once per process while Django starts."""
    _behaviour[:] = [behaviour]


def behaviour_queries() -> Behaviour:
    """Return the registered implementation of `Behaviour`."""
    return _behaviour[0]


def register_segments(segments: Segments) -> None:
    """Register the implementation of `Segments`; called once per process at start-up."""
    _segments[:] = [segments]


@dataclass(frozen=True, slots=True)
class Search:
    """The parameters of a search; `query` is the result of `parse_search_query`.

    With the `after` values of a row (see `Found.last`), the page begins after that row. Without
    `is_counted` matches are not counted, and `page` must be the first.
    """

    external_id: str | None
    query: Expression | None
    sort: Sequence[SortKey]
    page: Page
    after: Sequence[str | None] | None = None
    is_counted: bool = True


@dataclass(frozen=True, slots=True)
class Found:
    """The rows of a page, the number of matches (10000 at most) and of all customers.

    `total` is None when matches are not counted, as for a page that begins after a row. `last`
    holds the sort values of the page's last row, when the page is full.
    """

    rows: list[CustomerRow]
    total: int | None
    unfiltered: int
    last: Sequence[str | None] | None = None


def parse_search_query(document: Any, workspace: WorkspaceRules) -> Parsed:
    """Return the query of the envelope; raises Invalid with all faults."""

    def parse_did(did: Any, at: str) -> tuple[BehaviourCondition | None, list[FieldError]]:
        return _behaviour[0].parsed(did, workspace, at)

    def parse_segment(segment: Any, at: str) -> tuple[Any, list[FieldError]]:
        return _segments[0].parsed(segment, workspace, at)

    return parse_query(document, workspace.customer_schema, parse_did, parse_segment)


def segment_condition(segment: Any, workspace: WorkspaceRules, *, at: str) -> Parsed:
    """Return the expression of membership in a segment and all faults of its id."""
    found, faults = _segments[0].parsed(segment, workspace, at)
    return (None if found is None else InSegment(found)), faults


def is_sortable(schema: CustomerSchema, field: str) -> bool:
    """Return whether customers can be sorted by a property: single-valued and not secret."""
    kind = schema.kind_of(field)
    return kind is not None and not kind.startswith(UNSORTED_KINDS) and field not in SECRET


def check_lookup(node: NodeRules, search: Search) -> None:
    """Raise Forbidden for searches that would reveal customers to untrusted callers.

    A caller that may not read profiles may look up customers that it knows: by external id, or by
    equality of all properties of the node's matching policy at once.
    """
    if search.sort is not NEWEST_FIRST:
        raise Forbidden("The client is not allowed to sort customers")
    if search.query is None and search.external_id:
        return
    if search.query is not None:
        compared = attributes_all_equal(search.query)
        if compared == {"externalId"} or (compared and _is_looked_up(node, compared)):
            return
    raise Forbidden(
        "The client is only allowed to look up by externalId, or by EQUALS of all of: "
        + "; or of ".join(", ".join(rule.paths) for rule in node.matching.all_rules)
    )


def _is_looked_up(node: NodeRules, compared: Collection[str]) -> bool:
    """Return whether all properties of a rule are compared, and no others."""
    rules = [set(rule.paths) for rule in node.matching.all_rules]
    return any(unique <= set(compared) <= unique | {"externalId"} for unique in rules)


def search_customers(workspace: WorkspaceRules, node: NodeRules, search: Search) -> Found:
    """Return the matching customers of a node in the requested order, absent values last.

    Ids break ties. At most 10000 matches are read, unless the page begins after a row.
    """
    attributes = CustomerAttributes.of(workspace, node)
    order = order_of(search.sort, attributes)
    condition = _condition(workspace, node, search, attributes)
    if search.after is not None or not search.is_counted:
        following = [Fragment("TRUE")] if search.after is None else order.after(search.after)
        return _uncounted_page(
            following, search.page.size, order, _scope(workspace.id, node.id), condition
        )
    first, size = search.page.window
    values = _scope(workspace.id, node.id) | order.parameters | {"first": first, "size": size}
    if condition is None:
        statement = LIST.compose(**values)
    else:
        statement = SEARCH.compose(**values, condition=condition, most=LARGEST_MATCH)
    matching, rows, last = fetch_one(statement.sql, statement.parameters, prepare=False)
    everybody = count_of(workspace.id, node.id, Entity.CUSTOMERS)
    total = min(everybody, LARGEST_MATCH) if matching is None else matching
    records = records_of(CustomerRow, rows)
    return Found(records, total, everybody, last_values(last, records, size))


def selection(
    workspace: WorkspaceRules,
    node: NodeRules,
    query: Expression | None,
    sort: Sequence[SortKey],
) -> tuple[Fragment | None, str]:
    """Return the condition and the order of a node's matching customers, as SQL."""
    attributes = CustomerAttributes.of(workspace, node)
    search = Search(None, query, sort, Page(0, 0))
    return _condition(workspace, node, search, attributes), order_of(sort, attributes).sql


def _uncounted_page(
    following: Sequence[Fragment],
    size: int,
    order: Order,
    scope: dict[str, UUID],
    condition: Fragment | None,
) -> Found:
    ordered = Fragment(order.sql)
    ranges = [
        RANGE.compose(
            **scope,
            condition=each if condition is None else all_of([condition, each]),
            order=ordered,
            size=size,
        )
        for each in following
    ]
    statement = LIST_AFTER.compose(
        **order.parameters,
        workspace_id=scope["workspace_id"],
        ranges=union_all(ranges),
        size=size,
    )
    rows, last = fetch_one(statement.sql, statement.parameters, prepare=False)
    records = records_of(CustomerRow, rows)
    everybody = count_of(scope["workspace_id"], scope["node_id"], Entity.CUSTOMERS)
    return Found(records, None, everybody, last_values(last, records, size))


def _scope(workspace_id: UUID, node_id: UUID) -> dict[str, UUID]:
    return {"workspace_id": workspace_id, "node_id": node_id}


def _condition(
    workspace: WorkspaceRules, node: NodeRules, search: Search, attributes: CustomerAttributes
) -> Fragment | None:
    clock = clock_of(workspace)
    parts = []
    if search.external_id is not None:
        same = "customer.external_id = %s"
        if node.matching.ignores_case_of("externalId"):
            # As in the partial index, which excludes rows without one.
            same = (
                "customer.external_id IS NOT NULL AND"
                ' customers_folded(customer.external_id) COLLATE "C" = customers_folded(%s)'
            )
        parts.append(Fragment(same, (search.external_id,)))
    if search.query is not None:
        key = key_of_values(node.matching, demanded_values(search.query))
        if key is not None and node.state == NodeState.ACTIVE:
            # Implied by the query, and supported by an index for any properties. While
            # a node is locked its customers may have keys of another policy.
            parts.append(Fragment("customer.match_key = %s", (key,)))
        parts.append(compiled_query(search.query, workspace, node, attributes, clock))
    return all_of(parts) if parts else None


def compiled_query(
    query: Expression,
    workspace: WorkspaceRules,
    node: NodeRules,
    attributes: CustomerAttributes,
    clock: Clock,
) -> Fragment:
    """Return the condition on the row `customer`, of the node, for a query."""

    def compile_did(behaviour: Any) -> Fragment:
        return _behaviour[0].compiled(behaviour, workspace, node, clock)

    def compile_segment(segment: Any) -> Fragment:
        return _segments[0].compiled(segment, workspace)

    return compile_expression(query, attributes, clock, compile_did, compile_segment)
