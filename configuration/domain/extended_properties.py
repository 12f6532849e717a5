"""Definitions of a workspace's own properties of customers, events and products.

A definition is a JSON Schema with the custom keys `label`, `enabled`, `indexed` and `mergePolicy`
(reference: Modify customer extended properties). Older clients wrap the custom keys in
`contactlabProperties`; both forms are read, the flat one is stored and answered.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypedDict, cast

from configuration.domain.value_constraints import keywords_of


class Definition(TypedDict, total=False):
    """One definition as it is stored; `type`, `enabled` and `indexed` are always there.

    The keys from `format` on are keywords of JSON Schema, of those types that have them.
    """

    type: str
    label: str | None
    description: str
    enabled: bool
    indexed: bool
    mergePolicy: str
    format: str
    minLength: int
    maxLength: int
    pattern: str
    enum: list[str]
    minimum: float
    maximum: float
    exclusiveMinimum: float
    exclusiveMaximum: float
    multipleOf: float
    items: dict[str, Any]
    minItems: int
    maxItems: int
    uniqueItems: bool
    properties: dict[str, Any]


Definitions = dict[str, Definition]  # by name


def value_schema(definitions: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON Schema of an object of such properties, without disabled ones."""
    return {
        "type": ["object", "null"],
        "additionalProperties": False,
        "properties": {
            name: _value_schema(definition)
            for name, definition in definitions.items()
            if definition["enabled"]
        },
    }


def enabled_definitions(definitions: Mapping[str, Any]) -> Definitions:
    """Return the definitions without disabled ones, at both levels."""
    return {
        name: definition
        if definition["type"] != "object"
        else cast(
            Definition, {**definition, "properties": enabled_definitions(definition["properties"])}
        )
        for name, definition in definitions.items()
        if definition["enabled"]
    }


def all_enabled(definitions: Mapping[str, Any]) -> Definitions:
    """Return the definitions with all of them enabled, at both levels."""
    return {
        name: cast(Definition, {**definition, "enabled": True, **_all_enabled_within(definition)})
        for name, definition in definitions.items()
    }


def _all_enabled_within(definition: Mapping[str, Any]) -> dict[str, Any]:
    if definition["type"] != "object":
        return {}
    return {"properties": all_enabled(definition["properties"])}


def disabled_paths(definitions: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Return the paths below `extended` of disabled properties, with all below them."""
    return list(_disabled(definitions, (), is_off=False))


def _disabled(
    definitions: Mapping[str, Any], at: tuple[str, ...], *, is_off: bool
) -> Iterator[tuple[str, ...]]:
    for name, definition in definitions.items():
        off = is_off or not definition["enabled"]
        if off:
            yield (*at, name)
        yield from _disabled(definition.get("properties", {}), (*at, name), is_off=off)


def changed_indexes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return the dotted names of properties whose `indexed` differs."""
    differing = set(indexed_paths(before)) ^ set(indexed_paths(after))
    return sorted(".".join(path) for path in differing)


def indexed_paths(definitions: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Return the paths below `extended` of indexed properties."""
    return list(_indexed(definitions, ()))


def _indexed(definitions: Mapping[str, Any], at: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for name, definition in definitions.items():
        if definition["indexed"]:
            yield (*at, name)
        yield from _indexed(definition.get("properties", {}), (*at, name))


def redefined(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return the names of properties in both whose values `after` validates differently."""
    checked = value_schema(before)["properties"]
    return [
        name
        for name, schema in value_schema(after)["properties"].items()
        if name in before and _bare(schema) != _bare(checked.get(name))
    ]


def _bare(schema: Any) -> Any:
    """Return a schema without its descriptions."""
    if not isinstance(schema, dict):
        return schema
    return {name: _bare(value) for name, value in schema.items() if name != "description"}


def removed_properties(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return the dotted names of properties that `after` lacks or has with another type."""
    return sorted(_removed_paths(before, after, ""))


def _removed_paths(before: Mapping[str, Any], after: Mapping[str, Any], at: str) -> Iterator[str]:
    for name, old in before.items():
        new = after.get(name)
        if new is None or _kind(new) != _kind(old):
            yield at + name
        elif old["type"] == "object":
            yield from _removed_paths(old["properties"], new["properties"], f"{at}{name}.")


def _kind(definition: Mapping[str, Any]) -> tuple[Any, ...]:
    items = definition.get("items") or {}
    return definition["type"], definition.get("format"), items.get("type")


def _value_schema(definition: Mapping[str, Any]) -> dict[str, Any]:
    kind = definition["type"]
    schema: dict[str, Any] = {"type": [kind, "null"]}
    if "description" in definition:
        schema["description"] = definition["description"]
    schema |= {name: definition[name] for name in keywords_of(kind) if name in definition}
    if "enum" in schema:
        schema["enum"] = [*schema["enum"], None]
    if kind == "array":
        schema["items"] = dict(definition["items"])
        if "maxLength" in schema:
            schema["maxLengthJoined"] = schema.pop("maxLength")
    elif kind == "object":
        schema |= value_schema(definition["properties"])
    return schema
