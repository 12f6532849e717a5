"""Finds the customer that a node recognises in a document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import orjson

from configuration.queries.rules import NodeRules
from contacthub_project.db.sql import fetch_optional, load
from customers.domain.matching import further_keys, keys_as_json, match_key

PERSON = load("customers/sql/person_by_keys")


def recognised(workspace_id: UUID, node: NodeRules, document: Mapping[str, Any]) -> UUID | None:
    """Return the live customer that the node's rules find, None if there is none."""
    key, further = match_key(node.matching, document), further_keys(node.matching, document)
    if key is None and not further:
        return None
    parameters = {
        "workspace_id": workspace_id,
        "node_id": node.id,
        "match_key": key,
        "keys": orjson.dumps(keys_as_json(further)).decode(),
    }
    found: UUID | None = fetch_optional(PERSON, parameters)
    return found
