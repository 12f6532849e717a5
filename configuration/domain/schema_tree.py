"""What can be read off a JSON Schema: the shape of its documents, and where moments stand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from contacthub_project.core.timestamps import format_timestamp, parse_timestamp

# A shape is None for a value that is taken as it is, a mapping for an object with known
# properties, and a one-item tuple with the shape of the items for a list.
Shape = None | Mapping[str, Any] | tuple[Any]


def resolve(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    """Follow `$ref` into the definitions of `root`."""
    while "$ref" in schema:
        schema = root["$defs"][schema["$ref"].removeprefix("#/$defs/")]
    return schema


def shape_of(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Shape:
    """The shape of the documents that `schema` describes."""
    schema = resolve(schema, root)
    if "properties" in schema:
        return {name: shape_of(child, root) for name, child in schema["properties"].items()}
    if "items" in schema:
        return (shape_of(schema["items"], root),)
    return None


def complete(shape: Shape, value: Any) -> Any:
    """`value` with every known property: absent scalars and objects null, absent lists `[]`.

    An object that is there is completed likewise, one that is absent stays null.
    """
    if shape is None:
        return value
    if isinstance(shape, tuple):
        item = shape[0]
        if not value:
            return []
        return value if item is None else [complete(item, element) for element in value]
    if value is None:
        return None
    return {name: complete(child, value.get(name)) for name, child in shape.items()}


def timestamps_of(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Any:
    """Where date-times stand: True for one, a mapping or one-item tuple on the way, else None."""
    schema = resolve(schema, root)
    if schema.get("format") == "date-time":
        return True
    if "properties" in schema:
        found = {name: timestamps_of(child, root) for name, child in schema["properties"].items()}
        return {name: child for name, child in found.items() if child is not None} or None
    if "items" in schema:
        item = timestamps_of(schema["items"], root)
        return None if item is None else (item,)
    return None


def with_canonical_timestamps(where: Any, value: Any) -> Any:
    """`value` with its moments in UTC with milliseconds; `where` is from `timestamps_of`."""
    if where is None or value is None:
        return value
    if where is True:
        moment = parse_timestamp(value)
        return value if moment is None else format_timestamp(moment)
    if isinstance(where, tuple):
        return [with_canonical_timestamps(where[0], item) for item in value]
    if where.keys().isdisjoint(value):
        return value
    return {
        name: with_canonical_timestamps(where.get(name), child) for name, child in value.items()
    }
