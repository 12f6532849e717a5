"""Parses the event of a request into a draft, with every fault."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from configuration.domain.event_schema import EventSchema, PartSchema, context_part, tracking_part
from configuration.domain.placeholders import PLACEHOLDERS, placeholder_faults
from configuration.domain.vocabulary import CONTEXTS, EVENT_TYPES
from contacthub_project.core.errors import FieldError
from contacthub_project.core.identifiers import canonical_identifier
from contacthub_project.core.timestamps import timestamp_of
from customers.domain.identities import EXTERNAL_ID, SESSION_ID

LONGEST_VALUE = 255
LONGEST_EXTERNAL_ID = 255
EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
# Tolerance for wrong clocks of clients.
AHEAD = timedelta(days=1)
BODY_KEYS = frozenset(
    {
        "customerId", "bringBackProperties", "type", "properties", "context", "contextInfo",
        "date", "tracking", "externalId",
    }
)  # fmt: skip
BRING_BACK_KEYS = frozenset({"type", "value", "nodeId"})
BRING_BACK_TYPES = (SESSION_ID, EXTERNAL_ID)

SchemaOf = Callable[[str], EventSchema]


@dataclass(frozen=True, slots=True)
class BringBack:
    """The identity that attaches an event to its customer. Ids are as the client sent them."""

    kind: str
    value: str
    node_id: str


@dataclass(frozen=True, slots=True)
class Content:
    """The content of an event, in canonical form; `external_id` is the client's id."""

    external_id: str | None
    type: str
    context: str
    properties: dict[str, Any]
    context_info: dict[str, Any]
    tracking: dict[str, Any] | None
    date: datetime


@dataclass(frozen=True, slots=True)
class Draft:
    """A new event: its content, and its customer or bring-back properties.

    Without a date of the client's (`is_dated`) its date is now.
    """

    content: Content
    is_dated: bool
    customer_id: str | None
    bring_back: BringBack | None


def read_draft(
    body: Mapping[str, Any],
    schema_of: SchemaOf,
    now: datetime,
    placeholders: Collection[str] = PLACEHOLDERS,
) -> tuple[Draft | None, list[FieldError]]:
    """Return the event of a POST, None with the faults if there are any.

    Its ids must not be `placeholders` (see `configuration.domain.placeholders`). Absent
    `properties` and `contextInfo` are empty; their schemas' required properties are required.
    """
    faults = [
        FieldError(f"/{name}", "is not a known property", "unknown")
        for name in sorted(body.keys() - BODY_KEYS)
    ]
    faults += missing_faults(body)
    faults += _owner_faults(body)
    content, content_faults = read_content(with_empty_parts(body), schema_of, now)
    faults += content_faults
    faults += placeholder_faults(body.get("externalId"), placeholders, at="/externalId")
    bring_back = body.get("bringBackProperties")
    if isinstance(bring_back, dict):
        at = "/bringBackProperties/value"
        faults += placeholder_faults(bring_back.get("value"), placeholders, at=at)
    if faults:
        return None, faults
    return Draft(
        content=content_of(content, schema_of, now),
        is_dated=body.get("date") is not None,
        customer_id=body.get("customerId"),
        bring_back=bring_back_of(bring_back),
    ), []


def missing_faults(body: Mapping[str, Any]) -> list[FieldError]:
    """Return faults for missing properties of a POST or PUT."""
    return [
        FieldError(f"/{name}", "is required", "required")
        for name in ("type", "context")
        if body.get(name) is None
    ]


