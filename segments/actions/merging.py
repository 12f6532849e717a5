"""Lists of static segments when customers are merged, and when that is undone.

Merged customers stay on their lists, as deleted ones do, and so are on them again when the merge is
undone. Only the survivor's listing is written, with the merge that it comes by.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from contacthub_project.db.sql import fetch_all, load
from contacthub_project.messaging.enqueue import enqueue_on_commit
from customers.models import MergedCustomer
from segments.actions.forgetting import forget_customers
from segments.actions.refreshing import TASK
from segments.models import ListedCustomer

LIST_SURVIVOR = load("segments/sql/list_survivor")
UNLIST_SURVIVOR = load("segments/sql/unlist_survivor")


def inherit_lists(
    workspace_id: UUID, *, merge_id: UUID, survivor_id: UUID, customer_ids: Sequence[UUID]
) -> None:
    """Put the survivor of a merge on the lists of the merged customers; the caller holds them."""
    parameters = {
        "workspace_id": workspace_id,
        "merge_id": merge_id,
        "survivor_id": survivor_id,
        "ids": list(customer_ids),
    }
    if fetch_all(LIST_SURVIVOR, parameters, prepare=False):
        enqueue_on_commit(TASK)


def give_back_lists(workspace_id: UUID, *, merge_id: UUID, survivor_id: UUID) -> None:
    """Take the survivor from the lists that it is on by a merge only; the caller holds it."""
    parameters = {"workspace_id": workspace_id, "merge_id": merge_id, "survivor_id": survivor_id}
    if not fetch_all(UNLIST_SURVIVOR, parameters, prepare=False):
        return
    enqueue_on_commit(TASK)
    # Other merges may have brought the survivor customers of the same lists.
    others = MergedCustomer.objects.in_force(workspace_id).filter(survivor_id=survivor_id)
    pairs = others.exclude(merge_id=merge_id).order_by("merge_id", "customer_id")
    for other_merge, customer_id in pairs.values_list("merge_id", "customer_id"):
        inherit_lists(
            workspace_id,
            merge_id=other_merge,
            survivor_id=survivor_id,
            customer_ids=[customer_id],
        )


def forget_origins(workspace_id: UUID, merge_ids: Sequence[UUID]) -> None:
    """Forget the lists of merged customers, as their merges can be undone no more."""
    listed = ListedCustomer.objects.in_workspace(workspace_id)
    listed.filter(merge_id__in=list(merge_ids)).update(merge_id=None)
    merged = MergedCustomer.objects.in_force(workspace_id).filter(merge_id__in=list(merge_ids))
    ids = list(merged.values_list("customer_id", flat=True))
    if ids:
        forget_customers(workspace_id, ids)
