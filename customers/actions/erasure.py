"""Erases people: removes all of their data, for any cause."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from django.db.models import Q

from configuration.actions.idempotency import forget_answers
from configuration.models import IdempotencyKey
from configuration.queries.rules import WorkspaceRules
from contacthub_project.db.encryption import FORGOTTEN_PEOPLE, keyed_hashes
from contacthub_project.db.sql import fetch_value, load
from customers.actions.aggregation import remerge
from customers.actions.data_subject_requests import erase_free_text
from customers.actions.merge_journals import forget_merges
from customers.actions.quarantine import forget_quarantined
from customers.actions.receipts import Erasure, write_receipt
from customers.actions.suppression import suppress
from customers.domain.matching import all_keys
from customers.models import (
    AggregateMember,
    ConsentLogEntry,
    Customer,
    DataSubjectRequest,
    DuplicatePair,
    ErasureCause,
    ErasureReceipt,
    MergedCustomer,
    QuarantinedRequest,
    SavedSearch,
    Webhook,
    WebhookAttempt,
)
from customers.models.customer_row import CustomerRow
from customers.observers import ForgottenPerson, Holdings, all_observers
from customers.queries.documents import document_of
from customers.queries.erasure import (
    ANSWER,
    OF_CUSTOMERS,
    REQUEST,
    SEARCH,
    WEBHOOK,
    people_of,
)
from customers.queries.quotations import quoting, remove_names

FORGET = load("customers/sql/forget_customers")
ERASE_VALUES = load("customers/sql/erase_consent_values")


def erase_customers(
    workspace: WorkspaceRules, rows: Sequence[CustomerRow], erasure: Erasure
) -> ErasureReceipt:
    """Remove all data of people; return the receipt with the numbers.

    Within a transaction that has locked the workspace's aggregates first, and then, in the order of
    their ids, the customers of `rows`.
    """
    merged = MergedCustomer.objects.gone_into(workspace.id, [UUID(row.id) for row in rows])
    # Who was merged into them is the same person, under other values.
    rows = [*rows, *(CustomerRow(*each.row) for each in merged if each.row is not None)]
    people = people_of(workspace, rows)
    erased = _Erasing(workspace, rows, people, erasure).erase()
    quarantined = forget_quarantined(workspace.id, people)
    erased.tables[QuarantinedRequest._meta.db_table] = quarantined
    erased.add(forget_merges(workspace.id, [UUID(row.id) for row in rows], merged))
    for observer in all_observers():
        erased.add(
            observer.customers_forgotten(
                workspace_id=workspace.id,
                people=people,
                on_request=erasure.cause == ErasureCause.REQUEST,
            )
        )
    ids = [person.customer_id for person in people]
    memberships = AggregateMember.objects.filter(workspace_id=workspace.id, entry_id__in=ids)
    erased.tables[AggregateMember._meta.db_table] = memberships.count()
    # In this transaction, not later: the copies are the person's data too.
    remerge(workspace.id, entries=ids)
    receipt = write_receipt(workspace.id, erasure, rows, erased)
    if erasure.cause == ErasureCause.REQUEST:
        suppress(workspace, people, receipt)
    return receipt


@dataclass(frozen=True, slots=True)
class _Erasing:
    """Erases the data of people that this app keeps."""

    workspace: WorkspaceRules
    rows: Sequence[CustomerRow]
    people: Sequence[ForgottenPerson]
    erasure: Erasure

    def erase(self) -> Holdings:
        """Remove it; return the numbers."""
        ids = [UUID(row.id) for row in self.rows]
        erased = Holdings()
        erased.tables[Customer._meta.db_table] = self._forget_customers(ids)
        erased.tables[ConsentLogEntry._meta.db_table] = self._erase_log_values(ids)
        self._erase_quotations(erased)
        pairs = DuplicatePair.objects.in_workspace(self.workspace.id).filter(
            Q(first_id__in=ids) | Q(second_id__in=ids)
        )
        erased.tables[DuplicatePair._meta.db_table] = pairs.delete()[0]
        for table in OF_CUSTOMERS:
            kept = table.objects.filter(workspace_id=self.workspace.id, customer_id__in=ids)
            erased.tables[table._meta.db_table] = kept.delete()[0]
        erased.tables[IdempotencyKey._meta.db_table] = forget_answers(self.workspace.id, ids)
        return erased

    def _forget_customers(self, ids: list[UUID]) -> int:
        """Make tombstones of the customers, with changes in the feed; return the number."""
        by = self.erasure.by
        parameters = {
            "workspace_id": self.workspace.id,
            "ids": ids,
            "keys": [self._keyed_hash_of(row) for row in self.rows],
            "author": None if by is None else by.author,
            "source_id": None if by is None else by.source_id,
            "user_id": None if by is None else by.user_id,
            "is_logged": self.erasure.cause == ErasureCause.REQUEST,
        }
        number: int = fetch_value(FORGET, parameters, prepare=False)
        return number

    def _erase_log_values(self, ids: list[UUID]) -> int:
        """Remove what the consent log quotes, and replace keys by keyed hashes."""
        logged = ConsentLogEntry.objects.in_workspace(self.workspace.id).filter(customer_id__in=ids)
        known = {bytes(key) for key in logged.values_list("match_key", flat=True).distinct() if key}
        keys = sorted(known - set(map(self._keyed_hash_of, self.rows)))
        parameters = {
            "workspace_id": self.workspace.id,
            "ids": ids,
            "keys": keys,
            "keyed_hashes": [keyed_hash(key) for key in keys],
        }
        number: int = fetch_value(ERASE_VALUES, parameters, prepare=False)
        return number

    def _erase_quotations(self, erased: Holdings) -> None:
        """Remove what somebody has written about the people."""
        quoted_in = partial(quoting, people=[(each.policy, each.document) for each in self.people])
        attempts = WebhookAttempt.objects.in_workspace(self.workspace.id).exclude(answer="")
        erased.tables[WebhookAttempt._meta.db_table] = attempts.filter(quoted_in(ANSWER)).count()
        # A receiver may have returned the data in any form, which cannot be searched.
        attempts.update(answer="")
        ids = [person.customer_id for person in self.people]
        words = erase_free_text(self.workspace.id, Q(customer_id__in=ids) | quoted_in(REQUEST))
        erased.tables[DataSubjectRequest._meta.db_table] = words
        searches = SavedSearch.objects.in_workspace(self.workspace.id).filter(quoted_in(SEARCH))
        erased.tables[SavedSearch._meta.db_table] = searches.delete()[0]
        webhooks = Webhook.objects.in_workspace(self.workspace.id)
        erased.tables[Webhook._meta.db_table] = remove_names(webhooks, WEBHOOK, self.people)

    def _keyed_hash_of(self, row: CustomerRow) -> bytes:
        """Return the keyed hash of the matching key; empty without one."""
        node = self.workspace.nodes[UUID(row.node_id)]
        keys = all_keys(node.matching, document_of(row))
        return keyed_hash(keys[min(keys)]) if keys else b""


def keyed_hash(match_key: bytes) -> bytes:
    """Return the replacement of a matching key in records of forgotten people."""
    return keyed_hashes(match_key, purpose=FORGOTTEN_PEOPLE)[0]
