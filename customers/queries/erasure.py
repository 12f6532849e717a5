"""The plan of an erasure: what it would remove."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any, TypedDict
from uuid import UUID

from django.db.models import Q

from configuration.models import IdempotencyKey
from configuration.queries.rules import WorkspaceRules
from contacthub_project.core.errors import NotFound
from customers.models import (
    AggregateMember,
    AggregatePin,
    BlockingKey,
    ConsentLogEntry,
    Customer,
    DataSubjectRequest,
    DeletedSession,
    DeletedState,
    DuplicatePair,
    ErasureScope,
    FormerIdentity,
    MatchingKey,
    MergedCustomer,
    NewKey,
    QuarantinedRequest,
    RecordMerge,
    SavedSearch,
    Session,
    ValueChange,
    Webhook,
    WebhookAttempt,
)
from customers.models.customer_row import CustomerRow
from customers.observers import ForgottenPerson, Holdings, all_observers
from customers.queries.documents import document_of
from customers.queries.quarantine import count_quarantined
from customers.queries.quotations import naming, quoting
from customers.queries.same_person import Found, customers_of_person

# Tables whose rows are of one customer each.
OF_CUSTOMERS = (
    Session, DeletedSession, NewKey, BlockingKey, ValueChange, AggregatePin, MatchingKey,
)  # fmt: skip
# Fields in which somebody may have written about a person.
ANSWER, REQUEST, SEARCH = ("answer",), ("subject", "note"), ("parameters", "name")
WEBHOOK = ("name", "condition")
NOT_QUOTED = ("true", "false")  # values of the consent log that identify nobody


class PlannedErasure(TypedDict):
    """A customer that would be forgotten, and the numbers of its data by table and kind of file."""

    id: str
    nodeId: str
    deleted: int
    reason: str
    tables: dict[str, int]
    files: dict[str, int]


class ErasurePlan(TypedDict):
    """The customers that would be forgotten with one, and the sums of their data."""

    customerId: str
    scope: str
    customers: list[PlannedErasure]
    tables: dict[str, int]
    files: dict[str, int]


def people_of(workspace: WorkspaceRules, rows: Sequence[CustomerRow]) -> list[ForgottenPerson]:
    """Return the identities of customers, with the values of their sessions."""
    ids = [UUID(row.id) for row in rows]
    sessions: dict[UUID, list[str]] = defaultdict(list)
    for table in (Session, DeletedSession):
        kept = table.objects.filter(workspace_id=workspace.id, customer_id__in=ids)
        for customer_id, value in kept.values_list("customer_id", "value"):
            sessions[customer_id].append(value)
    return [
        ForgottenPerson(
            customer_id=UUID(row.id),
            node_id=UUID(row.node_id),
            policy=workspace.nodes[UUID(row.node_id)].matching,
            document=document_of(row),
            sessions=sessions[UUID(row.id)],
            deleted_at=deleted_at(row),
        )
        for row in rows
    ]


def deleted_at(row: CustomerRow) -> datetime | None:
    """Return when a customer was deleted: its last change."""
    if row.deleted != DeletedState.DELETED:
        return None
    moment = row.updated_at
    return moment if isinstance(moment, datetime) else datetime.fromisoformat(moment)


def erasure_plan(workspace: WorkspaceRules, customer_id: UUID, scope: ErasureScope) -> ErasurePlan:
    """Return the customers that would be forgotten with one, and the numbers of their data.

    Without locks, as of now. Raises NotFound.
    """
    row = Customer.objects.known_row(workspace.id, customer_id)
    if row is None:
        raise NotFound(f"customer not found {customer_id}")
    found = customers_of_person(workspace, row, scope)
    people = people_of(workspace, [each.row for each in found])
    total, customers = Holdings(), []
    for each, person in zip(found, people, strict=True):
        held = held_by(workspace.id, person)
        customers.append(_planned(each, held))
        total.tables.update(held.tables)
        for kind, count in held.files.items():
            # Files are a node's or the workspace's: one that several customers stand in is one.
            total.files[kind] = max(total.files[kind], count)
    return {
        "customerId": str(customer_id),
        "scope": scope,
        "customers": customers,
        "tables": _named(total.tables),
        "files": _named(total.files),
    }


def _planned(found: Found, held: Holdings) -> PlannedErasure:
    return {
        "id": found.row.id,
        "nodeId": found.row.node_id,
        "deleted": found.row.deleted,
        "reason": found.reason,
        "tables": _named(held.tables),
        "files": _named(held.files),
    }


def _named(counts: Any) -> dict[str, int]:
    return {name: counts[name] for name in sorted(counts) if counts[name]}


def held_by(workspace_id: UUID, person: ForgottenPerson) -> Holdings:
    """What is kept of a customer, in this app and those above."""
    held = Holdings()
    held.tables[Customer._meta.db_table] = 1
    entries = ConsentLogEntry.objects.in_workspace(workspace_id)
    quoting = Q(value__isnull=False) & ~Q(value__in=NOT_QUOTED)
    logged = entries.filter(Q(match_key__isnull=False) | quoting, customer_id=person.customer_id)
    held.tables[ConsentLogEntry._meta.db_table] = logged.count()
    pairs = DuplicatePair.objects.in_workspace(workspace_id).filter(
        Q(first_id=person.customer_id) | Q(second_id=person.customer_id)
    )
    held.tables[DuplicatePair._meta.db_table] = pairs.count()
    merged = MergedCustomer.objects.in_force(workspace_id).filter(current_id=person.customer_id)
    held.tables[MergedCustomer._meta.db_table] = merged.count()
    merge_ids = list(merged.values_list("merge_id", flat=True).distinct())
    held.tables[RecordMerge._meta.db_table] = len(merge_ids)
    former = FormerIdentity.objects.in_workspace(workspace_id).filter(merge_id__in=merge_ids)
    held.tables[FormerIdentity._meta.db_table] = former.count()
    for table in OF_CUSTOMERS:
        rows = table.objects.filter(workspace_id=workspace_id, customer_id=person.customer_id)
        held.tables[table._meta.db_table] = rows.count()
    answers = IdempotencyKey.objects.naming(workspace_id, [person.customer_id])
    held.tables[IdempotencyKey._meta.db_table] = answers.count()
    _add_quotations(held, workspace_id, person)
    held.tables[QuarantinedRequest._meta.db_table] = count_quarantined(workspace_id, person)
    members = AggregateMember.objects.filter(workspace_id=workspace_id, entry_id=person.customer_id)
    held.tables[AggregateMember._meta.db_table] = members.count()
    for observer in all_observers():
        held.add(observer.holdings(workspace_id=workspace_id, person=person))
    return held


def _add_quotations(held: Holdings, workspace_id: UUID, person: ForgottenPerson) -> None:
    """Count what somebody has written about a person."""
    quoted_in = partial(quoting, people=[(person.policy, person.document)])
    requests = DataSubjectRequest.objects.in_workspace(workspace_id).with_free_text()
    of_person = requests.filter(Q(customer_id=person.customer_id) | quoted_in(REQUEST))
    held.tables[DataSubjectRequest._meta.db_table] = of_person.count()
    attempts = WebhookAttempt.objects.in_workspace(workspace_id).filter(quoted_in(ANSWER))
    held.tables[WebhookAttempt._meta.db_table] = attempts.count()
    searches = SavedSearch.objects.in_workspace(workspace_id).filter(quoted_in(SEARCH))
    held.tables[SavedSearch._meta.db_table] = searches.count()
    webhooks = naming(Webhook.objects.in_workspace(workspace_id), WEBHOOK, [person])
    held.tables[Webhook._meta.db_table] = webhooks.count()
