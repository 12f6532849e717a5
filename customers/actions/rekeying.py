"""New matching keys for all customers of a node: computed aside, then written, batch by batch."""

from __future__ import annotations

from uuid import UUID

from configuration.domain.matching_policy import MatchingPolicy
from contacthub_project.db.sql import fetch_all, load
from customers.domain.matching import match_key
from customers.models import Customer, NewKey

MOST_OF_A_GROUP = 10
STORE = load("customers/sql/store_new_keys")
COLLISIONS = load("customers/sql/colliding_new_keys")
WRITE = load("customers/sql/write_new_keys")


def start_rekeying(workspace_id: UUID, node_id: UUID) -> int:
    """Forget keys that an earlier attempt has left; how many customers there are to be done."""
    NewKey.objects.of_node(workspace_id, node_id).delete()
    return Customer.objects.in_node(workspace_id, node_id).count()


def compute_keys(
    workspace_id: UUID, node_id: UUID, policy: MatchingPolicy, after: UUID | None, limit: int
) -> list[UUID]:
    """Compute and keep the next keys; the ids of their customers, in order.

    Customers who lack one of the policy's values get none.
    """
    customers = Customer.objects.in_node(workspace_id, node_id).order_by("id")
    if after is not None:
        customers = customers.filter(id__gt=after)
    rows = list(customers.values_list("id", "external_id", "base", "extended")[:limit])
    if rows:
        keys = [
            match_key(policy, {"externalId": external_id, "base": base, "extended": extended})
            for _, external_id, base, extended in rows
        ]
        ids = [customer_id for customer_id, *_ in rows]
        parameters = {"workspace_id": workspace_id, "node_id": node_id, "ids": ids, "keys": keys}
        fetch_all(STORE, parameters, prepare=False)
    return [customer_id for customer_id, *_ in rows]


def key_collisions(workspace_id: UUID, node_id: UUID, most: int) -> list[list[str]]:
    """Groups of ids of customers that share a new key: at most `most`, of 10 ids each."""
    parameters = {
        "workspace_id": workspace_id,
        "node_id": node_id,
        "most": most,
        "most_of_a_group": MOST_OF_A_GROUP,
    }
    return [ids for (ids,) in fetch_all(COLLISIONS, parameters, prepare=False)]


def write_keys(workspace_id: UUID, node_id: UUID, after: UUID | None, limit: int) -> list[UUID]:
    """Give the next customers their new keys; their ids, in order."""
    parameters = {
        "workspace_id": workspace_id,
        "node_id": node_id,
        "after": after or UUID(int=0),
        "limit": limit,
    }
    return [customer_id for (customer_id,) in fetch_all(WRITE, parameters, prepare=False)]


def clear_keys(workspace_id: UUID, node_id: UUID, limit: int) -> int:
    """Forget computed keys, at most `limit`; how many."""
    keys = NewKey.objects.of_node(workspace_id, node_id)
    ids = list(keys.values_list("customer_id", flat=True)[:limit])
    return keys.filter(customer_id__in=ids).delete()[0] if ids else 0
