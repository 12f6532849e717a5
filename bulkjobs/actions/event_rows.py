"""Applies rows about events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from bulkjobs.actions.rows import Row, RowResult, applied_singly, without_foreign_ids
from bulkjobs.domain.columns import EVENT_EXTERNAL_ID
from bulkjobs.models import BulkJob, Outcome
from configuration.queries.rules import NodeRules, WorkspaceRules
from contacthub_project.core.errors import ContacthubError, FieldError, Invalid, NotFound
from contacthub_project.core.identifiers import as_uuid, canonical_identifier
from contacthub_project.core.principal import Principal
from contacthub_project.core.text import folded
from customers.domain.identities import EXTERNAL_ID, SESSION_ID
from customers.models import Customer
from customers.queries.suppressions import forgotten_external_ids
from events.actions.ingestion import GivenEvent, post_events
from events.actions.modification import delete_event, patch_event
from events.actions.repeated_events import Accepted
from events.models import Event
from events.models.event import EventRow

EXTERNAL_ID_PROPERTY = "externalId"
NAMES_OF_CUSTOMERS = {"externalId": EXTERNAL_ID, "sessionId": SESSION_ID}


def store_events(
    workspace: WorkspaceRules, node: NodeRules, job: BulkJob, rows: Sequence[Row], by: Principal
) -> list[RowResult]:
    """Store events; those with an id in the row are changed as by PATCH.

    An id of no event of the node is ignored: the row comes from another node.
    """
    rows, results = without_foreign_ids(rows)
    rows, forgotten = _without_forgotten(workspace, node, rows)
    results += forgotten
    agreed, refused = _without_conflicting_ids(workspace, node, rows)
    results += refused
    events = _events_of(workspace, node, agreed)
    known = [row for row in agreed if _id_of(row) in events]
    results += applied_singly(known, lambda row: _change_event(workspace, row, events, by))
    new = [row for row in agreed if _id_of(row) not in events]
    given = [GivenEvent(event_body(job, node, row.body), row.size) for row in new]
    outcomes = post_events(workspace, given, by=by) if given else []
    for row, outcome in zip(new, outcomes, strict=True):
        if isinstance(outcome, Accepted):
            how = Outcome.CREATED if outcome.is_new else Outcome.UNCHANGED
            results.append(RowResult(row.number, how, outcome.id))
        else:
            outcome.errors = _named_as_columns(outcome.errors, row.body)
            results.append(row.refused(_at_customer_id(outcome, row)))
    return results


def _without_forgotten(
    workspace: WorkspaceRules, node: NodeRules, rows: Sequence[Row]
) -> tuple[list[Row], list[RowResult]]:
    """Return rows without those with the external id of a forgotten customer."""
    given = {row.number: row.body.get("externalId") for row in rows}
    gone = forgotten_external_ids(
        workspace, node, {each for each in given.values() if isinstance(each, str) and each}
    )
    if not gone:
        return list(rows), []
    kept = [row for row in rows if given[row.number] not in gone]
    left = {row.number for row in kept}
    return kept, [
        RowResult(row.number, Outcome.FORGOTTEN) for row in rows if row.number not in left
    ]


def _id_of(row: Row) -> UUID | None:
    return as_uuid(row.body.get("id") or "")


def _events_of(
    workspace: WorkspaceRules, node: NodeRules, rows: Sequence[Row]
) -> dict[UUID | None, EventRow]:
    """Return the node's events whose ids are in rows."""
    ids = sorted({each for row in rows if (each := _id_of(row)) is not None})
    if not ids:
        return {}
    found = Event.objects.rows_of(workspace.id, ids)
    return {UUID(each.id): each for each in found if each.node_id == str(node.id)}


def _without_conflicting_ids(
    workspace: WorkspaceRules, node: NodeRules, rows: Sequence[Row]
) -> tuple[list[Row], list[RowResult]]:
    """Return rows with one customer, and the failures of rows that name two different ones.

    A customerId of no customer of the node is ignored if the externalId is of one: the row comes
    from another node.
    """
    named = {
        row.number: customer_id
        for row in rows
        if row.body.get("externalId")
        and (customer_id := as_uuid(row.body.get("customerId") or "")) is not None
    }
    if not named:
        return list(rows), []
    customers = Customer.objects.in_node(workspace.id, node.id)
    of_ids = dict(customers.filter(id__in=set(named.values())).values_list("id", "external_id"))
    elsewhere = {
        canonical_identifier(row.body["externalId"])
        for row in rows
        if row.number in named and named[row.number] not in of_ids
    }
    here = set(customers.filter(external_id__in=elsewhere).values_list("external_id", flat=True))
    agreed, refused = [], []
    for row in rows:
        customer_id = named.get(row.number)
        external_id = canonical_identifier(row.body["externalId"]) if customer_id else None
        if customer_id in of_ids and not _is_same_id(node, of_ids[customer_id], external_id):
            name = row.columns.get("externalId", "externalId")
            message = "is not the external id of the customer that customerId names"
            error = FieldError(name, message, "contradiction")
            refused.append(RowResult.failure(row.number, [error]))
        elif customer_id is not None and customer_id not in of_ids and external_id in here:
            agreed.append(replace(row, body={**row.body, "customerId": None}))
        else:
            agreed.append(row)
    return agreed, refused


