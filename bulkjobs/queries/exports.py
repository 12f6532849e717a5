"""The way out: a node's customers or events as a file that a bulk job takes in again."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from uuid import UUID

from django.db.models import Case, F, OuterRef, Q, Subquery, UUIDField, When

from bulkjobs.domain.cells import safe_cell
from bulkjobs.domain.columns import EVENT_EXTERNAL_ID, customer_leaves, event_leaves
from configuration.queries.rules import NodeRules, WorkspaceRules
from contacthub_project.core.date_format import DateFormat, Positions, with_date_format
from contacthub_project.core.timestamps import format_timestamp
from customers.domain.paths import value_at
from customers.models import AggregateMember, Customer
from events.models import Event
from events.queries.documents import event_moments

ROWS_AT_A_TIME = 1000


def customers_csv(
    workspace: WorkspaceRules, node_id: UUID, date_format: DateFormat
) -> Iterator[bytes]:
    """The customers of a node as one moment sees them, through a cursor of the server's."""
    names = customer_leaves(workspace.customer_schema)
    rows = (
        Customer.objects.in_node(workspace.id, node_id)
        .order_by("id")
        .values_list("external_id", "extra", "enabled", "base", "extended", "consents", "tags")
    )
    documents = (
        {
            "externalId": external_id, "extra": extra, "enabled": enabled, "base": base,
            "extended": extended, "consents": consents, "tags": tags,
        }
        for external_id, extra, enabled, base, extended, consents, tags in rows.iterator(
            chunk_size=ROWS_AT_A_TIME
        )
    )  # fmt: skip
    return _csv(names, _in_format(documents, workspace.customer_schema.timestamps, date_format))


def events_csv(
    workspace: WorkspaceRules, node: NodeRules, event_type: str, date_format: DateFormat
) -> Iterator[bytes]:
    """The events of a type in a node, as one moment sees them.

    In an aggregate node those of its members are among them, as the aggregate customers'.
    """
    names = event_leaves(workspace.event_schema(event_type).kinds_of_parts())
    rows = (
        Event.objects.in_workspace(workspace.id)
        .filter(node_id__in=[node.id, *node.entry_nodes], type=event_type)
        .annotate(owner=_owner_in(node))
        .filter(Q(node_id=node.id) | Q(owner__isnull=False))
        .order_by("date", "id")
        .values_list(
            "owner", "bring_back_type", "bring_back_value", "external_id", "context", "date",
            "properties", "context_info", "tracking",
        )
    )  # fmt: skip
    documents = (
        _event_document(event_type, row) for row in rows.iterator(chunk_size=ROWS_AT_A_TIME)
    )
    return _csv(names, _in_format(documents, event_moments(workspace), date_format))


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
    customer_id, kind, value, external_id, context, date, properties, context_info, tracking = row
    waits = customer_id is None
    return {
        "customerId": None if waits else str(customer_id),
        "externalId": value if waits and kind == "EXTERNAL_ID" else None,
        "sessionId": value if waits and kind == "SESSION_ID" else None,
        EVENT_EXTERNAL_ID: external_id,
        "type": event_type,
        "context": context,
        "date": format_timestamp(date),
        "properties": properties,
        "contextInfo": context_info,
        "tracking": tracking or {},
    }


def _csv(names: list[str], documents: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(names)
    for number, document in enumerate(documents, 1):
        writer.writerow([_cell(value_at(document, name)) for name in names])
        if number % ROWS_AT_A_TIME == 0:
            yield out.getvalue().encode()
            out.seek(0)
            out.truncate()
    yield out.getvalue().encode()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return safe_cell(value)
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
