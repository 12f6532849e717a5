"""Exports a node's customers or events as records that a bulk job can import."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from django.db import connection
from django.db.models import Case, F, OuterRef, Q, QuerySet, Subquery, UUIDField, When

from bulkjobs.domain.columns import (
    EVENT_EXTERNAL_ID,
    customer_leaves,
    event_leaves,
    selected_leaves,
)
from bulkjobs.domain.csv_lines import line_of
from bulkjobs.queries.export_requests import Export
from bulkjobs.queries.line_expressions import Cell, line, property_cell
from configuration.domain.condition_parser import Attributes
from configuration.queries.rules import NodeRules, WorkspaceRules
from contacthub_project.core.date_format import DateFormat, Positions, with_date_format
from contacthub_project.core.errors import Invalid
from contacthub_project.core.timestamps import format_timestamp
from contacthub_project.db.sql import MOMENT
from customers.domain.paths import value_at
from customers.models import AggregateMember, Customer
from customers.queries.search import parse_search_query, selection
from events.models import Event
from events.queries.documents import event_moments

ROWS_AT_A_TIME = 1000
CUSTOMERS = """
SELECT {values}
FROM customers_customer AS customer
WHERE workspace_id = %s AND node_id = %s AND deleted = 0{condition}
ORDER BY {order}
"""
SECTIONS = ("base", "extended", "consents", "tags")
CUSTOMER_VALUES = ", ".join(["id", "external_id", "extra", "enabled", *SECTIONS])
CUSTOMER_CELLS = {
    "id": Cell("customer.id::text", is_bare=True),
    "externalId": Cell("customer.external_id"),
    "extra": Cell("customer.extra"),
    "enabled": Cell("customer.enabled::text", is_bare=True),
}
EVENT_CELLS = {
    "id": Cell("event.id::text", is_bare=True),
    "customerId": Cell("event.owner::text"),
    "externalId": Cell(
        "CASE WHEN event.owner IS NOT NULL THEN event.owner_external_id"
        " WHEN event.bring_back_type = 'EXTERNAL_ID' THEN event.bring_back_value END"
    ),
    "sessionId": Cell(
        "CASE WHEN event.owner IS NULL AND event.bring_back_type = 'SESSION_ID'"
        " THEN event.bring_back_value END"
    ),
    EVENT_EXTERNAL_ID: Cell("event.external_id"),
    "context": Cell("event.context"),
    "date": Cell(MOMENT.format("event.date")),
}
EVENT_SECTIONS = {
    "properties": "event.properties",
    "contextInfo": "event.context_info",
    "tracking": "event.tracking",
}


@dataclass(frozen=True, slots=True)
class Records:
    """Columns by their dotted paths, and documents with their values."""

    columns: list[str]
    documents: Iterable[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Lines:
    """Columns by their dotted paths, which of them hold JSON, and lines of CSV, not yet guarded."""

    columns: list[str]
    is_json: list[bool]
    lines: Iterable[str]


def exported(workspace: WorkspaceRules, node: NodeRules, export: Export) -> Records:
    """Return the export of a node, of one snapshot, through a server-side cursor.

    Raises ValueError with a field without a column.
    """
    columns = _columns(workspace, export)
    if export.event_type is None:
        documents = _customers(workspace, node, export)
        moments: Positions = workspace.customer_schema.timestamps
    else:
        documents = _events(workspace, node, export.event_type)
        moments = event_moments(workspace)
    return Records(columns, _in_format(documents, moments, export.date_format))


def exported_lines(workspace: WorkspaceRules, node: NodeRules, export: Export) -> Lines:
    """Return the same as lines of CSV, rendered by the database, many times as fast.

    Not for timestamps in another format than the stored one: then lines are made of documents.
    """
    columns = _columns(workspace, export)
    if export.event_type is None:
        schema: Attributes = workspace.customer_schema
        named, sections = CUSTOMER_CELLS, {name: f"customer.{name}" for name in SECTIONS}
    else:
        schema = workspace.event_schema(export.event_type)
        named, sections = EVENT_CELLS, EVENT_SECTIONS
    cells = []
    for path in columns:
        root, *below = path.split(".")
        cells.append(
            named.get(path)
            or property_cell(sections[root], below, schema.kind_of(path) or "object")
        )
    is_json = [each.is_json for each in cells]
    if export.date_format is not DateFormat.ZULU:
        documents = exported(workspace, node, export).documents
        return Lines(columns, is_json, (_line_of(each, columns) for each in documents))
    if export.event_type is None:
        statement, parameters = _customer_statement(workspace, node, export, line(cells))
    else:
        events, parameters = _event_rows(workspace, node, export.event_type).query.sql_with_params()
        statement = f"SELECT {line(cells)} FROM ({events}) AS event"
    lines = (text for (text,) in _rows_of(statement, parameters))
    return Lines(columns, is_json, lines)


def _line_of(document: Mapping[str, Any], columns: Sequence[str]) -> str:
    return line_of([value_at(document, path) for path in columns])


def _rows_of(statement: str, parameters: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a statement, of one snapshot, however long they take."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(statement, parameters)
        while rows := cursor.fetchmany(ROWS_AT_A_TIME):
            yield from rows


def _columns(workspace: WorkspaceRules, export: Export) -> list[str]:
    return selected_leaves(
        ["id", *_leaves(workspace, export.event_type)],
        ["id", *export.fields] if export.fields else (),
    )


def check_fields(
    workspace: WorkspaceRules, event_type: str | None, fields: Sequence[str]
) -> str | None:
    """Return the first field without a column, None when there is none."""
    try:
        selected_leaves([*_leaves(workspace, event_type), "id"], fields)
    except ValueError as unknown:
        return str(unknown)
    return None


def _leaves(workspace: WorkspaceRules, event_type: str | None) -> list[str]:
    if event_type is None:
        return customer_leaves(workspace.customer_schema)
    return event_leaves(workspace.event_schema(event_type).kinds_of_parts())


def _customers(
    workspace: WorkspaceRules, node: NodeRules, export: Export
) -> Iterator[dict[str, Any]]:
    statement, parameters = _customer_statement(workspace, node, export, CUSTOMER_VALUES)
    for customer_id, external_id, extra, enabled, *sections in _rows_of(statement, parameters):
        yield {
            "id": str(customer_id),
            "externalId": external_id,
            "extra": extra,
            "enabled": enabled,
            **dict(zip(SECTIONS, map(_loaded, sections), strict=True)),
        }


def _customer_statement(
    workspace: WorkspaceRules, node: NodeRules, export: Export, values: str
) -> tuple[str, tuple[Any, ...]]:
    """Return the statement for values of the exported customers, and its parameters."""
    query = None
    if export.query is not None:
        query, faults = parse_search_query(export.query, workspace)
        if faults:  # what it names is gone since it was asked for
            raise Invalid("The query of the export is no longer valid", errors=faults)
    condition, order = selection(workspace, node, query, export.sort)
    statement = CUSTOMERS.format(
        values=values, condition=f" AND {condition.sql}" if condition else "", order=order
    )
    return statement, (workspace.id, node.id, *(condition.parameters if condition else ()))


def _loaded(document: Any) -> Any:
    return orjson.loads(document) if isinstance(document, str) else document


def _events(
    workspace: WorkspaceRules, node: NodeRules, event_type: str
) -> Iterator[dict[str, Any]]:
    rows = _event_rows(workspace, node, event_type)
    return (_event_document(event_type, row) for row in rows.iterator(chunk_size=ROWS_AT_A_TIME))


def _event_rows(
    workspace: WorkspaceRules, node: NodeRules, event_type: str
) -> QuerySet[Event, tuple[Any, ...]]:
    """Yield the events of a type in a node, in order.

    In an aggregate node including those of its members, as the aggregate customers'.
    """
    owners = Customer.objects.filter(workspace_id=workspace.id, id=OuterRef("owner"))
    return (
        Event.objects.in_workspace(workspace.id)
        .filter(node_id__in=[node.id, *node.entry_nodes], type=event_type)
        .annotate(owner=_owner_in(node))
        .filter(Q(node_id=node.id) | Q(owner__isnull=False))
        .annotate(owner_external_id=Subquery(owners.values("external_id")))
        .order_by("date", "id")
        .values_list(
            "id", "owner", "owner_external_id", "bring_back_type", "bring_back_value",
            "external_id", "context", "date", "properties", "context_info", "tracking",
        )
    )  # fmt: skip


def _in_format(
    documents: Iterable[Mapping[str, Any]], where: Positions, date_format: DateFormat
) -> Iterable[Mapping[str, Any]]:
    if date_format is DateFormat.ZULU:
        return documents
    return (with_date_format(each, where, date_format) for each in documents)


def _owner_in(node: NodeRules) -> Case:
    """Return SQL of an event's customer in a node.

    Null for one that waits, or is not in the node.
    """
    aggregate = AggregateMember.objects.filter(
        aggregate_node_id=node.id, entry_id=OuterRef("customer_id")
    )
    return Case(
        When(node_id=node.id, then=F("customer_id")),
        default=Subquery(aggregate.values("aggregate_id")),
        output_field=UUIDField(),
    )


def _event_document(event_type: str, row: tuple[Any, ...]) -> dict[str, Any]:
    (
        event_id, customer_id, customer_external_id, kind, value, external_id, context, date,
        properties, context_info, tracking,
    ) = row  # fmt: skip
    waits = customer_id is None
    waiting_for = value if waits and kind == "EXTERNAL_ID" else None
    return {
        "id": str(event_id),
        "customerId": None if waits else str(customer_id),
        "externalId": waiting_for if waits else customer_external_id,
        "sessionId": value if waits and kind == "SESSION_ID" else None,
        EVENT_EXTERNAL_ID: external_id,
        "type": event_type,
        "context": context,
        "date": format_timestamp(date),
        "properties": properties,
        "contextInfo": context_info,
        "tracking": tracking or {},
    }
