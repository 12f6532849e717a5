"""Finds a person in all nodes by an identifier given to a data protection officer.

Each is a range of an index; deleted customers that are not erased yet are included.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple
from uuid import UUID

from django.db.models import Value
from django.db.models.fields.json import KT
from django.db.models.functions import Collate, Concat

from contacthub_project.core.identifiers import as_uuid
from customers.models import Customer, DeletedState
from customers.models.customer import PHONES, CustomerQuerySet
from customers.models.database_functions import DialledBackwards
from customers.models.other_contacts import FEWEST_DIGITS, SHORTEST_NUMBER, phone_keys
from customers.queries.look_up import LAST_CHARACTER, named

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
    # 00 39 333… and +39 333… are the same number.
    digits = re.sub(r"[^0-9]", "", text).lstrip("0")
    if len(digits) < FEWEST_DIGITS:
        return []
    others = customers.with_other_contact(phone_keys(digits))
    return [*(each for name in PHONES for each in _with_phone(customers, name, digits)), others]


def _with_phone(customers: CustomerQuerySet, name: str, digits: str) -> Iterator[CustomerQuerySet]:
    """Yield those whose number ends with the digits, and those whose digits end with the number."""
    backwards = digits[::-1]
    number = Collate(DialledBackwards(KT(f"base__contacts__{name}")), "C")
    known = customers.filter(base__contacts__has_key=name).alias(number=number)
    end = Collate(Concat(Value(backwards), Value(LAST_CHARACTER)), "C")
    yield known.filter(number__gte=Collate(Value(backwards), "C"), number__lt=end)
    shorter = range(SHORTEST_NUMBER, len(backwards))
    yield known.filter(number__in=[Collate(Value(backwards[:each]), "C") for each in shorter])
