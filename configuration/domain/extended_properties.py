"""Properties that a workspace defines itself, of customers, events and products.

A definition is a JSON Schema with the custom keys `label`, `enabled`, `indexed` and `mergePolicy`
(reference: Modify customer extended properties). Older clients wrap the custom keys in
`contactlabProperties`; both forms are read, the flat one is kept and answered.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from configuration.domain.vocabulary import MERGE_POLICIES
from contacthub_project.core.errors import FieldError, pointer

Definitions = dict[str, Any]

NAME = re.compile(r"[^.\x00-\x1f\x7f]{1,100}")
SCALARS = frozenset({"string", "number", "integer", "boolean"})
FORMATS = frozenset({"date", "date-time", "email", "hostname", "uri", "ipv4", "ipv6"})
DEFAULT_LENGTH = 255
DEFAULT_LIST_LENGTH = 1000
LONGEST = 6000
MOST_PROPERTIES = 500
DEFAULT_POLICY = "OBJ_PRIORITY"
WRAPPER = "contactlabProperties"

COMMON = frozenset({"type", "label", "description", "enabled", "indexed", "mergePolicy", WRAPPER})
KEYS = {
    "string": COMMON | {"format", "maxLength", "enum"},
    "number": COMMON | {"minimum", "maximum"},
    "integer": COMMON | {"minimum", "maximum"},
    "boolean": COMMON,
    "array": COMMON | {"items", "maxLength"},
    "object": COMMON | {"properties", "additionalProperties"},
}


def read_definitions(given: Mapping[str, Any], faults: list[FieldError]) -> Definitions:
    """The definitions in the form in which they are kept; what is wrong goes to `faults`."""
    if len(given) > MOST_PROPERTIES:
        faults.append(FieldError("", f"has more than {MOST_PROPERTIES} properties", "maxItems"))
    return _read_all(given, "", faults, nested=False)


def value_schema(definitions: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON Schema of an object that holds such properties; disabled ones are not checked."""
    return {
        "type": ["object", "null"],
        "additionalProperties": False,
        "properties": {
            name: _value_schema(definition) if definition["enabled"] else {}
            for name, definition in definitions.items()
        },
    }


def changed_indexes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Dotted names of the properties whose `indexed` differs."""
    differing = set(indexed_paths(before)) ^ set(indexed_paths(after))
    return sorted(".".join(path) for path in differing)


def indexed_paths(definitions: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """The paths below `extended` of the properties that are indexed."""
    return list(_indexed(definitions, ()))


def _indexed(definitions: Mapping[str, Any], at: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for name, definition in definitions.items():
        if definition["indexed"]:
            yield (*at, name)
        yield from _indexed(definition.get("properties", {}), (*at, name))


def lost_properties(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Dotted names of the properties that `after` no longer has, or has with another type."""
    return sorted(_lost(before, after, ""))


def _lost(before: Mapping[str, Any], after: Mapping[str, Any], at: str) -> Iterator[str]:
    for name, old in before.items():
        new = after.get(name)
        if new is None or _kind(new) != _kind(old):
            yield at + name
        elif old["type"] == "object":
            yield from _lost(old["properties"], new["properties"], f"{at}{name}.")


def _kind(definition: Mapping[str, Any]) -> tuple[Any, ...]:
    items = definition.get("items") or {}
    return definition["type"], definition.get("format"), items.get("type")


def _read_all(
    given: Mapping[str, Any], at: str, faults: list[FieldError], *, nested: bool
) -> Definitions:
    found = {}
    for name, definition in given.items():
        place = at + pointer(name)
        if not NAME.fullmatch(name):
            faults.append(FieldError(place, "is not a name: 1 to 100 characters, no dot", "name"))
        elif not isinstance(definition, dict):
            faults.append(FieldError(place, "must be an object", "type"))
        else:
            found[name] = _read(definition, place, faults, nested=nested)
    return found


def _read(
    given: dict[str, Any], at: str, faults: list[FieldError], *, nested: bool
) -> dict[str, Any]:
    wrapped = given.get(WRAPPER)
    if isinstance(wrapped, dict):
        given = {name: child for name, child in given.items() if name != WRAPPER} | {
            name: child for name, child in wrapped.items() if name != "notAnalyzed"
        }
    kind = _type_of(given.get("type"))
    if kind is None or (kind == "object" and nested):
        allowed = sorted(KEYS.keys() - ({"object"} if nested else set()))
        faults.append(FieldError(f"{at}/type", f"must be one of {', '.join(allowed)}", "enum"))
        return {"type": "string", "enabled": True, "indexed": False}
    faults += [
        FieldError(f"{at}/{name}", f"is not known for type {kind}", "unknown")
        for name in given.keys() - KEYS[kind]
    ]
    definition = {"type": kind, **_custom_keys(given, kind, at, faults)}
    for name in ("description",):
        if isinstance(given.get(name), str):
            definition[name] = given[name][:1000]
    if kind == "string":
        definition |= _text_keys(given, at, faults)
    elif kind == "array":
        definition |= _list_keys(given, at, faults)
    elif kind == "object":
        definition |= _object_keys(given, at, faults)
    return definition


