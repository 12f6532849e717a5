"""Reads pairs of customers that may be the same person."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from django.db.models import Exists, OuterRef

from configuration.queries.rules import WorkspaceRules
from contacthub_project.db.querysets import TenantQuerySet
from contacthub_project.db.sql import fetch_all, load
from customers.models import Customer, DuplicatePair, DuplicateSearch

GROUPS = load("customers/sql/groups_of_duplicates")
MOST_OF_GROUPS = 1000  # members read for a page
MOST_OF_GROUP = 20


def pairs_in_node(workspace_id: UUID, node_id: UUID) -> TenantQuerySet[DuplicatePair]:
    """Return the pairs of a node whose customers both exist."""
    live = Customer.objects.in_node(workspace_id, node_id)
    pairs = DuplicatePair.objects.in_workspace(workspace_id).filter(node_id=node_id)
    return pairs.filter(
        Exists(live.filter(workspace_id=OuterRef("workspace_id"), id=OuterRef("first_id"))),
        Exists(live.filter(workspace_id=OuterRef("workspace_id"), id=OuterRef("second_id"))),
    )


def groups_of(workspace_id: UUID, customers: Sequence[UUID]) -> dict[UUID, list[UUID]]:
    """Return the customers connected by open pairs with each of some, the first 20 by their ids."""
    parameters = {"workspace_id": workspace_id, "ids": list(customers), "most": MOST_OF_GROUPS}
    groups: dict[UUID, list[UUID]] = defaultdict(list)
    for root, member in fetch_all(GROUPS, parameters, prepare=False):
        groups[root].append(member)
    return {root: sorted(members)[:MOST_OF_GROUP] for root, members in groups.items()}


def search_state(workspace: WorkspaceRules) -> str:
    """Return whether the search is OFF, BUILDING (not all customers are checked yet) or READY."""
    if not workspace.finds_duplicates:
        return "OFF"
    search = DuplicateSearch.objects.in_workspace(workspace.id).first()
    return "BUILDING" if search is None or search.is_building else "READY"
