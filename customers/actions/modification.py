"""Changing and deleting customers that are there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Protocol
from uuid import UUID

from django.db import IntegrityError, connection, transaction

from configuration.queries.rules import NodeRules, WorkspaceRules, latest_rules_of
from contacthub_project.core.array_forms import as_sent
from contacthub_project.core.errors import (
    Conflict,
    ContacthubError,
    FieldError,
    Invalid,
    NotFound,
    Stale,
    Unavailable,
)
from contacthub_project.core.identifiers import canonical_identifier
from contacthub_project.core.principal import Principal
from contacthub_project.core.sameness import says_the_same
from contacthub_project.db.gathering import Gatherer
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
from customers.actions.identity_locks import lock_identities, notify_identities_appeared
from customers.actions.writes import (
    CustomerWrite,
    NodeNotOpen,
    Outcome,
    Overtaken,
    WriteResult,
    follow,
    lock_open_node,
    write_customer,
    write_customers,
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

MOST_HELD = 4  # customers that a process holds at once to change them
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
            return change.made(at_once=attempt == 0)
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

    def made(self, *, at_once: bool) -> CustomerRow:
        """The customer after the change; raises NodeNotOpen, Overtaken.

        Made `at_once` somebody else may be quicker; otherwise the customer is held, and whatever
        else is to be changed of it at the moment is changed with it.
        """
        group = (self.workspace.id, self.asked.customer_id)
        if at_once and not _together.is_under_way(group):
            return self._made_at_once()
        if connection.in_atomic_block:
            return _change_alone(group, self)
        return _together.submit(group, self)

    def _made_at_once(self) -> CustomerRow:
        row = Customer.objects.live_row(self.workspace.id, self.asked.customer_id)
        if row is None:
            raise self.not_found()
        write = self.write_of(row)
        if write is None:
            return row
        try:
            with _savepoint():
                result = write_customer(self.workspace.id, write)
        except IntegrityError:
            raise Overtaken from None  # by another customer, in having these values
        return changed_row(row, write, result)

    def write_of(self, row: CustomerRow) -> CustomerWrite | None:
        """What to write of a customer, None when that changes nothing; raises what is refused."""
        workspace, asked = self.workspace, self.asked
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
            return None
        check_recognised_values(node, before, after, self.by)
        check_document(workspace, node, after, before=before, given=given)
        return CustomerWrite.of_change(node, row, after, self.by)

    def node_of(self, row: CustomerRow) -> NodeRules | ContacthubError:
        """The customer's node, or why it cannot be written."""
        try:
            return open_node(self.workspace, UUID(row.node_id))
        except ContacthubError as refusal:
            return refusal

    def not_found(self) -> NotFound:
        return NotFound(f"customer not found {self.asked.customer_id}")


def changed_row(row: CustomerRow, write: CustomerWrite, result: WriteResult) -> CustomerRow:
    """The customer after a write of it as it was; raises Conflict, Overtaken."""
    if result.outcome is Outcome.CONFLICT:
        assert result.known is not None
        raise Conflict(
            f"Conflict with existing customer {result.known.id}",
            data={"customer": {"id": result.known.id}},
        )
    if result.outcome is not Outcome.WRITTEN:
        raise Overtaken
    return write.changed_row(row, result)


CustomerOfWorkspace = tuple[UUID, UUID]


@transaction.atomic
def _change_together(
    group: CustomerOfWorkspace, changes: Sequence[_Change]
) -> list[CustomerRow | Exception]:
    """Make changes of one customer one after the other; nobody can be quicker, as it is held."""
    workspace_id, customer_id = group
    known = Customer.objects.live_row(workspace_id, customer_id)
    if known is None:
        return [change.not_found() for change in changes]
    nodes = [change.node_of(known) for change in changes]
    node = next((each for each in nodes if isinstance(each, NodeRules)), None)
    if node is None:
        return [each for each in nodes if isinstance(each, Exception)]
    given = (change.asked.body.get("externalId") for change in changes)
    lock_identities(
        (node.id, EXTERNAL_ID, canonical_identifier(value))
        for value in given
        if isinstance(value, str)
    )
    try:
        # The node before the customer, as everybody does who locks both.
        lock_open_node(workspace_id, node)
    except NodeNotOpen as closed:
        return [closed for _ in changes]
    row = Customer.objects.lock_live_row(workspace_id, customer_id)
    if row is None:
        return [change.not_found() for change in changes]
    return _Chain(workspace_id, row).made(changes)


def _change_alone(group: CustomerOfWorkspace, change: _Change) -> CustomerRow:
    (row,) = _change_together(group, [change])
    if isinstance(row, Exception):
        raise row
    return row


_together = Gatherer(_change_together, alone=_change_alone, lanes=MOST_HELD)


class _Chain:
    """Changes of a customer that is held, each made of what the one before has left."""

    def __init__(self, workspace_id: UUID, row: CustomerRow) -> None:
        self._workspace_id = workspace_id
        self._row = row
        self._writes: list[CustomerWrite] = []

    def made(self, changes: Sequence[_Change]) -> list[CustomerRow | Exception]:
        """The customer after each of the changes, or why it was refused."""
        row = self._row
        steps: list[int | Exception] = []
        for change in changes:
            try:
                write = change.write_of(row)
            except ContacthubError as refusal:
                steps.append(refusal)
                continue
            if write is not None:
                self._writes.append(write)
                row = write.expected_row(row)
            steps.append(len(self._writes))
        rows = self._written()
        return [step if isinstance(step, Exception) else rows[step] for step in steps]

    def _written(self) -> list[CustomerRow | Exception]:
        """The customer as it was held, and after each of the writes."""
        rows: list[CustomerRow | Exception] = [self._row]
        if not self._writes:
            return rows
        # Their external ids are held by now.
        writes = [replace(write, appears=None) for write in self._writes]
        with _savepoint():
            results = write_customers(self._workspace_id, writes)
        row = self._row
        for write, result in zip(writes, results, strict=True):
            try:
                row = changed_row(row, write, result)
                rows.append(row)
            except (Conflict, Overtaken) as refusal:
                rows.append(NodeNotOpen() if result.outcome is Outcome.NOT_OPEN else refusal)
        self._follow(row, writes)
        return rows

    def _follow(self, row: CustomerRow, writes: Sequence[CustomerWrite]) -> None:
        if row is self._row:
            return
        guard = writes[0].guard
        assert guard is not None
        follow(guard)
        if row.external_id is not None and row.external_id != self._row.external_id:
            appeared = [(UUID(row.id), EXTERNAL_ID, row.external_id)]
            notify_identities_appeared(self._workspace_id, guard.id, appeared)


def _savepoint() -> AbstractContextManager[Any]:
    """Keeps the transaction there is, if there is one, from failing with a statement."""
    return transaction.atomic() if connection.in_atomic_block else nullcontext()


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
