"""Restricts the processing of a person's data (article 18 of the GDPR)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from configuration.domain.consent_paths import CONSENT_PATHS
from configuration.queries.rules import WorkspaceRules
from contacthub_project.core.errors import NotFound
from contacthub_project.core.principal import Principal
from contacthub_project.runtime.blocking import run_blocking
from customers.actions.data_subject_requests import settle_requests
from customers.actions.modification import modify_customer
from customers.actions.modification_body import Modification
from customers.domain.modes import Mode
from customers.domain.paths import nested, value_at
from customers.models import Customer, DeletedState, ErasureScope, RequestType
from customers.models.customer_row import CustomerRow
from customers.queries.same_person import customers_of_person


def restrict_customer(
    workspace: WorkspaceRules,
    customer_id: UUID,
    *,
    is_restricted: bool,
    scope: ErasureScope,
    by: Principal,
) -> list[UUID]:
    """Set or lift `limitation` of every consent of a person; return the customers' ids.

    Of an aggregate customer the entry customers are restricted; with the workspace as scope, the
    same person in all nodes. Customers are changed one after the other: a repetition after a
    failure changes the remaining ones. Raises NotFound, Conflict, Locked.
    """
    row = Customer.objects.live_row(workspace.id, customer_id)
    if row is None:
        raise NotFound(f"customer not found {customer_id}")
    rows = list(_live(workspace, row, scope))
    consents = nested({f"{path}.limitation": is_restricted for path in CONSENT_PATHS})
    for each in rows:
        change = Modification(UUID(each.id), {"consents": consents}, Mode.PATCH)
        run_blocking(modify_customer(workspace, change, by=by))
    ids = [UUID(each.id) for each in rows]
    if ids and is_restricted:
        settle_requests(workspace, RequestType.RESTRICTION, ids, by=by)
    return ids


def is_restricted(consents: Any) -> bool:
    """Return whether every consent is limited."""
    return all(value_at(consents, f"{path}.limitation") is True for path in CONSENT_PATHS)


def _live(
    workspace: WorkspaceRules, row: CustomerRow, scope: ErasureScope
) -> Iterator[CustomerRow]:
    for found in customers_of_person(workspace, row, scope):
        if found.row.deleted == DeletedState.LIVE:
            yield found.row
