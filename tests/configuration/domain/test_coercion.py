from __future__ import annotations

import copy
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configuration.domain.coercion import coerce
from configuration.domain.customer_schema import CustomerSchema
from configuration.domain.validation import DocumentValidator
from contacthub_project.core.timestamps import timestamp_of
from tests.strategies import bodies

SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "object": {"type": ["object", "null"], "properties": {"inner": {"$ref": "#/$defs/list"}}},
        "place": {"oneOf": [{"type": "null"}, {"$ref": "#/$defs/place"}]},
        "list": {"$ref": "#/$defs/list"},
        "numbers": {"type": "array", "items": {"type": "number"}},
        "either": {"type": ["array", "object"]},
        "number": {"type": ["number", "null"]},
        "whole": {"type": "integer"},
        "flag": {"type": "boolean"},
        "text": {"type": "string"},
        "mixed": {"type": ["string", "number"]},
        "moment": {"type": ["string", "null"], "format": "date-time"},
        "email": {"type": "string", "format": "email"},
        "choice": {"enum": ["1", "true", None]},
        "anything": {},
    },
    "$defs": {
        "list": {"type": ["array", "null"], "items": {"type": "string"}},
        "place": {"type": "object", "properties": {"lat": {"type": "number"}}},
    },
}


def coerced(document: Any, *, scalars_as_text: bool = True) -> Any:
    return coerce(SCHEMA, document, scalars_as_text=scalars_as_text)


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ([], {}), ({"object": []}, {"object": {}}), ({"place": []}, {"place": {}}),
        ({"list": {"1": "b"}}, {"list": ["b"]}), ({"list": {}}, {"list": []}),
        ({"list": {"10": "c", "9": "b", "0": "a"}}, {"list": ["a", "b", "c"]}),
        ({"object": {"inner": {"0": "a"}}}, {"object": {"inner": ["a"]}}),
        ({"numbers": {"1": "2", "0": 1}}, {"numbers": [1, 2]}),
        ({"number": "1.5000"}, {"number": 1.5}), ({"number": "-2e3"}, {"number": -2000.0}),
        ({"whole": "9223372036854775807"}, {"whole": 2**63 - 1}),
        ({"flag": "true"}, {"flag": True}), ({"place": {"lat": "45.1"}}, {"place": {"lat": 45.1}}),
        ({"moment": 1764060605248}, {"moment": "2025-11-25T08:50:05.248Z"}),
        ({"moment": "1764060605248"}, {"moment": "2025-11-25T08:50:05.248Z"}),
        ({"moment": 0}, {"moment": "1970-01-01T00:00:00.000Z"}),
        ({"email": " \tzoe@example.com\n"}, {"email": "zoe@example.com"}),
    ],
)  # fmt: skip
def test_what_is_coerced(sent: Any, meant: Any) -> None:
    before = copy.deepcopy(sent)
    assert coerced(sent) == meant
    assert sent == before, "what was sent is not changed"


@pytest.mark.parametrize(
    "sent",
    [
        {"object": ["a"]}, {"list": {"a": "b"}}, {"list": {"0": "a", "x": "b"}}, {"list": "a"},
        {"list": {"00": "a"}}, {"list": {"-1": "a"}}, {"list": {"٣": "a"}}, {"list": {"1" * 99: ""}},
        {"number": "1,5"}, {"number": "01"}, {"number": "0x1"}, {"number": " 1"}, {"number": ""},
        {"number": "NaN"}, {"number": "1e999"}, {"number": "1_0"}, {"number": "1" * 101},
        {"number": "٣"}, {"whole": "9223372036854775808"}, {"flag": "True"}, {"flag": "1"}, {"flag": 1},
        {"text": 1}, {"moment": "x"}, {"moment": True}, {"moment": 10**30}, {"email": 7},
        {"either": []}, {"mixed": "1"}, {"choice": "1"}, {"anything": []}, {"unknown": []}, 7, None,
    ],
)  # fmt: skip
def test_what_is_left_for_validation(sent: Any) -> None:
    assert coerced(sent) is sent


