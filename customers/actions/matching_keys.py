"""Keys of customers by the matching rules after the first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson

from configuration.queries.rules import NodeRules
from contacthub_project.db.sql import fetch_value, load
from customers.actions.identity_locks import MATCHING_KEY, Identity
from customers.domain.matching import further_keys, keys_as_json

CLAIM = load("customers/sql/claim_keys")


def claim_keys(workspace_id: UUID, keys: Mapping[UUID, Sequence[Mapping[str, Any]]]) -> None:
    """Give live customers keys (`keys_as_json`), by their ids; they have locked `key_identities`.

    Of a key that another customer has the pair is noted as a duplicate.
    """
    rows = [{"id": customer_id, "keys": own} for customer_id, own in keys.items() if own]
    if rows:
        parameters = {"workspace_id": workspace_id, "rows": orjson.dumps(rows).decode()}
        fetch_value(CLAIM, parameters, prepare=False)


def key_identities(node: NodeRules, documents: Iterable[Mapping[str, Any]]) -> list[Identity]:
    """Return the identities to lock before customers get the keys of documents."""
    if not node.matching.has_several_rules:
        return []
    return [
        (node.id, MATCHING_KEY, key.hex())
        for document in documents
        for key in further_keys(node.matching, document).values()
    ]


def claim_keys_of(
    workspace_id: UUID, node: NodeRules, documents: Mapping[UUID, Mapping[str, Any]]
) -> None:
    """Give live customers the keys of their documents; they have locked `key_identities`."""
    if node.matching.has_several_rules:
        claim_keys(
            workspace_id,
            {
                customer_id: keys_as_json(further_keys(node.matching, document))
                for customer_id, document in documents.items()
            },
        )
