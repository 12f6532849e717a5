"""Finds the customers of new events, by id, session or external id."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from configuration.queries.rules import WorkspaceRules
from contacthub_project.db.sql import fetch_records, load

BY_ID = """
SELECT id, node_id, enabled, version, consents::text FROM customers_customer
WHERE workspace_id = %s AND id = ANY (%s) AND deleted = 0
"""
OF_IDENTITIES = load("events/sql/owners_of_identities")

Identity = tuple[UUID, str, str]  # the node, the kind and the value


@dataclass(frozen=True, slots=True)
class Owner:
    """The properties of a customer that admission of its events needs."""

    id: UUID
    node_id: UUID
    is_enabled: bool
    version: int
    consents: Mapping[str, Any]


class OwnerRow(NamedTuple):
    """A customer's row; `consents` is JSON."""

    id: UUID
    node_id: UUID
    enabled: bool
    version: int
    consents: str


class OwnerOfIdentityRow(NamedTuple):
    """An identity, with the row of its customer."""

    kind: str
    identity_node_id: UUID
    value: str
    id: UUID
    node_id: UUID
    enabled: bool
    version: int
    consents: str


def owners_by_id(workspace_id: UUID, ids: Iterable[UUID]) -> dict[UUID, Owner]:
    """Return those of the customers that are live, by their ids."""
    unique_ids = list(set(ids))
    if not unique_ids:
        return {}
    rows = fetch_records(OwnerRow, BY_ID, [workspace_id, unique_ids], prepare=False)
    return {row.id: _owner(row) for row in rows}


def owners_of_identities(
    workspace: WorkspaceRules, identities: Collection[Identity]
) -> dict[Identity, Owner]:
    """Return the live customers of sessions and external ids; the oldest, if there are several."""
    ordered = sorted(identities)
    rows = fetch_records(
        OwnerOfIdentityRow,
        OF_IDENTITIES,
        {
            "workspace_id": workspace.id,
            "nodes": [node for node, _, _ in ordered],
            "kinds": [kind for _, kind, _ in ordered],
            "values": [value for _, _, value in ordered],
            "ignore_cases": [
                workspace.nodes[node].matching.ignores_case_of("externalId")
                for node, _, _ in ordered
            ],
        },
        prepare=False,
    )
    return {(row.identity_node_id, row.kind, row.value): _owner(row) for row in rows}


def _owner(row: OwnerRow | OwnerOfIdentityRow) -> Owner:
    consents = orjson.loads(row.consents)
    return Owner(row.id, row.node_id, row.enabled, row.version, consents)
