"""Shared OpenAPI parameters."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter

from contacthub_project.api import pagination
from contacthub_project.api.components import enum_component, reference_to
from contacthub_project.api.cursors import LONGEST_CURSOR
from contacthub_project.api.pagination import PageRules
from contacthub_project.api.query import LONGEST_TEXT, MOST_LISTED, MOST_SORT_KEYS
from contacthub_project.core.date_format import DateFormat

Schema = dict[str, Any]
UUID: Schema = {"type": "string", "format": "uuid"}
TEXT: Schema = {"type": "string"}
WHOLE: Schema = {"type": "integer", "minimum": 0}
SHORT_TEXT: Schema = {"type": "string", "maxLength": 255}
BASE_PROPERTY: Schema = reference_to("BasePropertyName")

# Schema, description and example of path parameters, by name; or by the segment before and the
# name where a name is used for several kinds of ids.
PATH_PARAMETERS: dict[str, tuple[Schema, str, Any]] = {
    "workspaceId": (
        UUID,
        "Id of the workspace. One that the token does not reach is answered 403.",
        "019a4c1e-8f00-7000-8000-000000000001",
    ),
    "nodeId": (UUID, "Id of the node.", "019a4c1e-8f00-7000-8000-000000000002"),
    "aggregateNodeId": (UUID, "Id of the aggregate node.", "019a4c1e-8f00-7000-8000-000000000003"),
    "sourceId": (UUID, "Id of the source.", "019a4c1e-8f00-7000-8000-000000000004"),
    "users/{id}": (WHOLE, "Id of the user.", 7),
    "customerId": (UUID, "Id of the customer.", "019a4c1e-8f00-7000-8000-000000000005"),
    "sessionId": (
        UUID,
        "Id of the session, as the answer to its creation gave it; not the client's value.",
        "019a4c1e-8f00-7000-8000-000000000006",
    ),
    "propertyId": (SHORT_TEXT, "The subscription's id, unique in the customer.", "newsletter"),
    "educations/{itemId}": (SHORT_TEXT, "The education's id, unique in the customer.", "liceo"),
    "jobs/{itemId}": (SHORT_TEXT, "The job's id, unique in the customer.", "acme-2024"),
    "likes/{itemId}": (SHORT_TEXT, "The like's id, unique in the customer.", "sailing"),
    "consent-logs/{id}": (WHOLE, "Number of the line of the consent log.", 1207),
    "events/{id}": (UUID, "Id of the event.", "019a4c1e-8f00-7000-8000-000000000008"),
    "jobId": (UUID, "Id of the bulk job.", "019a4c1e-8f00-7000-8000-000000000009"),
    "exportId": (UUID, "Id of the export.", "019a4c1e-8f00-7000-8000-00000000000b"),
    "receiptId": (UUID, "Id of the receipt.", "019a4c1e-8f00-7000-8000-00000000000c"),
    "webhookId": (UUID, "Id of the webhook.", "019a4c1e-8f00-7000-8000-00000000000e"),
    "requestId": (UUID, "Id of the request.", "019a4c1e-8f00-7000-8000-00000000000f"),
    "quarantinedId": (
        UUID,
        "Id of the quarantined request.",
        "019a4c1e-8f00-7000-8000-000000000010",
    ),
    "suppressionId": (
        UUID,
        "Id of the suppressed value.",
        "019a4c1e-8f00-7000-8000-00000000000d",
    ),
    "mergeId": (UUID, "Id of the merge.", "019a4c1e-8f00-7000-8000-000000000025"),
    "duplicateId": (UUID, "Id of the pair.", "019a4c1e-8f00-7000-8000-000000000024"),
    "segmentId": (UUID, "Id of the segment.", "019a4c1e-8f00-7000-8000-00000000001b"),
    "groupPk": (WHOLE, "Number of the customer group.", 42),
    "userdbId": (WHOLE, "Number of the user database.", 117),
    "subscriberSourceId": (SHORT_TEXT, "Id of the subscriber source.", "117"),
    "eventType": (reference_to("EventType"), "Type of event.", "viewedPage"),
    "planModel": (reference_to("PlanModelName"), "Name of the plan model.", "ORDER"),
    "name": (BASE_PROPERTY, "Path of the base property below `base`.", "contacts.fax"),
    "baseProperty": (BASE_PROPERTY, "Path of the base property below `base`.", "contacts.fax"),
}

CURSOR = OpenApiParameter(
    "cursor",
    {"type": "string", "maxLength": LONGEST_CURSOR},
    description="The `page.next` of the page before: goes on after its last element, whatever was"
    " added or removed meanwhile, also beyond 10,000 elements. Query, filters and order must be the"
    " same; not together with `page`.",
)


def path_parameter(path: str, name: str) -> tuple[Schema, str, Any]:
    """Schema, description and example of a parameter of a path template; raises KeyError."""
    before = re.search(rf"([\w-]+)/\{{{name}\}}", path)
    specific = f"{before[1]}/{{{name}}}" if before else name
    return PATH_PARAMETERS.get(specific) or PATH_PARAMETERS[name]


IF_MATCH = OpenApiParameter(
    "If-Match",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description=(
        "The `ETag` of the version that the change is meant for. When the resource has another"
        " version by now, nothing is changed and the answer is 412."
    ),
)
IF_NONE_MATCH = OpenApiParameter(
    "If-None-Match",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description=(
        "The `ETag` of the version that the client has. When it is the latest, the answer is 304"
        " without a body."
    ),
)

DATE_FORMAT = "X-Date-Format"
# A component; the operations whose answers have timestamps refer to it.
DATE_FORMAT_PARAMETER: dict[str, Any] = {
    "name": DATE_FORMAT,
    "in": "header",
    "description": (
        "How the answer writes the UTC offset of timestamps: `Z`, or `+0000`, which is ISO 8601 but"
        " not RFC 3339. The default is the setting of the source or the API client, `Z` at first."
    ),
    "schema": enum_component("DateFormat", DateFormat),
}


def text_parameter(
    name: str, description: str, *, required: bool = False, longest: int = LONGEST_TEXT
) -> OpenApiParameter:
    """Return a parameter of at most `longest` characters."""
    schema: Schema = {"type": "string", "maxLength": longest}
    return OpenApiParameter(name, schema, required=required, description=description)


def id_parameter(name: str, description: str, *, required: bool = False) -> OpenApiParameter:
    """Return a parameter that is a UUID."""
    return OpenApiParameter(name, dict(UUID), required=required, description=description)


def moment_parameter(name: str, description: str) -> OpenApiParameter:
    """Return a parameter that is a date-time, a date or milliseconds since 1970."""
    schema: Schema = {"type": "string", "format": "date-time"}
    text = f"{description} A date-time, a date, or milliseconds since 1970."
    return OpenApiParameter(name, schema, description=text)


def number_parameter(
    name: str,
    description: str,
    *,
    least: int = 0,
    most: int | None = None,
    default: int | None = None,
    required: bool = False,
) -> OpenApiParameter:
    """Return a parameter that is an integer within these bounds."""
    schema: Schema = {"type": "integer", "minimum": least}
    if most is not None:
        schema["maximum"] = most
    if default is not None:
        schema["default"] = default
    return OpenApiParameter(name, schema, required=required, description=description)


def choice_parameter(
    name: str, values: Iterable[str], description: str, *, default: str | None = None
) -> OpenApiParameter:
    """Return a parameter that is one of these values."""
    schema: Schema = {"type": "string", "enum": list(values)}
    if default is not None:
        schema["default"] = default
    return OpenApiParameter(name, schema, description=description)


def flag_parameter(name: str, description: str) -> OpenApiParameter:
    """Return a parameter that is true or false, false by default."""
    return OpenApiParameter(name, {"type": "boolean", "default": False}, description=description)


def list_parameter(name: str, description: str, item: Schema | None = None) -> OpenApiParameter:
    """Return a parameter of several values, separated by commas."""
    schema: Schema = {"type": "array", "maxItems": MOST_LISTED, "items": item or TEXT}
    text = f"{description} Several by commas."
    return OpenApiParameter(name, schema, description=text, explode=False)


RESOLVE_REFERENCES = flag_parameter(
    "resolveReferences",
    "Whether schemas come with their `$ref`s replaced by what they refer to.",
)


def page_parameters(rules: PageRules) -> list[OpenApiParameter]:
    """Return `page` and `size` within the bounds of a kind of list."""
    return [
        number_parameter(
            "page",
            "Number of the page, from 0; past the end it is empty.",
            most=rules.last_page,
            default=0,
        ),
        number_parameter(
            "size", "Elements on a page.", most=rules.largest_size, default=rules.default_size
        ),
    ]


CONFIGURATION_PAGE = page_parameters(pagination.CONFIGURATION)
ENTITY_PAGE = page_parameters(pagination.ENTITIES)


def sort_parameter(fields: Iterable[str] | None, default: str) -> OpenApiParameter:
    """Return `sort`, repeatable; `fields` can be sorted by, None if a JSON Schema decides."""
    schema: Schema = {"type": "string"}
    if fields is not None:
        schema["pattern"] = rf"^({'|'.join(fields)})(,(asc|desc))?$"
    return OpenApiParameter(
        "sort",
        {"type": "array", "maxItems": MOST_SORT_KEYS, "items": schema, "default": [default]},
        description=(
            "`property,asc` or `property,desc`; repeated, the later ones decide between equals."
            f" `{default}` unless given."
        ),
    )
