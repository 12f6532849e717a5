"""OpenAPI schemas of events."""

from __future__ import annotations

from configuration.api.schema import EVENT_CONTEXT, EVENT_TYPE
from configuration.domain.vocabulary import tracking_schema
from contacthub_project.api.components import (
    ID,
    INTEGER,
    MOMENT,
    NULL,
    OPEN_OBJECT,
    Schema,
    component,
    enum_component,
    list_component,
    nullable,
    object_component,
    page_component,
    reference_to,
)
from events.models import BringBackType, Origin

ID_OR_NULL: Schema = {"anyOf": [ID, NULL]}
MOST_EVENTS = 1000  # of a batch

EVENT_NAVIGATION = enum_component("EventNavigation", ["CUSTOMER"])
BRING_BACK = object_component(
    "BringBackProperties",
    {
        "type": enum_component("BringBackType", BringBackType.values)
        | {"default": BringBackType.SESSION_ID.value},
        "value": {"type": "string", "minLength": 1, "maxLength": 255},
        "nodeId": ID,
    },
    required=["value", "nodeId"],
    closed=True,
)
CONTENT: dict[str, Schema] = {
    "externalId": {"type": ["string", "null"], "minLength": 1, "maxLength": 255},
    "type": EVENT_TYPE,
    "properties": OPEN_OBJECT,
    "context": EVENT_CONTEXT,
    "contextInfo": OPEN_OBJECT | {"type": ["object", "null"]},
    "date": {"type": ["string", "null"], "format": "date-time"},
    "tracking": nullable(component("EventTracking", tracking_schema())),
}
OWNER: dict[str, Schema] = {
    "customerId": ID_OR_NULL,
    "bringBackProperties": nullable(BRING_BACK),
}
GENERATED: dict[str, Schema] = {
    "origin": nullable(enum_component("EventOrigin", Origin.values)),
    "registeredAt": MOMENT,
    "updatedAt": MOMENT,
    "version": INTEGER,
}
WHOLE: dict[str, Schema] = {"id": ID, "nodeId": ID, **OWNER, **CONTENT, **GENERATED}
NEIGHBOURS: dict[str, Schema] = {"prev": ID_OR_NULL, "next": ID_OR_NULL}

EVENT_INPUT = object_component(
    "EventInput", OWNER | CONTENT, required=["type", "context"], closed=True
)
EVENT_UPDATE = object_component("EventUpdate", WHOLE | NEIGHBOURS, required=[])
EVENT = object_component("Event", dict(WHOLE))
EVENT_WITH_NEIGHBOURS = object_component("EventWithNeighbours", WHOLE | NEIGHBOURS)
EVENT_ID = object_component("EventId", {"id": ID})
PAGE_OF_EVENTS = page_component("EventPage", EVENT, "events", has_cursor=True)
BATCH = object_component(
    "EventBatchInput",
    {"events": {"type": "array", "minItems": 1, "maxItems": MOST_EVENTS, "items": EVENT_INPUT}},
)
BATCH_RESULT = list_component(
    "EventBatchResult",
    object_component(
        "EventOutcome",
        {
            "status": INTEGER,
            "id": ID,
            "message": {"type": "string"},
            "errors": {"type": "array", "items": reference_to("ErrorDetail")},
            "data": OPEN_OBJECT,
        },
        required=["status"],
    ),
    "outcomes, one for each event, in their order",
)

LIVE_EVENT = object_component(
    "LiveEvent",
    {
        "outcome": enum_component("LiveOutcome", ["ACCEPTED", "REFUSED"]),
        "id": ID,
        "moment": MOMENT,
        "type": {"anyOf": [reference_to("EventType"), NULL]},
        "nodeId": {"anyOf": [ID, NULL]},
        "sourceId": {"anyOf": [ID, NULL]},
        "reason": {"anyOf": [reference_to("RefusalReason"), NULL]},
        "message": {"type": ["string", "null"]},
        "errors": {"type": "array", "items": reference_to("ErrorDetail")},
        "body": {"type": ["object", "null"], "additionalProperties": True},
    },
)
LIVE_EVENTS = object_component(
    "LiveEvents",
    {
        "elements": {"type": "array", "items": LIVE_EVENT},
        "next": {"type": "string"},
    },
)
