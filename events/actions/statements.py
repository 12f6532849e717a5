"""The SQL statements that write events, each with its rows of the change feed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from contacthub_project.core.principal import WRITE, Principal
from contacthub_project.db.sql import fetch_one, load
from events.domain.draft import BringBack, Content

INSERT = load("events/sql/insert_events")
INSERT_ONCE = load("events/sql/insert_events", once="TRUE")
INSERT_ONE = load("events/sql/insert_event_of_customer")
INSERT_ONE_ONCE = load("events/sql/insert_event_of_customer", once="TRUE")
UPDATE = load("events/sql/update_event")

DELETE_ONE = load("events/sql/delete_event")
DELETE_OF_CUSTOMER = load("events/sql/delete_events_of_customer")
DELETE_IN_NODE = load("events/sql/delete_events_of_node")
DELETE_EXPIRED = load("events/sql/delete_expired_events")


@dataclass(frozen=True, slots=True)
class EventWrite:
    """An event to be inserted; with a `customer_version`, only while the customer has it."""

    id: UUID
    node_id: UUID
    customer_id: UUID | None
    customer_version: int | None
    bring_back: BringBack | None
    content: Content
    body_digest: bytes | None


def insert_events(workspace_id: UUID, writes: Sequence[EventWrite], by: Principal) -> set[UUID]:
    """Insert events; the ids of those that went in.

    Those whose external id another event of the node and type has do not.
    """
    contents = [write.content for write in writes]
    parameters: Mapping[str, Any] = {
        "workspace_id": workspace_id,
        "author": by.author,
        "ids": [write.id for write in writes],
        "nodes": [write.node_id for write in writes],
        "customers": [write.customer_id for write in writes],
        "customer_versions": [write.customer_version for write in writes],
        "bring_back_types": [write.bring_back and write.bring_back.kind for write in writes],
        "bring_back_values": [write.bring_back and write.bring_back.value for write in writes],
        "types": [content.type for content in contents],
        "contexts": [content.context for content in contents],
        "properties": [json_text(content.properties) for content in contents],
        "context_infos": [json_text(content.context_info) for content in contents],
        "trackings": [
            None if content.tracking is None else json_text(content.tracking)
            for content in contents
        ],
        "dates": [content.date for content in contents],
        "external_ids": [content.external_id for content in contents],
        "body_digests": [write.body_digest for write in writes],
    }
    has_external_ids = any(content.external_id is not None for content in contents)
    statement = INSERT_ONCE if has_external_ids else INSERT
    (inserted,) = fetch_one(statement, parameters, prepare=False)
    return set(inserted or ())


def insert_event_of(
    workspace_id: UUID,
    customer_id: UUID,
    event_id: UUID,
    content: Content,
    body_digest: bytes | None,
    by: Principal,
) -> bool:
    """Insert an event of an enabled customer in an open node that the author may write.

    False when anything stands against it, an event with the same external id included.
    """
    permitted = None
    if by.nodes is not None:
        permitted = [node_id for node_id in by.nodes if by.may(WRITE, node_id)]
    parameters = {
        "id": event_id,
        "workspace_id": workspace_id,
        "customer_id": customer_id,
        "nodes": permitted,
        "author": by.author,
        "body_digest": body_digest,
        **_parameters(content),
    }
    statement = INSERT_ONE if content.external_id is None else INSERT_ONE_ONCE
    return fetch_one(statement, parameters) is not None


def update_event(workspace_id: UUID, event_id: UUID, content: Content) -> None:
    """Update an event whose row the transaction has locked."""
    fetch_one(UPDATE, {"id": event_id, "workspace_id": workspace_id, **_parameters(content)})


def _parameters(content: Content) -> dict[str, Any]:
    return {
        "external_id": content.external_id,
        "type": content.type,
        "context": content.context,
        "properties": json_text(content.properties),
        "context_info": json_text(content.context_info),
        "tracking": None if content.tracking is None else json_text(content.tracking),
        "date": content.date,
    }


def json_text(value: Any) -> str:
    return orjson.dumps(value).decode()
