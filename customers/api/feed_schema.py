"""OpenAPI schemas of the change feed and of webhooks."""

from __future__ import annotations

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


UPDATES = object_component(
    "Updates",
    {
        "nextOffset": INTEGER,
        "updates": {
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
        },
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
