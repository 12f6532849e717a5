"""Applying rows: by the rules, and the code, of the single operations."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from django.db import transaction

from bulkjobs.domain.columns import EVENT_EXTERNAL_ID
from bulkjobs.domain.row_bodies import column_of, place_of
from bulkjobs.models import BulkJob, BulkJobEntity, BulkJobOperation, Outcome
from configuration.domain.permissions import TRUSTED_APPLICATION
from configuration.queries.rules import NodeRules, WorkspaceRules
from contacthub_project.core.errors import ContacthubError, FieldError, Invalid, NotFound
from contacthub_project.core.identifiers import as_uuid, canonical_identifier
from contacthub_project.core.principal import Principal
from customers.actions.bulk_upsert import Done, upsert_many
from customers.actions.customers import CUSTOMER_BYTES, open_node, required_faults
from customers.actions.modification import delete_customer
from customers.domain.identities import EXTERNAL_ID, SESSION_ID
from customers.domain.matching import match_key
from customers.domain.merge import EMPTY, for_create
from customers.models import Customer
from events.actions.ingestion import Accepted, GivenEvent, post_events
from events.actions.modification import delete_event, patch_event
from events.models import Event


@dataclass(frozen=True, slots=True)
class Row:
    """A row: its line in the file, what it says, how many bytes that is as JSON.

    `columns` are the names of the file's columns by the paths of their properties.
    """

    number: int
    body: dict[str, Any]
    size: int
    columns: Mapping[str, str] = field(default_factory=dict)
    warnings: Sequence[FieldError] = ()

    def refused(self, refusal: ContacthubError) -> RowResult:
        """What is told of the row when it is refused: its places by the names of columns."""
        errors = [self._in_the_file(error) for error in refusal.errors]
        return RowResult.failure(self.number, errors, refusal.message)

    def _in_the_file(self, error: FieldError) -> FieldError:
        """An error of the body, at the column that is at fault."""
        place = place_of(error.path, self.body)
        column = column_of(place, self.columns)
        if not place or column == place:
            return replace(error, path=self.columns.get(place, place))
        within = place.removeprefix(f"{column}.")
        told = f"{within} {error.message}" if within != place else error.message
        return replace(error, path=self.columns[column], message=told)


@dataclass(frozen=True, slots=True)
class RowResult:
    """What became of a row (see `bulkjobs.models.Result`).

    Of one that was not refused `message` is a warning.
    """

    row: int
    outcome: str
    entity_id: UUID | None = None
    message: str | None = None
    column: str | None = None
    code: str | None = None
    identity: dict[str, str] | None = None
    cells: list[str] | None = None
    digests: list[str] | None = None

    @classmethod
    def failure(cls, row: int, errors: Sequence[FieldError], message: str = "") -> RowResult:
        """A refused row: all its errors as text, the column and the code of the first.

        The errors' paths are names of columns.
        """
        told = "; ".join(f"{error.path} {error.message}".strip() for error in errors)
        column = errors[0].path or None if errors else None
        code = errors[0].code if errors else None
        return cls(row, Outcome.FAILED, None, told or message, column, code)

    def with_warnings(self, warnings: Sequence[FieldError]) -> RowResult:
        """The result, telling of warnings too unless it tells of errors."""
        if not warnings or self.outcome == Outcome.FAILED:
            return self
        told = "; ".join(f"{warning.path} {warning.message}" for warning in warnings)
        return replace(self, message=told, column=warnings[0].path, code=warnings[0].code)


def applied(workspace: WorkspaceRules, job: BulkJob, rows: Sequence[Row]) -> list[RowResult]:
    """Apply rows within the caller's transaction; a row that is refused hinders no other.

    Raises Locked, NotFound or Forbidden when the node takes none.
    """
    node = open_node(workspace, job.node_id)
    by = _author(job)
    if job.entity == BulkJobEntity.CUSTOMER:
        if job.operation == BulkJobOperation.DELETE:
            return _each(rows, lambda row: _delete_customer(workspace, node, row, by))
        return _upsert(workspace, node, job, rows, by)
    if job.operation == BulkJobOperation.DELETE:
        return _each(rows, lambda row: _delete_event(workspace, node, row))
    return _store_events(workspace, node, job, rows, by)


def _author(job: BulkJob) -> Principal:
    """Whoever uploaded the file, reaching the job's node and nothing else."""
    return Principal(
        roles=frozenset({TRUSTED_APPLICATION}),
        workspaces=frozenset({job.workspace_id}),
        nodes={job.node_id: "RW"},
        user_id=job.author_user,
        source_id=job.author_source,
    )


