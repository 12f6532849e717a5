"""Shapes of documents and positions of date-times, derived from a JSON Schema."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any, NamedTuple

from contacthub_project.core.timestamps import format_timestamp, parse_timestamp


class Elements(NamedTuple):
    """The shape of a list: that of its elements, and whether they are answered completely."""

    shape: Any
    are_whole: bool


class Properties(dict[str, Any]):
    """The shape of an object: its properties with their shapes."""

    def __init__(self, shapes: Mapping[str, Any]) -> None:
        super().__init__(shapes)
        self.nested = [(name, child) for name, child in shapes.items() if child is not None]


# A shape is None for a value that is taken as it is, `Properties` for an object, and `Elements`
# for a list.
Shape = None | Properties | Elements


def resolve(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    """Follow `$ref` into the definitions of `root`."""
    while "$ref" in schema:
        schema = root["$defs"][schema["$ref"].removeprefix("#/$defs/")]
    return schema


def shape_of(
    schema: Mapping[str, Any], root: Mapping[str, Any], *, whole: Container[str] = ()
) -> Shape:
    """Return the shape of the documents that `schema` describes.

    `whole` are the names of the lists whose elements are answered with every property.
    """
    schema = resolve(schema, root)
    if "properties" not in schema:
        return Elements(shape_of(schema["items"], root), False) if "items" in schema else None
    shapes: dict[str, Shape] = {}
    for name, child in schema["properties"].items():
        shape = shape_of(child, root, whole=whole)
        if isinstance(shape, Elements) and name in whole:
            shape = shape._replace(are_whole=True)
        shapes[name] = shape
    return Properties(shapes)


def complete(shape: Shape, value: Any) -> Any:
    """Return `value` with every known property: absent scalars and objects null, lists `[]`.

    Present objects are completed too. Elements of lists are not, unless they are answered
    completely.
    """
    if shape is None:
        return value
    if isinstance(shape, Elements):
        if not value:
            return []
        if shape.shape is None:
            return value
        apply = complete if shape.are_whole else _given
        return [apply(shape.shape, element) for element in value]
    if value is None:
        return None
    # Most are scalars, whose shape is what they are when they are absent.
    completed = {**shape, **value}
    if len(completed) != len(shape):
        completed = {name: completed[name] for name in shape}
    for name, child in shape.nested:
        completed[name] = complete(child, value.get(name))
    return completed


def _given(shape: Shape, value: Any) -> Any:
    """Return `value` with its known properties only."""
    if shape is None or value is None:
        return value
    if isinstance(shape, Elements):
        return [_given(shape.shape, element) for element in value]
    return {name: _given(child, value[name]) for name, child in shape.items() if name in value}


def timestamps_of(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Any:
    """Return the positions of date-times: True, a mapping or one-item tuple, or None."""
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
    """Return `value` with its timestamps in UTC with milliseconds; `where` is `timestamps_of`."""
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
