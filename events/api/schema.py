"""How events are described in the OpenAPI document."""

from __future__ import annotations

from typing import Any

from configuration.domain.vocabulary import CONTEXTS, EVENT_TYPES, tracking_schema
from contacthub_project.api.components import cursor_page_object
from events.models import BringBackType, Origin

ID = {"type": "string", "format": "uuid"}
MOMENT = {"type": "string", "format": "date-time"}
NULL = {"type": "null"}
TYPE = {"type": "string", "enum": list(EVENT_TYPES)}
CONTEXT = {"type": "string", "enum": list(CONTEXTS)}
TRACKING = {"anyOf": [tracking_schema(), NULL]}
BRING_BACK: dict[str, Any] = {
    "type": ["object", "null"],
    "additionalProperties": False,
    "required": ["value", "nodeId"],
    "properties": {
        "type": {"type": "string", "enum": BringBackType.values, "default": "SESSION_ID"},
        "value": {"type": "string", "minLength": 1, "maxLength": 255},
        "nodeId": ID,
    },
}
EXTERNAL_ID = {
    "type": ["string", "null"],
    "minLength": 1,
    "maxLength": 255,
    "description": "The client's own id of the event, unique in its node and type.",
}
CONTENT: dict[str, Any] = {
    "externalId": EXTERNAL_ID,
    "type": TYPE,
    "properties": {"type": "object", "description": "By the schema of the type."},
    "context": CONTEXT,
    "contextInfo": {"type": ["object", "null"], "description": "By the schema of the context."},
    "date": {"type": ["string", "null"], "format": "date-time"},
    "tracking": TRACKING,
}
SYSTEM: dict[str, Any] = {
    "id": ID,
    "customerId": {"anyOf": [ID, NULL]},
    "nodeId": ID,
    "bringBackProperties": BRING_BACK,
    "origin": {"type": ["string", "null"], "enum": [*Origin.values, None]},
    "registeredAt": MOMENT,
    "updatedAt": MOMENT,
    "version": {"type": "integer"},
}
EVENT_INPUT: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["type", "context"],
    "properties": {
        "customerId": SYSTEM["customerId"], "bringBackProperties": BRING_BACK, **CONTENT,
    },
}  # fmt: skip
EVENT: dict[str, Any] = {"type": "object", "properties": {**SYSTEM, **CONTENT}}
EVENT_WITH_NEIGHBOURS: dict[str, Any] = {
    "type": "object",
    "properties": {
        **SYSTEM, **CONTENT, "prev": {"anyOf": [ID, NULL]}, "next": {"anyOf": [ID, NULL]},
    },
}  # fmt: skip
EVENT_ID: dict[str, Any] = {"type": "object", "required": ["id"], "properties": {"id": ID}}
PAGE_OF_EVENTS: dict[str, Any] = {
    "type": "object",
    "required": ["elements", "page"],
    "properties": {"elements": {"type": "array", "items": EVENT}, "page": cursor_page_object()},
}
BATCH: dict[str, Any] = {
    "type": "object",
    "required": ["events"],
    "properties": {
        "events": {"type": "array", "minItems": 1, "maxItems": 1000, "items": EVENT_INPUT}
    },
}
BATCH_RESULT: dict[str, Any] = {
    "type": "object",
    "required": ["elements"],
    "properties": {
        "elements": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["status"],
                "properties": {
                    "status": {"type": "integer", "description": "As a single POST answers."},
                    "id": ID,
                    "message": {"type": "string"},
                    "errors": {"type": "array", "items": {"type": "object"}},
                    "data": {"type": "object", "description": "Of a 409: the other event."},
                },
            },
        }
    },
}
