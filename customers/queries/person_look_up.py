"""Finds a person in all nodes by an identifier given to a data protection officer.

Each is a range of an index; deleted customers that are not erased yet are included.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from contacthub_project.core.identifiers import as_uuid
from customers.models import Customer, DeletedState
from customers.models.customer import CustomerQuerySet
from customers.queries.look_up import named, with_phone

WAYS = ("customerId", "email", "phone", "externalId", "name")
MOST_FOUND = 50


class Found(NamedTuple):
    """The matches, and whether these are all."""

    customers: list[Customer]
    is_complete: bool


def look_up_person(workspace_id: UUID, node_ids: Sequence[UUID], *, by: str, text: str) -> Found:
    """Return customers of the nodes, deleted ones included, that match the text in one of WAYS.

    A name is the beginning of first name, last name or both in any order; a telephone number may
    lack its prefix; others are equal, ignoring case. E-mail addresses and numbers are those of
    other contacts, too.
    """
    found: dict[UUID, Customer] = {}
    for deleted in (DeletedState.LIVE, DeletedState.DELETED):
        customers = Customer.objects.in_workspace(workspace_id).filter(
            deleted=deleted, node_id__in=node_ids
        )
        for each in _found(customers, by, text.replace("\0", "").strip()):
            for customer in each.order_by()[: MOST_FOUND + 1]:
                found.setdefault(customer.id, customer)
    customers_found = list(found.values())
    return Found(customers_found[:MOST_FOUND], len(customers_found) <= MOST_FOUND)


def _found(customers: CustomerQuerySet, by: str, text: str) -> list[CustomerQuerySet]:
    if by == "customerId":
        known = as_uuid(text)
        return [] if known is None else [customers.filter(id=known)]
    if by == "email":
        return [customers.with_email(text), customers.with_other_email(text)]
    if by == "externalId":
        return [customers.with_external_id(text)]
    if by == "name":
        return list(named(customers, text.split()))
    return list(with_phone(customers, text))
