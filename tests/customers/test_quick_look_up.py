"""The search box: people by the beginning of a name in any spelling, and by number in any spelling."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contacthub_project.core.text import unaccented
from customers.models import Customer
from customers.queries.look_up import look_up, named, with_phone
from tests.customers import queries
from tests.factories import Hub

LETTERS = "aAàÀåÅeéÉëoöÖøsSßşzŽiİı 'αΆσς"
names = st.text(LETTERS, min_size=1, max_size=6).filter(str.strip)
PER_TEST = settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)


def found(hub: Hub, text: str, **options: Any) -> list[Customer]:
    return look_up(hub.workspace.id, [hub.node.id, hub.other_node.id], text, **options)


@pytest.fixture
def people(hub: Hub) -> dict[str, str]:
    """Ids by last name."""
    made = {}
    for number, (first, last, phone) in enumerate(
        (
            ("Zoë", "Müller", "+39 333 123-4567"),
            ("José María", "Nuñez", "0039/333 7654321"),
            ("Noël", "D’Angelo", "(02) 7654.3210"),
            ("Anna", "Straße", ""),
        )
    ):
        contacts = {"email": f"p{number}@x.it"} | ({"mobilePhone": phone} if phone else {})
        base = {"firstName": first, "lastName": last, "contacts": contacts}
        made[last] = hub.post_customer(base=base)["id"]
    return made


@pytest.mark.parametrize(
    ("text", "last"),
    [
        ("muller", "Müller"), ("MÜLLER", "Müller"), ("zoe", "Müller"), ("ZOË mull", "Müller"),
        ("Mu\u0308ll zoe", "Müller"), ("jose maria nunez", "Nuñez"), ("NUÑEZ JOSE", "Nuñez"),
        ("noel", "D’Angelo"), ("strasse", "Straße"), ("STRASSE anna", "Straße"),
        ("3331234567", "Müller"), ("+39 (333) 12 34 567", "Müller"), ("0039333-1234567", "Müller"),
        ("39.333.1234567", "Müller"), ("333 76 54 321", "Nuñez"), ("+393337654321", "Nuñez"),
        ("0276543210", "D’Angelo"), ("02/765–43210", "D’Angelo"), ("7654 3210", "D’Angelo"),
    ],
)  # fmt: skip
def test_one_person_is_found(hub: Hub, people: dict[str, str], text: str, last: str) -> None:
    assert [str(each.id) for each in found(hub, text)] == [people[last]]


@pytest.mark.parametrize("text", ["uller", "oe", "3331", "+", "()", "333 1234568", "5" * 300, "-"])
def test_nobody_is_found(hub: Hub, people: dict[str, str], text: str) -> None:
    assert found(hub, text) == []


def is_found(pair: tuple[str, str], words: list[str]) -> bool:
    """Whether first or last name begins with the words, or both with parts of them."""
    names = [queries.unaccented(each) for each in pair]
    if any(each.startswith(" ".join(words)) for each in names):
        return True
    parts = [(" ".join(words[:at]), " ".join(words[at:])) for at in range(1, len(words))]
    return any(
        one.startswith(before) and other.startswith(after)
        for before, after in parts
        for one, other in (names, names[::-1])
    )


@PER_TEST
@given(st.lists(st.tuples(names, names), min_size=1, max_size=4), names, st.booleans())
def test_beginnings_are_found_as_a_naive_search_finds_them(
    hub: Hub, people: list[tuple[str, str]], text: str, is_decomposed: bool
) -> None:
    Customer.objects.filter(workspace=hub.workspace).delete()
    ids = []
    for number, (first, last) in enumerate(people):
        base = {"firstName": first, "lastName": last, "contacts": {"email": f"{number}@y.it"}}
        ids.append(hub.post_customer(base=base)["id"])
    typed = unicodedata.normalize("NFD" if is_decomposed else "NFC", text)
    words = queries.unaccented(typed).split()
    expected = {key for key, pair in zip(ids, people, strict=True) if is_found(pair, words)}
    assert {str(each.id) for each in found(hub, typed)} == expected


@given(st.text(st.characters(exclude_categories=["Cs", "Cn"]), max_size=20))
def test_pages_of_the_menu_are_compared_in_the_same_way(text: str) -> None:
    assert unaccented(text) == queries.unaccented(text)


def test_names_and_numbers_are_ranges_of_an_index(hub: Hub) -> None:
    for _ in range(60):  # so many that reading all of the workspace costs more
        hub.post_customer()
    customers = Customer.objects.in_workspace(hub.workspace.id).live()
    customers = customers.filter(node_id__in=[hub.node.id, hub.other_node.id])
    *numbers, _others = with_phone(customers, "+39 333 1234567")
    indexes = set()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE customers_customer")
        cursor.execute("SET LOCAL enable_seqscan = off")
        for each in (*named(customers, ["zoë", "müller"]), *numbers):
            statement, parameters = each[:10].query.sql_with_params()
            cursor.execute(f"EXPLAIN {statement}", parameters)
            plan = "\n".join(line for (line,) in cursor.fetchall())
            condition = plan.partition("Index Cond:")[2].partition("\n")[0]
            assert any(of in condition for of in ("Name'", "reverse")), plan
            indexes |= {name for name in NAMES if name in plan}
    assert indexes == NAMES


NAMES = {
    "customer_last_name_unaccented", "customer_first_name_unaccented", "customer_mobile_phone",
    "customer_phone",
}  # fmt: skip
