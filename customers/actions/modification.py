"""Changes existing customers: PATCH and PUT."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from uuid import UUID

from django.db import IntegrityError, transaction

from configuration.queries.rules import NodeRules, WorkspaceRules, latest_rules_of
from contacthub_project.core.errors import (
    Conflict,
    ContacthubError,
    NotFound,
    Stale,
    Unavailable,
)
from contacthub_project.core.identifiers import canonical_identifier
from contacthub_project.core.principal import Principal
from contacthub_project.db.deadlocks import repeated_on_deadlock
from contacthub_project.db.gathering import Gatherer
from contacthub_project.db.sql import savepoint
from contacthub_project.runtime.blocking import in_thread, in_thread_if_blocking
from customers.actions.browser_access import check_access, check_matching_values
from customers.actions.customer_write import CustomerWrite, Outcome, WriteResult
from customers.actions.customers import ATTEMPTS
from customers.actions.identity_locks import lock_identities, notify_identities_appeared
from customers.actions.matching_keys import key_identities
from customers.actions.modification_body import Modification, checked_modification
from customers.actions.suppression import note_return
from customers.actions.validation import (
    check_document,
    now_text,
    open_node,
)
from customers.actions.writes import (
    ConcurrentChange,
    NodeNotOpen,
    enqueue_aggregate_merge,
    lock_open_node,
    write_customer,
    write_customers,
)
from customers.domain.identities import EXTERNAL_ID
from customers.domain.merge import (
    Document,
    unchanged,
    with_subscription_dates,
)
from customers.domain.modes import Mode
from customers.domain.passwords import keep_password
from customers.models import ChangeCause, Customer
from customers.models.customer_row import CustomerRow
from customers.queries.documents import document_of, system_properties
from customers.queries.live_rows import alive_row
from customers.queries.suppressions import returning

MOST_HELD = 4  # customers that a process locks at once to change them


async def modify_customer(
    workspace: WorkspaceRules, modification: Modification, *, by: Principal
) -> CustomerRow:
    """Return the customer after a PATCH or PUT.

    Raises Invalid with every fault, NotFound, Stale, Locked, and Conflict when the change would
    give it the matching key of another customer of the node (`data.customer.id`).
    """
    for attempt in range(ATTEMPTS):
        change = _Change(workspace, modification, by)
        try:
            return await change.made(at_once=attempt == 0)
        except (NodeNotOpen, ConcurrentChange):
            latest = await in_thread(partial(latest_rules_of, workspace.id))
            workspace = latest or workspace
    raise Unavailable


@dataclass(frozen=True, slots=True)
class _Change:
    """A modification, with the rules as they were read."""

    workspace: WorkspaceRules
    modification: Modification
    by: Principal

    async def made(self, *, at_once: bool) -> CustomerRow:
        """Return the customer after the change; raises NodeNotOpen, ConcurrentChange.

        With `at_once` the change is optimistic: another writer may be faster. Otherwise the
        customer is locked, and concurrent changes of it are made together.
        """
        group = (self.workspace.id, self.modification.customer_id)
        if at_once and not _together.is_under_way(group):
            return await self._write_immediately()
        return await _together.submit(group, self)

    async def _write_immediately(self) -> CustomerRow:
        row = self.modification.known
        if row is None:
            customer_id = self.modification.customer_id
            row = await alive_row(self.workspace.id, customer_id)
        if row is None:
            raise self.not_found()
        write = await in_thread_if_blocking(partial(self.write_of, row))
        if write is None:
            return row
        try:
            result = await write_customer(self.workspace.id, write)
        except IntegrityError:
            raise ConcurrentChange from None  # another customer has got these values
        return changed_row(row, write, result)

    def write_of(self, row: CustomerRow) -> CustomerWrite | None:
        """Return the write of a customer, None when nothing changes; raises refusals."""
        workspace, modification = self.workspace, self.modification
        node = open_node(workspace, UUID(row.node_id))
        check_access(workspace, row, self.by, named_by=modification.body)
        _check_version(row, modification.expected_version)
        given = checked_modification(workspace, node, modification, row, self.by)
        before = document_of(row)
        changed = workspace.customer_schema.with_disabled_of(
            before, modification.mode.applied(before, given)
        )
        changed = keep_password(before, changed, by=self.by)
        after = with_subscription_dates(before, changed, now_text())
        if unchanged(before, after):
            return None
        check_matching_values(node, before, after, self.by)
        check_document(workspace, node, after, before=before, given=given)
        returned = returning(
            workspace, node, after, before=before, given=given, is_import=modification.is_import
        )
        write = CustomerWrite.of_change(node, row, after, self.by, cause=_cause_of(modification))
        return replace(write, brings_back=returned) if returned else write

    def node_of(self, row: CustomerRow) -> NodeRules | ContacthubError:
        """Return the customer's node; raises if it is not writable."""
        try:
            return open_node(self.workspace, UUID(row.node_id))
        except ContacthubError as refusal:
            return refusal

    def not_found(self) -> NotFound:
        return NotFound(f"customer not found {self.modification.customer_id}")


