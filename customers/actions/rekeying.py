"""Computes new matching keys for all customers of a node, then writes them, in batches."""

from __future__ import annotations

from uuid import UUID

import orjson

from configuration.domain.matching_policy import MatchingPolicy
from contacthub_project.db.sql import fetch_all, load
from customers.actions.matching_keys import claim_keys
from customers.domain.matching import all_keys, further_keys, keys_as_json, match_key
from customers.models import Customer, DeletedState, MatchingKey, NewKey

MOST_OF_A_GROUP = 10
STORE = load("customers/sql/store_new_keys")
COLLISIONS = load("customers/sql/colliding_new_keys")
WRITE = load("customers/sql/write_new_keys")


def start_rekeying(workspace_id: UUID, node_id: UUID) -> int:
    """Delete keys of an earlier attempt; return the number of customers, deleted ones too."""
    NewKey.objects.of_node(workspace_id, node_id).delete()
    return Customer.objects.with_keys(workspace_id, node_id).count()


def compute_keys(
    workspace_id: UUID, node_id: UUID, policy: MatchingPolicy, after: UUID | None, limit: int
) -> list[UUID]:
    """Compute and store the next keys; return the ids of their customers, in order.

    Customers without one of the policy's values get none. Those of deleted customers, which only
    look-ups need, are all stored as further keys, so that they collide with nobody's.
    """
    customers = Customer.objects.with_keys(workspace_id, node_id).order_by("id")
    if after is not None:
        customers = customers.filter(id__gt=after)
    rows = list(customers.values_list("id", "deleted", "external_id", "base", "extended")[:limit])
    if rows:
        keys, others = [], []
        for _, deleted, external_id, base, extended in rows:
            document = {"externalId": external_id, "base": base, "extended": extended}
            is_live = deleted == DeletedState.LIVE
            keys.append(match_key(policy, document) if is_live else None)
            further = further_keys(policy, document) if is_live else all_keys(policy, document)
            others.append(orjson.dumps(keys_as_json(further)).decode())
        parameters = {
            "workspace_id": workspace_id,
            "node_id": node_id,
            "ids": [customer_id for customer_id, *_ in rows],
            "keys": keys,
            "further_keys": others,
        }
        fetch_all(STORE, parameters, prepare=False)
    return [customer_id for customer_id, *_ in rows]


def key_collisions(workspace_id: UUID, node_id: UUID, most: int) -> list[list[str]]:
    """Return groups of ids of customers that share a new key: at most `most`, of 10 ids each."""
    parameters = {
        "workspace_id": workspace_id,
        "node_id": node_id,
        "most": most,
        "most_of_a_group": MOST_OF_A_GROUP,
    }
    return [ids for (ids,) in fetch_all(COLLISIONS, parameters, prepare=False)]


def write_keys(workspace_id: UUID, node_id: UUID, after: UUID | None, limit: int) -> list[UUID]:
    """Give the next customers their new keys; return their ids, in order.

    Keys of the rules after the first may be the same: the earliest customer holds one.
    """
    if after is None:
        MatchingKey.objects.in_workspace(workspace_id).filter(node_id=node_id).delete()
    parameters = {
        "workspace_id": workspace_id,
        "node_id": node_id,
        "after": after or UUID(int=0),
        "limit": limit,
    }
    ids = [customer_id for (customer_id,) in fetch_all(WRITE, parameters, prepare=False)]
    keyed = NewKey.objects.of_node(workspace_id, node_id).filter(customer_id__in=ids)
    claim_keys(
        workspace_id,
        {
            customer_id: keys
            for customer_id, keys in keyed.values_list("customer_id", "further_keys")
            if keys
        },
    )
    return ids


def clear_keys(workspace_id: UUID, node_id: UUID, limit: int) -> int:
    """Delete at most `limit` computed keys; return the number."""
    keys = NewKey.objects.of_node(workspace_id, node_id)
    ids = list(keys.values_list("customer_id", flat=True)[:limit])
    return keys.filter(customer_id__in=ids).delete()[0] if ids else 0
