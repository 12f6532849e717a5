from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configuration.domain.condition_parser import parse_condition
from configuration.domain.conditions import Not, depends_on_now
from configuration.domain.customer_schema import CustomerSchema
from configuration.domain.definition_parser import read_definitions
from contacthub_project.core.errors import FieldError

EXTENDED = read_definitions(
    {
        "size": {"type": "number"},
        "club": {"type": "object", "properties": {"since": {"type": "string", "format": "date"}}},
    },
    [],
)
SCHEMA = CustomerSchema((), EXTENDED)


def condition_faults(condition: Any, schema: CustomerSchema, *, at: str) -> list[FieldError]:
    return parse_condition(condition, schema, at=at)[1]


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
        atomic("extended.size", "EQUALS", "40"), atomic("extended.size", "BETWEEN", ["-1.5e3", "0"]), atomic("enabled", "IN", ["true", "0"]), atomic("registeredAt", "LT", "1614556800000"),
        atomic("base.firstName", "LIKE", "da"), atomic("tags.manual", "LIKE", "a"), atomic("intId", "IS", "5"), atomic("registeredAt", "BETWEEN", ["now-1M/M", "now/d"]), atomic("base.dob", "GT", "now-18y"),
        both(atomic("enabled", "EQUALS", False), both(atomic("extra", "NOT_EQUALS", "x"))),
    ],
)  # fmt: skip
def test_good_conditions(condition: Any) -> None:
    assert condition_faults(condition, SCHEMA, at="") == []


@pytest.mark.parametrize(
    ("condition", "places"),
    [
        (None, {""}), ([], {""}), ({"type": "x"}, {"/type"}), (atomic("base", "EQUALS", 1), {"/attribute"}), (atomic("base.jobs.nope", "EQUALS", "1"), {"/attribute"}),
        (atomic("extended.size", "EQUALS", "40 "), {"/value"}), (atomic("extended.size", "EQUALS", True), {"/value"}), (atomic("base.firstName", "EQUALS", 1), {"/value"}),
        (atomic("base.dob", "EQUALS", "soon"), {"/value"}), (atomic("base.dob", "BETWEEN", ["2020-01-01"]), {"/value"}), (atomic("base.dob", "BETWEEN", ["2020-01-01", "x"]), {"/value/1"}),
        (atomic("enabled", "GT", True), {"/value"}), (atomic("base.firstName", "EQUALS", ["a"]), {"/value"}), (atomic("base.firstName", "IN", ["a", 1]), {"/value/1"}),
        (atomic("extended.size", "EQUALS", "1e999"), {"/value"}), (atomic("extended.size", "EQUALS", "9" * 30), {"/value"}), (atomic("extended.size", "IN", ["1", "01", "+1", ".5", "1.", "NaN", "١", ""]), {f"/value/{index}" for index in range(1, 8)}),
        (atomic("enabled", "EQUALS", 1), {"/value"}), (atomic("enabled", "EQUALS", "yes"), {"/value"}), (atomic("base.firstName", "LIKE", ["a"]), {"/value"}), (atomic("extended.size", "LIKE", "4"), {"/value"}), (atomic("base.dob", "LIKE", "1990"), {"/value"}),
        (atomic("base.firstName", "IS", 1), {"/value"}), (atomic("registeredAt", "GT", "now-"), {"/value"}), (atomic("registeredAt", "GT", "now" + "+1d" * 11), {"/value"}), (atomic("registeredAt", "GT", "now-1q"), {"/value"}), (atomic("registeredAt", "GT", "now - 1d"), {"/value"}),
        ({"type": "composite", "conjunction": "nor", "conditions": []}, {"/conjunction", "/conditions"}), (both(atomic("nope", "MATCHES")), {"/conditions/0/attribute", "/conditions/0/operator"}),
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
    widest = both(both(*[atomic("externalId", "EQUALS", "x")] * 99), atomic("extra", "IS_NULL"))
    assert condition_faults(widest, SCHEMA, at="/f") == []
    wide = both(*[atomic("externalId", "EQUALS", "x")] * 101)
    assert [fault.code for fault in condition_faults(wide, SCHEMA, at="/f")] == ["maxItems"]


def test_spellings_of_one_condition() -> None:
    def parsed(attribute: str, operator: str, value: Any = None) -> Any:
        condition, faults = parse_condition(atomic(attribute, operator, value), SCHEMA, at="")
        assert faults == []
        return condition

    assert parsed("base.firstName", "LIKE", "da") == parsed("base.firstName", "IN", "da")
    assert parsed("base.firstName", "IS", "Ada") == parsed("base.firstName", "EQUALS", "Ada")
    assert parsed("tags.manual", "IN", "a") == parsed("tags.manual", "EQUALS", "a")
    assert parsed("extended.size", "EQUALS", "1.50") == parsed("extended.size", "EQUALS", 1.5)
    assert parsed("enabled", "EQUALS", "1") == parsed("enabled", "EQUALS", "true")
    assert parsed("enabled", "EQUALS", "false") == parsed("enabled", "EQUALS", False)
    assert parsed("updatedAt", "GT", "1614556800000") == parsed("updatedAt", "GT", 1614556800000)
    assert parsed("extended.size", "NOT_IN", [1]) == Not(parsed("extended.size", "IN", [1]))


def test_what_time_alone_can_change() -> None:
    lasting = both(atomic("base.dob", "LT", "2000-01-01"), atomic("extra", "EQUALS", "now"))
    passing = both(atomic("extra", "IS_NULL"), both(atomic("base.dob", "NOT_EQUALS", "now/d")))
    for query, expected in ((lasting, False), (passing, True)):
        condition, faults = parse_condition(query, SCHEMA, at="")
        assert faults == []
        assert depends_on_now(condition) is expected


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