def changed_row(row: CustomerRow, write: CustomerWrite, result: WriteResult) -> CustomerRow:
    """Return the customer after a write; raises Conflict, ConcurrentChange."""
    if result.outcome is Outcome.CONFLICT:
        assert result.known is not None
        raise Conflict(
            f"Conflict with existing customer {result.known.id}",
            data={"customer": {"id": result.known.id}},
        )
    if result.outcome is not Outcome.WRITTEN:
        raise ConcurrentChange
    return write.changed_row(row, result)


CustomerOfWorkspace = tuple[UUID, UUID]


@repeated_on_deadlock
@transaction.atomic
def _change_held(
    group: CustomerOfWorkspace, changes: Sequence[_Change]
) -> list[CustomerRow | Exception]:
    """Make changes of one locked customer one after the other."""
    workspace_id, customer_id = group
    known = Customer.objects.live_row(workspace_id, customer_id)
    if known is None:
        return [change.not_found() for change in changes]
    nodes = [change.node_of(known) for change in changes]
    node = next((each for each in nodes if isinstance(each, NodeRules)), None)
    if node is None:
        return [each for each in nodes if isinstance(each, Exception)]
    given = (change.modification.body.get("externalId") for change in changes)
    external_ids = [
        (node.id, EXTERNAL_ID, canonical_identifier(value))
        for value in given
        if isinstance(value, str)
    ]
    lock_identities(external_ids + key_identities(node, _expected(node, known, changes)))
    try:
        # The node before the customer: the lock order of all writers.
        lock_open_node(workspace_id, node)
    except NodeNotOpen as closed:
        return [closed for _ in changes]
    row = Customer.objects.lock_live_row(workspace_id, customer_id)
    if row is None:
        return [change.not_found() for change in changes]
    return _Chain(workspace_id, row).made(changes)


def _expected(node: NodeRules, row: CustomerRow, changes: Sequence[_Change]) -> Iterator[Document]:
    """The customer after each change: its keys are locked before its row."""
    for change in changes if node.matching.has_several_rules else ():
        try:
            write = change.write_of(row)
        except ContacthubError:
            continue
        if write is not None and write.document is not None:
            yield write.document
            row = write.expected_row(row)


async def _change_together(
    group: CustomerOfWorkspace, changes: Sequence[_Change]
) -> list[CustomerRow | Exception]:
    return await in_thread(partial(_change_held, group, changes))


def _change_alone(group: CustomerOfWorkspace, change: _Change) -> CustomerRow:
    (row,) = _change_held(group, [change])
    if isinstance(row, Exception):
        raise row
    return row


_together = Gatherer(_change_together, alone=_change_alone, lanes=MOST_HELD)


class _Chain:
    """Successive changes of a locked customer."""

    def __init__(self, workspace_id: UUID, row: CustomerRow) -> None:
        self._workspace_id = workspace_id
        self._row = row
        self._writes: list[CustomerWrite] = []

    def made(self, changes: Sequence[_Change]) -> list[CustomerRow | Exception]:
        """Return the customer after each change, or the reason of its refusal."""
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
        """Return the customer as it was locked, and after each of the writes."""
        rows: list[CustomerRow | Exception] = [self._row]
        if not self._writes:
            return rows
        # Their external ids are locked by now.
        writes = [replace(write, appears=None) for write in self._writes]
        with savepoint():
            results = write_customers(self._workspace_id, writes)
        row = self._row
        for write, result in zip(writes, results, strict=True):
            try:
                row = changed_row(row, write, result)
                rows.append(row)
                note_return(self._workspace_id, write.brings_back, write.id)
            except (Conflict, ConcurrentChange) as refusal:
                rows.append(NodeNotOpen() if result.outcome is Outcome.NOT_OPEN else refusal)
        self._notify(row, writes)
        return rows

    def _notify(self, row: CustomerRow, writes: Sequence[CustomerWrite]) -> None:
        if row is self._row:
            return
        guard = writes[0].guard
        assert guard is not None
        enqueue_aggregate_merge(guard)
        if row.external_id is not None and row.external_id != self._row.external_id:
            appeared = [(UUID(row.id), EXTERNAL_ID, row.external_id)]
            notify_identities_appeared(self._workspace_id, guard.id, appeared)


def _cause_of(modification: Modification) -> ChangeCause:
    if modification.is_import:
        return ChangeCause.IMPORT
    is_put = modification.mode in {Mode.PUT, Mode.PUT_STRICT}
    return ChangeCause.PUT if is_put else ChangeCause.PATCH


def _check_version(row: CustomerRow, expected: int | None) -> None:
    if expected is not None and expected != system_properties(row)["version"]:
        raise Stale
