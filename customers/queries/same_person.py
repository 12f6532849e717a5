"""Finds the customers of a workspace that are the same person."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from configuration.domain.matching_policy import MatchingPolicy
from configuration.models import NodeType
from configuration.queries.rules import NodeRules, WorkspaceRules
from contacthub_project.core.errors import Conflict
from contacthub_project.core.identifiers import canonical_identifier
from contacthub_project.core.text import folded
from contacthub_project.db.sql import fetch_all, load
from customers.domain.identifying_values import emails_of
from customers.domain.matching import all_keys
from customers.models import AggregateMember, Customer, ErasureScope
from customers.models.customer_row import CustomerRow
from customers.queries.documents import document_of

ALIKE = load("customers/sql/customers_alike")
# More indicate a wrong matching policy; an erasure is one transaction.
MOST_ROWS = 1000


class Reason(StrEnum):
    """Why a customer is taken for the person."""

    ASKED_FOR = "ASKED_FOR"
    SAME_PERSON = "SAME_PERSON"
    MEMBER = "MEMBER"


@dataclass(frozen=True, slots=True)
class Found:
    """A customer of an entry node, and why it is taken for the person."""

    row: CustomerRow
    reason: Reason


def customers_of_person(
    workspace: WorkspaceRules, row: CustomerRow, scope: ErasureScope
) -> list[Found]:
    """Return the customers that are forgotten with the one of `row`, by their ids.

    For an entry customer: itself, and the deleted ones of its node with the same key or external
    id. For an aggregate customer: all members, and the deleted ones of each. With the whole
    workspace as scope: also customers that match by the policy of either node, or of an aggregate
    node. Raises Conflict when these are too many for one person.
    """
    found: dict[UUID, Found] = {}
    pending: list[CustomerRow] = []

    def take(rows: Iterable[CustomerRow], reason: Reason) -> None:
        for each in rows:
            if UUID(each.id) not in found and UUID(each.node_id) in workspace.nodes:
                found[UUID(each.id)] = Found(each, reason)
                pending.append(each)
        if len(found) > MOST_ROWS:
            raise Conflict(f"More than {MOST_ROWS} customers would be taken for this person")

    if is_aggregate(workspace, row):
        take(_known(workspace.id, _members(workspace.id, UUID(row.id))), Reason.MEMBER)
    else:
        take([row], Reason.ASKED_FOR)
    is_wide = scope == ErasureScope.WORKSPACE
    while pending:
        person = pending.pop()
        candidates = _candidates(workspace, person, is_wide=is_wide)
        take([each for each in candidates if _is_same(workspace, person, each)], Reason.SAME_PERSON)
        if is_wide:
            take(
                _known(workspace.id, _co_members(workspace.id, person)),
                Reason.MEMBER,
            )
    return [found[customer_id] for customer_id in sorted(found)]


def is_aggregate(workspace: WorkspaceRules, row: CustomerRow) -> bool:
    """Return whether a customer is an aggregate customer."""
    node = workspace.nodes.get(UUID(row.node_id))
    return node is not None and node.type == NodeType.AGGREGATE


def _members(workspace_id: UUID, aggregate_id: UUID) -> list[UUID]:
    members = AggregateMember.objects.of_aggregate(workspace_id, aggregate_id)
    return list(members.values_list("entry_id", flat=True)[: MOST_ROWS + 1])


def _co_members(workspace_id: UUID, row: CustomerRow) -> list[UUID]:
    """Return the members of the aggregate customers of an entry customer."""
    own = AggregateMember.objects.filter(workspace_id=workspace_id, entry_id=UUID(row.id))
    found: list[UUID] = []
    for node_id, key in own.values_list("aggregate_node_id", "match_key"):
        members = AggregateMember.objects.filter(
            workspace_id=workspace_id, aggregate_node_id=node_id, match_key=key
        )
        found += members.values_list("entry_id", flat=True)[: MOST_ROWS + 1]
    return found


def _candidates(workspace: WorkspaceRules, row: CustomerRow, *, is_wide: bool) -> list[CustomerRow]:
    """Return candidates: deleted customers of the node, or any of all entry nodes."""
    own = UUID(row.node_id)
    entries = [node for node in workspace.nodes.values() if node.type == NodeType.ENTRY]
    nodes = entries if is_wide else [workspace.nodes[own]]
    document = document_of(row)
    keys = [(node.id, key) for node in nodes for key in all_keys(node.matching, document).values()]
    parameters = {
        "workspace_id": workspace.id,
        "nodes": [node_id for node_id, _ in keys],
        "keys": [key for _, key in keys],
        "own_node": own,
        "external_id": row.external_id,
        "places": [node.id for node in nodes],
        "emails": sorted(set(emails_of(document))),
        "wide": is_wide,
        "limit": MOST_ROWS + 1,
    }
    ids = [customer_id for (customer_id,) in fetch_all(ALIKE, parameters, prepare=False)]
    return _known(workspace.id, ids)


def _known(workspace_id: UUID, ids: Sequence[UUID]) -> list[CustomerRow]:
    return Customer.objects.known_rows(workspace_id, ids) if ids else []


def _is_same(workspace: WorkspaceRules, one: CustomerRow, other: CustomerRow) -> bool:
    """Return whether two customers match by the policy of either node.

    An external id is valid within its node only: another shop may use it for somebody else.
    """
    nodes = [workspace.nodes.get(UUID(each.node_id)) for each in (one, other)]
    is_one_node = one.node_id == other.node_id
    documents = [document_of(one), document_of(other)]
    for node in nodes:
        if node is None:
            return False
        if _is_one_person(node, *documents, is_one_node=is_one_node):
            return True
    node = nodes[0]
    return (
        is_one_node
        and node is not None
        and one.external_id is not None
        and other.external_id is not None
        and _as_id(node.matching, one.external_id) == _as_id(node.matching, other.external_id)
    )


def _is_one_person(
    node: NodeRules, one: Mapping[str, Any], other: Mapping[str, Any], *, is_one_node: bool
) -> bool:
    """Return whether a rule of the node matches two documents."""
    keys, other_keys = all_keys(node.matching, one), all_keys(node.matching, other)
    rules = node.matching.all_rules
    return any(
        other_keys.get(number) == key and (is_one_node or rules[number].paths != ["externalId"])
        for number, key in keys.items()
    )


def _as_id(policy: MatchingPolicy, external_id: str) -> str:
    if policy.ignores_case_of("externalId"):
        return folded(external_id)
    return canonical_identifier(external_id)
