"""The rules that staff build: their queries, what they find, and what is wrong with them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configuration.domain.customer_schema import CustomerSchema
from configuration.domain.vocabulary import EVENT_TYPES
from customers.admin.rule_properties import OPERATORS, TIMES, Property, properties_of
from customers.admin.rule_trees import UnreadableRules, query_of, read_tree, tree_of
from customers.domain.query_language import parse_query
from tests.analytics.test_answers import post_event
from tests.back_office.office import Staff
from tests.factories import Hub

SCHEMA = CustomerSchema()
PROPERTIES = properties_of(SCHEMA)
texts = st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"]), min_size=1, max_size=9)
days = st.integers(0, 3660)


@st.composite
def comparisons(draw: Any) -> dict[str, Any]:
    each = draw(st.sampled_from(PROPERTIES))
    operator = draw(st.sampled_from([name for name, _ in OPERATORS[each.kind]]))
    rule = {"property": each.path, "operator": operator}
    if operator in {"IS_NULL", "IS_NOT_NULL"}:
        return rule
    if operator in {"LAST_DAYS", "BEFORE_LAST_DAYS", "BIRTHDAY_WITHIN"}:
        return rule | {"value": str(draw(days))}
    if operator == "BETWEEN":
        return rule | {"value": [draw(texts), draw(texts)]}
    if operator in {"IN", "NOT_IN"}:
        return rule | {"value": draw(st.lists(texts, min_size=1, max_size=3))}
    return rule | {"value": draw(texts)}


behaviours = st.builds(
    lambda event, within, counted: {"event": event, "days": within, **counted},
    st.sampled_from(sorted(EVENT_TYPES)),
    st.none() | days,
    st.just({"did": False})
    | st.builds(
        lambda operator, times: {"did": True, "operator": operator, "times": times},
        st.sampled_from([name for name, _ in TIMES]),
        st.integers(1, 99),
    ),
)
leaves = comparisons() | behaviours


def groups(rules: Any) -> Any:
    return st.builds(
        lambda match, rules: {"match": match, "rules": rules},
        st.sampled_from(["all", "any"]),
        st.lists(rules, min_size=2, max_size=3),
    )


trees = groups(leaves | groups(leaves | groups(leaves)))


@given(trees)
def test_a_query_shows_the_rules_it_was_made_of(tree: dict[str, Any]) -> None:
    read = read_tree(json.dumps(tree))
    assert read == tree
    assert tree_of(query_of(read)) == tree


def usual_value(each: Property, operator: str) -> Any:
    value = {"number": "1", "boolean": "true", "date": "2026-01-01", "moment": "2026-01-01"}.get(
        each.input, each.choices[0] if each.choices else "x"
    )
    if operator in {"LAST_DAYS", "BEFORE_LAST_DAYS", "BIRTHDAY_WITHIN"}:
        return "30"
    return [value, value] if operator in {"IN", "NOT_IN", "BETWEEN"} else value


def test_the_language_takes_every_rule_that_is_offered() -> None:
    offered = [(each, operator) for each in PROPERTIES for operator, _ in OPERATORS[each.kind]]
    assert len(offered) > 300
    for each, operator in offered:
        value = usual_value(each, operator)
        rule = {"property": each.path, "operator": operator, "value": value}
        query = query_of(read_tree(json.dumps({"match": "all", "rules": [rule]})))
        _, faults = parse_query(
            {"query": query}, SCHEMA, lambda did, at: (None, []), lambda segment, at: (None, [])
        )
        assert faults == [], (rule, faults)


@pytest.mark.parametrize(
    "text",
    [
        "{", "[]", "5", "null", '{"rules": 5}', "[" * 9000, '{"rules": [' * 3000, "x" * 30_000,
        '{"rules": [{"property": 5, "operator": "EQUALS"}]}',
        '{"rules": [{"property": "base.dob", "operator": []}]}',
        '{"rules": [{"property": "base.dob", "operator": "EQUALS", "value": {}}]}',
        '{"rules": [{"property": "base.lastName", "operator": "EQUALS", "value": " "}]}',
        '{"rules": [{"property": "base.dob", "operator": "LAST_DAYS", "value": "1e9"}]}',
        '{"rules": [{"property": "base.dob", "operator": "BETWEEN", "value": ["2026-01-01"]}]}',
        '{"rules": [{"event": "noSuch"}]}', '{"rules": [{"event": {"name": 1}}]}',
        '{"rules": [{"event": "loggedIn", "times": "²"}]}',
        '{"rules": [{"event": "loggedIn", "days": -1}]}',
        '{"rules": [{"event": "loggedIn", "operator": "IN"}]}',
        json.dumps({"rules": [{"event": "loggedIn"}] * 41}),
        '{"rules": [{"rules": [{"rules": [{"rules": [{"event": "loggedIn"}]}]}]}]}',
    ],
)  # fmt: skip
def test_what_are_no_rules(text: str) -> None:
    with pytest.raises(UnreadableRules):
        read_tree(text)


def test_faults_are_sentences_on_the_page_and_find_nobody(hub: Hub) -> None:
    hub.post_customer(base={"contacts": {"email": "ada@x.it"}})
    staff = Staff(hub, "USER")
    for text in (
        "{",
        '{"rules": [{"property": "no.such", "operator": "EQUALS", "value": "\\u0000"}]}',
    ):
        page = staff.open("customers", {"rules": text})
        assert page.status == 200
        assert "office-fault" in page.html
        assert "ada@x.it" not in page
        assert staff.open("count-customers", {"rules": text}).status == 200
        assert staff.submit("export-customers", {}, f"rules={text}").status in {200, 400}
    assert tree_of({"type": "simple", "are": {"condition": {"type": "composite"}}}) is None
    assert tree_of({"type": "combined", "conjunction": "EXCEPT", "queries": []}) is None


def test_rules_find_those_who_match(hub: Hub) -> None:
    now = datetime.now(UTC)
    people = {
        name: hub.post_customer(
            base={"firstName": name, "contacts": {"email": f"{name}@x.it"}, "dob": born}
        )["id"]
        for name, born in (("ada", "1990-01-01"), ("bob", "1980-06-01"), ("eve", None))
    }
    for name, ago in (("ada", 1), ("ada", 2), ("bob", 90)):
        date = (now - timedelta(days=ago)).isoformat()
        post_event(hub, people[name], "loggedIn", "WEB", date)
    staff = Staff(hub, "USER")

    def found(match: str, *rules: Any) -> set[str]:
        text = json.dumps({"match": match, "rules": rules})
        page = staff.open("customers", {"rules": text})
        names = {name for name in people if f">{name}<" in page.html}
        count = staff.open("count-customers", {"rules": text}).html
        assert f"find {len(names)} customer" in count
        return names

    def did(**rule: Any) -> dict[str, Any]:
        return {
            "event": "loggedIn",
            "did": True,
            "operator": "GTE",
            "times": 1,
            "days": None,
        } | rule

    young = {"property": "base.dob", "operator": "GTE", "value": "1985-01-01"}
    unknown = {"property": "base.dob", "operator": "IS_NULL"}
    assert found("all") == {"ada", "bob", "eve"}
    assert found("all", young) == {"ada"}
    assert found("any", young, unknown) == {"ada", "eve"}
    assert found("all", did()) == {"ada", "bob"}
    assert found("all", did(days=30)) == {"ada"}
    assert found("all", did(did=False, days=30)) == {"bob", "eve"}
    assert found("all", did(times=2)) == {"ada"}
    assert found("all", did(operator="LTE", times=1)) == {"bob", "eve"}
    assert found("all", did(), {"match": "any", "rules": [unknown, did(operator="EQUALS")]}) == {
        "bob"
    }
    assert found("all", {"property": "registeredAt", "operator": "LAST_DAYS", "value": 1}) == set(
        people
    )
    assert (
        found("all", {"property": "registeredAt", "operator": "BEFORE_LAST_DAYS", "value": "1"})
        == set()
    )
    assert found("any", {"property": "base.firstName", "operator": "IN", "value": ["ada", "bob"]}) == {
        "ada", "bob",
    }  # fmt: skip
