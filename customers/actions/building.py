"""Fills an aggregate node with the customers of its entry nodes."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.utils import timezone

from configuration.models import Node
from contacthub_project.db.sql import fetch_all, load
from customers.actions.aggregation import remerge
from customers.models import AggregateBuild, Customer

CHUNK = 500
NEXT = load("customers/sql/next_customers_to_build")


def start_build(workspace_id: UUID, node_id: UUID) -> None:
    """Start to build an aggregate node; called within a transaction."""
    node = Node.objects.get(id=node_id, workspace_id=workspace_id)
    customers = Customer.objects.live().filter(
        workspace_id=workspace_id, node_id__in=node.entry_nodes
    )
    AggregateBuild.objects.update_or_create(
        workspace_id=workspace_id,
        node_id=node_id,
        defaults={
            "position": None,
            "done": 0,
            "total": customers.count(),
            "started_at": timezone.now(),
        },
    )


@transaction.atomic
def build_batch(workspace_id: UUID, node_id: UUID) -> bool:
    """Merge the next customers and record the position, in one transaction.

    Return whether it is complete.
    """
    builds = AggregateBuild.objects.select_for_update().filter(
        workspace_id=workspace_id, node_id=node_id
    )
    build = builds.first()
    if build is None:
        return True
    node = Node.objects.get(id=node_id, workspace_id=workspace_id)
    parameters = {
        "workspace_id": workspace_id,
        "node_ids": list(node.entry_nodes),
        "after": build.position,
        "size": CHUNK,
    }
    rows = fetch_all(NEXT, parameters)
    ids = [customer_id for (customer_id,) in rows]
    remerge(workspace_id, entries=ids, only_node=node_id)
    if len(ids) < CHUNK:
        build.delete()
        return True
    build.position = ids[-1]
    build.done += len(ids)
    build.save()
    return False