def _upsert(
    workspace: WorkspaceRules, node: NodeRules, job: BulkJob, rows: Sequence[Row], by: Principal
) -> list[RowResult]:
    fitting = [row for row in rows if row.size <= CUSTOMER_BYTES]
    results = [
        RowResult.failure(row.number, (), f"is larger than {CUSTOMER_BYTES} bytes")
        for row in rows
        if row.size > CUSTOMER_BYTES
    ]
    done = upsert_many(
        workspace,
        node.id,
        [row.body for row in fitting],
        inserts_only=job.operation == BulkJobOperation.INSERT,
        by=by,
    )
    for row, outcome in zip(fitting, done, strict=True):
        if isinstance(outcome, Done):
            results.append(RowResult(row.number, outcome.how, outcome.customer_id))
        else:
            results.append(row.refused(outcome))
    return results


def _store_events(
    workspace: WorkspaceRules, node: NodeRules, job: BulkJob, rows: Sequence[Row], by: Principal
) -> list[RowResult]:
    new = [row for row in rows if "id" not in row.body]
    known = [row for row in rows if "id" in row.body]
    results = _each(known, lambda row: _change_event(workspace, node, row, by))
    results += _of_two_customers(workspace, node, new)
    contradictory = {result.row for result in results}
    new = [row for row in new if row.number not in contradictory]
    given = [GivenEvent(_event_body(job, node, row.body), row.size) for row in new]
    outcomes = post_events(workspace, given, by=by) if given else []
    for row, outcome in zip(new, outcomes, strict=True):
        if isinstance(outcome, Accepted):
            how = Outcome.CREATED if outcome.is_new else Outcome.UNCHANGED
            results.append(RowResult(row.number, how, outcome.id))
        else:
            outcome.errors = _named_as_columns(outcome.errors, row.body)
            results.append(row.refused(_at_customer_id(outcome, row)))
    return results


def _of_two_customers(
    workspace: WorkspaceRules, node: NodeRules, rows: Sequence[Row]
) -> list[RowResult]:
    """The failures of events whose customerId and externalId name different customers."""
    named = {
        row.number: customer_id
        for row in rows
        if row.body.get("externalId")
        and (customer_id := as_uuid(row.body.get("customerId") or "")) is not None
    }
    if not named:
        return []
    customers = Customer.objects.in_node(workspace.id, node.id).filter(id__in=set(named.values()))
    external_ids = dict(customers.values_list("id", "external_id"))
    message = "is not the external id of the customer that customerId names"
    return [
        RowResult.failure(
            row.number,
            [FieldError(row.columns.get("externalId", "externalId"), message, "contradiction")],
        )
        for row in rows
        if named.get(row.number) in external_ids
        and external_ids[named[row.number]] != canonical_identifier(row.body["externalId"])
    ]


def _event_body(job: BulkJob, node: NodeRules, said: dict[str, Any]) -> dict[str, Any]:
    body = {"type": job.event_type, **said}
    external_id, session_id = body.pop("externalId", None), body.pop("sessionId", None)
    body |= _own_external_id(body)
    value, kind = (external_id, EXTERNAL_ID) if external_id else (session_id, SESSION_ID)
    if value and not body.get("customerId"):
        body["bringBackProperties"] = {"type": kind, "value": value, "nodeId": str(node.id)}
    return body


def _own_external_id(body: dict[str, Any]) -> dict[str, Any]:
    """The event's own external id under its name in events, taken out of a row's body."""
    if EVENT_EXTERNAL_ID not in body:
        return {}
    return {"externalId": body.pop(EVENT_EXTERNAL_ID)}


