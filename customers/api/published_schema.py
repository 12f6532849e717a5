"""Converts parts of the built-in JSON Schema of customers to OpenAPI components."""

from __future__ import annotations

from typing import Any

from configuration.domain.customer_schema import BUILT_IN
from contacthub_project.api.components import (
    Schema,
    component,
    nullable,
)

CUSTOM_KEYWORDS = {"maxLengthSum"}


# Both kinds of addresses may have letters of every script, URLs also spaces.
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


def published(schema: Any, *, selected: bool = False) -> Any:
    """Return a part of the built-in schema in the vocabulary of OpenAPI 3.1.

    Objects become components; single values and lists are inlined. `selected`: for responses with
    some properties only, so that none is required.
    """
    if isinstance(schema, dict):
        if "$ref" in schema:
            name = schema["$ref"].removeprefix(DEFINITION)
            definition = BUILT_IN["$defs"][name]
            if "properties" not in definition:
                return published(definition, selected=selected)
            component = _object(name, definition, selected=selected and _requires(definition))
            return nullable(component) if _is_nullable(definition) else component
        if "object" in _types_of(schema) and schema.keys().isdisjoint(KEYWORDS_OF_OBJECTS):
            schema = schema | {"additionalProperties": True}
        schema = {**schema, "format": FORMATS.get(schema.get("format", ""), schema.get("format"))}
        if schema["format"] is None:
            del schema["format"]
        return {
            key: {name: published(child, selected=selected) for name, child in value.items()}
            if key == "properties"
            else published(value, selected=selected)
            for key, value in schema.items()
            if key not in CUSTOM_KEYWORDS and not key.startswith("$")
        }
    if isinstance(schema, list):
        return [published(item, selected=selected) for item in schema]
    return schema


def _requires(schema: Any) -> bool:
    """Return whether an object of the built-in schema requires properties, at any depth."""
    if isinstance(schema, list):
        return any(_requires(each) for each in schema)
    if not isinstance(schema, dict):
        return False
    if "$ref" in schema:
        return _requires(BUILT_IN["$defs"][schema["$ref"].removeprefix(DEFINITION)])
    return "required" in schema or any(_requires(each) for each in schema.values())


def _types_of(schema: Schema) -> list[str]:
    """Return the types that a schema allows, one or several."""
    types = schema.get("type", [])
    return types if isinstance(types, list) else [types]


def _component(name: str) -> str:
    """Return the component of a definition of the built-in schema."""
    return "Customer" + _pascal(name)


def _pascal(name: str) -> str:
    return name[0].upper() + name[1:]


def _object(name: str, definition: Schema, *, selected: bool) -> Schema:
    schema: Schema = published(definition, selected=selected) | {"type": "object"}
    if name == "extended":
        schema = {"type": "object", "additionalProperties": True}  # each workspace has its own
    if not selected:
        return component(_component(name), schema)
    schema.pop("required", None)
    for key, child in schema["properties"].items():
        if "properties" in child:  # the same in both variants, so it has one name
            inner = component(_component(name) + _pascal(key), child | {"type": "object"})
            schema["properties"][key] = nullable(inner) if _is_nullable(child) else inner
    return component(_component(name) + "Selection", schema)


def _is_nullable(schema: Schema) -> bool:
    return isinstance(schema["type"], list) and "null" in schema["type"]
