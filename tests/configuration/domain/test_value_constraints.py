"""Extended properties are checked by exactly the keywords that their definitions have."""

from __future__ import annotations

import re
import time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configuration.domain.definition_parser import read_definitions
from configuration.domain.extended_properties import value_schema
from configuration.domain.validation import DocumentValidator
from contacthub_project.core.errors import FieldError


def read(definition: Any) -> tuple[dict[str, Any], list[tuple[str, str | None]]]:
    faults: list[FieldError] = []
    definitions = read_definitions({"p": definition}, faults)
    return definitions, [(fault.path.removeprefix("/p"), fault.code) for fault in faults]


def accepts(definition: Any, value: Any) -> bool:
    definitions, faults = read(definition)
    assert not faults
    return not DocumentValidator(value_schema(definitions)).faults({"p": value})


@pytest.mark.parametrize(
    ("definition", "good", "bad"),
    [
        ({"type": "string", "minLength": 2}, ["ab", "über"], ["a", ""]),
        ({"type": "string", "pattern": "^[A-Z]{2}[0-9]+$"}, ["IT5"], ["it5", "IT", "xIT5", "IT5\n"]),
        ({"type": "string", "pattern": "a"}, ["bab"], ["bbb"]),
        ({"type": "string", "enum": ["S", "M"], "maxLength": 1}, ["S", None], ["s", "XL", ""]),
        ({"type": "number", "minimum": 1.5, "maximum": 3}, [1.5, 3, 2], [1.49, 3.01, "2"]),
        ({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}, [0.5], [0, 1, -1]),
        ({"type": "integer", "multipleOf": 5, "minimum": -5}, [0, -5, 10], [3, -10, 5.5]),
        ({"type": "number", "multipleOf": 0.01}, [19.99, 0.07, 1e300], [0.001, 19.995]),
        ({"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 2, "uniqueItems": True}, [["a"], ["a", "b"]], [[], ["a", "b", "c"], ["a", "a"]]),
        ({"type": "array", "items": {"type": "string", "maxLength": 2, "pattern": "^x"}}, [["x", "xy"]], [["y"], ["xyz"]]),
        ({"type": "array", "items": {"type": "string", "format": "date"}}, [["2020-02-29"]], [["2021-02-29"]]),
        ({"type": "array", "items": {"type": "string", "enum": ["a", "b"]}}, [["a", "b"]], [["c"], [None]]),
        ({"type": "array", "items": {"type": "integer", "minimum": 1, "multipleOf": 2}}, [[2, 4]], [[0], [3]]),
        ({"type": "object", "properties": {"n": {"type": "number", "maximum": 1}}}, [{"n": 1}, {}], [{"n": 2}, {"m": 1}]),
    ],
)  # fmt: skip
def test_keywords_are_kept_and_enforced(
    definition: dict[str, Any], good: list[Any], bad: list[Any]
) -> None:
    kept, faults = read(definition)
    assert not faults
    for name, value in definition.items():
        if name != "properties":
            assert kept["p"][name] == value
    assert [value for value in good if not accepts(definition, value)] == []
    assert [value for value in bad if accepts(definition, value)] == []


@pytest.mark.parametrize(
    ("definition", "fault"),
    [
        ({"type": "string", "minLength": -1}, ("/minLength", "range")),
        ({"type": "string", "minLength": 10, "maxLength": 9}, ("/minLength", "range")),
        ({"type": "string", "minLength": 256}, ("/minLength", "range")),
        ({"type": "string", "pattern": "("}, ("/pattern", "regex")),
        ({"type": "string", "pattern": "(?=a)b"}, ("/pattern", "regex")),
        ({"type": "string", "pattern": r"(a)\1"}, ("/pattern", "regex")),
        ({"type": "string", "pattern": "((a{100}){100}){100}"}, ("/pattern", "regex")),
        ({"type": "string", "pattern": "a" * 501}, ("/pattern", "type")),
        ({"type": "string", "pattern": 5}, ("/pattern", "type")),
        ({"type": "string", "enum": []}, ("/enum", "range")),
        ({"type": "string", "enum": ["a", "a"]}, ("/enum", "uniqueItems")),
        ({"type": "string", "enum": ["a", 1]}, ("/enum", "type")),
        ({"type": "string", "minimum": 1}, ("/minimum", "unknown")),
        ({"type": "string", "default": "x"}, ("/default", "unknown")),
        ({"type": "string", "description": 5}, ("/description", "type")),
        ({"type": "string", "description": "x" * 1001}, ("/description", "type")),
        ({"type": "string", "mergePolicy": ""}, ("/mergePolicy", "enum")),
        ({"type": ["string", "number"]}, ("/type", "enum")),
        ({"type": ["null"]}, ("/type", "enum")),
        ({"type": "string", "contactlabProperties": 5}, ("/contactlabProperties", "type")),
        ({"type": "number", "minimum": "1"}, ("/minimum", "type")),
        ({"type": "number", "maximum": True}, ("/maximum", "type")),
        ({"type": "number", "minimum": 2, "maximum": 1}, ("/minimum", "range")),
        ({"type": "number", "exclusiveMinimum": True}, ("/exclusiveMinimum", "type")),
        ({"type": "number", "multipleOf": 0}, ("/multipleOf", "range")),
        ({"type": "number", "pattern": "a"}, ("/pattern", "unknown")),
        ({"type": "number", "enum": [1]}, ("/enum", "unknown")),
        ({"type": "boolean", "minimum": 1}, ("/minimum", "unknown")),
        ({"type": "array", "items": {"type": "string", "format": "time"}}, ("/items/format", "enum")),
        ({"type": "array", "items": {"type": "string", "minimum": 1}}, ("/items/minimum", "unknown")),
        ({"type": "array", "items": {"type": "string", "label": "x"}}, ("/items/label", "unknown")),
        ({"type": "array", "items": {"type": ["string", "null"]}}, ("/items/type", "enum")),
        ({"type": "array", "items": {"type": "integer"}, "maxLength": 5}, ("/maxLength", "unknown")),
        ({"type": "array", "items": {"type": "string"}, "minItems": 3, "maxItems": 2}, ("/minItems", "range")),
        ({"type": "array", "items": {"type": "string"}, "uniqueItems": "yes"}, ("/uniqueItems", "type")),
        ({"type": "array", "items": {"type": "string"}, "contains": {}}, ("/contains", "unknown")),
        ({"type": "object", "properties": {}, "required": ["a"]}, ("/required", "unknown")),
        ({"type": "object", "properties": {}, "additionalProperties": True}, ("/additionalProperties", "enum")),
        ({"type": "object", "properties": {"a": {"type": "integer", "x~/y": 1}}}, ("/properties/a/x~0~1y", "unknown")),
    ],
)  # fmt: skip
def test_what_cannot_be_enforced_is_refused_by_name(definition: Any, fault: Any) -> None:
    assert read(definition)[1] == [fault]


def test_patterns_are_bounded_in_number() -> None:
    faults: list[FieldError] = []
    read_definitions(
        {f"p{number}": {"type": "string", "pattern": "a"} for number in range(51)}, faults
    )
    assert [fault.path for fault in faults] == [""]


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|a)*$", "(x+x+)+y", "^(a?){50}a{50}$", "(.*)*b"])
def test_hostile_patterns_take_linear_time(pattern: str) -> None:
    definitions, faults = read({"type": "string", "maxLength": 6000, "pattern": pattern})
    assert not faults
    validator = DocumentValidator(value_schema(definitions))
    begin = time.perf_counter()
    for text in ("a" * 5999 + "!", "x" * 6000):
        validator.faults({"p": text})
    assert time.perf_counter() - begin < 1


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "minimum": st.integers(-5, 5), "maximum": st.integers(-5, 5),
            "exclusiveMinimum": st.integers(-5, 5), "exclusiveMaximum": st.integers(-5, 5),
            "multipleOf": st.sampled_from([1, 2, 0.5, 0.1, 0.25]),
        },
    ),
    st.decimals(-6, 6, places=2).map(float),
)  # fmt: skip
def test_numbers_as_reckoned_by_hand(limits: dict[str, Any], value: float) -> None:
    exact, decimal = (
        Decimal(str(value)),
        {name: Decimal(str(each)) for name, each in limits.items()},
    )
    expected = (
        exact >= decimal.get("minimum", exact)
        and exact <= decimal.get("maximum", exact)
        and exact > decimal.get("exclusiveMinimum", exact - 1)
        and exact < decimal.get("exclusiveMaximum", exact + 1)
        and exact % decimal.get("multipleOf", Decimal("0.01")) == 0
    )
    if limits.get("minimum", -9) > limits.get("maximum", 9):
        assert read({"type": "number", **limits})[1] == [("/minimum", "range")]
    else:
        assert accepts({"type": "number", **limits}, value) == expected


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "minLength": st.integers(0, 4), "maxLength": st.integers(1, 4),
            "pattern": st.sampled_from(["^a", "b$", "[a-c]", "ab|c", "^a*$"]),
            "enum": st.lists(st.text("abc", max_size=3), min_size=1, max_size=3, unique=True),
        },
    ),
    st.text("abcé", max_size=5),
)  # fmt: skip
def test_texts_as_checked_by_hand(limits: dict[str, Any], value: str) -> None:
    if limits.get("minLength", 0) > limits.get("maxLength", 255):
        return
    expected = (
        limits.get("minLength", 0) <= len(value) <= limits.get("maxLength", 255)
        and re.search(limits.get("pattern", ""), value) is not None
        and value in limits.get("enum", [value])
    )
    assert accepts({"type": "string", **limits}, value) == expected


@pytest.mark.parametrize(
    ("kind", "keyword", "least", "most"),
    [
        ("string", "maxLength", 1, 6000),
        ("string", "minLength", 0, 6000),
        ("array", "maxLength", 1, 6000),
        ("array", "minItems", 0, 10_000),
        ("array", "maxItems", 0, 10_000),
    ],
)
def test_limits_have_limits(kind: str, keyword: str, least: int, most: int) -> None:
    definition = {"type": kind} | ({"items": {"type": "string"}} if kind == "array" else {})
    if keyword == "minLength":
        definition["maxLength"] = most  # a text has a limit of its own otherwise
    for value in (least, most):
        assert read(definition | {keyword: value})[1] == []
    for value in (least - 1, most + 1, True, 1.5, "1"):
        assert read(definition | {keyword: value})[1] == [(f"/{keyword}", "range")]
