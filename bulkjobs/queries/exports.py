"""The way out: a node's customers or events as records that a bulk job takes in again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from django.db import connection
from django.db.models import Case, F, OuterRef, Q, Subquery, UUIDField, When

from bulkjobs.domain.columns import (
    EVENT_EXTERNAL_ID,
    customer_leaves,
    event_leaves,
    selected_leaves,
)
from configuration.queries.rules import NodeRules, WorkspaceRules
from contacthub_project.api.query import SortKey
from contacthub_project.core.date_format import DateFormat, Positions, with_date_format
from contacthub_project.core.timestamps import format_timestamp
from customers.models import AggregateMember, Customer
from customers.queries.search import parse_search_query, selection
from events.models import Event
from events.queries.documents import event_moments

ROWS_AT_A_TIME = 1000
CUSTOMERS = """
SELECT id, external_id, extra, enabled, base, extended, consents, tags
FROM customers_customer AS customer
WHERE workspace_id = %s AND node_id = %s AND deleted = 0{condition}
ORDER BY {order}
"""
SECTIONS = ("base", "extended", "consents", "tags")


@dataclass(frozen=True, slots=True)
class Export:
    """What is to go out: customers, or events of a type.

    `query` is a document of the query language; it and `sort` are of customers only. Without
    `fields` every column goes out.
    """

    event_type: str | None = None
    query: Any = None
    fields: Sequence[str] = ()
    sort: Sequence[SortKey] = (SortKey("id", descending=False),)
    date_format: DateFormat = DateFormat.ZULU

    def as_json(self) -> dict[str, Any]:
        """The export as `from_json` reads it."""
        return {
            "eventType": self.event_type,
            "query": self.query,
            "fields": list(self.fields),
            "sort": [[key.field, key.descending] for key in self.sort],
            "dateFormat": self.date_format,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Export:
        return cls(
            document["eventType"],
            document["query"],
            document["fields"],
            [SortKey(field, descending) for field, descending in document["sort"]],
            DateFormat(document["dateFormat"]),
        )


@dataclass(frozen=True, slots=True)
class Records:
    """Columns by their dotted paths, and documents that hold their values."""

    columns: list[str]
    documents: Iterable[Mapping[str, Any]]


def exported(workspace: WorkspaceRules, node: NodeRules, export: Export) -> Records:
    """What goes out of a node, as one moment sees it, through a cursor of the server's.

    Raises ValueError with a field that no column is about.
    """
    columns = selected_leaves(
        ["id", *_leaves(workspace, export.event_type)],
        ["id", *export.fields] if export.fields else (),
    )
    if export.event_type is None:
        documents = _customers(workspace, node, export)
        moments: Positions = workspace.customer_schema.timestamps
    else:
        documents = _events(workspace, node, export.event_type)
        moments = event_moments(workspace)
    return Records(columns, _in_format(documents, moments, export.date_format))


def check_fields(
    workspace: WorkspaceRules, event_type: str | None, fields: Sequence[str]
) -> str | None:
    """The first field that no column is about, None when there is none."""
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
    query = None
    if export.query is not None:
        query, _ = parse_search_query(export.query, workspace)
    condition, order = selection(workspace, node, query, export.sort)
    statement = CUSTOMERS.format(
        condition=f" AND {condition.sql}" if condition else "", order=order
    )
    parameters = (workspace.id, node.id, *(condition.parameters if condition else ()))
    with connection.chunked_cursor() as cursor:
        cursor.execute(statement, parameters)
        while rows := cursor.fetchmany(ROWS_AT_A_TIME):
            for customer_id, external_id, extra, enabled, *sections in rows:
                yield {
                    "id": str(customer_id),
                    "externalId": external_id,
                    "extra": extra,
                    "enabled": enabled,
                    **dict(zip(SECTIONS, map(_loaded, sections), strict=True)),
                }


def _loaded(document: Any) -> Any:
    return orjson.loads(document) if isinstance(document, str) else document


def _events(
    workspace: WorkspaceRules, node: NodeRules, event_type: str
) -> Iterator[dict[str, Any]]:
    """The events of a type in a node.

    In an aggregate node those of its members are among them, as the aggregate customers'.
    """
    owners = Customer.objects.filter(workspace_id=workspace.id, id=OuterRef("owner"))
    rows = (
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
    return (_event_document(event_type, row) for row in rows.iterator(chunk_size=ROWS_AT_A_TIME))


def _in_format(
    documents: Iterable[Mapping[str, Any]], where: Positions, date_format: DateFormat
) -> Iterable[Mapping[str, Any]]:
    if date_format is DateFormat.ZULU:
        return documents
    return (with_date_format(each, where, date_format) for each in documents)


def _owner_in(node: NodeRules) -> Case:
    """Whose an event is in a node; null for one that waits, or that is not shown there."""
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
