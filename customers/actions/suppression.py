"""Suppresses values of forgotten people, records their return, and lifts suppressions."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from configuration.models import Suppression
from configuration.queries.rules import WorkspaceRules, rules_of, suppressions_changed
from contacthub_project.core.errors import NotFound
from contacthub_project.core.identifiers import new_id
from contacthub_project.core.principal import Principal
from customers.domain.suppression import identities
from customers.models import (
    DataSubjectRequest,
    ErasureReceipt,
    ErasureScope,
    RequestState,
    RequestType,
    SuppressedValue,
)
from customers.observers import ForgottenPerson
from customers.queries.suppressions import hashes_of_identity, key_id


def suppress(
    workspace: WorkspaceRules, people: Sequence[ForgottenPerson], receipt: ErasureReceipt
) -> None:
    """Store hashes of the people's identities, within the transaction of an erasure.

    Not where suppression is off. Of people forgotten in the whole workspace also hashes that are
    valid in every node. Must be the last step of the transaction: it waits for the workspace's row.
    """
    if workspace.suppression == Suppression.OFF:
        return
    everywhere = receipt.scope == ErasureScope.WORKSPACE
    found = {
        identity
        for person in people
        for identity in identities(
            person.node_id, person.policy, person.document, everywhere=everywhere
        )
    }
    if not found:
        return
    key = key_id()
    SuppressedValue.objects.bulk_create(
        [
            SuppressedValue(
                workspace_id=workspace.id,
                id=new_id(),
                node_id=identity[1],
                kind=identity[0],
                hash=hashes_of_identity(identity)[0],
                key_id=key,
                receipt_id=receipt.id,
                created_at=receipt.moment,
            )
            for identity in sorted(found, key=str)
        ],
        ignore_conflicts=True,
        batch_size=1000,
    )
    suppressions_changed(workspace.id)


def note_return(workspace_id: UUID, hashes: Sequence[bytes], customer_id: UUID) -> None:
    """Record that values of a forgotten person have been accepted again."""
    workspace = rules_of(workspace_id) if hashes else None
    if workspace is None:
        return
    values = SuppressedValue.objects.in_force(workspace_id).with_hashes(hashes)
    # In one order, as others may bring back some of the same.
    known = values.order_by("id").select_for_update().values_list("id", "receipt_id")
    receipts = dict(known)
    if not receipts:
        return
    now = timezone.now()
    values.filter(id__in=list(receipts)).update(returned_at=now, returns=F("returns") + 1)
    today = now.astimezone(workspace.zone).date()
    DataSubjectRequest.objects.create(
        workspace_id=workspace_id,
        type=RequestType.RETURN,
        state=RequestState.DONE,
        received_on=today,
        due_on=today,
        customer_id=customer_id,
        receipt_id=max(receipts.values()),
        closed_at=now,
    )


@transaction.atomic
def lift_suppression(
    workspace_id: UUID, suppression_id: UUID, *, reason: str, by: Principal
) -> SuppressedValue:
    """Lift the suppression of a value, from now on; a lifted one is unchanged.

    Raises NotFound.
    """
    values = SuppressedValue.objects.in_workspace(workspace_id).filter(id=suppression_id)
    value = values.select_for_update().first()
    if value is None:
        raise NotFound(f"suppression not found {suppression_id}")
    if value.lifted_at is None:
        value.lifted_at, value.lifted_by, value.lift_reason = timezone.now(), by.user_id, reason
        values.update(
            lifted_at=value.lifted_at, lifted_by=value.lifted_by, lift_reason=value.lift_reason
        )
        suppressions_changed(workspace_id)
    return value
