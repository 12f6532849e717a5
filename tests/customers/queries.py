"""Random customers and queries, and what a query means: an evaluator that knows no SQL."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from configuration.domain.customer_schema import LIST_OF, CustomerSchema
from configuration.domain.definition_parser import read_definitions
from configuration.domain.event_schema import EventSchema

EXTENDED = {
    "size": {"type": "number"},
    "club": {"type": "object", "properties": {"since": {"type": "string", "format": "date-time"}}},
    "it's \\ {odd}": {"type": "string", "indexed": True},
    "colours": {"type": "array", "items": {"type": "string"}},
    "vip": {"type": "boolean"},
}
SCHEMA = CustomerSchema((), read_definitions(EXTENDED, []))

ROME = ZoneInfo("Europe/Rome")  # the time zone of workspaces unless they are given another

WORDS = st.sampled_from(
    [
        "anna", "Anna", "ANN", "rossi", "Rossi", "%", "_", "a'b", '"', "\\", "{}",
        "M\u00fcller", "Mu\u0308ller", "MULLER", "Straße", "STRASSE", "σοφός", "ΣΟΦΌΣ", "\ufb01ne", "FINE", "İ",
    ]
)  # fmt: skip
TEXTS = WORDS | st.sampled_from(["", " ", "\u2003\t", " anna "])
DATES = st.sampled_from(["1990-01-01", "1990-01-02", "2001-05-06"])
MOMENTS = st.sampled_from(
    [
        "1989-12-31T22:59:59.999Z",
        "1989-12-31T23:00:00.000Z",
        "1990-01-01T00:00:00.000Z",
        "1990-01-01T12:00:00.000Z",
        "1990-01-01T22:59:59.999Z",
        "1990-01-01T23:00:00.000Z",
        "2001-05-06T07:08:09.010Z",
    ]
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
        "extra": TEXTS,
        "enabled": st.booleans(),
        "base": st.fixed_dictionaries(
            {},
            optional={
                "firstName": TEXTS,
                "lastName": TEXTS,
                "dob": DATES,
                "subscriptions": SUBSCRIPTIONS,
                "address": st.fixed_dictionaries({}, optional={"city": TEXTS}),
            },
        ),
        "extended": st.fixed_dictionaries(
            {},
            optional={
                "size": NUMBERS,
                "vip": st.booleans(),
                "it's \\ {odd}": TEXTS,
                "colours": st.lists(TEXTS, max_size=3),
                "club": st.fixed_dictionaries({}, optional={"since": MOMENTS}),
            },
        ),
        "tags": st.fixed_dictionaries({}, optional={"manual": st.lists(TEXTS, max_size=2)}),
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
    "text": TEXTS,
    "number": st.one_of(NUMBERS, NUMBERS.map(str)),
    "boolean": st.one_of(st.booleans(), st.sampled_from(["true", "false", "1", "0"])),
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
    if attribute not in PRESENCE_ONLY:
        operators += ["IS", "LIKE", "CONTAINS_FOLDED"] if kind == "text" else ["IS"]
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


# Few types, dates and numbers, so that events often fit and sums often meet a bound exactly.
ORDER, VISIT = EventSchema("completedOrder"), EventSchema("viewedPage")
EVENT_SCHEMAS = {"completedOrder": ORDER, "viewedPage": VISIT}
AMOUNTS = st.sampled_from([-1, 0, 0.1, 0.2, 0.3, 1, 1.5, 10, 1e300])
LINES = st.lists(
    st.fixed_dictionaries(
        {"id": st.just("P"), "name": WORDS, "type": st.just("sale")},
        optional={"quantity": st.integers(1, 3), "price": AMOUNTS},
    ),
    min_size=1,
    max_size=3,
)
ORDERS = st.fixed_dictionaries(
    {
        "type": st.just("completedOrder"),
        "context": st.sampled_from(["ECOMMERCE", "RETAIL"]),
        "date": st.one_of(MOMENTS, DATES),
        "properties": st.fixed_dictionaries(
            {
                "orderId": st.just("O"),
                "amount": st.fixed_dictionaries({"total": AMOUNTS}, optional={"tax": AMOUNTS}),
                "products": LINES,
            }
        ),
    }
)
VISITS = st.fixed_dictionaries(
    {
        "type": st.just("viewedPage"),
        "context": st.just("WEB"),
        "date": st.one_of(MOMENTS, DATES),
        "properties": st.fixed_dictionaries({}, optional={"title": WORDS}),
    }
)
EVENTS = st.one_of(ORDERS, ORDERS, VISITS)
EVENT_ATTRIBUTES = {
    "completedOrder": [
        "properties.amount.total", "properties.amount.tax", "properties.products.quantity",
        "properties.products.name", "context", "origin", "date", "version",
    ],
    "viewedPage": ["properties.title", "date", "origin"],
}  # fmt: skip
MEASURED = [
    "properties.amount.total", "properties.amount.tax", "properties.products.quantity",
    "properties.products.price", "version",
]  # fmt: skip
BOUNDS = st.one_of(AMOUNTS, st.sampled_from([0.15, 0.6, 2, 3, 5, "0.3", "2", 0.3333333333333333]))
EVENT_TEXTS = st.sampled_from(["ECOMMERCE", "RETAIL", "NATIVE", "DUPLICATE", "anna", "rossi", "%"])


@st.composite
def event_atomics(draw: Callable[[Any], Any], event_type: str) -> dict[str, Any]:
    attribute = draw(st.sampled_from(EVENT_ATTRIBUTES[event_type]))
    kind = (EVENT_SCHEMAS[event_type].kind_of(attribute) or "").removeprefix(LIST_OF)
    values = {"text": EVENT_TEXTS, "number": BOUNDS, "moment": TIMES}[kind]
    operator = draw(st.sampled_from(["EQUALS", "NOT_EQUALS", "GTE", "LT", "IN", "IS_NULL"]))
    condition = {"type": "atomic", "attribute": attribute, "operator": operator}
    if operator == "IS_NULL":
        return condition
    if operator == "IN":
        values = st.lists(values, max_size=3)
    return condition | {"value": draw(values)}


@st.composite
def measures(draw: Callable[[Any], Any], event_type: str) -> dict[str, Any]:
    functions = (
        ["COUNT", "SUM", "AVG", "MIN", "MAX"] if event_type == "completedOrder" else ["COUNT"]
    )
    function = draw(st.sampled_from(functions))
    measure: dict[str, Any] = {"function": function}
    values: Any = st.integers(0, 4)
    if function != "COUNT":
        measure["attribute"], values = draw(st.sampled_from(MEASURED)), BOUNDS
    measure["operator"] = draw(st.sampled_from([*ORDERS_OF_NUMBERS, "BETWEEN"]))
    if measure["operator"] == "BETWEEN":
        values = st.lists(values, min_size=2, max_size=2)
    return measure | {"value": draw(values)}


@st.composite
def behaviour_queries(draw: Callable[[Any], Any]) -> dict[str, Any]:
    event_type = draw(st.sampled_from(["completedOrder", "completedOrder", "viewedPage"]))
    did: dict[str, Any] = {"event": {"name": event_type}}
    if draw(st.booleans()):
        did["condition"] = draw(event_atomics(event_type))
    if draw(st.booleans()):
        operator = draw(st.sampled_from(["GTE", "LT", "LTE"]))
        did["timeframe"] = {"type": "atomic", "attribute": "date", "operator": operator,
                            "value": draw(TIMES)}  # fmt: skip
    if draw(st.integers(0, 3)):
        did["having"] = draw(st.lists(measures(event_type), min_size=1, max_size=2))
    return {"type": "simple", "did": did}


ORDERS_OF_NUMBERS: Mapping[str, Callable[[Fraction, Fraction], bool]] = {
    "EQUALS": lambda one, other: one == other,
    "NOT_EQUALS": lambda one, other: one != other,
    "GT": lambda one, other: one > other,
    "GTE": lambda one, other: one >= other,
    "LT": lambda one, other: one < other,
    "LTE": lambda one, other: one <= other,
}
DEEDS = st.recursive(
    behaviour_queries(),
    lambda inner: st.builds(
        lambda conjunction, queries: {
            "type": "combined", "conjunction": conjunction, "queries": queries,
        },
        st.sampled_from(["INTERSECT", "UNION", "EXCEPT"]), st.lists(inner, min_size=1, max_size=3),
    ),
    max_leaves=3,
)  # fmt: skip


# The form of a text in which an attribute is compared.
Form = Callable[[str], str]


def composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def trimmed(text: str) -> str:
    return composed(text).strip()


def casefolded(text: str) -> str:
    return composed(unicodedata.normalize("NFD", text).casefold())


def folded(text: str) -> str:
    return casefolded(text).strip()


def unaccented(text: str) -> str:
    letters = unicodedata.normalize("NFD", casefolded(text))
    return "".join(each for each in letters if not "\u0300" <= each <= "\u036f")


def finds(
    query: Mapping[str, Any],
    customer: Mapping[str, Any],
    forms: Mapping[str, Form],
    events: Sequence[Mapping[str, Any]] = (),
) -> bool:
    """Whether the query finds a customer with such events (all as the API shows them)."""
    if query["type"] == "simple":
        return all(
            did_it(query["did"], events) if part == "did"
            else matches(query["are"]["condition"], customer, forms)
            for part in ("are", "did") if part in query
        )  # fmt: skip
    found = [finds(each, customer, forms, events) for each in query["queries"]]
    if query["conjunction"] == "EXCEPT":
        return found[0] and not any(found[1:])
    return all(found) if query["conjunction"] == "INTERSECT" else any(found)


def did_it(did: Mapping[str, Any], events: Sequence[Mapping[str, Any]]) -> bool:
    """Whether one who has such events did what is asked for."""
    schema = EVENT_SCHEMAS[did["event"]["name"]]
    meant = [
        event
        for event in events
        if event["type"] == did["event"]["name"]
        and all(matches(did[part], event, {}, schema) for part in ("condition", "timeframe") if part in did)
    ]  # fmt: skip
    if "having" not in did:
        return bool(meant)
    return all(_measure_holds(each, meant) for each in did["having"])


def _measure_holds(measure: Mapping[str, Any], events: Sequence[Mapping[str, Any]]) -> bool:
    numbers = [
        _exact(number)
        for event in events
        for number in _values(event, measure.get("attribute", "").split("."))
        if number is not None
    ]
    given = measure["value"] if isinstance(measure["value"], list) else [measure["value"]]
    bounds = [_exact(each) for each in given]
    if measure["function"] == "COUNT":
        reckoned = Fraction(len(events))
    elif measure["function"] == "SUM":
        reckoned = sum(numbers, Fraction(0))
    elif not numbers:
        return measure["operator"] == "NOT_EQUALS"
    elif measure["function"] == "AVG":
        reckoned = sum(numbers, Fraction(0)) / len(numbers)
    else:
        reckoned = max(numbers) if measure["function"] == "MAX" else min(numbers)
    if measure["operator"] == "BETWEEN":
        return bounds[0] <= reckoned <= bounds[1]
    return ORDERS_OF_NUMBERS[measure["operator"]](reckoned, bounds[0])


def _exact(number: Any) -> Fraction:
    """A number as it is written in decimal."""
    return Fraction(str(number))


def matches(
    condition: Mapping[str, Any],
    customer: Mapping[str, Any],
    forms: Mapping[str, Form],
    schema: CustomerSchema | EventSchema = SCHEMA,
) -> bool:
    """Whether the condition holds for a customer or, with its schema, an event."""
    if condition["type"] == "composite":
        inner = [matches(each, customer, forms, schema) for each in condition["conditions"]]
        return any(inner) if condition["conjunction"].lower() == "or" else all(inner)
    attribute, operator = condition["attribute"], condition["operator"]
    kind = schema.kind_of(attribute) or ""
    values = [each for each in _values(customer, attribute.split(".")) if each not in (None, {})]
    if operator == "IS_NULL":
        return not any(map(_says_something, values))
    if operator == "IS_NOT_NULL":
        return any(map(_says_something, values))
    if operator in {"NOT_EQUALS", "NOT_IN"}:
        positive = condition | {"operator": operator.removeprefix("NOT_")}
        return not matches(positive, customer, forms, schema)
    given = condition["value"]
    is_list, kind = kind.startswith(LIST_OF), kind.removeprefix(LIST_OF)

    def same(value: Any) -> Any:
        if kind == "number":
            return float(value)
        if kind == "boolean":
            return value in (True, "true", "1")
        if kind != "text":
            return value
        return forms.get(attribute, composed)(value)

    def passes(value: Any) -> bool:
        if operator in {"IN", "LIKE"} and isinstance(given, str) and kind == "text" and not is_list:
            # Space around what is contained counts.
            case = casefolded if forms.get(attribute) is folded else composed
            return case(given) in case(value)
        if operator == "CONTAINS_FOLDED":
            return unaccented(given) in unaccented(value)
        if kind in {"moment", "date"}:
            first, last = _ends(value, kind)
            assert first == last
            spans = [_ends(each, kind) for each in (given if isinstance(given, list) else [given])]
        else:
            first = same(value)
            spans = [(same(each),) * 2 for each in (given if isinstance(given, list) else [given])]
        if operator in {"EQUALS", "IS", "IN", "LIKE"}:
            return any(low <= first <= high for low, high in spans)
        if operator == "BETWEEN":
            return spans[0][0] <= first <= spans[1][1]
        ((low, high),) = spans
        return {"GT": first > high, "GTE": first >= low, "LT": first < low, "LTE": first <= high}[
            operator
        ]

    return any(map(passes, values))


def _says_something(value: Any) -> bool:
    return not isinstance(value, str) or value.strip() != ""


def _values(value: Any, path: list[str]) -> list[Any]:
    if isinstance(value, list):
        return [found for element in value for found in _values(element, path)]
    if not path:
        return [value]
    return _values(value.get(path[0]), path[1:]) if isinstance(value, Mapping) else []


def _ends(value: str | int, kind: str) -> tuple[Fraction, Fraction]:
    """The first and the last moment that are meant: milliseconds, or days, since 1970."""
    if isinstance(value, str) and len(value) == len("2000-01-01"):
        day = date.fromisoformat(value)
        if kind == "date":
            number = Fraction((day - date(1970, 1, 1)).days)
            return number, number
        after = day + timedelta(days=1)
        first, end = (
            datetime(each.year, each.month, each.day, tzinfo=ROME) for each in (day, after)
        )
        return Fraction(_milliseconds(first)), Fraction(_milliseconds(end) - 1)
    number = Fraction(value) if isinstance(value, int) else Fraction(_milliseconds(_moment(value)))
    if kind == "date":
        number /= 24 * 60 * 60 * 1000
    return number, number


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def _milliseconds(moment: datetime) -> int:
    return round((moment - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(milliseconds=1))
