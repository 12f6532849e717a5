"""Filling an aggregate node with the customers of its entry nodes."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.utils import timezone

from configuration.models import Node
from contacthub_project.db.sql import fetch_all
from customers.actions.aggregation import remerge
from customers.models import AggregateBuild, Customer

CHUNK = 500
# Those who are members already are looked at as well: they may be left out from now on.
NEXT = """
SELECT id FROM customers_customer
WHERE workspace_id = %s AND node_id = ANY (%s) AND deleted = 0
  AND (%s::uuid IS NULL OR id > %s)
ORDER BY id LIMIT %s
"""


def start_build(workspace_id: UUID, node_id: UUID) -> None:
    """Within a transaction: build an aggregate node from the start."""
    node = Node.objects.get(id=node_id)
    customers = Customer.objects.live().filter(
        workspace_id=workspace_id, node_id__in=node.entry_nodes
    )
    AggregateBuild.objects.update_or_create(
        node_id=node_id,
        defaults={
            "workspace_id": workspace_id,
            "position": None,
            "done": 0,
            "total": customers.count(),
            "started_at": timezone.now(),
        },
    )


@transaction.atomic
def build_batch(workspace_id: UUID, node_id: UUID) -> bool:
    """Merge the next customers, and note how far it is, both or neither; True when all are done."""
    builds = AggregateBuild.objects.select_for_update().filter(
        workspace_id=workspace_id, node_id=node_id
    )
    build = builds.first()
    if build is None:
        return True
    node = Node.objects.get(id=node_id)
    rows = fetch_all(
        NEXT, [workspace_id, list(node.entry_nodes), build.position, build.position, CHUNK]
    )
    ids = [customer_id for (customer_id,) in rows]
    remerge(workspace_id, entries=ids, only_node=node_id)
    if len(ids) < CHUNK:
        build.delete()
        return True
    build.position = ids[-1]
    build.done += len(ids)
    build.save()
    return False
