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
from contacthub_project.db.sql import fetch_one, load
from contacthub_project.messaging.enqueue import enqueue_on_commit
from customers.domain.consents import ConsentChange

# Customers are written under the rules their writer has read.
OPEN_NODE = load("customers/sql/lock_open_node")

KEEP_NODE = """
SELECT id FROM configuration_node WHERE id = %s AND workspace_id = %s FOR KEY SHARE
"""
MERGE_PENDING = "customers.tasks.merge_pending"


INSERT = load("customers/sql/insert_customer")

UPDATE = load("customers/sql/update_customer")


DELETE = load("customers/sql/delete_customer")
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

    def parameters(self) -> dict[str, Any]:
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
            "consent_types": [change.type for change in self.consent_changes],
            "consent_properties": [change.property for change in self.consent_changes],
            "consent_values": [change.value for change in self.consent_changes],
        }


def insert_customer(write: CustomerWrite, node: NodeRules) -> tuple[int, datetime] | None:
    """Insert a customer; its integer id and the time, or None when the node has the person already.

    Raises NodeNotOpen.
    """
    parameters = write.parameters() | _guard(node)
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
    version, updated_at = fetch_one(UPDATE, write.parameters())
    return version, updated_at


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
