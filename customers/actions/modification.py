"""Changing and deleting customers that are there."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol
from uuid import UUID

from django.db import IntegrityError, connection, transaction

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
    now_text,
    open_node,
    required_faults,
)
from customers.actions.identity_locks import lock_identities
from customers.actions.writes import (
    CustomerWrite,
    NodeNotOpen,
    Outcome,
    Overtaken,
    WriteResult,
    lock_open_node,
    write_customer,
)
from customers.domain.faults import new_faults
from customers.domain.identities import EXTERNAL_ID
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
    for attempt in range(ATTEMPTS):
        change = _Change(workspace, asked, by)
        try:
            return change.made() if attempt == 0 else change.made_while_held()
        except (NodeNotOpen, Overtaken):
            workspace = latest_rules_of(workspace.id) or workspace
    raise Unavailable


def delete_customer(
    workspace: WorkspaceRules, customer_id: UUID, *, expected_version: int | None, by: Principal
) -> None:
    """Delete a customer and what belongs to it; raises NotFound, Stale, Locked."""
    for _ in range(ATTEMPTS):
        try:
            _delete(workspace, customer_id, expected_version, by)
            return
        except NodeNotOpen:
            workspace = latest_rules_of(workspace.id) or workspace
    raise Unavailable


@transaction.atomic
def _delete(
    workspace: WorkspaceRules, customer_id: UUID, expected_version: int | None, by: Principal
) -> None:
    known = Customer.objects.live_row(workspace.id, customer_id)
    if known is None:
        raise NotFound(f"customer not found {customer_id}")
    node = open_node(workspace, UUID(system_properties(known)["nodeId"]))
    write = CustomerWrite.of_deletion(node, customer_id, expected_version, by)
    result = write_customer(workspace.id, write)
    if result.outcome is not Outcome.WRITTEN:
        raise NotFound(f"customer not found {customer_id}") if result.known is None else Stale
    for observer in all_observers():
        observer.customer_deleted(workspace_id=workspace.id, customer_id=customer_id)


@dataclass(frozen=True, slots=True)
class _Change:
    """A modification under the rules as they were read."""

    workspace: WorkspaceRules
    asked: Modification
    by: Principal

    def made(self) -> CustomerRow:
        """The customer after the change; raises Overtaken when somebody else was quicker."""
        row = Customer.objects.live_row(self.workspace.id, self.asked.customer_id)
        return self._written(row)

    @transaction.atomic
    def made_while_held(self) -> CustomerRow:
        """The same with the customer held: nobody can be quicker."""
        known = Customer.objects.live_row(self.workspace.id, self.asked.customer_id)
        if known is None:
            raise self._not_found()
        node = open_node(self.workspace, UUID(known.node_id))
        external_id = self.asked.body.get("externalId")
        if isinstance(external_id, str):
            lock_identities([(node.id, EXTERNAL_ID, canonical_identifier(external_id))])
        # The node before the customer, as everybody does who locks both.
        lock_open_node(self.workspace.id, node)
        row = Customer.objects.lock_live_row(self.workspace.id, self.asked.customer_id)
        return self._written(row)

    def _written(self, row: CustomerRow | None) -> CustomerRow:
        workspace, asked = self.workspace, self.asked
        if row is None:
            raise self._not_found()
        node = open_node(workspace, UUID(row.node_id))
        check_reach(workspace, row, self.by, named_by=asked.body)
        _check_version(row, asked.expected_version)
        given = _checked(workspace, node, asked, row)
        before = document_of(row)
        changed = workspace.customer_schema.with_disabled_of(
            before, asked.way.applied(before, given)
        )
        after = with_subscription_dates(before, changed, now_text())
        if unchanged(before, after):
            return row
        check_recognised_values(node, before, after, self.by)
        check_document(workspace, node, after, before=before, given=given)
        write = CustomerWrite.of_change(node, row, after, self.by)
        result = self._result_of(write, node)
        if result.outcome is Outcome.CONFLICT:
            assert result.known is not None
            raise _conflict(result.known.id)
        if result.outcome is not Outcome.WRITTEN:
            raise Overtaken
        return write.changed_row(row, result)

    def _result_of(self, write: CustomerWrite, node: NodeRules) -> WriteResult:
        try:
            with _savepoint():
                return write_customer(self.workspace.id, write)
        except IntegrityError:
            # Another customer took the key while this one was written.
            others = Customer.objects.in_node(self.workspace.id, node.id)
            other = others.filter(match_key=write.match_key).values_list("id", flat=True).first()
            raise _conflict(other) from None

    def _not_found(self) -> NotFound:
        return NotFound(f"customer not found {self.asked.customer_id}")


def _savepoint() -> AbstractContextManager[Any]:
    """Keeps the transaction there is, if there is one, from failing with a statement."""
    return transaction.atomic() if connection.in_atomic_block else nullcontext()


def _conflict(other: UUID | str | None) -> Conflict:
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
