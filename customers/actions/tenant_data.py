"""Removes and rekeys the customers of nodes and workspaces."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import transaction

from configuration.domain.customer_schema import CustomerSchema
from configuration.domain.matching_policy import MatchingPolicy
from contacthub_project.db.querysets import json_value_at
from contacthub_project.db.sql import fetch_all, fetch_value, load
from contacthub_project.db.tenant_data import Contradictions, TenantDataOwner
from customers.actions import rekeying
from customers.actions.building import build_batch, start_build
from customers.models import (
    AggregateBuild,
    AggregateMember,
    AggregatePin,
    Change,
    ConsentLogEntry,
    Customer,
    DataSubjectRequest,
    DuplicatePair,
    DuplicateSearch,
    ErasureReceipt,
    Feed,
    FormerIdentity,
    MergedCustomer,
    NewKey,
    PendingMerge,
    QuarantinedRequest,
    RecordMerge,
    RefusalCount,
    SavedSearch,
    SuppressedValue,
    ValueChange,
    Webhook,
    WebhookAttempt,
)
from customers.queries.contradictions import customers_against, customers_lacking

OF_WORKSPACES: tuple[Any, ...] = (
    Change,
    ConsentLogEntry,
    PendingMerge,
    ErasureReceipt,
    SuppressedValue,
    DataSubjectRequest,
    WebhookAttempt,
    Webhook,
    QuarantinedRequest,
    RefusalCount,
    SavedSearch,
)
OF_NODES: tuple[Any, ...] = (
    FormerIdentity,
    MergedCustomer,
    RecordMerge,
    DuplicatePair,
    AggregatePin,
)
ERASE = load("customers/sql/erase_customers_of_node")
ERASE_ABSENCES = load("customers/sql/erase_absences")


class CustomerDataOwner(TenantDataOwner):
    """Registered with `contacthub_project.db.tenant_data`."""

    order = 20

    def erase_node_batch(self, *, workspace_id: UUID, node_id: UUID, limit: int) -> int:
        """Delete customers of the node, with changes in the feed."""
        parameters = {"workspace_id": workspace_id, "node_id": node_id, "limit": limit}
        erased: int = fetch_value(ERASE, parameters, prepare=False)
        if not erased:
            # Their aggregate customers in this node are deleted with it.
            members = AggregateMember.objects.filter(workspace_id=workspace_id)
            members.filter(aggregate_node_id=node_id).delete()
            AggregateBuild.objects.in_workspace(workspace_id).filter(node_id=node_id).delete()
            NewKey.objects.of_node(workspace_id, node_id).delete()
            quarantined = QuarantinedRequest.objects.in_workspace(workspace_id)
            quarantined.filter(node_id=node_id).delete()
            for table in OF_NODES:
                table.objects.filter(workspace_id=workspace_id, node_id=node_id).delete()
        return erased

    def erase_workspace_batch(self, *, workspace_id: UUID, limit: int) -> int:
        """Delete data of a deleted workspace that belongs to no node, the feed first."""
        Feed.objects.filter(workspace_id=workspace_id).delete()
        AggregateBuild.objects.filter(workspace_id=workspace_id).delete()
        DuplicateSearch.objects.filter(workspace_id=workspace_id).delete()
        # The customers have gone with their nodes, and their history with them.
        ValueChange.objects.filter(workspace_id=workspace_id).delete()
        absences = fetch_all(ERASE_ABSENCES, {"workspace_id": workspace_id, "limit": limit})
        if absences:
            return len(absences)
        for model in OF_WORKSPACES:
            rows = model.objects.filter(workspace_id=workspace_id)
            ids = list(rows.values_list("id", flat=True)[:limit])
            if ids:
                with transaction.atomic():
                    removed: int = rows.filter(id__in=ids).delete()[0]
                    return removed
        return 0

    def has_values(self, *, workspace_id: UUID, section: str, name: str) -> bool:
        """Return whether a customer of the workspace has a value of an extended property."""
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
        """Return live customers of the node without a value at one of the paths."""
        return customers_lacking(workspace_id, node_id, schema, paths, most)

    def customers_against(
        self, *, workspace_id: UUID, schema: CustomerSchema, paths: Sequence[str], most: int
    ) -> Contradictions:
        """Return live customers of entry nodes with invalid values at the paths."""
        return customers_against(workspace_id, schema, paths, most)

    def count_up_to(self, *, workspace_id: UUID, node_id: UUID, most: int) -> int:
        """Return the number of customers of the node, deleted ones included."""
        return Customer.objects.filter(workspace_id=workspace_id, node_id=node_id).count_up_to(most)

    def start_building(self, *, workspace_id: UUID, node_id: UUID) -> None:
        """Start with the first customer of the aggregate node's entry nodes."""
        start_build(workspace_id, node_id)

    def build_batch(self, *, workspace_id: UUID, node_id: UUID) -> bool:
        """Continue with the next customers."""
        return build_batch(workspace_id, node_id)

    def start_rekeying(self, *, workspace_id: UUID, node_id: UUID) -> int:
        """Return the number of live customers."""
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
        """Store the next customers' new keys separately."""
        return rekeying.compute_keys(workspace_id, node_id, policy, after, limit)

    def key_collisions(self, *, workspace_id: UUID, node_id: UUID, most: int) -> list[list[str]]:
        """Return groups of at most 10 customers."""
        return rekeying.key_collisions(workspace_id, node_id, most)

    def write_keys(
        self, *, workspace_id: UUID, node_id: UUID, after: UUID | None, limit: int
    ) -> list[UUID]:
        """Give customers their keys; this is no change of a customer."""
        return rekeying.write_keys(workspace_id, node_id, after, limit)

    def clear_keys(self, *, workspace_id: UUID, node_id: UUID, limit: int) -> int:
        """Delete the separately stored keys."""
        return rekeying.clear_keys(workspace_id, node_id, limit)
