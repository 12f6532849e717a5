"""Finds customers by a typed name, e-mail, external id or id, ignoring case.

Each is a range of an index, in all readable nodes; accents count.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from uuid import UUID

from django.db.models import Q, Value
from django.db.models.fields.json import KT
from django.db.models.functions import Collate, Concat

from contacthub_project.core.identifiers import as_uuid
from customers.models import Customer
from customers.models.customer import CustomerQuerySet
from customers.models.database_functions import Folded

LONGEST = 200
MOST_WORDS = 5
LAST_CHARACTER = "\U0010ffff"
EMAIL, FIRST_NAME, LAST_NAME = "base__contacts__email", "base__firstName", "base__lastName"


def look_up(
    workspace_id: UUID, node_ids: Sequence[UUID], text: str, *, most: int = 10
) -> list[Customer]:
    """Return live customers of the nodes that match the text, those by id and e-mail first."""
    customers = Customer.objects.in_workspace(workspace_id).live().filter(node_id__in=node_ids)
    words = text.replace("\0", "").strip()[:LONGEST].split()
    found: dict[UUID, Customer] = {}
    for each in _querysets(customers, words) if words else ():
        for customer in each[: most - len(found)]:
            found.setdefault(customer.id, customer)
        if len(found) >= most:
            break
    return list(found.values())


def _querysets(customers: CustomerQuerySet, words: list[str]) -> Iterator[CustomerQuerySet]:
    everything = " ".join(words)
    known_id = as_uuid(everything)
    if known_id is not None:
        yield customers.filter(id=known_id)
    known = customers.filter(external_id__isnull=False)
    yield known.alias(folded=Collate(Folded("external_id"), "C")).filter(
        folded=Collate(Folded(Value(everything)), "C")
    )
    yield _beginning_with(customers, EMAIL, everything)
    if "@" in everything:
        yield customers.with_other_email(everything)
    yield from named(customers, words)


def named(customers: CustomerQuerySet, words: list[str]) -> Iterator[CustomerQuerySet]:
    """Yield those whose first or last name, or both in any order, begin with the words."""
    everything = " ".join(words)[:LONGEST]
    for path in (LAST_NAME, FIRST_NAME) if words else ():
        yield _beginning_with(customers, path, everything)
    for place in range(1, min(len(words), MOST_WORDS)):
        parts = " ".join(words[:place]), " ".join(words[place:])
        for first, last in (parts, parts[::-1]):
            yield _beginning_with(_beginning_with(customers, LAST_NAME, last), FIRST_NAME, first)


def _beginning_with(customers: CustomerQuerySet, path: str, text: str) -> CustomerQuerySet:
    """Return those whose value at the path begins with the text, by the index of the path."""
    name = f"folded_{path}"
    start, end = Folded(Value(text)), Concat(Folded(Value(text)), Value(LAST_CHARACTER))
    is_within = Q(**{f"{name}__gte": Collate(start, "C")}, **{f"{name}__lt": Collate(end, "C")})
    return customers.alias(**{name: Collate(Folded(KT(path)), "C")}).filter(is_within)
