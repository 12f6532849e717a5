"""Customers read as records, and the statements that read them; `CustomerQuerySet` runs these."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from contacthub_project.db.sql import row_as_json


class CustomerRow(NamedTuple):
    """The columns of a customer that documents and responses are made of.

    Ids and moments are text when the row was read as JSON.
    """

    id: str
    int_id: int
    external_id: str | None
    node_id: str
    base: dict[str, Any]
    consents: dict[str, Any]
    extended: dict[str, Any]
    extra: str | None
    tags: dict[str, Any]
    enabled: bool
    registered_at: str | datetime
    updated_at: str | datetime
    version: int
    deleted: int
    registered_by: str | None
    updated_by: str | None


# The columns that `customers.queries.documents` needs, as one value.
ROW_AS_JSON = row_as_json(CustomerRow._fields, moments={"registered_at", "updated_at"})
LIVE_ROW = f"""
SELECT {ROW_AS_JSON} FROM customers_customer
WHERE id = %s AND workspace_id = %s AND deleted = 0
"""
KNOWN_ROWS = f"""
SELECT json_agg({ROW_AS_JSON}::json ORDER BY id)::text FROM customers_customer
WHERE id = ANY (%s::uuid[]) AND workspace_id = %s AND deleted <> -1
"""
LOCKED_KNOWN_ROWS = f"""
SELECT {ROW_AS_JSON} FROM customers_customer
WHERE id = ANY (%s::uuid[]) AND workspace_id = %s AND deleted <> -1
ORDER BY id FOR UPDATE
"""
LOCKED_ROWS = f"""
SELECT {ROW_AS_JSON} FROM customers_customer
WHERE id = ANY (%s::uuid[]) AND workspace_id = %s ORDER BY id FOR UPDATE
"""
LOCKED_LIVE_ROWS = f"""
SELECT {ROW_AS_JSON} FROM customers_customer
WHERE id = ANY (%s::uuid[]) AND workspace_id = %s AND deleted = 0
ORDER BY id FOR UPDATE
"""
LIVE_ROWS = f"""
SELECT json_agg({ROW_AS_JSON}::json ORDER BY id)::text FROM customers_customer
WHERE id = ANY (%s::uuid[]) AND workspace_id = %s AND deleted = 0
"""
LOCKED_HEIR = f"""
SELECT {ROW_AS_JSON} FROM customers_customer
WHERE id IN (
    SELECT former.current_id FROM customers_formeridentity AS former
    WHERE former.node_id = %s AND former.match_key = %s
      AND former.workspace_id = customers_customer.workspace_id
) AND workspace_id = %s AND deleted = 0
FOR NO KEY UPDATE
"""
LOCKED_SAME_PERSON = f"""
SELECT {ROW_AS_JSON} FROM customers_customer
WHERE node_id = %s AND match_key = %s AND workspace_id = %s AND deleted = 0
FOR NO KEY UPDATE
"""
