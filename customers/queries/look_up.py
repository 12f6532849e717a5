"""Finds customers by a typed name, e-mail, telephone number, external id or id.

Each is a range of an index, in all readable nodes. Case never matters, nor do accents in names and
what stands between the digits of numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from uuid import UUID

from django.db.models import Q, Value
from django.db.models.fields.json import KT
from django.db.models.functions import Collate, Concat

from contacthub_project.core.identifiers import as_uuid
from customers.models import Customer
from customers.models.customer import PHONES, CustomerQuerySet
from customers.models.database_functions import DialledBackwards, Folded, Unaccented
from customers.models.other_contacts import FEWEST_DIGITS, SHORTEST_NUMBER, phone_keys

LONGEST = 200
MOST_WORDS = 5
NUMBER = re.compile(r"[+0-9 ()./\u2013-]+")  # people write numbers in many ways
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
    yield _beginning_with(customers, EMAIL, everything, Folded)
    if "@" in everything:
        yield customers.with_other_email(everything)
    if NUMBER.fullmatch(everything):
        yield from with_phone(customers, everything)
    yield from named(customers, words)


def with_phone(customers: CustomerQuerySet, text: str) -> Iterator[CustomerQuerySet]:
    """Yield those with a telephone number, in any spelling, that may lack its prefix.

    00 39 333… and +39 333… are the same number.
    """
    digits = re.sub(r"[^0-9]", "", text).lstrip("0")
    if len(digits) < FEWEST_DIGITS:
        return
    for name in PHONES:
        yield from _with_number(customers, name, digits[::-1])
    yield customers.with_other_contact(phone_keys(digits))


def _with_number(
    customers: CustomerQuerySet, name: str, backwards: str
) -> Iterator[CustomerQuerySet]:
    """Yield those whose number ends with the digits, and those whose digits end with the number."""
    number = Collate(DialledBackwards(KT(f"base__contacts__{name}")), "C")
    known = customers.filter(base__contacts__has_key=name).alias(number=number)
    end = Collate(Concat(Value(backwards), Value(LAST_CHARACTER)), "C")
    yield known.filter(number__gte=Collate(Value(backwards), "C"), number__lt=end)
    shorter = range(SHORTEST_NUMBER, len(backwards))
    yield known.filter(number__in=[Collate(Value(backwards[:each]), "C") for each in shorter])


def named(customers: CustomerQuerySet, words: list[str]) -> Iterator[CustomerQuerySet]:
    """Yield those whose first or last name, or both in any order, begin with the words.

    In any case, with or without diacritics.
    """
    everything = " ".join(words)[:LONGEST]
    for path in (LAST_NAME, FIRST_NAME) if words else ():
        yield _beginning_with(customers, path, everything, Unaccented)
    for place in range(1, min(len(words), MOST_WORDS)):
        parts = " ".join(words[:place]), " ".join(words[place:])
        for first, last in (parts, parts[::-1]):
            with_last = _beginning_with(customers, LAST_NAME, last, Unaccented)
            yield _beginning_with(with_last, FIRST_NAME, first, Unaccented)


def _beginning_with(
    customers: CustomerQuerySet, path: str, text: str, compared: type[Folded | Unaccented]
) -> CustomerQuerySet:
    """Return those whose value at the path begins with the text, by the index of the path.

    `compared` is the function of both, and of the index.
    """
    name = f"compared_{path}"
    start, end = compared(Value(text)), Concat(compared(Value(text)), Value(LAST_CHARACTER))
    is_within = Q(**{f"{name}__gte": Collate(start, "C")}, **{f"{name}__lt": Collate(end, "C")})
    return customers.alias(**{name: Collate(compared(KT(path)), "C")}).filter(is_within)