def with_empty_parts(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body with `{}` for `properties` and `contextInfo` where absent or null."""
    parts = {
        name: {} if body.get(name) is None else body[name] for name in ("properties", "contextInfo")
    }
    return {**body, **parts}


def read_content(
    body: Mapping[str, Any], schema_of: SchemaOf, now: datetime
) -> tuple[dict[str, Any], list[FieldError]]:
    """Return the content of a body and its faults; absent properties are not checked.

    Parts that are not valid as they were sent are coerced (see `configuration.domain.coercion`).
    """
    content = dict(body)
    faults: list[FieldError] = []
    event_type, context = body.get("type"), body.get("context")
    if event_type is not None and not _known(event_type, EVENT_TYPES):
        faults.append(FieldError("/type", "is not a type of event", "enum"))
    if context is not None and not _known(context, CONTEXTS):
        faults.append(FieldError("/context", "is not a context of events", "enum"))
    for name, schema in _parts(event_type, context, schema_of).items():
        if body.get(name) is not None:
            content[name], part_faults = schema.read(body[name], at=f"/{name}")
            faults += part_faults
    faults += _external_id_faults(body.get("externalId"))
    return content, faults + _date_faults(body.get("date"), now)


def coerced_parts(
    body: Mapping[str, Any], event_type: str, context: Any, schema_of: SchemaOf
) -> dict[str, Any]:
    """Return the body with its parts in the forms of their schemas; it may be a patch."""
    return dict(body) | {
        name: schema.coerced(body[name])
        for name, schema in _parts(event_type, context, schema_of).items()
        if body.get(name) is not None
    }


def _parts(event_type: Any, context: Any, schema_of: SchemaOf) -> dict[str, PartSchema]:
    """Return the schemas of an event's parts, without that of an unknown type or context."""
    parts: dict[str, PartSchema] = {}
    if _known(event_type, EVENT_TYPES):
        parts["properties"] = schema_of(event_type)
    if _known(context, CONTEXTS):
        parts["contextInfo"] = context_part(context)
    parts["tracking"] = tracking_part()
    return parts


def content_of(body: Mapping[str, Any], schema_of: SchemaOf, now: datetime) -> Content:
    """Return the content of a (valid) body; an event without a date is dated now."""
    schema, context = schema_of(body["type"]), body["context"]
    external_id = body.get("externalId")
    properties = schema.without_disabled(body["properties"])
    date = timestamp_of(body.get("date"))
    tracking = body.get("tracking")
    return Content(
        external_id=None if external_id is None else canonical_identifier(external_id),
        type=body["type"],
        context=context,
        properties=schema.with_canonical_timestamps(properties),
        context_info=context_part(context).with_canonical_timestamps(body["contextInfo"]),
        tracking=None if tracking is None else tracking_part().with_canonical_timestamps(tracking),
        date=date or now,
    )


def bring_back_of(given: Mapping[str, Any] | None) -> BringBack | None:
    """Return the (valid) bring-back properties; by session unless another type is given.

    External ids are in the form of customers' external ids, so that they match.
    """
    if given is None:
        return None
    kind = given.get("type") or SESSION_ID
    return BringBack(kind, _kept_value(kind, given["value"]), given["nodeId"])


def _kept_value(kind: Any, value: str) -> str:
    return canonical_identifier(value) if kind == EXTERNAL_ID else value


def _known(name: Any, names: Mapping[str, Any]) -> bool:
    return isinstance(name, str) and name in names


def _owner_faults(body: Mapping[str, Any]) -> list[FieldError]:
    customer_id, bring_back = body.get("customerId"), body.get("bringBackProperties")
    if customer_id is None and bring_back is None:
        return [FieldError("/customerId", "is required, or else bringBackProperties", "required")]
    if customer_id is not None and bring_back is not None:
        message = "excludes customerId: an event is brought back or has a customer"
        return [FieldError("/bringBackProperties", message, "exclusive")]
    if customer_id is not None:
        if isinstance(customer_id, str):
            return []
        return [FieldError("/customerId", "must be text", "type")]
    return _bring_back_faults(bring_back)


def _bring_back_faults(given: Any) -> list[FieldError]:
    at = "/bringBackProperties"
    if not isinstance(given, dict):
        return [FieldError(at, "must be an object", "type")]
    faults = [
        FieldError(f"{at}/{name}", "is not a known property", "unknown")
        for name in sorted(given.keys() - BRING_BACK_KEYS)
    ]
    if given.get("type") is not None and given["type"] not in BRING_BACK_TYPES:
        known = " or ".join(BRING_BACK_TYPES)
        faults.append(FieldError(f"{at}/type", f"must be {known}", "enum"))
    value = given.get("value")
    if not isinstance(value, str) or not value.strip():
        faults.append(FieldError(f"{at}/value", "must be text and not blank", "required"))
    elif len(_kept_value(given.get("type"), value)) > LONGEST_VALUE:
        message = f"is longer than {LONGEST_VALUE} characters"
        faults.append(FieldError(f"{at}/value", message, "maxLength"))
    if not isinstance(given.get("nodeId"), str):
        faults.append(FieldError(f"{at}/nodeId", "is required", "required"))
    return faults


def _external_id_faults(given: Any) -> list[FieldError]:
    if given is None:
        return []
    if not isinstance(given, str):
        return [FieldError("/externalId", "must be text", "type")]
    kept = canonical_identifier(given)
    if not kept:
        return [FieldError("/externalId", "must not be blank", "minLength")]
    if len(kept) > LONGEST_EXTERNAL_ID:
        message = f"is longer than {LONGEST_EXTERNAL_ID} characters"
        return [FieldError("/externalId", message, "maxLength")]
    return []


def _date_faults(given: Any, now: datetime) -> list[FieldError]:
    if given is None:
        return []
    moment = timestamp_of(given)
    if moment is None:
        return [FieldError("/date", "must be a date-time", "format")]
    if moment < EARLIEST:
        return [FieldError("/date", "is before 1900", "range")]
    if moment > now + AHEAD:
        return [FieldError("/date", "is more than a day ahead", "range")]
    return []
