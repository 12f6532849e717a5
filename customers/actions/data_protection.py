"""What the law gives people: their data in a portable form, and to be forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from configuration.models import NodeType
from configuration.queries.rules import WorkspaceRules
from contacthub_project.api.pagination import LARGEST_MATCH
from contacthub_project.core.errors import Forbidden, NotFound
from contacthub_project.core.principal import READ, Principal
from contacthub_project.db.sql import fetch_one, load
from customers.actions.aggregation import lock_aggregates, remerge
from customers.actions.customers import open_node
from customers.domain.matching import match_key
from customers.models import AggregateMember, ConsentLogEntry, Customer, DeletedState, Session
from customers.models.customer import CustomerRow
from customers.observers import ExportedList, ForgottenPerson, all_observers
from customers.queries.documents import (
    consent_log_moments,
    consent_log_response,
    document_of,
    system_properties,
)

PAGE = 1000
MOST_NAMED = 100

REQUESTED = load("customers/sql/note_export")

FORGET = load("customers/sql/forget_customer")

DELETE_SESSIONS = "DELETE FROM customers_session WHERE customer_id = %s RETURNING id"
ERASE_VALUES = load("customers/sql/erase_consent_values")


def request_export(workspace: WorkspaceRules, customer_id: UUID, *, by: Principal) -> CustomerRow:
    """The customer as it stands, the request being logged; raises NotFound."""
    parameters = {
        "id": customer_id,
        "workspace_id": workspace.id,
        "source_id": by.source_id,
        "user_id": by.user_id,
    }
    row = Customer.objects.live_row(workspace.id, customer_id)
    if row is None or fetch_one(REQUESTED, parameters) is None:
        raise NotFound(f"customer not found {customer_id}")
    return row


def exported_lists(workspace: WorkspaceRules, customer_id: UUID) -> Iterator[ExportedList]:
    """Everything that is kept about a customer besides its profile, list by list, lazily."""
    for observer in all_observers():
        yield from observer.exported(workspace=workspace, customer_id=customer_id)
    yield ExportedList("sessions", _sessions(workspace.id, customer_id))
    yield ExportedList("consentLogs", _consent_log(workspace.id, customer_id), consent_log_moments)


def forget_customer(workspace: WorkspaceRules, customer_id: UUID, *, by: Principal) -> None:
    """Remove all that is known of a person, deleted or not, for good; the request is logged.

    Raises NotFound for one who is unknown or forgotten already, Locked while the node is, and
    Forbidden for an aggregate customer, a copy, with the entry customers to forget instead.
    """
    with transaction.atomic():
        lock_aggregates(workspace.id)
        row = Customer.objects.lock_known_row(workspace.id, customer_id)
        if row is None:
            raise NotFound(f"customer not found {customer_id}")
        system = system_properties(row)
        node_id = UUID(system["nodeId"])
        if node_id in workspace.nodes and workspace.nodes[node_id].type == NodeType.AGGREGATE:
            raise _forgotten_by_members(workspace, customer_id, by)
        node = open_node(workspace, node_id)
        parameters = {
            "id": customer_id,
            "workspace_id": workspace.id,
            "author": by.author,
            "source_id": by.source_id,
            "user_id": by.user_id,
            "match_key": match_key(node.matching, document_of(row)),
            "was_live": system["deleted"] == DeletedState.LIVE,
        }
        fetch_one(FORGET, parameters)
        fetch_one(ERASE_VALUES, {"customer_id": customer_id, "workspace_id": workspace.id})
        fetch_one(DELETE_SESSIONS, (customer_id,))
        for observer in all_observers():
            observer.customer_forgotten(
                workspace_id=workspace.id,
                customer_id=customer_id,
                person=ForgottenPerson(node_id, node.matching, document_of(row)),
            )
        # At once, not by and by: the copies are the person's data too.
        remerge(workspace.id, entries=[customer_id])


def _forgotten_by_members(workspace: WorkspaceRules, customer_id: UUID, by: Principal) -> Forbidden:
    """Tells whom to forget so that an aggregate customer goes."""
    nodes = [node for node in workspace.nodes if by.may(READ, node)]
    members = AggregateMember.objects.of_aggregate(workspace.id, customer_id)
    named = members.filter(entry__node_id__in=nodes).order_by("entry_id")[:MOST_NAMED]
    return Forbidden(
        "Aggregate customers can only be read: forget the entry customers that this one is made of,"
        " and it goes with the last of them",
        data={
            "entryCustomers": [str(each) for each in named.values_list("entry_id", flat=True)],
            "entryCustomersTotal": members.count_up_to(LARGEST_MATCH),
        },
    )


def _sessions(workspace_id: UUID, customer_id: UUID) -> Iterator[dict[str, Any]]:
    sessions = Session.objects.of_customer(workspace_id, customer_id)
    return ({"id": session.id, "value": session.value} for session in _paged(sessions))


def _consent_log(workspace_id: UUID, customer_id: UUID) -> Iterator[dict[str, Any]]:
    entries = ConsentLogEntry.objects.in_workspace(workspace_id).filter(customer_id=customer_id)
    return map(consent_log_response, _paged(entries))


def _paged(rows: QuerySet[Any]) -> Iterator[Any]:
    """All rows by their ids, never more than a page of them in memory."""
    rows = rows.order_by("id")
    page = list(rows[:PAGE])
    while page:
        yield from page
        page = list(rows.filter(id__gt=page[-1].id)[:PAGE])
