"""Parses the definitions of extended properties that clients send.

`read_definitions` returns them in their stored form (`configuration.domain.extended_properties`)
and collects every fault."""

from __future__ import annotations

import re
from collections.abc import Mapping, Set
from typing import Any, cast

from configuration.domain.extended_properties import Definition, Definitions
from configuration.domain.value_constraints import keywords_of, order_faults, read_constraints
from configuration.domain.vocabulary import MERGE_POLICIES
from contacthub_project.core.array_forms import as_list, as_object
from contacthub_project.core.errors import FieldError, pointer

NAME = re.compile(r"[^.\x00-\x1f\x7f]{1,100}")


SCALARS = frozenset({"string", "number", "integer", "boolean"})


DEFAULT_LENGTH = 255


DEFAULT_LIST_LENGTH = 1000


LONGEST_TEXTS = {"label": 255, "description": 1000}


MOST_PROPERTIES = 500


MOST_PATTERNS = 50


DEFAULT_POLICY = "OBJ_PRIORITY"


WRAPPER = "contactlabProperties"


COMMON = frozenset({"type", "label", "description", "enabled", "indexed", "mergePolicy", WRAPPER})


CONTENT = {"array": {"items"}, "object": {"properties", "additionalProperties"}}


TYPES = frozenset({*SCALARS, *CONTENT})


def read_definitions(given: Mapping[str, Any], faults: list[FieldError]) -> Definitions:
    """Return the definitions in the form in which they are stored; append faults to `faults`."""
    if len(given) > MOST_PROPERTIES:
        faults.append(FieldError("", f"has more than {MOST_PROPERTIES} properties", "maxItems"))
    if _count_patterns(given) > MOST_PATTERNS:  # before any of them is compiled
        faults.append(FieldError("", f"has more than {MOST_PATTERNS} patterns", "maxItems"))
        return {}
    return _read_all(given, "", faults, nested=False)


def _read_all(
    given: Mapping[str, Any], at: str, faults: list[FieldError], *, nested: bool
) -> Definitions:
    found = {}
    for name, sent in given.items():
        place, definition = at + pointer(name), as_object(sent)
        if not NAME.fullmatch(name):
            faults.append(FieldError(place, "is not a name: 1 to 100 characters, no dot", "name"))
        elif not isinstance(definition, dict):
            faults.append(FieldError(place, "must be an object", "type"))
        else:
            found[name] = cast(Definition, _read(definition, place, faults, nested=nested))
    return found


def _read(
    given: dict[str, Any], at: str, faults: list[FieldError], *, nested: bool
) -> dict[str, Any]:
    wrapped = as_object(given.get(WRAPPER))
    if isinstance(wrapped, dict):
        given = {name: child for name, child in given.items() if name != WRAPPER} | {
            name: child for name, child in wrapped.items() if name != "notAnalyzed"
        }
    elif wrapped is not None:
        faults.append(FieldError(f"{at}/{WRAPPER}", "must be an object", "type"))
    kind = _type_of(given.get("type"))
    if kind is None or (kind == "object" and nested):
        allowed = sorted(TYPES - ({"object"} if nested else set()))
        faults.append(FieldError(f"{at}/type", f"must be one of {', '.join(allowed)}", "enum"))
        return {"type": "string", "enabled": True, "indexed": False}
    faults += _unknown_faults(given, COMMON | CONTENT.get(kind, set()), kind, at)
    definition = {"type": kind, **_custom_keys(given, kind, at, faults)}
    constraints = read_constraints(given, kind, at, faults)
    if kind == "string":
        definition["maxLength"] = DEFAULT_LENGTH
    elif kind == "array":
        definition |= _list_keys(given, at, faults)
    elif kind == "object":
        definition |= _object_keys(given, at, faults)
    definition |= constraints
    faults += order_faults(definition, at)
    return definition


def _unknown_faults(
    given: Mapping[str, Any], known: Set[str], kind: str, at: str
) -> list[FieldError]:
    return [
        FieldError(at + pointer(name), f"is not known for type {kind}", "unknown")
        for name in sorted(given.keys() - known - keywords_of(kind).keys())
    ]


def _custom_keys(
    given: Mapping[str, Any], kind: str, at: str, faults: list[FieldError]
) -> dict[str, Any]:
    texts = {name: given.get(name) for name in LONGEST_TEXTS}
    for name, text in texts.items():
        longest = LONGEST_TEXTS[name]
        if text is not None and (not isinstance(text, str) or len(text) > longest):
            message = f"must be text of at most {longest} characters"
            faults.append(FieldError(f"{at}/{name}", message, "type"))
    flags = {"enabled": given.get("enabled", True), "indexed": given.get("indexed", False)}
    for name, value in flags.items():
        if not isinstance(value, bool):
            faults.append(FieldError(f"{at}/{name}", "must be true or false", "type"))
    if flags["indexed"] is True and kind not in SCALARS:
        faults.append(FieldError(f"{at}/indexed", "is for single values only", "indexed"))
    policy = DEFAULT_POLICY if given.get("mergePolicy") is None else given["mergePolicy"]
    known = MERGE_POLICIES.get(policy) if isinstance(policy, str) else None
    if known is None or kind not in known["supportedTypes"]:
        fitting = [
            name for name, entry in MERGE_POLICIES.items() if kind in entry["supportedTypes"]
        ]
        message = f"must be one of {', '.join(fitting)}"
        faults.append(FieldError(f"{at}/mergePolicy", message, "enum"))
    keys = {"label": texts["label"], **flags, "mergePolicy": policy}
    if texts["description"] is not None:
        keys["description"] = texts["description"]
    return keys


def _list_keys(given: Mapping[str, Any], at: str, faults: list[FieldError]) -> dict[str, Any]:
    items = as_object(given.get("items"))
    kind = items.get("type") if isinstance(items, dict) else None
    if not isinstance(kind, str) or kind not in SCALARS:
        known = ", ".join(sorted(SCALARS))
        faults.append(FieldError(f"{at}/items/type", f"must be one of {known}", "enum"))
        return {"items": {"type": "string"}}
    assert isinstance(items, dict)
    place = f"{at}/items"
    faults += _unknown_faults(items, {"type"}, kind, place)
    element = {"type": kind, **read_constraints(items, kind, place, faults)}
    faults += order_faults(element, place)
    if kind == "string":
        return {"items": element, "maxLength": DEFAULT_LIST_LENGTH}
    if given.get("maxLength") is not None:
        faults.append(FieldError(f"{at}/maxLength", "is for lists of texts", "unknown"))
    return {"items": element}


def _object_keys(given: Mapping[str, Any], at: str, faults: list[FieldError]) -> dict[str, Any]:
    properties = as_object(given.get("properties", {}))
    if not isinstance(properties, dict):
        faults.append(FieldError(f"{at}/properties", "must be an object", "type"))
        return {"properties": {}}
    if given.get("additionalProperties") not in (None, False):
        faults.append(FieldError(f"{at}/additionalProperties", "must be false", "enum"))
    return {"properties": _read_all(properties, f"{at}/properties", faults, nested=True)}


def _type_of(given: Any) -> str | None:
    """Return the type of a definition; older clients write `["string", "null"]`."""
    given = as_list(given)
    if isinstance(given, list):
        kinds = [kind for kind in given if kind != "null"]
        given = kinds[0] if len(kinds) == 1 else None
    return given if isinstance(given, str) and given in TYPES else None


def _count_patterns(given: Any) -> int:
    if not isinstance(given, dict):
        return 0
    return isinstance(given.get("pattern"), str) + sum(map(_count_patterns, given.values()))
