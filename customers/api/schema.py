"""How customers are described in the OpenAPI document: by the same JSON Schema that checks them."""

from __future__ import annotations

from typing import Any

from configuration.domain.customer_schema import BUILT_IN
from contacthub_project.api.components import cursor_page_object

COMPONENTS = "#/components/schemas/"
CUSTOM_KEYWORDS = {"maxLengthSum"}
ID = {"type": "string", "format": "uuid"}
MOMENT = {"type": "string", "format": "date-time"}
NUMBER = {"type": "integer"}
TEXT_OR_NULL = {"type": ["string", "null"]}


def _component(name: str) -> str:
    """The component that a definition of the built-in schema becomes."""
    return "Customer" + name[0].upper() + name[1:]


def _published(schema: Any) -> Any:
    """A part of the built-in schema in the words of OpenAPI 3.1."""
    if isinstance(schema, dict):
        if "$ref" in schema:
            return {"$ref": COMPONENTS + _component(schema["$ref"].removeprefix("#/$defs/"))}
        return {
            name: _published(child)
            for name, child in schema.items()
            if name not in CUSTOM_KEYWORDS and not name.startswith("$")
        }
    if isinstance(schema, list):
        return [_published(item) for item in schema]
    return schema


def _reference(name: str) -> dict[str, Any]:
    return {"$ref": COMPONENTS + name}


CUSTOMER = _reference("Customer")
SUBSCRIPTION = _reference(_component("subscription"))
CUSTOMER_INPUT = _reference("CustomerInput")
CUSTOMER_CHANGE = _reference("CustomerChange")
PAGE_OF_CUSTOMERS: dict[str, Any] = {
    "type": "object",
    "required": ["elements", "page"],
    "properties": {
        "elements": {"type": "array", "items": CUSTOMER},
        "page": cursor_page_object(),
    },
}


EXPORT: dict[str, Any] = {
    "type": "object",
    "required": ["customer", "events", "sessions", "consentLogs"],
    "properties": {
        "customer": CUSTOMER,
        **{
            name: {"type": "array", "items": {"type": "object"}}
            for name in ("events", "sessions", "consentLogs")
        },
    },
}


def add_components(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """A hook of the OpenAPI generator: add the schemas that customers are described by."""
    components = result["components"]["schemas"]
    for name, schema in BUILT_IN["$defs"].items():
        components[_component(name)] = _published(schema)
    body = {**_published(dict(BUILT_IN)), "required": ["nodeId"]}
    components["CustomerInput"] = body
    components["Customer"] = _whole(body, required=["id", "nodeId"])
    components["CustomerChange"] = _whole(body, required=[])
    return result


def _whole(body: dict[str, Any], *, required: list[str]) -> dict[str, Any]:
    """A customer with what the system keeps of it."""
    return {
        "type": "object",
        "required": required,
        "properties": {
            "id": ID,
            "intId": NUMBER,
            **body["properties"],
            "registeredAt": MOMENT,
            "updatedAt": MOMENT,
            "version": NUMBER,
            "deleted": {"type": "integer", "enum": [-1, 0, 1]},
            "sourceInfo": {
                "type": "object",
                "properties": {"registeredBy": TEXT_OR_NULL, "updatedBy": TEXT_OR_NULL},
            },
        },
    }
