"""How customers are described in the OpenAPI document: by the same JSON Schema that checks them."""

from __future__ import annotations

from typing import Any

from configuration.domain.customer_schema import BUILT_IN

REFERENCE = "#/components/schemas/"
CUSTOM_KEYWORDS = {"maxLengthSum"}
ID = {"type": "string", "format": "uuid"}
MOMENT = {"type": "string", "format": "date-time"}


def _published(schema: Any) -> Any:
    """A part of the built-in schema in the words of OpenAPI 3.1; definitions stand inside."""
    if isinstance(schema, dict):
        if "$ref" in schema:
            return _published(BUILT_IN["$defs"][schema["$ref"].removeprefix("#/$defs/")])
        return {
            name: _published(child)
            for name, child in schema.items()
            if name not in CUSTOM_KEYWORDS and not name.startswith("$")
        }
    if isinstance(schema, list):
        return [_published(item) for item in schema]
    return schema


CUSTOMER_INPUT: dict[str, Any] = {**_published(dict(BUILT_IN)), "required": ["nodeId"]}
CUSTOMER: dict[str, Any] = {
    "type": "object",
    "required": ["id", "nodeId"],
    "properties": {
        "id": ID,
        "intId": {"type": "integer"},
        **CUSTOMER_INPUT["properties"],
        "registeredAt": MOMENT,
        "updatedAt": MOMENT,
        "version": {"type": "integer"},
        "deleted": {"type": "integer", "enum": [-1, 0, 1]},
        "sourceInfo": {
            "type": "object",
            "properties": {
                "registeredBy": {"type": ["string", "null"]},
                "updatedBy": {"type": ["string", "null"]},
            },
        },
    },
}
PAGE_OF_CUSTOMERS: dict[str, Any] = {
    "type": "object",
    "required": ["elements", "page"],
    "properties": {
        "elements": {"type": "array", "items": CUSTOMER},
        "page": {
            "type": "object",
            "properties": {
                name: {"type": "integer"}
                for name in (
                    "size",
                    "totalElements",
                    "totalUnfilteredElements",
                    "totalPages",
                    "number",
                )
            },
        },
    },
}
