"""The database's idea of text in any case is that of the rules."""

from __future__ import annotations

import sys
import unicodedata
from typing import Any

from django.db import connection, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from contacthub_project.core.text import folded
from contacthub_project.db.sql import fetch_all, fetch_one
from tests.client import Answer
from tests.customers import queries
from tests.customers.test_search import MANY, are, atomic, explained, person, searched
from tests.factories import Hub

SPELLINGS = {
    "M\u00fcller": ["Mu\u0308ller", " M\u00dcLLER\t"],
    "Rossi": [" Rossi ", "ROSSI"],
    "Straße": ["STRASSE", "strasse", "STRA\u1e9eE"],
    "σοφός": ["ΣΟΦΌΣ", "ΣΟΦΌς"],
    "Owen": ["OWEN", "\u2003owen\u00a0"],
}


def test_every_character_folds_as_in_python(db: None) -> None:
    assigned = [
        chr(number)
        for number in range(1, sys.maxunicode + 1)
        if unicodedata.category(chr(number)) not in {"Cs", "Cn", "Co"}
    ]
    texts = [f"a{each}b" for each in assigned] + assigned
    found = fetch_all(
        "SELECT given, customers_folded(given), customers_unaccented(given)"
        " FROM unnest(%s::text[]) AS given",
        [texts],
    )
    assert len(found) == len(texts)
    wrong = [
        (given, sql)
        for given, sql, plain in found
        if sql != folded(given) or plain != queries.unaccented(given)
    ]
    assert wrong == []


@settings(max_examples=300)
@given(
    st.text(st.characters(exclude_categories=["Cs", "Cn"], exclude_characters="\0"), max_size=30)
)
def test_texts_fold_as_in_python(db: None, text: str) -> None:
    assert fetch_one("SELECT customers_folded(%s)", [text]) == (folded(text),)
    assert folded(folded(text)) == folded(text)


def names(answer: Answer) -> set[str]:
    assert answer.status == 200, answer.content
    return {each["base"]["lastName"] for each in answer["elements"]}


def recognised_by(hub: Hub, *properties: str, case_sensitive: bool = False) -> None:
    path = f"{hub.configuration}/nodes/entries/{hub.node.id}/unique-customer-matching-policy"
    policy = {"properties": list(properties), "caseSensitive": case_sensitive}
    answer = hub.operator.put(path, policy)
    assert answer.status == 200, answer.content


def test_names_are_found_in_every_spelling(hub: Hub) -> None:
    recognised_by(hub, "base.lastName")
    for name, spellings in SPELLINGS.items():
        hub.post_customer(base={"lastName": name})
        for each in [name, *spellings]:
            assert names(searched(hub, query=are("base.lastName", "EQUALS", each))) == {name}, each
            assert names(searched(hub, query=are("base.lastName", "IN", [each, "x"]))) == {name}
            assert name not in names(searched(hub, query=are("base.lastName", "NOT_EQUALS", each)))


@settings(max_examples=25)
@given(
    bodies=st.lists(queries.BODIES, min_size=1, max_size=8),
    requested=st.lists(
        st.tuples(
            st.sampled_from(["EQUALS", "NOT_EQUALS", "GTE", "LT", "IN", "CONTAINS_FOLDED"]),
            queries.TEXTS,
        ),
        min_size=10,
        max_size=10,
    ),
    case_sensitive=st.booleans(),
)
def test_searches_compare_as_the_node_does(
    hub: Hub, bodies: list[dict[str, Any]], requested: list[tuple[str, str]], case_sensitive: bool
) -> None:
    recognised_by(hub, "base.lastName", case_sensitive=case_sensitive)
    with transaction.atomic():
        for body in bodies:
            kept = {"lastName", "firstName"}
            base = {key: text for key, text in body.get("base", {}).items() if key in kept}
            hub.post_customer(base=base)
        everybody = searched(hub, size=100)["elements"]
        forms = {"base.lastName": queries.trimmed if case_sensitive else queries.folded}
        for attribute in ("base.lastName", "base.firstName"):
            for operator, value in requested:
                query = are(attribute, operator, value)
                found = {each["id"] for each in searched(hub, query=query, size=100)["elements"]}
                expected = {each["id"] for each in everybody if queries.finds(query, each, forms)}
                assert found == expected, query
        transaction.set_rollback(True)


def test_text_is_kept_and_compared_composed(hub: Hub) -> None:
    made = hub.post_customer(base=person("a@x.it", firstName="Zoe\u0308"), extra="e\u0301")
    assert made["base"]["firstName"] == "Zo\u00eb"
    assert made["extra"] == "\u00e9"
    for spelling in ("Zo\u00eb", "Zoe\u0308"):
        query = are("base.firstName", "EQUALS", spelling)
        assert searched(hub, query=query)["page"]["totalElements"] == 1
    assert searched(hub, query=are("base.firstName", "EQUALS", "zo\u00eb"))["elements"] == []


def test_contains_folded(hub: Hub) -> None:
    hub.post_customer(base=person("a@x.it", firstName="José-María", lastName="Weiß"))
    for attribute, text in (
        ("base.firstName", "jose"), ("base.firstName", "É-M"), ("base.firstName", "maria"),
        ("base.lastName", "WEISS"), ("base.lastName", "eis"), ("base.contacts.email", "A@X"),
    ):  # fmt: skip
        query = are(attribute, "CONTAINS_FOLDED", text)
        assert searched(hub, query=query)["page"]["totalElements"] == 1, text
    assert searched(hub, query=are("base.firstName", "CONTAINS_FOLDED", "jo se"))["elements"] == []
    for wrong in (atomic("intId", "CONTAINS_FOLDED", 1), atomic("extra", "CONTAINS_FOLDED", ["a"])):
        query = {"type": "simple", "are": {"condition": wrong}}
        assert searched(hub, query=query).status == 400


def test_equality_of_the_whole_key_is_found_by_its_index(live_hub: Hub) -> None:
    hub = live_hub
    recognised_by(hub, "base.address.city", "base.address.zip")
    with connection.cursor() as cursor:
        cursor.execute(MANY, [hub.workspace.id, hub.node.id])
        cursor.execute("ANALYZE customers_customer")
    address = {"city": "Straße", "zip": " 77 "}
    made = hub.post_customer(base={"address": address})
    query = {
        "type": "combined",
        "conjunction": "INTERSECT",
        "queries": [
            are("base.address.city", "EQUALS", "STRASSE"),
            are("base.address.zip", "EQUALS", "77"),
        ],
    }
    plan = explained(hub, query).split("page")[0]
    assert "customer_once_in_node" in plan, plan
    assert [each["id"] for each in searched(hub, query=query)["elements"]] == [made["id"]]
    assert (
        searched(hub, query=are("base.address.zip", "EQUALS", "77"))["page"]["totalElements"] == 1
    )
