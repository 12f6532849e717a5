"""The two SQL statements that write a customer, each with all that belongs to the write.

One statement is one round trip, and one transaction unless there is one already: the customer, its
row in the change feed and its lines in the consent log are there together or not at all. The change
row draws its id after the customer's row is locked, so a customer's changes keep their order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from configuration.queries.rules import NodeRules
from contacthub_project.core.principal import Principal
from contacthub_project.db.sql import fetch_one
from contacthub_project.messaging.enqueue import enqueue_on_commit
from customers.domain.consents import ConsentChange

# Customers are written under the rules their writer has read: the node must be open, and recognise
# customers as it did then. KEY SHARE makes whoever changes that (holding FOR UPDATE) wait for us.
OPEN_NODE = """
    SELECT id, workspace_id, is_aggregated,
           date_trunc('milliseconds', clock_timestamp()) AS now
    FROM configuration_node
    WHERE id = %(node_id)s AND workspace_id = %(workspace_id)s
      AND removed_at IS NULL AND state = 'ACTIVE'
      AND unique_properties = %(unique_properties)s AND case_sensitive = %(case_sensitive)s
    FOR KEY SHARE
"""

KEEP_NODE = """
SELECT id FROM configuration_node WHERE id = %s AND workspace_id = %s FOR KEY SHARE
"""
MERGE_PENDING = "customers.tasks.merge_pending"

RECORDED = """
change AS (
    INSERT INTO customers_change
        (workspace_id, node_id, entity, entity_id, operation, changed_at)
    SELECT workspace_id, node_id, 'CUSTOMER', id, %(operation)s, updated_at FROM customer
),
pending AS (
    INSERT INTO customers_pendingmerge (workspace_id, entry_id)
    SELECT customer.workspace_id, customer.id FROM customer JOIN node ON node.is_aggregated
),
consent AS (
    INSERT INTO customers_consentlogentry
        (workspace_id, node_id, customer_id, match_key, date, type, property, value,
         source_id, user_id)
    SELECT workspace_id, node_id, id, match_key, updated_at,
           changed.type, changed.property, changed.value, %(source_id)s::uuid, %(user_id)s::bigint
    FROM customer, unnest(%(consent_types)s::text[], %(consent_properties)s::text[],
                          %(consent_values)s::text[]) AS changed (type, property, value)
)
"""

INSERT = f"""
WITH node AS ({OPEN_NODE}),
customer AS (
    INSERT INTO customers_customer
        (id, workspace_id, node_id, external_id, enabled, version, deleted, registered_at,
         updated_at, match_key, base, consents, extended, tags, extra, registered_by, updated_by)
    SELECT %(id)s, workspace_id, id, %(external_id)s, %(enabled)s, 1, 0, now,
           now, %(match_key)s, %(base)s::jsonb, %(consents)s::jsonb, %(extended)s::jsonb,
           %(tags)s::jsonb, %(extra)s, %(author)s, %(author)s
    FROM node
    ON CONFLICT (node_id, match_key) WHERE deleted = 0 DO NOTHING
    RETURNING id, int_id, workspace_id, node_id, match_key, updated_at
),
{RECORDED}
SELECT (SELECT count(*) FROM node), customer.int_id, customer.updated_at
FROM (SELECT) AS one LEFT JOIN customer ON true
"""

UPDATE = f"""
WITH node AS (
    SELECT is_aggregated FROM configuration_node
    WHERE id = (SELECT node_id FROM customers_customer WHERE id = %(id)s)
),
customer AS (
    UPDATE customers_customer
    SET external_id = %(external_id)s, enabled = %(enabled)s, version = version + 1,
        updated_at = date_trunc('milliseconds', clock_timestamp()), match_key = %(match_key)s,
        base = %(base)s::jsonb, consents = %(consents)s::jsonb, extended = %(extended)s::jsonb,
        tags = %(tags)s::jsonb, extra = %(extra)s, updated_by = %(author)s
    WHERE id = %(id)s AND workspace_id = %(workspace_id)s
    RETURNING id, workspace_id, node_id, match_key, updated_at, version
),
{RECORDED}
SELECT version, updated_at FROM customer
"""


DELETE = """
WITH customer AS (
    UPDATE customers_customer
    SET deleted = 1, match_key = NULL, version = version + 1, updated_by = %(author)s,
        updated_at = date_trunc('milliseconds', clock_timestamp())
    WHERE id = %(id)s AND workspace_id = %(workspace_id)s AND deleted = 0
    RETURNING id, workspace_id, node_id, updated_at
),
change AS (
    INSERT INTO customers_change
        (workspace_id, node_id, entity, entity_id, operation, changed_at)
    SELECT workspace_id, node_id, 'CUSTOMER', id, 'DELETE', updated_at FROM customer
),
pending AS (
    INSERT INTO customers_pendingmerge (workspace_id, entry_id)
    SELECT customer.workspace_id, customer.id
    FROM customer JOIN configuration_node AS node ON node.id = customer.node_id
    WHERE node.is_aggregated
)
SELECT id FROM customer
"""
DELETE_SESSIONS = "DELETE FROM customers_session WHERE customer_id = %s RETURNING id"


class NodeNotOpen(Exception):
    """The node is gone, locked, or recognises customers in another way than the writer thinks."""


@dataclass(frozen=True, slots=True)
class CustomerWrite:
    """What is to be written of a customer, by whom, and what that changes in its consents."""

    id: UUID
    workspace_id: UUID
    document: Mapping[str, Any]
    match_key: bytes | None
    consent_changes: Sequence[ConsentChange]
    by: Principal

    def parameters(self, operation: str) -> dict[str, Any]:
        document = self.document
        return {
            "id": self.id,
            "workspace_id": self.workspace_id,
            "match_key": self.match_key,
            "external_id": document["externalId"],
            "enabled": document["enabled"],
            "extra": document["extra"],
            "base": _json(document["base"]),
            "consents": _json(document["consents"]),
            "extended": _json(document["extended"]),
            "tags": _json(document["tags"]),
            "author": self.by.author,
            "source_id": self.by.source_id,
            "user_id": self.by.user_id,
            "operation": operation,
            "consent_types": [change.type for change in self.consent_changes],
            "consent_properties": [change.property for change in self.consent_changes],
            "consent_values": [change.value for change in self.consent_changes],
        }


def insert_customer(write: CustomerWrite, node: NodeRules) -> tuple[int, datetime] | None:
    """Insert a customer; its integer id and the time, or None when the node has the person already.

    Raises NodeNotOpen.
    """
    parameters = write.parameters("CREATE") | _guard(node)
    open_nodes, int_id, now = fetch_one(INSERT, parameters)
    follow(node)
    if not open_nodes:
        raise NodeNotOpen
    return None if int_id is None else (int_id, now)


def follow(node: NodeRules) -> None:
    """Have aggregate customers follow soon what was written to a node."""
    if node.is_aggregated:
        enqueue_on_commit(MERGE_PENDING)


def lock_node_rows(workspace_id: UUID, node_id: UUID) -> None:
    """Keep others from reorganising the node until the transaction ends, whatever its state."""
    fetch_one(KEEP_NODE, (node_id, workspace_id))


def lock_open_node(workspace_id: UUID, node: NodeRules) -> None:
    """Keep the node as it is until the transaction ends; raises NodeNotOpen."""
    if fetch_one(OPEN_NODE, {"workspace_id": workspace_id} | _guard(node)) is None:
        raise NodeNotOpen


def update_customer(write: CustomerWrite) -> tuple[int, datetime]:
    """Update a customer whose row the transaction has locked; its new version and the time."""
    return fetch_one(UPDATE, write.parameters("UPDATE"))


def delete_customer_row(workspace_id: UUID, customer_id: UUID, by: Principal) -> bool:
    """Mark a live customer as deleted, release its key and its sessions; False if there is none.

    To be called within a transaction.
    """
    parameters = {"id": customer_id, "workspace_id": workspace_id, "author": by.author}
    deleted = fetch_one(DELETE, parameters) is not None
    if deleted:
        fetch_one(DELETE_SESSIONS, [customer_id])
    return deleted


def document_arrays(documents: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Documents as parameters of statements that take many customers, an array a column."""
    return {
        "external_ids": [document["externalId"] for document in documents],
        "enableds": [document["enabled"] for document in documents],
        "extras": [document["extra"] for document in documents],
        "bases": [_json(document["base"]) for document in documents],
        "consents": [_json(document["consents"]) for document in documents],
        "extendeds": [_json(document["extended"]) for document in documents],
        "tags": [_json(document["tags"]) for document in documents],
    }


def _guard(node: NodeRules) -> dict[str, Any]:
    return {
        "node_id": node.id,
        "unique_properties": list(node.matching.properties),
        "case_sensitive": node.matching.case_sensitive,
    }


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()
