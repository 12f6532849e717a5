"""Converts a customer's row to the document that rules work on, and to the response."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypedDict
from uuid import UUID

from configuration.domain.customer_schema import MOMENT, CustomerSchema
from configuration.queries.rules import WorkspaceRules
from contacthub_project.core.date_format import Positions
from customers.domain.merge import EMPTY, Document, for_create
from customers.domain.passwords import password_in, with_password
from customers.models.customer_row import CustomerRow
from customers.models.passwords import with_readable_password

if TYPE_CHECKING:
    from customers.models import ConsentLogEntry


class SourceInfo(TypedDict):
    """Who created a customer, and who changed it last: authors as text (`Principal.author`)."""

    registeredBy: str | None
    updatedBy: str | None


class SystemProperties(TypedDict):
    """The properties of a customer that the product sets; moments are text in rows read as JSON."""

    id: str
    intId: int
    nodeId: str
    registeredAt: Any
    updatedAt: Any
    version: int
    deleted: int
    sourceInfo: SourceInfo


class CustomerResponse(SystemProperties):
    """A customer in the form of responses; the schema of the workspace describes the parts."""

    externalId: str | None
    base: dict[str, Any]
    consents: dict[str, Any]
    extended: dict[str, Any]
    extra: str | None
    tags: dict[str, list[str]]
    enabled: bool


class ConsentLogResponse(TypedDict):
    """A line of the consent log in the form of responses."""

    id: int
    date: datetime
    type: str
    property: str | None
    value: str | None
    sourceId: UUID | None
    userId: int | None


# Nothing disabled: for complete documents.
BUILT_IN_SCHEMA = CustomerSchema()


def document_of(row: CustomerRow) -> Document:
    """Return the changeable part of a customer, with the plain password."""
    _, _, external_id, _, base, consents, extended, extra, tags, enabled, *_ = row
    return {
        "externalId": external_id,
        "base": with_readable_password(base),
        "consents": consents,
        "extended": extended,
        "extra": extra,
        "tags": tags,
        "enabled": enabled,
    }


def system_properties(row: CustomerRow) -> SystemProperties:
    """Return the system properties of a customer read as JSON, in the form of responses."""
    (
        customer_id, int_id, _, node_id, *_,
        registered_at, updated_at, version, deleted, registered_by, updated_by,
    ) = row  # fmt: skip
    return {
        "id": customer_id,
        "intId": int_id,
        "nodeId": node_id,
        "registeredAt": registered_at,
        "updatedAt": updated_at,
        "version": version,
        "deleted": deleted,
        "sourceInfo": {"registeredBy": registered_by, "updatedBy": updated_by},
    }


def customer_response(
    row: CustomerRow, schema: CustomerSchema, *, shows_password: bool = False
) -> CustomerResponse:
    """Return the customer with every property; without `shows_password` the password is null."""
    (
        customer_id, int_id, external_id, node_id, base, consents, extended, extra, tags, enabled,
        registered_at, updated_at, version, deleted, registered_by, updated_by,
    ) = row  # fmt: skip
    return {
        "id": customer_id,
        "intId": int_id,
        "externalId": external_id,
        "nodeId": node_id,
        "base": _shown_base(base, schema, shows_password=shows_password),
        "consents": consents,
        "extended": schema.enabled_extended(extended),
        "extra": extra,
        "tags": {"auto": tags.get("auto", []), "manual": tags.get("manual", [])},
        "enabled": enabled,
        "registeredAt": registered_at,
        "updatedAt": updated_at,
        "version": version,
        "deleted": deleted,
        "sourceInfo": {"registeredBy": registered_by, "updatedBy": updated_by},
    }


def _shown_base(
    base: dict[str, Any], schema: CustomerSchema, *, shows_password: bool
) -> dict[str, Any]:
    if password_in(base) is not None:
        if shows_password:
            base = with_readable_password(base)
        if not shows_password or not isinstance(password_in(base), str):
            base = with_password(base, None)
    return schema.complete_base(base)


def customer_moments(schema: CustomerSchema) -> dict[str, Any]:
    """Return the positions of timestamps in a customer's response."""
    return {"registeredAt": True, "updatedAt": True, **(schema.timestamps or {})}


def moments_at(schema: CustomerSchema, path: str) -> Positions:
    """Return the positions of moments in the value at a dotted path of a customer."""
    found: Any = customer_moments(schema)
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    positions: Positions = found
    return positions


def element_moments(schema: CustomerSchema, name: str) -> Positions:
    """Return the positions of timestamps in an element of one of the lists of `base`."""
    of_list = ((schema.timestamps or {}).get("base") or {}).get(name)
    return None if of_list is None else of_list[0]


def exported_customer_moments(workspace: WorkspaceRules) -> Positions:
    """Return the positions of timestamps in a person's export; a function, called lazily."""
    return lambda customer: customer_moments(workspace.stored_customer_schema)


def consent_log_moments(entry: Mapping[str, Any]) -> Positions:
    """Return the positions of timestamps in a line of the consent log: its value may be one."""
    is_moment = BUILT_IN_SCHEMA.kind_of(entry["property"] or "") == MOMENT
    return {"value": True} if is_moment else None


def exported_customer(row: CustomerRow) -> CustomerResponse:
    """Return the customer in a person's export: everything stored, disabled properties too."""
    return customer_response(row, BUILT_IN_SCHEMA)


def untrusted_customer_response(
    row: CustomerRow, schema: CustomerSchema, *, written: Mapping[str, Any] | None = None
) -> CustomerResponse:
    """Return the response for callers that may not read profiles: ids, and what was `written`."""
    own = for_create(EMPTY, schema.canonical(schema.without_disabled(dict(written or {}))))
    return {
        **customer_response(row, schema),
        "externalId": own["externalId"],
        "base": _shown_base(own["base"], schema, shows_password=False),
        "consents": own["consents"],
        "extended": schema.enabled_extended(own["extended"]),
        "extra": own["extra"],
        "tags": {"auto": own["tags"].get("auto", []), "manual": own["tags"].get("manual", [])},
    }


def consent_log_response(entry: ConsentLogEntry) -> ConsentLogResponse:
    """Return a line of a customer's consent log, in the form of responses."""
    return {
        "id": entry.id,
        "date": entry.date,
        "type": entry.type,
        "property": entry.property,
        "value": entry.value,
        "sourceId": entry.source_id,
        "userId": entry.user_id,
    }
