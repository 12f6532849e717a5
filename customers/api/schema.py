"""How customers are described in the OpenAPI document: by the same JSON Schema that checks them."""

from __future__ import annotations

from typing import Any

from configuration.domain.customer_schema import BUILT_IN
from contacthub_project.api.components import (
    ID,
    INTEGER,
    MOMENT,
    NULL,
    TEXT_OR_NULL,
    Schema,
    component,
    enum_component,
    list_component,
    nullable,
    number_enum_component,
    object_component,
    page_component,
    reference_to,
)
from customers.models import ChangeEntity, ChangeOperation, ConsentLogType, DeletedState

CUSTOM_KEYWORDS = {"maxLengthSum"}
# Both kinds of addresses may have letters of every script, those of pages also spaces.
FORMATS = {"email": "idn-email", "uri": None}
KEYWORDS_OF_OBJECTS = {"properties", "additionalProperties"}
DEFINITION = "#/$defs/"
ENUMS = {
    "CustomerTimezone": BUILT_IN["$defs"]["timezone"],
    "OtherContactType": BUILT_IN["$defs"]["otherContact"]["properties"]["type"],
    "MobileDeviceType": BUILT_IN["$defs"]["mobileDevice"]["properties"]["type"],
    "NotificationService": BUILT_IN["$defs"]["mobileDevice"]["properties"]["notificationService"],
    "SchoolType": BUILT_IN["$defs"]["education"]["properties"]["schoolType"],
    "SubscriptionKind": BUILT_IN["$defs"]["subscription"]["properties"]["kind"],
}

for _name, _schema in ENUMS.items():
    enum_component(_name, [value for value in _schema["enum"] if value is not None])


def _published(schema: Any, *, selected: bool = False) -> Any:
    """A part of the built-in schema in the words of OpenAPI 3.1.

    What holds properties becomes a component; single values and lists stand where they are used.
    `selected`: as answers have it that show only some properties, so that none is required.
    """
    if isinstance(schema, dict):
        if "$ref" in schema:
            name = schema["$ref"].removeprefix(DEFINITION)
            definition = BUILT_IN["$defs"][name]
            if "properties" not in definition:
                return _published(definition, selected=selected)
            published = _object(name, definition, selected=selected and _requires(definition))
            return nullable(published) if _is_nullable(definition) else published
        if "object" in _types_of(schema) and schema.keys().isdisjoint(KEYWORDS_OF_OBJECTS):
            schema = schema | {"additionalProperties": True}
        schema = {**schema, "format": FORMATS.get(schema.get("format", ""), schema.get("format"))}
        if schema["format"] is None:
            del schema["format"]
        return {
            key: {name: _published(child, selected=selected) for name, child in value.items()}
            if key == "properties"
            else _published(value, selected=selected)
            for key, value in schema.items()
            if key not in CUSTOM_KEYWORDS and not key.startswith("$")
        }
    if isinstance(schema, list):
        return [_published(item, selected=selected) for item in schema]
    return schema


def _requires(schema: Any) -> bool:
    """Whether an object of the built-in schema requires properties, at any depth."""
    if isinstance(schema, list):
        return any(_requires(each) for each in schema)
    if not isinstance(schema, dict):
        return False
    if "$ref" in schema:
        return _requires(BUILT_IN["$defs"][schema["$ref"].removeprefix(DEFINITION)])
    return "required" in schema or any(_requires(each) for each in schema.values())


def _types_of(schema: Schema) -> list[str]:
    """The types that a schema allows, one or several."""
    types = schema.get("type", [])
    return types if isinstance(types, list) else [types]


def _component(name: str) -> str:
    """The component that a definition of the built-in schema becomes."""
    return "Customer" + _pascal(name)


def _pascal(name: str) -> str:
    return name[0].upper() + name[1:]


def _object(name: str, definition: Schema, *, selected: bool) -> Schema:
    schema: Schema = _published(definition, selected=selected) | {"type": "object"}
    if name == "extended":
        schema = {"type": "object", "additionalProperties": True}  # each workspace has its own
    if not selected:
        return component(_component(name), schema)
    schema.pop("required", None)
    for key, child in schema["properties"].items():
        if "properties" in child:  # the same in both, so that it has one name
            inner = component(_component(name) + _pascal(key), child | {"type": "object"})
            schema["properties"][key] = nullable(inner) if _is_nullable(child) else inner
    return component(_component(name) + "Selection", schema)


def _is_nullable(schema: Schema) -> bool:
    return isinstance(schema["type"], list) and "null" in schema["type"]


_PROPERTIES: dict[str, Schema] = {
    name: _published(schema) for name, schema in BUILT_IN["properties"].items()
} | {"nodeId": ID}
_GENERATED: dict[str, Schema] = {
    "registeredAt": MOMENT,
    "updatedAt": MOMENT,
    "version": INTEGER,
    "deleted": number_enum_component(
        "CustomerDeletedState", {state.name: int(state) for state in DeletedState}
    ),
    "sourceInfo": object_component(
        "CustomerSourceInfo",
        {"registeredBy": TEXT_OR_NULL, "updatedBy": TEXT_OR_NULL},
        required=[],
    ),
}
_WHOLE: dict[str, Schema] = {"id": ID, "intId": INTEGER, **_PROPERTIES, **_GENERATED}

CUSTOMER = object_component("Customer", _WHOLE, required=["id", "nodeId"])
SUBSCRIPTION = _published({"$ref": DEFINITION + "subscription"})
EDUCATION = _published({"$ref": DEFINITION + "education"})
JOB = _published({"$ref": DEFINITION + "job"})
LIKE = _published({"$ref": DEFINITION + "like"})
EDUCATIONS = list_component("CustomerEducationList", EDUCATION, "educations of a customer")
JOBS = list_component("CustomerJobList", JOB, "jobs of a customer")
LIKES = list_component("CustomerLikeList", LIKE, "likes of a customer")
CUSTOMER_INPUT = object_component(
    "CustomerInput", dict(_PROPERTIES), required=["nodeId"], closed=True
)
CUSTOMER_CHANGE = object_component("CustomerChange", dict(_WHOLE), required=[])
PAGE_OF_CUSTOMERS = page_component("CustomerPage", CUSTOMER, "customers", has_cursor=True)
CUSTOMER_SELECTION = object_component(
    "CustomerSelection",
    _WHOLE
    | {name: _published(schema, selected=True) for name, schema in BUILT_IN["properties"].items()}
    | {"nodeId": ID},
    required=["id"],
)
PAGE_OF_SELECTIONS = page_component(
    "CustomerSelectionPage", CUSTOMER_SELECTION, "customers", has_cursor=True
)
CONSENT_LOG_LINE = object_component(
    "ExportedConsentLog",
    {
        "id": INTEGER,
        "date": MOMENT,
        "type": enum_component("ConsentLogType", ConsentLogType.values),
        "property": TEXT_OR_NULL,
        "value": TEXT_OR_NULL,
        "sourceId": {"anyOf": [ID, NULL]},
        "userId": {"type": ["integer", "null"]},
    },
)
EXPORT = object_component(
    "CustomerExport",
    {
        "customer": CUSTOMER,
        "events": {"type": "array", "items": reference_to("Event")},
        "sessions": {"type": "array", "items": reference_to("Session")},
        "consentLogs": {"type": "array", "items": CONSENT_LOG_LINE},
    },
)
WRITE_MODE = enum_component("CustomerWriteMode", ["STRICT"])
ENTITY_TYPE = enum_component("EntityType", ChangeEntity.values)
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
NOTHING = component("Nothing", {"type": "object", "additionalProperties": False})
