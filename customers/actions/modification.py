"""Changing and deleting customers that are there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol
from uuid import UUID

from django.db import IntegrityError, transaction

from configuration.queries.rules import NodeRules, WorkspaceRules, latest_rules_of
from contacthub_project.core.array_forms import as_sent
from contacthub_project.core.errors import (
    Conflict,
    FieldError,
    Invalid,
    NotFound,
    Stale,
    Unavailable,
)
from contacthub_project.core.identifiers import canonical_identifier
from contacthub_project.core.principal import Principal
from contacthub_project.core.sameness import says_the_same
from customers.actions.browser_access import check_reach, check_recognised_values
from customers.actions.customers import (
    ATTEMPTS,
    INVALID_CUSTOMER,
    check_document,
    external_id_faults,
    notify_external_id,
    now_text,
    open_node,
    required_faults,
)
from customers.actions.identity_locks import lock_identities
from customers.actions.statements import (
    CustomerWrite,
    NodeNotOpen,
    delete_customer_row,
    follow,
    lock_node_rows,
    lock_open_node,
    update_customer,
)
from customers.domain.consents import consent_changes
from customers.domain.faults import new_faults
from customers.domain.identities import EXTERNAL_ID
from customers.domain.matching import match_key
from customers.domain.merge import (
    Document,
    for_replace,
    for_update,
    unchanged,
    with_subscription_dates,
)
from customers.models import Customer
from customers.models.customer import CustomerRow
from customers.observers import all_observers
from customers.queries.documents import document_of, system_properties

# Properties the system keeps; the reference calls the last two "ignored", the others immutable.
IMMUTABLE = ("id", "intId", "nodeId", "registeredAt", "deleted", "sourceInfo")
IGNORED = ("version", "updatedAt")


class Mode(Enum):
    """How a body changes a customer: PATCH or PUT, STRICT or not."""

    PATCH = "PATCH"
    PATCH_STRICT = "PATCH STRICT"
    PUT = "PUT"
    PUT_STRICT = "PUT STRICT"

    @property
    def is_whole(self) -> bool:
        """Whether the body has to hold what every customer must have."""
        return self in {Mode.PUT, Mode.PUT_STRICT}

    def applied(self, existing: Mapping[str, Any], given: Mapping[str, Any]) -> Document:
        """The document after the change."""
        if self is Mode.PUT_STRICT:
            return for_replace(given)
        return for_update(existing, given, strict=self is Mode.PATCH_STRICT)


class Way(Protocol):
    """How a body changes a customer; a `Mode` is one."""

    @property
    def is_whole(self) -> bool: ...

    def applied(self, existing: Mapping[str, Any], given: Mapping[str, Any]) -> Document: ...


@dataclass(frozen=True, slots=True)
class Modification:
    """What a client asks for; `expected_version` is None for any."""

    customer_id: UUID
    body: Mapping[str, Any]
    way: Way
    expected_version: int | None = None


def modify_customer(
    workspace: WorkspaceRules, asked: Modification, *, by: Principal
) -> CustomerRow:
    """The customer after a PATCH or PUT.

    Raises Invalid naming every fault, NotFound, Stale, Locked, and Conflict when the change would
    make it the same person as another customer of the node (`data.customer.id`).
    """
    for _ in range(ATTEMPTS):
        try:
            return _modified(workspace, asked, by)
        except NodeNotOpen:
            workspace = latest_rules_of(workspace.id) or workspace
    raise Unavailable


def delete_customer(
    workspace: WorkspaceRules, customer_id: UUID, *, expected_version: int | None, by: Principal
) -> None:
    """Take a customer out of every search and release its key; raises NotFound or Stale."""
    with transaction.atomic():
        known = Customer.objects.live_row(workspace.id, customer_id)
        if known is None:
            raise NotFound(f"customer not found {customer_id}")
        # The node before the customer, as everybody does who locks both.
        lock_node_rows(workspace.id, UUID(system_properties(known)["nodeId"]))
        row = Customer.objects.lock_live_row(workspace.id, customer_id, to_delete=True)
        if row is None:
            raise NotFound(f"customer not found {customer_id}")
        _check_version(row, expected_version)
        follow(open_node(workspace, UUID(system_properties(row)["nodeId"])))
        delete_customer_row(workspace.id, customer_id, by)
        for observer in all_observers():
            observer.customer_deleted(workspace_id=workspace.id, customer_id=customer_id)


@transaction.atomic
def _modified(workspace: WorkspaceRules, asked: Modification, by: Principal) -> CustomerRow:
    known = Customer.objects.live_row(workspace.id, asked.customer_id)
    if known is None:
        raise NotFound(f"customer not found {asked.customer_id}")
    node = open_node(workspace, UUID(system_properties(known)["nodeId"]))
    external_id = asked.body.get("externalId")
    if isinstance(external_id, str):
        lock_identities([(node.id, EXTERNAL_ID, canonical_identifier(external_id))])
    # The node before the customer, as everybody does who locks both.
    lock_open_node(workspace.id, node)
    row = Customer.objects.lock_live_row(workspace.id, asked.customer_id)
    if row is None:
        raise NotFound(f"customer not found {asked.customer_id}")
    check_reach(workspace, row, by, named_by=asked.body)
    _check_version(row, asked.expected_version)
    given = _checked(workspace, node, asked, row)
    before = document_of(row)
    changed = workspace.customer_schema.with_disabled_of(before, asked.way.applied(before, given))
    after = with_subscription_dates(before, changed, now_text())
    if unchanged(before, after):
        return row
    check_recognised_values(node, before, after, by)
    check_document(workspace, node, after, before=before, given=given)
    return _write(workspace, node, before, after, asked.customer_id, by)


def _write(
    workspace: WorkspaceRules,
    node: NodeRules,
    before: Document,
    after: Document,
    customer_id: UUID,
    by: Principal,
) -> CustomerRow:
    key = match_key(node.matching, after)
    write = CustomerWrite(
        id=customer_id,
        workspace_id=workspace.id,
        document=after,
        match_key=key,
        consent_changes=consent_changes(before["consents"], after["consents"]),
        by=by,
    )
    try:
        with transaction.atomic():
            update_customer(write)
            follow(node)
    except IntegrityError:
        raise _conflict(workspace, node, key) from None
    notify_external_id(workspace.id, node.id, customer_id, before, after)
    written = Customer.objects.live_row(workspace.id, customer_id)
    assert written is not None, "its row is locked"
    return written


def _conflict(workspace: WorkspaceRules, node: NodeRules, key: bytes | None) -> Conflict:
    others = Customer.objects.in_node(workspace.id, node.id).filter(match_key=key)
    other = others.values_list("id", flat=True).first()
    return Conflict(
        f"Conflict with existing customer {other}", data={"customer": {"id": str(other)}}
    )


def _check_version(row: CustomerRow, expected: int | None) -> None:
    if expected is not None and expected != system_properties(row)["version"]:
        raise Stale


def _checked(
    workspace: WorkspaceRules, node: NodeRules, asked: Modification, row: CustomerRow
) -> dict[str, Any]:
    """The body without system properties, valid and in canonical form; raises Invalid."""
    schema = workspace.customer_schema
    faults = _system_faults(asked.body, system_properties(row))
    system = {*IMMUTABLE, *IGNORED}
    sent = {name: value for name, value in asked.body.items() if name not in system}
    given, wrong = schema.read_change(sent)
    known = document_of(row)
    if wrong:
        # What was read may be sent back, whatever the rules have become since it was stored.
        stored = schema.without_disabled(known)
        faults += as_sent(new_faults(schema.update_faults, given, before=stored), sent, given)
    faults += external_id_faults(workspace, given, before=known)
    if asked.way.is_whole:
        if "nodeId" not in asked.body:
            faults.append(FieldError("/nodeId", "is required", "required"))
        faults += required_faults(node, given, before=known)
    if faults:
        raise Invalid(INVALID_CUSTOMER, errors=faults)
    return schema.canonical(given)


def _system_faults(body: Mapping[str, Any], system: Mapping[str, Any]) -> list[FieldError]:
    return [
        FieldError(f"/{name}", "cannot be changed", "immutable")
        for name in IMMUTABLE
        if body.get(name) is not None and not says_the_same(body[name], system[name])
    ]
