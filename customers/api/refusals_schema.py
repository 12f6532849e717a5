"""OpenAPI schemas of refused data and its quarantine."""

from __future__ import annotations

from contacthub_project.api.components import (
    ID,
    INTEGER,
    MOMENT,
    NULL,
    TEXT,
    TEXT_OR_NULL,
    enum_component,
    list_component,
    object_component,
    reference_to,
)
from customers.domain.refusals import RefusalOrigin, RefusalReason, RefusedEntity

REFUSED_ENTITY = enum_component("RefusedEntity", [*RefusedEntity])


REFUSAL_REASON = enum_component("RefusalReason", [*RefusalReason])


QUARANTINE_STATE = enum_component("QuarantineState", ["REFUSED", "REPLAYED"])


REFUSAL_INTERVAL = enum_component("RefusalInterval", ["HOUR", "DAY"])


ERRORS = {"type": "array", "items": reference_to("ErrorDetail")}


REFUSAL_SUM = object_component(
    "RefusalSum",
    {
        "moment": MOMENT,
        "sourceId": {"anyOf": [ID, NULL]},
        "entity": REFUSED_ENTITY,
        "type": {"anyOf": [reference_to("EventType"), NULL]},
        "reason": REFUSAL_REASON,
        "count": INTEGER,
    },
)


REFUSALS = object_component(
    "Refusals",
    {"elements": {"type": "array", "items": REFUSAL_SUM}, "complete": {"type": "boolean"}},
)


QUARANTINED_REQUEST = object_component(
    "QuarantinedRequest",
    {
        "id": ID,
        "entity": REFUSED_ENTITY,
        "type": {"anyOf": [reference_to("EventType"), NULL]},
        "reason": REFUSAL_REASON,
        "origin": enum_component("RefusalOrigin", [*RefusalOrigin]),
        "nodeId": {"anyOf": [ID, NULL]},
        "sourceId": {"anyOf": [ID, NULL]},
        "refusedAt": MOMENT,
        "message": TEXT,
        "errors": ERRORS,
        "body": {"type": ["object", "null"], "additionalProperties": True},
        "text": TEXT_OR_NULL,
        "replayedAt": {"anyOf": [MOMENT, NULL]},
        "entityId": {"anyOf": [ID, NULL]},
    },
)


REPLAYED_REQUEST = object_component(
    "ReplayedRequest",
    {
        "id": ID,
        "outcome": enum_component("ReplayOutcome", ["ACCEPTED", "REFUSED"]),
        "dryRun": {"type": "boolean"},
        "entityId": {"anyOf": [ID, NULL]},
        "replayedAt": {"anyOf": [MOMENT, NULL]},
        "status": {"type": ["integer", "null"]},
        "message": TEXT_OR_NULL,
        "errors": ERRORS,
    },
)


REPLAYED_REQUESTS = list_component(
    "ReplayedRequests", REPLAYED_REQUEST, "outcomes, one for each id, in their order"
)
