"""Dotted paths into a customer, such as `base.contacts.email`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from contacthub_project.core.errors import pointer
from contacthub_project.core.text import is_blank


def value_at(document: Mapping[str, Any], path: str) -> Any:
    """The value at a dotted path, None when there is none."""
    value: Any = document
    for name in path.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value


def has_value(value: Any) -> bool:
    """Whether a value counts as present: blank text does not, nor a list of only such values."""
    if isinstance(value, list):
        return any(map(has_value, value))
    return value is not None and value != {} and not is_blank(value)


def nested(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document with dotted names, such as `base.contacts.email`, as the objects they mean."""
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
    """`base.contacts.email` as a JSON pointer."""
    return pointer(*path.split("."))