def _is_same_id(node: NodeRules, known: str | None, given: str | None) -> bool:
    """Return whether two external ids are equal in a node."""
    if known is None or given is None or not node.matching.ignores_case_of(EXTERNAL_ID_PROPERTY):
        return known == given
    return folded(known) == folded(given)


def event_body(job: BulkJob, node: NodeRules, values: dict[str, Any]) -> dict[str, Any]:
    """The body by which a request would send the event of a row."""
    body = {"type": job.event_type, **values}
    body.pop("id", None)
    external_id, session_id = body.pop("externalId", None), body.pop("sessionId", None)
    body |= _own_external_id(body)
    value, kind = (external_id, EXTERNAL_ID) if external_id else (session_id, SESSION_ID)
    if value and not body.get("customerId"):
        body["bringBackProperties"] = {"type": kind, "value": value, "nodeId": str(node.id)}
    return body


def _own_external_id(body: dict[str, Any]) -> dict[str, Any]:
    """Return the event's own external id, removed from a row's body."""
    if EVENT_EXTERNAL_ID not in body:
        return {}
    return {"externalId": body.pop(EVENT_EXTERNAL_ID)}


def _named_as_columns(errors: Sequence[FieldError], given: Mapping[str, Any]) -> list[FieldError]:
    """Return the errors of an event's body by the columns of `given`, a row."""
    brought_back_by = "externalId" if given.get("externalId") else "sessionId"
    columns = {
        "/externalId": f"/{EVENT_EXTERNAL_ID}",
        "/bringBackProperties/value": f"/{brought_back_by}",
    }
    return [replace(error, path=columns.get(error.path, error.path)) for error in errors]


def _at_customer_id(refusal: ContacthubError, row: Row) -> ContacthubError:
    """Return a refusal that points at the column of the customer if there is no such customer."""
    if isinstance(refusal, NotFound) and not refusal.errors and row.body.get("customerId"):
        refusal.errors = [FieldError("/customerId", "is no customer of the node", "reference")]
    return refusal


def _change_event(
    workspace: WorkspaceRules, row: Row, events: Mapping[UUID | None, EventRow], by: Principal
) -> tuple[str, UUID]:
    event_id = _id_of(row)
    event = events[event_id]
    assert event_id is not None, "the event was looked up"
    body = {name: value for name, value in row.body.items() if name not in NAMES_OF_CUSTOMERS}
    for name, kind in NAMES_OF_CUSTOMERS.items():
        given = row.body.get(name)
        waits_for = event.bring_back_type == kind and event.bring_back_value == given
        if given and not waits_for and not row.body.get("customerId"):
            raise Invalid.at(f"/{name}", "is not what the event waits for", "contradiction")
    body |= _own_external_id(body)
    try:
        patch_event(workspace, event_id, GivenEvent(body, row.size), by=by)
    except ContacthubError as refusal:
        refusal.errors = _named_as_columns(refusal.errors, row.body)
        raise
    changed = Event.objects.one_row(workspace.id, event_id)
    is_changed = changed is None or changed.version != event.version
    return Outcome.UPDATED if is_changed else Outcome.UNCHANGED, event_id


def delete_events(
    workspace: WorkspaceRules, node: NodeRules, rows: Sequence[Row]
) -> list[RowResult]:
    """Delete the events of rows by their ids."""
    return applied_singly(rows, lambda row: _delete_event(workspace, node, row))


def _known_event(workspace: WorkspaceRules, node: NodeRules, body: dict[str, Any]) -> UUID:
    event_id = as_uuid(body.get("id") or "")
    row = None if event_id is None else Event.objects.one_row(workspace.id, event_id)
    if event_id is None or row is None or row.node_id != str(node.id):
        raise NotFound("there is no such event")
    return event_id


def _delete_event(workspace: WorkspaceRules, node: NodeRules, row: Row) -> tuple[str, UUID]:
    event_id = _known_event(workspace, node, row.body)
    delete_event(workspace, event_id)
    return Outcome.DELETED, event_id
