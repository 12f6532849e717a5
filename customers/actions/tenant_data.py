"""What customers owe a node that goes: to go with it."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db import connection, transaction

from configuration.domain.customer_schema import CustomerSchema
from configuration.domain.matching_policy import MatchingPolicy
from contacthub_project.db.querysets import json_value_at
from contacthub_project.db.sql import load
from contacthub_project.db.tenant_data import Contradictions, TenantDataOwner
from customers.actions import rekeying
from customers.actions.building import build_batch, start_build
from customers.models import (
    AggregateBuild,
    AggregateMember,
    Change,
    ConsentLogEntry,
    Customer,
    Feed,
    NewKey,
    PendingMerge,
)
from customers.queries.contradictions import customers_against, customers_lacking

ERASE = load("customers/sql/erase_customers_of_node")


class CustomerDataOwner(TenantDataOwner):
    """Registered with `contacthub_project.db.tenant_data`."""

    order = 20

    def erase_node_batch(self, *, workspace_id: UUID, node_id: UUID, limit: int) -> int:
        """Delete customers of the node, and tell the change feed."""
        with connection.cursor() as cursor:
            cursor.execute(
                ERASE, {"workspace_id": workspace_id, "node_id": node_id, "limit": limit}
            )
            erased: int = cursor.fetchone()[0]
        if not erased:
            # Those who had an aggregate customer of this node went with it.
            AggregateMember.objects.filter(aggregate_node_id=node_id).delete()
            AggregateBuild.objects.filter(node_id=node_id).delete()
            NewKey.objects.of_node(workspace_id, node_id).delete()
        return erased

    def erase_workspace_batch(self, *, workspace_id: UUID, limit: int) -> int:
        """Delete the feed and the consent log of a workspace that is no more."""
        Feed.objects.filter(workspace_id=workspace_id).delete()
        AggregateBuild.objects.filter(workspace_id=workspace_id).delete()
        for model in (Change, ConsentLogEntry, PendingMerge):
            ids = list(
                model.objects.filter(workspace_id=workspace_id).values_list("id", flat=True)[:limit]
            )
            if ids:
                with transaction.atomic():
                    return model.objects.filter(id__in=ids).delete()[0]
        return 0

    def has_values(self, *, workspace_id: UUID, section: str, name: str) -> bool:
        """Whether a customer of the workspace has a value of an extended property."""
        if section != "customers":
            return False
        value = json_value_at("extended", *name.split("."))
        customers = Customer.objects.filter(workspace_id=workspace_id).alias(value=value)
        return customers.filter(value__isnull=False).exists()

    def customers_lacking(
        self,
        *,
        workspace_id: UUID,
        node_id: UUID,
        schema: CustomerSchema,
        paths: Sequence[str],
        most: int,
    ) -> Contradictions:
        """Live customers of the node without a value at one of the paths."""
        return customers_lacking(workspace_id, node_id, schema, paths, most)

    def customers_against(
        self, *, workspace_id: UUID, schema: CustomerSchema, paths: Sequence[str], most: int
    ) -> Contradictions:
        """Live customers of entry nodes whose values at the paths the schema refuses."""
        return customers_against(workspace_id, schema, paths, most)

    def count_up_to(self, *, node_id: UUID, most: int) -> int:
        """How many customers the node has, deleted ones that are kept included."""
        return Customer.objects.filter(node_id=node_id).count_up_to(most)

    def start_building(self, *, workspace_id: UUID, node_id: UUID) -> None:
        """Look at all customers of an aggregate node's entry nodes, from the first on."""
        start_build(workspace_id, node_id)

    def build_batch(self, *, workspace_id: UUID, node_id: UUID) -> bool:
        """Look at some more of them."""
        return build_batch(workspace_id, node_id)

    def start_rekeying(self, *, workspace_id: UUID, node_id: UUID) -> int:
        """How many live customers there are."""
        return rekeying.start_rekeying(workspace_id, node_id)

    def compute_keys(
        self,
        *,
        workspace_id: UUID,
        node_id: UUID,
        policy: MatchingPolicy,
        after: UUID | None,
        limit: int,
    ) -> list[UUID]:
        """Keep the next customers' keys aside."""
        return rekeying.compute_keys(workspace_id, node_id, policy, after, limit)

    def key_collisions(self, *, workspace_id: UUID, node_id: UUID, most: int) -> list[list[str]]:
        """Groups of at most 10 customers."""
        return rekeying.key_collisions(workspace_id, node_id, most)

    def write_keys(
        self, *, workspace_id: UUID, node_id: UUID, after: UUID | None, limit: int
    ) -> list[UUID]:
        """Give customers their keys; that is no change of a customer."""
        return rekeying.write_keys(workspace_id, node_id, after, limit)

    def clear_keys(self, *, workspace_id: UUID, node_id: UUID, limit: int) -> int:
        """Forget what was kept aside."""
        return rekeying.clear_keys(workspace_id, node_id, limit)
