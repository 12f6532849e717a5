"""Validates the body of a PATCH or PUT of a customer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from configuration.queries.rules import NodeRules, WorkspaceRules
from contacthub_project.core.array_forms import as_sent
from contacthub_project.core.equivalence import is_equivalent
from contacthub_project.core.errors import (
    FieldError,
    Invalid,
)
from contacthub_project.core.principal import Principal
from customers.actions.validation import (
    INVALID_CUSTOMER,
    external_id_faults,
    required_faults,
)
from customers.domain.faults import new_faults
from customers.domain.merge import (
    EMPTY,
)
from customers.domain.modes import DocumentChange
from customers.domain.passwords import keep_password
from customers.models.customer_row import CustomerRow
from customers.queries.documents import document_of, system_properties

# Properties of the system; the reference calls the last two "ignored", the others immutable.
IMMUTABLE = ("id", "intId", "nodeId", "registeredAt", "deleted", "sourceInfo")


IGNORED = ("version", "updatedAt")


@dataclass(frozen=True, slots=True)
class Modification:
    """A requested change; `expected_version` is None for any.

    `known` is the customer as the caller has just read it: the change is made from it, unless it
    has changed by then.
    """

    customer_id: UUID
    body: Mapping[str, Any]
    mode: DocumentChange
    expected_version: int | None = None
    is_import: bool = False
    known: CustomerRow | None = None


def checked_modification(
    workspace: WorkspaceRules,
    node: NodeRules,
    modification: Modification,
    row: CustomerRow,
    by: Principal,
) -> dict[str, Any]:
    """Return the body without system properties, valid and in canonical form; raises Invalid."""
    schema = workspace.customer_schema
    faults = _system_faults(modification.body, system_properties(row))
    system = {*IMMUTABLE, *IGNORED}
    sent = {name: value for name, value in modification.body.items() if name not in system}
    given, body_faults = schema.read_change(sent)
    known = document_of(row)
    if body_faults:
        # Read values may be sent back, even if the rules have become stricter since.
        stored = schema.without_disabled(known)
        faults += as_sent(new_faults(schema.update_faults, given, before=stored), sent, given)
    faults += external_id_faults(workspace, given, before=known)
    if modification.mode.is_whole:
        if "nodeId" not in modification.body:
            faults.append(FieldError("/nodeId", "is required", "required"))
        whole = keep_password(known, {**EMPTY, **given}, by=by)  # type: ignore[typeddict-item]
        faults += required_faults(node, whole, before=known)
    if faults:
        raise Invalid(INVALID_CUSTOMER, errors=faults)
    return schema.canonical(given)


def _system_faults(body: Mapping[str, Any], system: Mapping[str, Any]) -> list[FieldError]:
    return [
        FieldError(f"/{name}", "cannot be changed", "immutable")
        for name in IMMUTABLE
        if body.get(name) is not None and not is_equivalent(body[name], system[name])
    ]