def _custom_keys(
    given: Mapping[str, Any], kind: str, at: str, faults: list[FieldError]
) -> dict[str, Any]:
    label = given.get("label")
    if label is not None and (not isinstance(label, str) or len(label) > DEFAULT_LENGTH):
        faults.append(FieldError(f"{at}/label", "must be text of at most 255 characters", "type"))
    flags = {"enabled": given.get("enabled", True), "indexed": given.get("indexed", False)}
    for name, value in flags.items():
        if not isinstance(value, bool):
            faults.append(FieldError(f"{at}/{name}", "must be true or false", "type"))
    if flags["indexed"] is True and kind not in SCALARS:
        faults.append(FieldError(f"{at}/indexed", "is for single values only", "indexed"))
    policy = given.get("mergePolicy") or DEFAULT_POLICY
    known = MERGE_POLICIES.get(policy) if isinstance(policy, str) else None
    if known is None or kind not in known["supportedTypes"]:
        fitting = [
            name for name, entry in MERGE_POLICIES.items() if kind in entry["supportedTypes"]
        ]
        message = f"must be one of {', '.join(fitting)}"
        faults.append(FieldError(f"{at}/mergePolicy", message, "enum"))
    return {"label": label, **flags, "mergePolicy": policy}


def _text_keys(given: Mapping[str, Any], at: str, faults: list[FieldError]) -> dict[str, Any]:
    keys: dict[str, Any] = {"maxLength": _length(given, DEFAULT_LENGTH, at, faults)}
    if given.get("format") is not None:
        keys["format"] = given["format"]
        if not isinstance(given["format"], str) or given["format"] not in FORMATS:
            known = ", ".join(sorted(FORMATS))
            faults.append(FieldError(f"{at}/format", f"must be one of {known}", "enum"))
    if given.get("enum") is not None:
        keys["enum"] = given["enum"]
        values = given["enum"]
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            faults.append(FieldError(f"{at}/enum", "must be a list of texts", "type"))
    return keys


def _list_keys(given: Mapping[str, Any], at: str, faults: list[FieldError]) -> dict[str, Any]:
    items = given.get("items")
    kind = _type_of(items.get("type")) if isinstance(items, dict) else None
    if kind not in SCALARS:
        known = ", ".join(sorted(SCALARS))
        faults.append(FieldError(f"{at}/items/type", f"must be one of {known}", "enum"))
        return {"items": {"type": "string"}}
    assert isinstance(items, dict)
    keys: dict[str, Any] = {"items": {"type": kind}}
    if kind == "string":
        if items.get("format") in FORMATS:
            keys["items"]["format"] = items["format"]
        keys["maxLength"] = _length(given, DEFAULT_LIST_LENGTH, at, faults)
    elif "maxLength" in given:
        faults.append(FieldError(f"{at}/maxLength", "is for lists of texts", "unknown"))
    return keys


def _object_keys(given: Mapping[str, Any], at: str, faults: list[FieldError]) -> dict[str, Any]:
    properties = given.get("properties", {})
    if not isinstance(properties, dict):
        faults.append(FieldError(f"{at}/properties", "must be an object", "type"))
        return {"properties": {}}
    return {"properties": _read_all(properties, f"{at}/properties", faults, nested=True)}


def _length(given: Mapping[str, Any], default: int, at: str, faults: list[FieldError]) -> int:
    length = given.get("maxLength")
    if length is None:
        return default
    if isinstance(length, bool) or not isinstance(length, int) or not 1 <= length <= LONGEST:
        faults.append(FieldError(f"{at}/maxLength", f"must be from 1 to {LONGEST}", "range"))
        return default
    return length


def _type_of(given: Any) -> str | None:
    """The type of a definition; `["string", "null"]` is how older clients say it."""
    if isinstance(given, list):
        given = next((kind for kind in given if kind != "null"), None)
    return given if isinstance(given, str) and given in KEYS else None


def _value_schema(definition: Mapping[str, Any]) -> dict[str, Any]:
    kind = definition["type"]
    schema: dict[str, Any] = {"type": [kind, "null"]}
    if kind == "string":
        schema["maxLength"] = definition["maxLength"]
        if "format" in definition:
            schema["format"] = definition["format"]
        if "enum" in definition:
            schema["enum"] = [*definition["enum"], None]
    elif kind in {"number", "integer"}:
        schema |= {name: definition[name] for name in ("minimum", "maximum") if name in definition}
    elif kind == "array":
        schema["items"] = dict(definition["items"])
        if "maxLength" in definition:
            schema["maxLengthJoined"] = definition["maxLength"]
    elif kind == "object":
        schema["properties"] = value_schema(definition["properties"])["properties"]
        schema["additionalProperties"] = False
    return schema
