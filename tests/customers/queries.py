"""Random customers and queries, and what a query means: an evaluator that knows no SQL."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from configuration.domain.customer_schema import LIST_OF, CustomerSchema
from configuration.domain.extended_properties import read_definitions
from contacthub_project.core.timestamps import format_timestamp, parse_timestamp

EXTENDED = {
    "size": {"type": "number"},
    "club": {"type": "object", "properties": {"since": {"type": "string", "format": "date-time"}}},
    "it's \\ {odd}": {"type": "string", "indexed": True},
    "colours": {"type": "array", "items": {"type": "string"}},
    "vip": {"type": "boolean"},
}
SCHEMA = CustomerSchema((), read_definitions(EXTENDED, []))

WORDS = st.sampled_from(["anna", "Anna", "ANN", "rossi", "Rossi", "%", "_", "a'b", '"', "\\", "{}"])
DATES = st.sampled_from(["1990-01-01", "1990-01-02", "2001-05-06"])
MOMENTS = st.sampled_from(
    ["1990-01-01T00:00:00.000Z", "1990-01-01T12:00:00.000Z", "2001-05-06T07:08:09.010Z"]
)
NUMBERS = st.sampled_from([-1, 0, 1, 1.0, 1.5, 2, 10])
SUBSCRIPTIONS = st.lists(
    st.fixed_dictionaries({"id": st.sampled_from(["news", "sms"]), "subscribed": st.booleans()}),
    max_size=2,
    unique_by=lambda each: each["id"],
)
BODIES = st.fixed_dictionaries(
    {},
    optional={
        "externalId": WORDS,
        "extra": WORDS,
        "enabled": st.booleans(),
        "base": st.fixed_dictionaries(
            {},
            optional={
                "firstName": WORDS,
                "lastName": WORDS,
                "dob": DATES,
                "subscriptions": SUBSCRIPTIONS,
                "address": st.fixed_dictionaries({}, optional={"city": WORDS}),
            },
        ),
        "extended": st.fixed_dictionaries(
            {},
            optional={
                "size": NUMBERS,
                "vip": st.booleans(),
                "it's \\ {odd}": WORDS,
                "colours": st.lists(WORDS, max_size=3),
                "club": st.fixed_dictionaries({}, optional={"since": MOMENTS}),
            },
        ),
        "tags": st.fixed_dictionaries({}, optional={"manual": st.lists(WORDS, max_size=2)}),
        "consents": st.fixed_dictionaries(
            {}, optional={"profiling": st.just({"classic": {"status": True}})}
        ),
    },
)
ATTRIBUTES = [
    "externalId", "extra", "enabled", "base.firstName", "base.lastName", "base.dob",
    "base.subscriptions.id", "base.subscriptions.subscribed", "base.address.city", "extended.size",
    "extended.vip", "extended.it's \\ {odd}", "extended.colours", "extended.club.since",
    "tags.manual", "consents.profiling.classic.status", "base.contacts.email",
]  # fmt: skip
PRESENCE_ONLY = ["base.address", "base.subscriptions", "extended.club"]
TIMES = st.one_of(DATES, MOMENTS, st.integers(631152000000, 631324800000), st.just(-(10**18)))
VALUES = {
    "text": WORDS,
    "number": NUMBERS,
    "boolean": st.booleans(),
    "moment": TIMES,
    "date": TIMES,
}


@st.composite
def atomics(draw: Callable[[Any], Any]) -> dict[str, Any]:
    attribute = draw(st.sampled_from(ATTRIBUTES + PRESENCE_ONLY))
    kind = (SCHEMA.kind_of(attribute) or "").removeprefix(LIST_OF)
    operators = ["IS_NULL", "IS_NOT_NULL"]
    if attribute not in PRESENCE_ONLY:
        operators += ["EQUALS", "NOT_EQUALS", "IN", "NOT_IN"]
        if kind != "boolean":
            operators += ["GT", "GTE", "LT", "LTE", "BETWEEN"]
    operator = draw(st.sampled_from(operators))
    condition = {"type": "atomic", "attribute": attribute, "operator": operator}
    if operator in {"IS_NULL", "IS_NOT_NULL"}:
        return condition
    values = VALUES[kind]
    if operator == "BETWEEN":
        values = st.lists(values, min_size=2, max_size=2)
    elif operator in {"IN", "NOT_IN"}:
        values = st.one_of(values, st.lists(values, max_size=3))
    return condition | {"value": draw(values)}


CONDITIONS = st.recursive(
    atomics(),
    lambda inner: st.builds(
        lambda conjunction, conditions: {
            "type": "composite", "conjunction": conjunction, "conditions": conditions,
        },
        st.sampled_from(["and", "or", "OR"]), st.lists(inner, min_size=1, max_size=3),
    ),
    max_leaves=5,
)  # fmt: skip
QUERIES = st.recursive(
    st.builds(lambda condition: {"type": "simple", "are": {"condition": condition}}, CONDITIONS),
    lambda inner: st.builds(
        lambda conjunction, queries: {
            "type": "combined", "conjunction": conjunction, "queries": queries,
        },
        st.sampled_from(["INTERSECT", "UNION", "EXCEPT"]), st.lists(inner, min_size=1, max_size=3),
    ),
    max_leaves=4,
)  # fmt: skip


def finds(query: Mapping[str, Any], customer: Mapping[str, Any], folded: set[str]) -> bool:
    """Whether the query finds a customer (as the API shows it)."""
    if query["type"] == "simple":
        return fulfils(query["are"]["condition"], customer, folded)
    found = [finds(each, customer, folded) for each in query["queries"]]
    if query["conjunction"] == "EXCEPT":
        return found[0] and not any(found[1:])
    return all(found) if query["conjunction"] == "INTERSECT" else any(found)


def fulfils(condition: Mapping[str, Any], customer: Mapping[str, Any], folded: set[str]) -> bool:
    if condition["type"] == "composite":
        inner = [fulfils(each, customer, folded) for each in condition["conditions"]]
        return any(inner) if condition["conjunction"].lower() == "or" else all(inner)
    attribute, operator = condition["attribute"], condition["operator"]
    kind = SCHEMA.kind_of(attribute) or ""
    values = [each for each in _values(customer, attribute.split(".")) if each not in (None, {})]
    if operator == "IS_NULL":
        return not values
    if operator == "IS_NOT_NULL":
        return bool(values)
    if operator in {"NOT_EQUALS", "NOT_IN"}:
        positive = condition | {"operator": operator.removeprefix("NOT_")}
        return not fulfils(positive, customer, folded)
    given = condition["value"]
    is_list, kind = kind.startswith(LIST_OF), kind.removeprefix(LIST_OF)

    def same(value: Any) -> Any:
        if kind in {"moment", "date"}:
            return _moment(value)
        return value.lower() if kind == "text" and attribute in folded else value

    for value in map(same, values):
        if operator == "IN" and isinstance(given, str) and kind == "text" and not is_list:
            holds = same(given) in value
        elif operator in {"EQUALS", "IN"}:
            options = given if isinstance(given, list) else [given]
            holds = any(value == same(option) for option in options)
        elif operator == "BETWEEN":
            holds = same(given[0]) <= value <= same(given[1])
        else:
            bound = same(given)
            holds = {
                "GT": value > bound, "GTE": value >= bound,
                "LT": value < bound, "LTE": value <= bound,
            }[operator]  # fmt: skip
        if holds:
            return True
    return False


def _values(value: Any, path: list[str]) -> list[Any]:
    if isinstance(value, list):
        return [found for element in value for found in _values(element, path)]
    if not path:
        return [value]
    return _values(value.get(path[0]), path[1:]) if isinstance(value, Mapping) else []


def _moment(value: str | int) -> str:
    if isinstance(value, str):
        moment = parse_timestamp(value)
        assert moment is not None
        return format_timestamp(moment)
    try:
        return format_timestamp(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=value))
    except OverflowError:
        return "" if value < 0 else "z"
