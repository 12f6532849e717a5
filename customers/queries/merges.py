"""Resolves merged customers to the ones with their data."""

from __future__ import annotations

from uuid import UUID

from configuration.queries.rules import NodeRules
from contacthub_project.db.sql import fetch_optional, load

# Only an existing survivor.
MERGED_INTO = """
SELECT merged.current_id FROM customers_mergedcustomer AS merged
JOIN customers_customer AS survivor
    ON survivor.workspace_id = merged.workspace_id AND survivor.id = merged.current_id
WHERE merged.workspace_id = %s AND merged.customer_id = %s AND NOT merged.is_undone
  AND survivor.deleted = 0
"""
HEIR = load("customers/sql/heir_of_external_id")


def merged_into(workspace_id: UUID, customer_id: UUID) -> UUID | None:
    """Return the live customer with the data of a merged one; None for others."""
    found: UUID | None = fetch_optional(MERGED_INTO, [workspace_id, customer_id])
    return found


def heir_of_external_id(workspace_id: UUID, node: NodeRules, external_id: str) -> UUID | None:
    """Return the live customer that has got an external id by a merge; None for others."""
    parameters = {
        "workspace_id": workspace_id,
        "node_id": node.id,
        "external_id": external_id,
        "ignores_case": node.matching.ignores_case_of("externalId"),
    }
    found: UUID | None = fetch_optional(HEIR, parameters)
    return found
