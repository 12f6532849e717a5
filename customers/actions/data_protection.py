"""Data protection: exports of people's data, and forgetting."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet

from configuration.queries.rules import WorkspaceRules
from contacthub_project.core.date_format import Positions
from contacthub_project.core.errors import NotFound
from contacthub_project.core.principal import Principal
from contacthub_project.db.sql import fetch_one, load
from customers.actions.aggregation import lock_aggregates
from customers.actions.data_subject_requests import erase_free_text, settle_requests
from customers.actions.erasure import erase_customers
from customers.actions.receipts import Erasure
from customers.actions.validation import open_node
from customers.models import (
    ConsentLogEntry,
    Customer,
    ErasureCause,
    ErasureReceipt,
    ErasureScope,
    MergedCustomer,
    RequestType,
    Session,
    ValueChange,
)
from customers.models.customer_row import CustomerRow
from customers.observers import ExportedList, all_observers
from customers.queries.documents import (
    ConsentLogResponse,
    consent_log_moments,
    consent_log_response,
    customer_moments,
    exported_customer,
    moments_at,
)
from customers.queries.erasure import people_of
from customers.queries.quarantine import quarantined_of, quarantined_response
from customers.queries.same_person import customers_of_person

PAGE = 1000

REQUESTED = load("customers/sql/note_export")


def request_export(
    workspace: WorkspaceRules,
    customer_id: UUID,
    *,
    by: Principal,
    kind: RequestType = RequestType.PORTABILITY,
) -> CustomerRow:
    """Return the customer, and log the request; raises NotFound."""
    parameters = {
        "id": customer_id,
        "workspace_id": workspace.id,
        "source_id": by.source_id,
        "user_id": by.user_id,
    }
    with transaction.atomic():
        row = Customer.objects.live_row(workspace.id, customer_id)
        if row is None or fetch_one(REQUESTED, parameters) is None:
            raise NotFound(f"customer not found {customer_id}")
        settle_requests(workspace, kind, [customer_id], by=by)
    return row


def exported_lists(workspace: WorkspaceRules, customer: CustomerRow) -> Iterator[ExportedList]:
    """Return all data of a customer besides its profile, list by list, lazily."""
    customer_id = UUID(customer.id)
    for observer in all_observers():
        yield from observer.exported(workspace=workspace, customer_id=customer_id)
    merged = MergedCustomer.objects.gone_into(workspace.id, [customer_id])
    ids = [customer_id, *(each.customer_id for each in merged)]
    yield ExportedList("sessions", _sessions(workspace.id, customer_id))
    yield ExportedList("consentLogs", _consent_log(workspace.id, ids), consent_log_moments)
    rows = [CustomerRow(*each.row) for each in merged if each.row is not None]
    if rows:
        moments = customer_moments(workspace.stored_customer_schema)
        yield ExportedList("mergedCustomers", map(exported_customer, rows), moments)
    replaced = ValueChange.objects.in_workspace(workspace.id).filter(customer_id__in=ids)
    if replaced.exists():
        yield ExportedList("formerValues", _former_values(replaced), _former_moments(workspace))
    people = people_of(workspace, [customer, *rows])
    refused = quarantined_of(workspace.id, people)
    if refused.exists():
        yield ExportedList("quarantinedRequests", map(quarantined_response, _paged(refused)))


def forget_customer(
    workspace: WorkspaceRules, customer_id: UUID, *, scope: ErasureScope, by: Principal
) -> ErasureReceipt:
    """Remove all data of a person, deleted or not, permanently; the request is logged.

    With the customer all customers are removed that `customers_of_person` takes for the person.
    Raises NotFound for an unknown or forgotten one, Locked while one of the nodes is. Lock order:
    the workspace's aggregates, customers by their ids, their data.
    """
    with transaction.atomic():
        lock_aggregates(workspace.id)
        row = Customer.objects.known_row(workspace.id, customer_id)
        if row is None:
            raise NotFound(f"customer not found {customer_id}")
        found = customers_of_person(workspace, row, scope)
        for each in found:
            open_node(workspace, UUID(each.row.node_id))
        ids = [UUID(each.row.id) for each in found]
        rows = Customer.objects.lock_known_rows(workspace.id, ids)
        receipt = erase_customers(workspace, rows, Erasure(ErasureCause.REQUEST, scope, by))
        # The one of an aggregate customer, too.
        asked_for = [customer_id, *(each for each in ids if each != customer_id)]
        erase_free_text(workspace.id, Q(customer_id=customer_id))
        settle_requests(workspace, RequestType.ERASURE, asked_for, by=by, receipt_id=receipt.id)
        return receipt


def _sessions(workspace_id: UUID, customer_id: UUID) -> Iterator[dict[str, Any]]:
    sessions = Session.objects.of_customer(workspace_id, customer_id)
    return ({"id": session.id, "value": session.value} for session in _paged(sessions))


def _consent_log(workspace_id: UUID, ids: Sequence[UUID]) -> Iterator[ConsentLogResponse]:
    entries = ConsentLogEntry.objects.in_workspace(workspace_id).filter(customer_id__in=ids)
    return map(consent_log_response, _paged(entries))


def _former_values(replaced: QuerySet[ValueChange]) -> Iterator[dict[str, Any]]:
    """Yield what was replaced by each change, the latest first."""
    ordered = replaced.order_by("customer_id", "-version")
    for each in ordered.iterator(chunk_size=PAGE):
        yield {
            "customerId": each.customer_id,
            "version": each.version,
            "replacedAt": each.changed_at,
            "cause": each.cause,
            "values": each.before,
        }


def _former_moments(workspace: WorkspaceRules) -> Positions:
    """Return where moments stand in an element of `_former_values`."""

    def of_change(change: Mapping[str, Any]) -> Positions:
        schema = workspace.stored_customer_schema
        return {"values": {path: moments_at(schema, path) for path in change["values"]}}

    return of_change


def _paged(rows: QuerySet[Any]) -> Iterator[Any]:
    """Yield all rows by their ids, with at most a page of them in memory."""
    rows = rows.order_by("id")
    page = list(rows[:PAGE])
    while page:
        yield from page
        page = list(rows.filter(id__gt=page[-1].id)[:PAGE])
