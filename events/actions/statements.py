"""The SQL statements that write events, each with its rows of the change feed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from contacthub_project.core.principal import WRITE, Principal
from contacthub_project.db.sql import fetch_one
from events.domain.draft import BringBack, Content

# A second event of a node and type under one external id does not go in. Their order is the same
# for everybody, so that those who wait for each other's ids never do so in a circle.
ONCE = """
    ON CONFLICT (workspace_id, node_id, external_id, type) WHERE external_id IS NOT NULL
    DO NOTHING"""
# An event goes in if its node is open, and its customer is there and still has what was judged.
# Nodes and customers are held against whoever closes or deletes them, in the order of their ids.
_INSERT = """
WITH given AS (
    SELECT * FROM unnest(
        %(ids)b::uuid[], %(nodes)b::uuid[], %(customers)b::uuid[], %(customer_versions)b::int[],
        %(bring_back_types)b::text[], %(bring_back_values)b::text[], %(types)b::text[],
        %(contexts)b::text[], %(properties)b::text[], %(context_infos)b::text[],
        %(trackings)b::text[], %(dates)b::timestamptz[], %(external_ids)b::text[],
        %(body_digests)b::bytea[]
    ) AS given (id, node_id, customer_id, customer_version, bring_back_type, bring_back_value,
                type, context, properties, context_info, tracking, date, external_id, body_digest)
),
node AS MATERIALIZED (
    SELECT id FROM configuration_node
    WHERE workspace_id = %(workspace_id)s AND id IN (SELECT node_id FROM given)
      AND removed_at IS NULL AND state = 'ACTIVE'
    ORDER BY id FOR KEY SHARE
),
customer AS MATERIALIZED (
    SELECT id, version FROM customers_customer
    WHERE workspace_id = %(workspace_id)s AND deleted = 0
      AND id IN (SELECT customer_id FROM given)
    ORDER BY id FOR KEY SHARE
),
event AS (
    INSERT INTO events_event
        (id, workspace_id, node_id, customer_id, bring_back_type, bring_back_value, type, context,
         properties, context_info, tracking, date, origin, version, registered_at, updated_at,
         registered_by, external_id, body_digest)
    SELECT given.id, %(workspace_id)s, given.node_id, given.customer_id, bring_back_type,
           bring_back_value, type, context, properties::jsonb, context_info::jsonb,
           tracking::jsonb, date, 'NATIVE', 1, moment.now, moment.now, %(author)s, external_id,
           body_digest
    FROM given
    JOIN node ON node.id = given.node_id
    LEFT JOIN customer ON customer.id = given.customer_id
    CROSS JOIN (SELECT date_trunc('milliseconds', clock_timestamp()) AS now) AS moment
    WHERE (given.customer_id IS NULL OR customer.id IS NOT NULL)
      AND (given.customer_version IS NULL OR customer.version = given.customer_version)
    ORDER BY given.external_id, given.node_id, given.type, given.id{once}
    RETURNING id, workspace_id, node_id, registered_at
),
change AS (
    INSERT INTO customers_change
        (workspace_id, node_id, entity, entity_id, operation, changed_at)
    SELECT workspace_id, node_id, 'EVENT', id, 'CREATE', registered_at FROM event ORDER BY id
)
SELECT array_agg(id) FROM event
"""
INSERT, INSERT_ONCE = _INSERT.format(once=""), _INSERT.format(once=ONCE)

# One event of a customer about whom nothing else has to be asked: half the price of the above, most
# of which is planning for arrays of any length. Inserts nothing when anything stands against it.
_INSERT_ONE = """
WITH customer AS (
    SELECT id, node_id FROM customers_customer
    WHERE id = %(customer_id)s AND workspace_id = %(workspace_id)s AND deleted = 0 AND enabled
      AND (%(nodes)b::uuid[] IS NULL OR node_id = ANY (%(nodes)b::uuid[]))
    FOR KEY SHARE
),
node AS (
    SELECT id FROM configuration_node
    WHERE id = (SELECT node_id FROM customer) AND workspace_id = %(workspace_id)s
      AND removed_at IS NULL AND state = 'ACTIVE'
    FOR KEY SHARE
),
event AS (
    INSERT INTO events_event
        (id, workspace_id, node_id, customer_id, type, context, properties, context_info, tracking,
         date, origin, version, registered_at, updated_at, registered_by, external_id, body_digest)
    SELECT %(id)s, %(workspace_id)s, node.id, customer.id, %(type)s, %(context)s,
           %(properties)s::jsonb, %(context_info)s::jsonb, %(tracking)s::jsonb, %(date)s,
           'NATIVE', 1, moment.now, moment.now, %(author)s, %(external_id)s, %(body_digest)s
    FROM customer, node,
         (SELECT date_trunc('milliseconds', clock_timestamp()) AS now) AS moment{once}
    RETURNING id, workspace_id, node_id, registered_at
),
change AS (
    INSERT INTO customers_change
        (workspace_id, node_id, entity, entity_id, operation, changed_at)
    SELECT workspace_id, node_id, 'EVENT', id, 'CREATE', registered_at FROM event
)
SELECT id FROM event
"""
INSERT_ONE, INSERT_ONE_ONCE = _INSERT_ONE.format(once=""), _INSERT_ONE.format(once=ONCE)

UPDATE = """
WITH event AS (
    UPDATE events_event
    SET context = %(context)s, properties = %(properties)s::jsonb,
        context_info = %(context_info)s::jsonb, tracking = %(tracking)s::jsonb, date = %(date)s,
        external_id = %(external_id)s, version = version + 1,
        updated_at = date_trunc('milliseconds', clock_timestamp())
    WHERE id = %(id)s AND workspace_id = %(workspace_id)s
    RETURNING id, workspace_id, node_id, updated_at
),
change AS (
    INSERT INTO customers_change
        (workspace_id, node_id, entity, entity_id, operation, changed_at)
    SELECT workspace_id, node_id, 'EVENT', id, 'UPDATE', updated_at FROM event
)
SELECT id FROM event
"""

_DELETED = """
change AS (
    INSERT INTO customers_change
        (workspace_id, node_id, entity, entity_id, operation, changed_at)
    SELECT workspace_id, node_id, 'EVENT', id, 'DELETE', clock_timestamp() FROM gone ORDER BY id
)
SELECT count(*) FROM gone
"""
DELETE_ONE = f"""
WITH gone AS (
    DELETE FROM events_event WHERE id = %(id)s AND workspace_id = %(workspace_id)s
    RETURNING id, workspace_id, node_id
), {_DELETED}
"""
DELETE_OF_CUSTOMER = f"""
WITH gone AS (
    DELETE FROM events_event
    WHERE customer_id = %(customer_id)s AND workspace_id = %(workspace_id)s
    RETURNING id, workspace_id, node_id
), {_DELETED}
"""
DELETE_IN_NODE = f"""
WITH doomed AS (
    SELECT id FROM events_event
    WHERE node_id = %(node_id)s AND workspace_id = %(workspace_id)s
    LIMIT %(limit)s FOR UPDATE SKIP LOCKED
),
gone AS (
    DELETE FROM events_event USING doomed WHERE events_event.id = doomed.id
    RETURNING events_event.id, workspace_id, node_id
), {_DELETED}
"""
DELETE_EXPIRED = f"""
WITH doomed AS (
    SELECT id FROM events_event
    WHERE node_id = %(node_id)s AND type = %(type)s AND date < %(before)s
      AND workspace_id = %(workspace_id)s
    ORDER BY date LIMIT %(limit)s FOR UPDATE SKIP LOCKED
),
gone AS (
    DELETE FROM events_event USING doomed WHERE events_event.id = doomed.id
    RETURNING events_event.id, workspace_id, node_id
), {_DELETED}
"""


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
