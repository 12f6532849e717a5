"""Replays refused customers."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import orjson

from configuration.queries.rules import WorkspaceRules
from contacthub_project.core.errors import Forbidden, Invalid, TooLarge
from contacthub_project.core.identifiers import as_uuid
from contacthub_project.core.principal import WRITE, Principal
from contacthub_project.runtime.blocking import run_blocking
from customers.actions.customers import upsert_customer
from customers.actions.validation import CUSTOMER_BYTES


def replay_customer(workspace: WorkspaceRules, body: dict[str, Any], by: Principal) -> UUID:
    """Return the id of the customer that a body creates or is merged into.

    Raises Forbidden for a node in which `by` may not write, and what `upsert_customer` raises.
    """
    given = body.get("nodeId")
    node_id = as_uuid(given) if isinstance(given, str) else None
    if node_id is None:
        raise Invalid.at("/nodeId", "is required", "required")
    if not by.may(WRITE, node_id):
        raise Forbidden(f"The client is not allowed to write in node {node_id}")
    if len(orjson.dumps(body)) > CUSTOMER_BYTES:
        raise TooLarge
    upserted = run_blocking(upsert_customer(workspace, node_id, body=body, by=by))
    return UUID(upserted.row.id)
