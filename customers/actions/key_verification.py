"""Verifies the matching keys of customers by computing them again, and repairs differences.

Keys are computed when a customer is written. They are outdated when the same values give another
key since: a newer `phonenumbers` may read a number in another way, and a workspace may have got
further placeholders.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from configuration.models import NodeType
from configuration.queries.rules import NodeRules, WorkspaceRules
from contacthub_project.db.deadlocks import repeated_on_deadlock
from customers.actions.identity_locks import lock_identities
from customers.actions.matching_keys import claim_keys_of, key_identities
from customers.domain.matching import further_keys, match_key
from customers.models import Customer, MatchingKey

CUSTOMERS_AT_ONCE = 2000


@dataclass(slots=True)
class VerifiedKeys:
    """The result of a verification: how many customers were looked at, and whose keys differed.

    `colliding` are those of them whose key another customer of the node has: they are one person
    by now, and are left as they were.
    """

    customers: int = 0
    wrong: list[UUID] = field(default_factory=list)
    colliding: list[UUID] = field(default_factory=list)


class _Keyed(NamedTuple):
    """A live customer: what its keys are computed of, and the first of them."""

    id: UUID
    external_id: str | None
    base: dict[str, Any]
    extended: dict[str, Any]
    match_key: bytes | None

    @property
    def document(self) -> dict[str, Any]:
        return {"externalId": self.external_id, "base": self.base, "extended": self.extended}


def verify_keys(workspace: WorkspaceRules, *, repairs: bool) -> VerifiedKeys:
    """Compare the keys of all live customers of entry nodes with their values, batch by batch.

    Customers of aggregate nodes are merged by the members' values when these are built.
    """
    found = VerifiedKeys()
    for node in workspace.nodes.values():
        if node.type != NodeType.ENTRY:
            continue
        customers = Customer.objects.in_node(workspace.id, node.id)
        after = UUID(int=0)
        while page := _keyed(customers.filter(id__gt=after), most=CUSTOMERS_AT_ONCE):
            after = page[-1].id
            found.customers += len(page)
            wrong = [each.id for each in _differing(workspace.id, node, page)]
            found.wrong += wrong
            if wrong and repairs:
                found.colliding += _repaired(workspace.id, node, wrong)
    return found


def _keyed(customers: QuerySet[Customer], *, most: int | None = None) -> list[_Keyed]:
    """Return the first `most` customers in the order of their ids, in which they are locked."""
    rows = customers.order_by("id").values_list(*_Keyed._fields)[:most]
    return [_Keyed(*row) for row in rows]


def _differing(workspace_id: UUID, node: NodeRules, customers: list[_Keyed]) -> Iterator[_Keyed]:
    """Yield the customers whose stored keys are not those of their values."""
    stored: dict[UUID, dict[int, bytes]] = defaultdict(dict)
    if node.matching.has_several_rules:
        keys = MatchingKey.objects.in_workspace(workspace_id)
        rows = keys.filter(customer_id__in=[each.id for each in customers])
        for customer_id, rule, key in rows.values_list("customer_id", "rule", "key"):
            stored[customer_id][rule] = bytes(key)
    for each in customers:
        first = None if each.match_key is None else bytes(each.match_key)
        expected = further_keys(node.matching, each.document)
        if first != match_key(node.matching, each.document) or stored[each.id] != expected:
            yield each


@repeated_on_deadlock
def _repaired(workspace_id: UUID, node: NodeRules, ids: Sequence[UUID]) -> list[UUID]:
    """Give customers the keys of their values; return those who would take another's first key."""
    colliding = []
    with transaction.atomic():
        customers = Customer.objects.in_node(workspace_id, node.id)
        named = customers.filter(id__in=ids)
        lock_identities(key_identities(node, [each.document for each in _keyed(named)]))
        locked = _keyed(named.select_for_update(no_key=True))
        wrong = list(_differing(workspace_id, node, locked))
        # Customers may exchange their keys.
        customers.filter(id__in=[each.id for each in wrong]).update(match_key=None)
        for each in wrong:
            if not _has_taken(customers, each, match_key(node.matching, each.document)):
                colliding.append(each.id)
                _has_taken(customers, each, each.match_key)
        fixed = {each.id: each.document for each in wrong if each.id not in colliding}
        keys = MatchingKey.objects.in_workspace(workspace_id)
        keys.filter(customer_id__in=list(fixed)).delete()
        claim_keys_of(workspace_id, node, fixed)
    return colliding


def _has_taken(customers: QuerySet[Customer], customer: _Keyed, key: bytes | None) -> bool:
    """Write the first key of a customer; return False when another customer has it."""
    try:
        with transaction.atomic():
            customers.filter(id=customer.id).update(match_key=key)
    except IntegrityError:
        return False
    return True
