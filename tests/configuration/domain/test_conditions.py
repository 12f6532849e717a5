from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configuration.domain.conditions import condition_faults
from configuration.domain.customer_schema import CustomerSchema
from configuration.domain.extended_properties import read_definitions

EXTENDED = read_definitions(
    {
        "size": {"type": "number"},
        "club": {"type": "object", "properties": {"since": {"type": "string", "format": "date"}}},
    },
    [],
)
SCHEMA = CustomerSchema((), EXTENDED)


def atomic(attribute: str, operator: str, value: Any = None) -> dict[str, Any]:
    return {"type": "atomic", "attribute": attribute, "operator": operator, "value": value}


def both(*conditions: Any) -> dict[str, Any]:
    return {"type": "composite", "conjunction": "AND", "conditions": list(conditions)}


@pytest.mark.parametrize(
    "condition",
    [
        atomic("base.contacts.email", "EQUALS", "a@b.c"), atomic("base.dob", "BETWEEN", ["1990-01-01", 1472421600000]),
        atomic("extended.size", "GTE", 40), atomic("extended.club.since", "LT", "2020-01-01"), atomic("tags.manual", "IN", ["a", "b"]),
        atomic("base.firstName", "IN", "da"), atomic("consents.marketing.automatic.email.status", "EQUALS", True),
        {"type": "atomic", "attribute": "externalId", "operator": "IS_NULL", "name": "x"}, atomic("registeredAt", "GT", "2020-01-01T00:00:00+0100"),
        atomic("base.jobs.id", "EQUALS", "1"), atomic("base.subscriptions.subscribed", "EQUALS", True), atomic("intId", "GT", 5),
        both(atomic("enabled", "EQUALS", False), both(atomic("extra", "NOT_EQUALS", "x"))),
    ],
)  # fmt: skip
def test_good_conditions(condition: Any) -> None:
    assert condition_faults(condition, SCHEMA, at="") == []


@pytest.mark.parametrize(
    ("condition", "places"),
    [
        (None, {""}), ([], {""}), ({"type": "x"}, {"/type"}), (atomic("base", "EQUALS", 1), {"/attribute"}), (atomic("base.jobs.nope", "EQUALS", "1"), {"/attribute"}),
        (atomic("extended.size", "EQUALS", "40"), {"/value"}), (atomic("extended.size", "EQUALS", True), {"/value"}), (atomic("base.firstName", "EQUALS", 1), {"/value"}),
        (atomic("base.dob", "EQUALS", "soon"), {"/value"}), (atomic("base.dob", "BETWEEN", ["2020-01-01"]), {"/value"}), (atomic("base.dob", "BETWEEN", ["2020-01-01", "x"]), {"/value/1"}),
        (atomic("enabled", "GT", True), {"/value"}), (atomic("base.firstName", "EQUALS", ["a"]), {"/value"}), (atomic("base.firstName", "IN", ["a", 1]), {"/value/1"}),
        ({"type": "composite", "conjunction": "nor", "conditions": []}, {"/conjunction", "/conditions"}), (both(atomic("nope", "LIKE")), {"/conditions/0/attribute", "/conditions/0/operator"}),
        ({**atomic("externalId", "EQUALS", "x"), "sql": 1}, {"/sql"}), ({"type": "atomic", "attribute": ["x"], "operator": {}}, {"/attribute", "/operator"}),
    ],
)  # fmt: skip
def test_bad_conditions(condition: Any, places: set[str]) -> None:
    assert {fault.path for fault in condition_faults(condition, SCHEMA, at="")} == places


def test_bounds() -> None:
    deep = atomic("externalId", "EQUALS", "x")
    for _ in range(10):
        deep = both(deep)
    assert [fault.code for fault in condition_faults(deep, SCHEMA, at="/f")] == ["depth"]
    wide = both(*[atomic("externalId", "EQUALS", "x")] * 100)
    assert [fault.code for fault in condition_faults(wide, SCHEMA, at="/f")] == ["maxItems"]


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(), st.sampled_from(["atomic", "composite", "and", "EQUALS", "base.dob"])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["type", "attribute", "operator", "value", "conjunction", "conditions"]), inner),
    ),
)  # fmt: skip


@given(JSON)
def test_anything_is_judged_without_failing(condition: Any) -> None:
    for fault in condition_faults(condition, SCHEMA, at=""):
        assert fault.message
