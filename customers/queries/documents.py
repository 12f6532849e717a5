"""A customer's row and the two forms it takes: the document that rules work on, and the answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

from configuration.domain.customer_schema import MOMENT, CustomerSchema
from configuration.queries.rules import WorkspaceRules
from contacthub_project.core.date_format import Positions
from customers.domain.merge import EMPTY, Document, for_create
from customers.models.customer import CustomerRow

if TYPE_CHECKING:
    from customers.models import ConsentLogEntry


class UpdatedEntity(TypedDict):
    """An entity of the change feed; `data` is the entity as it is now, or the ids of what was."""

    type: str
    data: Any


class Update(TypedDict):
    """A change of the feed, as it is answered.

    `recordedOperation` is what happened, where the entity has gone since and `operation` says so.
    """

    offset: int
    operation: str
    recordedOperation: NotRequired[str]
    entity: UpdatedEntity


# Nothing disabled: what it completes and shows is everything.
BUILT_IN_SCHEMA = CustomerSchema()


def document_of(row: CustomerRow) -> Document:
    """What can be changed of a customer."""
    _, _, external_id, _, base, consents, extended, extra, tags, enabled, *_ = row
    return {
        "externalId": external_id,
        "base": base,
        "consents": consents,
        "extended": extended,
        "extra": extra,
        "tags": tags,
        "enabled": enabled,
    }


def system_properties(row: CustomerRow) -> dict[str, Any]:
    """What the system keeps of a customer, as answers show it (of a row that was read as JSON)."""
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


def customer_response(row: CustomerRow, schema: CustomerSchema) -> dict[str, Any]:
    """The customer as the API shows it, every key there."""
    (
        customer_id, int_id, external_id, node_id, base, consents, extended, extra, tags, enabled,
        registered_at, updated_at, version, deleted, registered_by, updated_by,
    ) = row  # fmt: skip
    return {
        "id": customer_id,
        "intId": int_id,
        "externalId": external_id,
        "nodeId": node_id,
        "base": schema.complete_base(base),
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


def customer_moments(schema: CustomerSchema) -> dict[str, Any]:
    """Where moments stand in a customer's answer."""
    return {"registeredAt": True, "updatedAt": True, **(schema.timestamps or {})}


def element_moments(schema: CustomerSchema, name: str) -> Positions:
    """Where moments stand in an element of one of the lists of `base`."""
    of_list = ((schema.timestamps or {}).get("base") or {}).get(name)
    return None if of_list is None else of_list[0]


def exported_customer_moments(workspace: WorkspaceRules) -> Positions:
    """Where moments stand in a person's export; found out when it is asked for."""
    return lambda customer: customer_moments(workspace.stored_customer_schema)


def consent_log_moments(entry: Mapping[str, Any]) -> Positions:
    """Where moments stand in a line of the consent log: its value may be one."""
    is_moment = BUILT_IN_SCHEMA.kind_of(entry["property"] or "") == MOMENT
    return {"value": True} if is_moment else None


def exported_customer(row: CustomerRow) -> dict[str, Any]:
    """The customer as a person's export shows it: all that is stored, disabled properties too."""
    return customer_response(row, BUILT_IN_SCHEMA)


def untrusted_customer_response(
    row: CustomerRow, schema: CustomerSchema, *, written: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The customer for one that may not read profiles: its ids, and what it has just written."""
    own = for_create(EMPTY, schema.canonical(schema.without_disabled(dict(written or {}))))
    return customer_response(row, schema) | {
        "externalId": own["externalId"],
        "base": schema.complete_base(own["base"]),
        "consents": own["consents"],
        "extended": schema.enabled_extended(own["extended"]),
        "extra": own["extra"],
        "tags": {"auto": own["tags"].get("auto", []), "manual": own["tags"].get("manual", [])},
    }


def consent_log_response(entry: ConsentLogEntry) -> dict[str, Any]:
    """A line of a customer's consent log, as answers show it."""
    return {
        "id": entry.id,
        "date": entry.date,
        "type": entry.type,
        "property": entry.property,
        "value": entry.value,
        "sourceId": entry.source_id,
        "userId": entry.user_id,
    }
