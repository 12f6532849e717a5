"""Customers as Hypothesis draws them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from hypothesis import strategies as st

from configuration.domain.customer_schema import BUILT_IN
from configuration.domain.schema_tree import resolve

TEXT = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=8
)
# Few ids, so that elements meet again.
IDS = st.sampled_from(["a", "b", "c"])
BY_FORMAT: dict[str, st.SearchStrategy[Any]] = {
    "date": st.dates().map(str),
    "date-time": st.datetimes(datetime(1, 1, 2)).map(lambda moment: moment.isoformat() + "+02:00"),
    "email": st.sampled_from(["one@example.com", "Two@Example.com"]),
    "uri": st.just("https://example.com/a.png"),
}


def documents(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Valid values of a part of the built-in schema."""
    schema = dict(resolve(schema, BUILT_IN))
    if "enum" in schema:
        return st.sampled_from(schema["enum"][:3] + [None])
    if "properties" in schema:
        required = set(schema.get("required", ()))
        fields = {name: documents(child) for name, child in schema["properties"].items()}
        known = st.fixed_dictionaries(
            {name: fields[name] for name in required},
            optional={name: fields[name] for name in fields.keys() - required},
        )
        return _nullable(known, schema)
    if "items" in schema:
        return _nullable(st.lists(documents(schema["items"]), max_size=3), schema)
    if schema.get("minLength"):
        return IDS
    if "pattern" in schema:
        return st.sampled_from(["it_IT", None])
    if "format" in schema:
        return _nullable(BY_FORMAT[schema["format"]], schema)
    return _nullable(_of_type(schema), schema)


def bodies() -> st.SearchStrategy[dict[str, Any]]:
    """Bodies of a POST, without the node."""
    properties = {
        name: documents(child)
        for name, child in BUILT_IN["properties"].items()
        if name not in {"nodeId", "extended"}
    }
    extended = st.dictionaries(IDS, st.one_of(TEXT, st.integers(), st.lists(TEXT), st.none()))
    return st.fixed_dictionaries({}, optional=properties | {"extended": extended})


def _of_type(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return {
        "string": TEXT,
        "boolean": st.booleans(),
        "integer": st.integers(-9999, 9999),
        "number": st.floats(-90, 90),
        "object": st.dictionaries(IDS, st.one_of(TEXT, st.none())),
    }[types[0]]


def _nullable(values: st.SearchStrategy[Any], schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    return st.one_of(values, st.none()) if "null" in schema.get("type", ()) else values
