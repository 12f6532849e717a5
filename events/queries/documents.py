"""Converts an event's row to the response."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict
from uuid import UUID

from configuration.domain.event_schema import context_part, tracking_part
from configuration.queries.rules import WorkspaceRules
from contacthub_project.core.date_format import Positions
from events.models.event import EventRow


def duplicate_of(event: EventResponse, *, customer_id: UUID, node_id: UUID) -> EventResponse:
    """Return the event as it is in an aggregate node, of the aggregate customer."""
    return {
        **event,
        "customerId": str(customer_id),
        "nodeId": str(node_id),
        "bringBackProperties": None,
        "origin": "DUPLICATE",
    }


class BringBackResponse(TypedDict):
    """What an event of an unknown customer waits for."""

    type: str
    value: str | None
    nodeId: Any


class EventResponse(TypedDict):
    """An event in the form of responses; ids and moments are text in rows read as JSON."""

    id: Any
    externalId: str | None
    customerId: Any
    nodeId: Any
    bringBackProperties: BringBackResponse | None
    type: str
    properties: dict[str, Any]
    context: str
    contextInfo: dict[str, Any]
    date: Any
    origin: str | None
    tracking: dict[str, Any] | None
    registeredAt: Any
    updatedAt: Any
    version: int


def visible_event(row: EventRow, workspace: WorkspaceRules) -> EventResponse:
    """Return the event in the form of responses, without disabled properties."""
    event = event_response(row)
    schema = workspace.event_schema(event["type"])
    event["properties"] = schema.without_disabled(event["properties"])
    return event


def event_moments(workspace: WorkspaceRules, *, stored: bool = False) -> Positions:
    """Return the positions of timestamps in an event; `stored`: also in disabled properties."""
    schema_of = workspace.stored_event_schema if stored else workspace.event_schema

    def positions(event: Mapping[str, Any]) -> Positions:
        if "type" not in event:  # a deleted one has only ids
            return None
        return {
            "date": True,
            "registeredAt": True,
            "updatedAt": True,
            "properties": schema_of(event["type"]).timestamps,
            "contextInfo": context_part(event["context"]).timestamps,
            "tracking": tracking_part().timestamps,
        }

    return positions


def event_response(row: EventRow) -> EventResponse:
    """Return the stored event with every property."""
    (
        event_id, external_id, customer_id, node_id, bring_back_type, bring_back_value, event_type,
        properties, context, context_info, date, origin, tracking, registered_at, updated_at,
        version,
    ) = row  # fmt: skip
    bring_back: BringBackResponse | None = None
    if bring_back_type is not None:
        bring_back = {"type": bring_back_type, "value": bring_back_value, "nodeId": node_id}
    return {
        "id": event_id,
        "externalId": external_id,
        "customerId": customer_id,
        "nodeId": node_id,
        "bringBackProperties": bring_back,
        "type": event_type,
        "properties": properties,
        "context": context,
        "contextInfo": context_info,
        "date": date,
        "origin": origin,
        "tracking": tracking,
        "registeredAt": registered_at,
        "updatedAt": updated_at,
        "version": version,
    }