def _named_as_columns(errors: Sequence[FieldError], given: Mapping[str, Any]) -> list[FieldError]:
    """The errors of an event's body by the names of the columns that `given`, a row, came from."""
    brought_back_by = "externalId" if given.get("externalId") else "sessionId"
    columns = {
        "/externalId": f"/{EVENT_EXTERNAL_ID}",
        "/bringBackProperties/value": f"/{brought_back_by}",
    }
    return [replace(error, path=columns.get(error.path, error.path)) for error in errors]


def _at_customer_id(refusal: ContacthubError, row: Row) -> ContacthubError:
    """A refusal that points at the column of the customer when it says that there is none."""
    if isinstance(refusal, NotFound) and not refusal.errors and row.body.get("customerId"):
        refusal.errors = [FieldError("/customerId", "is no customer of the node", "reference")]
    return refusal


def _each(rows: Sequence[Row], act: Callable[[Row], tuple[str, UUID]]) -> list[RowResult]:
    """Rows one by one; what one has begun is undone when it is refused."""
    results = []
    for row in rows:
        try:
            with transaction.atomic():
                outcome, entity_id = act(row)
            results.append(RowResult(row.number, outcome, entity_id))
        except ContacthubError as refusal:
            results.append(row.refused(refusal))
    return results


def _delete_customer(
    workspace: WorkspaceRules, node: NodeRules, row: Row, by: Principal
) -> tuple[str, UUID]:
    customer_id = _named_customer(workspace, node, row.body)
    delete_customer(workspace, customer_id, expected_version=None, by=by)
    return Outcome.DELETED, customer_id


def _named_customer(workspace: WorkspaceRules, node: NodeRules, body: dict[str, Any]) -> UUID:
    """The customer of the node that a row names: by id, external id or what it is recognised by."""
    customers = Customer.objects.in_node(workspace.id, node.id)
    if body.get("id"):
        customers = customers.filter(id=as_uuid(body["id"]) or UUID(int=0))
        if body.get("externalId"):
            customers = customers.filter(external_id=canonical_identifier(body["externalId"]))
    elif body.get("externalId") and "externalId" not in node.matching.properties:
        customers = customers.filter(external_id=canonical_identifier(body["externalId"]))
    else:
        person = for_create(EMPTY, body)
        codes = {"unique", "placeholder"}
        faults = [each for each in required_faults(node, person) if each.code in codes]
        if faults:
            raise Invalid(errors=faults)
        customers = customers.filter(match_key=match_key(node.matching, person))
    found = list(customers.values_list("id", flat=True)[:2])
    if not found:
        raise NotFound("there is no such customer")
    if len(found) > 1:
        raise NotFound("several customers have this external id")
    return found[0]


def _known_event(workspace: WorkspaceRules, node: NodeRules, body: dict[str, Any]) -> UUID:
    event_id = as_uuid(body.get("id") or "")
    row = None if event_id is None else Event.objects.one_row(workspace.id, event_id)
    if event_id is None or row is None or row.node_id != str(node.id):
        raise NotFound("there is no such event")
    return event_id


def _change_event(
    workspace: WorkspaceRules, node: NodeRules, row: Row, by: Principal
) -> tuple[str, UUID]:
    event_id = _known_event(workspace, node, row.body)
    for name in ("externalId", "sessionId"):
        if name in row.body:
            raise Invalid.at(f"/{name}", "cannot be given with id", "exclusive")
    body = dict(row.body)
    body |= _own_external_id(body)
    try:
        patch_event(workspace, event_id, GivenEvent(body, row.size), by=by)
    except ContacthubError as refusal:
        refusal.errors = _named_as_columns(refusal.errors, row.body)
        raise
    return Outcome.UPDATED, event_id


def _delete_event(workspace: WorkspaceRules, node: NodeRules, row: Row) -> tuple[str, UUID]:
    event_id = _known_event(workspace, node, row.body)
    delete_event(workspace, event_id)
    return Outcome.DELETED, event_id
