"""Dotted paths into a customer, such as `base.contacts.email`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from contacthub_project.core.errors import pointer
from contacthub_project.core.text import is_blank


def value_at(document: Mapping[str, Any], path: str) -> Any:
    """Return the value at a dotted path, None when there is none."""
    value: Any = document
    for name in path.split("."):
        # The first is faster, as Mapping is an abstract class.
        if not isinstance(value, dict) and not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value


def has_value(value: Any) -> bool:
    """Return whether a value is present: blank text is not, nor a list of such values only."""
    if isinstance(value, list):
        return any(map(has_value, value))
    return value is not None and value != {} and not is_blank(value)


def nested(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document with dotted names, such as `base.contacts.email`, as nested objects."""
    result: dict[str, Any] = {}
    for name, value in document.items():
        *parents, last = name.split(".")
        level = result
        for parent in parents:
            inner = level.get(parent)
            level[parent] = level = inner if isinstance(inner, dict) else {}
        level[last] = nested(value) if isinstance(value, dict) else value
    return result


def as_pointer(path: str) -> str:
    """Return `base.contacts.email` as a JSON pointer."""
    return pointer(*path.split("."))
