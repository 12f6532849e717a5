"""Erases the data of deleted customers, once they can no longer be restored.

Each batch is a transaction with its own receipt, so an interrupted run continues. Two workers wait
for each other at the workspace's aggregates, as in all erasures.
"""

from __future__ import annotations

import time
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from configuration.models import NodeState, NodeType, Workspace
from configuration.queries.rules import WorkspaceRules, latest_rules_of
from customers.actions.aggregation import lock_aggregates
from customers.actions.erasure import erase_customers
from customers.actions.receipts import Erasure
from customers.models import Customer, DeletedState, ErasureCause

TASK = "customers.tasks.erase_deleted"
BATCH = 100


def erase_deleted(*, seconds: float) -> bool:
    """Erase expired customers, for about so many seconds; return True when none is left."""
    deadline = time.monotonic() + seconds
    for workspace_id in Workspace.objects.present().values_list("id", flat=True):
        workspace = latest_rules_of(workspace_id)
        while workspace is not None and _erase_batch(workspace) == BATCH:
            if time.monotonic() > deadline:
                return False
    return True


@transaction.atomic
def _erase_batch(workspace: WorkspaceRules) -> int:
    """Erase a batch, the earliest deleted first; return the number."""
    over = timezone.now() - timedelta(days=workspace.deleted_days)
    nodes = [
        node.id
        for node in workspace.nodes.values()
        if node.type == NodeType.ENTRY and node.state != NodeState.LOCKED
    ]
    deleted = Customer.objects.in_workspace(workspace.id).filter(deleted=DeletedState.DELETED)
    expired = deleted.filter(updated_at__lte=over, node_id__in=nodes)
    ids = expired.order_by("updated_at", "id").values_list("id", flat=True)
    if not ids[:1]:
        return 0
    lock_aggregates(workspace.id)
    rows = [
        row
        for row in Customer.objects.lock_known_rows(workspace.id, list(ids[:BATCH]))
        if row.deleted == DeletedState.DELETED
    ]
    if rows:
        erase_customers(workspace, rows, Erasure(ErasureCause.DELETED_DAYS))
    return len(rows)
