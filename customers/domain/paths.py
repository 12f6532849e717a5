"""Dotted paths into a customer, such as `base.contacts.email`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from contacthub_project.errors import pointer


def value_at(document: Mapping[str, Any], path: str) -> Any:
    """The value at a dotted path, None when there is none."""
    value: Any = document
    for name in path.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value


def as_pointer(path: str) -> str:
    """`base.contacts.email` as a JSON pointer."""
    return pointer(*path.split("."))
