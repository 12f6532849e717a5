"""OpenAPI schemas of the change feed and of webhooks."""

from __future__ import annotations

from typing import Any

from contacthub_project.api.components import (
    INTEGER,
    enum_component,
    object_component,
)
from customers.models import (
    ChangeEntity,
    ChangeOperation,
    WebhookState,
)

ENTITY_TYPE = enum_component("EntityType", ChangeEntity.values)


WEBHOOK_STATE = enum_component("WebhookState", WebhookState.values)


OPERATION = enum_component("UpdateOperation", ChangeOperation.values)


LAST_OFFSET = object_component("LastOffset", {"lastOffset": INTEGER})


UPDATE_LIST: dict[str, Any] = {
    "type": "array",
    "items": object_component(
        "Update",
        {
            "offset": INTEGER,
            "operation": OPERATION,
            "recordedOperation": OPERATION,
            "entity": object_component(
                "UpdatedEntity",
                {
                    "type": ENTITY_TYPE,
                    "data": {"type": "object", "additionalProperties": True},
                },
            ),
        },
        required=["offset", "operation", "entity"],
    ),
}


UPDATES = object_component("Updates", {"nextOffset": INTEGER, "updates": UPDATE_LIST})


WEBHOOK_PREVIEW = object_component(
    "WebhookPreview",
    {
        "examined": object_component("ExaminedUpdates", {"after": INTEGER, "to": INTEGER}),
        "selected": INTEGER,
        "updates": UPDATE_LIST,
    },
)


DIGEST = object_component(
    "UpdatesDigest",
    {
        "from": INTEGER,
        "to": INTEGER,
        "count": INTEGER,
        "hash": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
    },
)
