"""Properties of send sources, which connect a node to a user database of Contactsend.

One source connects one node and one user database. Properties of the hub fill fields of the
database, at least one of them a key; subscriptions are mapped both ways, except on aggregate nodes,
which mirror those of their entry nodes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

from configuration.domain.customer_schema import SECRET as SECRET_OF_CUSTOMERS
from configuration.domain.customer_schema import CustomerSchema
from configuration.domain.validation import DocumentValidator
from contacthub_project.core.errors import FieldError

PROVIDER = "CONTACTSEND"
SECRET = "apiKey"  # noqa: S105 - the property's name
MOST_MAPPINGS = 500

TEXT = {"type": "string", "minLength": 1, "maxLength": 255}
PROPERTIES_SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["userKey", "userdbId", "fieldMappings"],
    "properties": {
        "userKey": TEXT,
        SECRET: {**TEXT, "type": ["string", "null"], "description": "Never answered"},
        "userdbId": TEXT,
        "groupPk": {"type": ["integer", "null"], "minimum": 0, "maximum": 2**63 - 1},
        "fieldMappings": {
            "type": "array",
            "minItems": 1,
            "maxItems": MOST_MAPPINGS,
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["hubProperty", "sendField"],
                "properties": {
                    "hubProperty": TEXT,
                    "sendField": TEXT,
                    "key": {"type": "boolean"},
                },
            },
        },
        "subscriptionMappings": {
            "type": ["array", "null"],
            "maxItems": MOST_MAPPINGS,
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["hubSubscriptionId", "sendSystem"],
                "properties": {
                    "hubSubscriptionId": TEXT,
                    "sendSystem": TEXT,
                    "webformCode": {**TEXT, "type": ["string", "null"]},
                },
            },
        },
    },
}
_VALIDATOR = DocumentValidator(PROPERTIES_SCHEMA)
AT = "/properties"


class FieldMapping(TypedDict, total=False):
    """A field of the user database and the property that fills it; keys identify subscribers."""

    hubProperty: str
    sendField: str
    key: bool


class SubscriptionMapping(TypedDict, total=False):
    """A subscription of the hub and what it is in Contactsend."""

    hubSubscriptionId: str
    sendSystem: str
    webformCode: str | None


class SendProperties(TypedDict, total=False):
    """The properties of a send source, as PROPERTIES_SCHEMA describes them."""

    userKey: str
    apiKey: str | None
    userdbId: str
    groupPk: int | None
    fieldMappings: list[FieldMapping]
    subscriptionMappings: list[SubscriptionMapping] | None


def send_property_faults(
    properties: Mapping[str, Any], schema: CustomerSchema, *, has_secret: bool, is_aggregate: bool
) -> list[FieldError]:
    """Return the faults of a send source's properties; pointers begin with `/properties`.

    `has_secret`: an API key is stored already, so none need be sent.
    """
    faults = _VALIDATOR.faults(dict(properties), at=AT)
    if faults:
        return faults
    if not has_secret and not properties.get(SECRET):
        faults.append(FieldError(f"{AT}/{SECRET}", "is required", "required"))
    mappings: list[FieldMapping] = properties["fieldMappings"]
    for index, mapping in enumerate(mappings):
        path = mapping["hubProperty"]
        if not schema.has_scalar(path) or path in SECRET_OF_CUSTOMERS:
            place = f"{AT}/fieldMappings/{index}/hubProperty"
            faults.append(FieldError(place, "is not a single value of customers", "path"))
    if not any(mapping.get("key") for mapping in mappings):
        faults.append(FieldError(f"{AT}/fieldMappings", "needs at least one key", "key"))
    if is_aggregate and properties.get("subscriptionMappings"):
        message = "is not available on aggregate nodes"
        faults.append(FieldError(f"{AT}/subscriptionMappings", message, "aggregate"))
    return faults
