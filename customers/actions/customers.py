"""Creates customers, and merges into existing ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from configuration.queries.rules import NodeRules, WorkspaceRules, latest_rules_of
from contacthub_project.core.equivalence import is_equivalent
from contacthub_project.core.errors import (
    FieldError,
    Invalid,
    Unavailable,
)
from contacthub_project.core.identifiers import as_uuid
from contacthub_project.core.principal import Principal
from contacthub_project.db.deadlocks import repeated_on_deadlock
from contacthub_project.runtime.blocking import in_thread, in_thread_if_blocking, run_blocking
from customers.actions.browser_access import check_matching_values
from customers.actions.customer_write import CustomerWrite, Outcome, WriteResult
from customers.actions.identity_locks import lock_identities
from customers.actions.matching_keys import key_identities
from customers.actions.validation import (
    INVALID_CUSTOMER,
    check_document,
    check_required,
    checked_body,
    heir_body,
    now_text,
    open_node,
    subscription_faults,
    without_generated,
)
from customers.actions.writes import ConcurrentChange, NodeNotOpen, lock_open_node, write_customer
from customers.domain.identities import EXTERNAL_ID
from customers.domain.matching import match_key
from customers.domain.merge import (
    EMPTY,
    Document,
    for_create,
    unchanged,
    with_subscription_dates,
)
from customers.domain.passwords import keep_password
from customers.models import ChangeCause, Customer, DeletedState
from customers.models.customer_row import CustomerRow
from customers.models.passwords import with_encrypted_password
from customers.queries.documents import document_of
from customers.queries.merges import merged_into
from customers.queries.recognition import recognised
from customers.queries.suppressions import returning

ATTEMPTS = 5


OTHER_ID = FieldError("/id", "is not the id of the customer with these values", "reference")


@dataclass(frozen=True, slots=True)
class Upserted:
    """The customer after a POST, and whether it is new."""

    row: CustomerRow
    created: bool


async def upsert_customer(
    workspace: WorkspaceRules, node_id: UUID, *, body: dict[str, Any], by: Principal
) -> Upserted:
    """Create a customer, or merge into the matching one (reference: Create Customer).

    `body` may be a customer as it was read: generated properties are ignored, but an id must be
    that of the matching customer. Raises Invalid with every fault of `body`, NotFound or Locked for
    the node, PersonForgotten where the workspace refuses forgotten people.
    """
    sent, customer_id = without_generated(body), body.get("id")
    is_possible = customer_id is None or (isinstance(customer_id, str) and as_uuid(customer_id))
    also = [] if is_possible else [OTHER_ID]
    for _ in range(ATTEMPTS):
        node = open_node(workspace, node_id)
        given = checked_body(workspace, node, sent, also=also)
        document = for_create(EMPTY, given)
        check_required(node, document)
        returned = await in_thread_if_blocking(
            partial(returning, workspace, node, document, given=given)
        )
        # A subscription without `subscribed` must exist already.
        incomplete = subscription_faults(document, given)
        post = _Post(workspace, node, given, by, customer_id, returned)
        try:
            if customer_id is None and not incomplete:
                upserted = await post.created_or_merged(document)
            else:
                upserted = await in_thread(partial(post.merged_while_held, document))
        except (NodeNotOpen, ConcurrentChange):
            workspace = await in_thread(partial(_latest, workspace))
            continue
        if upserted is not None:
            return upserted
        if customer_id is not None:
            raise Invalid(INVALID_CUSTOMER, errors=[OTHER_ID])
        if incomplete:
            raise Invalid(INVALID_CUSTOMER, errors=incomplete)
    # A round fails when a deletion or a change of the node's policy is faster.
    raise Unavailable


@dataclass(frozen=True, slots=True)
class _Post:
    """A POST, with the rules as they were read.

    `customer_id` is the id in the body, if any; `returned` are hashes of values of a forgotten
    person that it brings back.
    """

    workspace: WorkspaceRules
    node: NodeRules
    given: dict[str, Any]
    by: Principal
    customer_id: Any
    returned: Sequence[bytes]

    async def created_or_merged(self, document: Document) -> Upserted | None:
        """Return the new customer, or the matching one merged with the body.

        None when another transaction was faster. Raises NodeNotOpen.
        """
        document = with_subscription_dates(EMPTY, document, now_text())
        write = CustomerWrite.of_new(self.node, document, self.by, appears=document["externalId"])
        if self.returned:
            write = replace(write, brings_back=self.returned)
        result = await write_customer(self.workspace.id, write)
        if result.outcome is Outcome.WRITTEN:
            return Upserted(_new_row(write, result), created=True)
        if result.known is None:
            return None
        try:
            return await self._merged(result.known)
        except ConcurrentChange:
            return await in_thread(partial(self.merged_while_held, document))

    @repeated_on_deadlock
    @transaction.atomic
    def merged_while_held(self, document: Document) -> Upserted | None:
        """Return the matching customer, locked and merged with the body.

        None when there is none. Raises NodeNotOpen, Invalid when its id is not the one in the body.
        """
        identities = key_identities(self.node, [document, *self._expected(document)])
        if document["externalId"] is not None:
            identities.append((self.node.id, EXTERNAL_ID, document["externalId"]))
        lock_identities(identities)
        lock_open_node(self.workspace.id, self.node)
        row = self._held_person(document)
        if row is None:
            return None
        if self.customer_id is not None and not self._is_named(row):
            raise Invalid(INVALID_CUSTOMER, errors=[OTHER_ID])
        return run_blocking(self._merged(row))

    def _expected(self, document: Document) -> Iterator[Document]:
        """The customer that is known now, merged: keys are locked before rows."""
        if not self.node.matching.has_several_rules:
            return
        known = recognised(self.workspace.id, self.node, document)
        row = known and Customer.objects.live_row(self.workspace.id, known)
        if row:
            before = document_of(row)
            yield for_create(before, heir_body(self.node, before, self.given))

    def _held_person(self, document: Document) -> CustomerRow | None:
        """Return the customer that the document is recognised as, locked."""
        workspace_id, node = self.workspace.id, self.node
        if node.matching.has_several_rules:
            known = recognised(workspace_id, node, document)
            return None if known is None else Customer.objects.lock_live_row(workspace_id, known)
        key = match_key(node.matching, document)
        return Customer.objects.lock_same_person(
            workspace_id, node.id, key
        ) or Customer.objects.lock_heir(workspace_id, node.id, key)

    def _is_named(self, row: CustomerRow) -> bool:
        """Whether the body names the customer, if only by the id of one who was merged into it."""
        if is_equivalent(self.customer_id, row.id):
            return True
        named = as_uuid(self.customer_id)
        return named is not None and merged_into(self.workspace.id, named) == UUID(row.id)

    async def _merged(self, row: CustomerRow) -> Upserted:
        """Return the customer merged with the body.

        Raises ConcurrentChange if it is no longer `row`.
        """
        before = document_of(row)
        given = heir_body(self.node, before, self.given)
        merged = self.workspace.customer_schema.with_disabled_of(before, for_create(before, given))
        merged = keep_password(before, merged, by=self.by)
        after = with_subscription_dates(before, merged, now_text())
        if unchanged(before, after):
            return Upserted(row, created=False)
        check_matching_values(self.node, before, after, self.by)
        check_document(self.workspace, self.node, after, before=before, given=self.given)
        write = replace(
            CustomerWrite.of_change(self.node, row, after, self.by, cause=ChangeCause.POST),
            brings_back=self.returned,
            may_share=True,
        )
        try:
            result = await write_customer(self.workspace.id, write)
        except IntegrityError:
            raise ConcurrentChange from None  # another customer has got one of its keys
        if result.outcome is not Outcome.WRITTEN:
            raise ConcurrentChange
        return Upserted(write.changed_row(row, result), created=False)


def _new_row(write: CustomerWrite, result: WriteResult) -> CustomerRow:
    document, now = write.document, result.written_at
    assert document is not None
    assert now is not None
    assert result.int_id is not None
    return CustomerRow(
        str(write.id), result.int_id, document["externalId"], str(write.node_id),
        with_encrypted_password(document["base"]), document["consents"], document["extended"],
        document["extra"], document["tags"], document["enabled"],
        now, now, 1, DeletedState.LIVE.value, write.registered_by, write.updated_by,
    )  # fmt: skip


def _latest(workspace: WorkspaceRules) -> WorkspaceRules:
    latest = latest_rules_of(workspace.id)
    return replace(workspace, nodes={}) if latest is None else latest
