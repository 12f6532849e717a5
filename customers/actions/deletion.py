"""Deletes customers. They can be restored until they are erased."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from configuration.queries.rules import WorkspaceRules, latest_rules_of
from contacthub_project.core.errors import (
    NotFound,
    Stale,
    Unavailable,
)
from contacthub_project.core.principal import Principal
from contacthub_project.messaging.enqueue import enqueue_on_commit
from contacthub_project.runtime.blocking import run_blocking
from customers.actions.customer_write import CustomerWrite, Outcome
from customers.actions.customers import ATTEMPTS
from customers.actions.expiry import TASK as ERASE_TASK
from customers.actions.validation import (
    open_node,
)
from customers.actions.writes import NodeNotOpen, write_customer
from customers.models import Customer
from customers.observers import all_observers
from customers.queries.documents import system_properties


def delete_customer(
    workspace: WorkspaceRules, customer_id: UUID, *, expected_version: int | None, by: Principal
) -> None:
    """Delete a customer and its data; raises NotFound, Stale, Locked.

    It can be restored until it is erased, which is after the workspace's `deleted_days`.
    """
    for _ in range(ATTEMPTS):
        try:
            _delete(workspace, customer_id, expected_version, by)
            return
        except NodeNotOpen:
            workspace = latest_rules_of(workspace.id) or workspace
    raise Unavailable


@transaction.atomic
def _delete(
    workspace: WorkspaceRules, customer_id: UUID, expected_version: int | None, by: Principal
) -> None:
    known = Customer.objects.live_row(workspace.id, customer_id)
    if known is None:
        raise NotFound(f"customer not found {customer_id}")
    node = open_node(workspace, UUID(system_properties(known)["nodeId"]))
    write = CustomerWrite.of_deletion(node, customer_id, expected_version, by)
    result = run_blocking(write_customer(workspace.id, write))
    if result.outcome is not Outcome.WRITTEN:
        raise NotFound(f"customer not found {customer_id}") if result.known is None else Stale
    for observer in all_observers():
        observer.customer_deleted(workspace_id=workspace.id, customer_id=customer_id)
    if workspace.deleted_days == 0:
        enqueue_on_commit(ERASE_TASK)