def test_text_is_no_number_where_it_may_not_be() -> None:
    sent = {"number": "1", "flag": "true", "numbers": ["1"]}
    assert coerced(sent, scalars_as_text=False) is sent


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=3)
    | st.sampled_from(["1", "1.50", "true", "2020-01-01", "1764060605248", " a@b.it", "a@b.it"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["0", "1", "2", "inner", "lat", "x"]), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
DOCUMENTS = st.lists(VALUES, max_size=1) | st.dictionaries(
    st.sampled_from([*SCHEMA["properties"], "unknown"]), VALUES
)
VALIDATOR = DocumentValidator(SCHEMA, scalars_as_text=True)


def naive(schema: dict[str, Any], value: Any) -> Any:
    """The rules once more, as they are worded, without regard for sharing."""
    if "$ref" in schema:
        schema = SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]]
    if "oneOf" in schema:
        return naive(schema["oneOf"][1], value)
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    if value == [] and isinstance(value, list) and "object" in types and "array" not in types:
        return {}
    if isinstance(value, dict) and "array" in types and "object" not in types:
        if not all(re.fullmatch("0|[1-9][0-9]*", key) for key in value):
            return value
        value = [child for _, child in sorted(value.items(), key=lambda item: int(item[0]))]
    if isinstance(value, list) and "array" in types:
        return [naive(schema.get("items", {}), each) for each in value]
    if isinstance(value, dict):
        properties = schema.get("properties", {})
        return {name: naive(properties.get(name, {}), child) for name, child in value.items()}
    if schema.get("format") == "date-time" and not isinstance(value, bool):
        named = timestamp_of(value)
        is_number = not isinstance(value, str) or re.fullmatch("-?[0-9]{5,18}", value)
        if named is not None and is_number:
            text = named.isoformat(timespec="milliseconds").replace("+00:00", "Z")
            return text
    if schema.get("format") == "email" and isinstance(value, str):
        return value.strip()
    if isinstance(value, str) and "string" not in types:
        if value in {"true", "false"} and "boolean" in types:
            return value == "true"
        if value in {"1", "1.50", "1764060605248"} and {"number", "integer"} & {*types}:
            return float(value) if "." in value else int(value)
    return value


@given(DOCUMENTS)
def test_the_rules_and_nothing_else(document: Any) -> None:
    # Digits alone are numbers of JSON, and others than those above may be drawn.
    result = coerced(document)
    if not re.search(r"'-?\d+'", repr(document).replace("'1764060605248'", "").replace("'1'", "")):
        assert repr(result) == repr(naive(SCHEMA, document))
    assert coerced(result) is result, "coercing again changes nothing"


LISTS = st.none() | st.lists(st.text(max_size=3), max_size=2)
NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
FREE = st.dictionaries(st.sampled_from(["0", "1", "x"]), VALUES, max_size=2)
VALID = st.fixed_dictionaries(
    {},
    optional={
        "object": st.none() | st.fixed_dictionaries({"0": VALUES}, optional={"inner": LISTS}),
        "place": st.none() | st.fixed_dictionaries({}, optional={"lat": NUMBERS, "1": VALUES}),
        "list": LISTS,
        "numbers": st.lists(NUMBERS, max_size=2),
        "either": FREE | st.lists(VALUES, max_size=2),
        "number": st.none() | NUMBERS,
        "whole": st.integers(),
        "flag": st.booleans(),
        "text": st.sampled_from(["1", "true", "", "1764060605248"]),
        "mixed": st.sampled_from(["1", 1]),
        "moment": st.sampled_from(["2020-01-01", "2020-01-01T10:00:00.1+0200", None]),
        "email": st.just("a@b.it"),
        "choice": st.sampled_from(["1", "true", None]),
        "anything": VALUES,
    },
)


@given(VALID)
def test_a_valid_document_is_never_changed(document: Any) -> None:
    assert VALIDATOR.faults(document) == []
    assert coerced(document) is document
    assert VALIDATOR.read(document)[0] is document


@given(DOCUMENTS)
def test_read_succeeds_exactly_when_the_coerced_document_is_valid(document: Any) -> None:
    _, faults = VALIDATOR.read(document)
    assert (faults == []) == (VALIDATOR.faults(coerced(document)) == [])


@given(bodies())
def test_valid_customers_are_never_changed(body: dict[str, Any]) -> None:
    body.pop("extended", None)
    schema = CustomerSchema()
    body["nodeId"] = "x"
    read, faults = schema.read(body)
    assert faults == []
    assert read is body
    assert schema.coerced(body) is body


def as_php_writes(value: Any) -> Any:
    """A document as PHP may encode it: empty objects as lists, lists as objects."""
    if isinstance(value, dict):
        return {name: as_php_writes(child) for name, child in value.items()} or []
    if isinstance(value, list):
        children = reversed(list(enumerate(value)))
        return {str(index): as_php_writes(each) for index, each in children}
    return value


@given(bodies())
def test_customers_of_php_are_those_of_others(body: dict[str, Any]) -> None:
    body = {"nodeId": "x"} | {name: child for name, child in body.items() if name != "extended"}
    # What a free object holds is kept as it was sent.
    for each in (body.get("base") or {}).get("subscriptions") or ():
        each.pop("subscribeContext", None)
        each.pop("unsubscribeContext", None)
    read, faults = CustomerSchema().read(as_php_writes(body))
    assert (read, faults) == (body, [])


def test_faults_point_into_what_was_sent() -> None:
    _, faults = VALIDATOR.read({"numbers": {"7": "x", "3": 1}, "zz": 1}, at="/properties")
    assert {fault.path for fault in faults} == {"/properties/numbers/7", "/properties/zz"}
