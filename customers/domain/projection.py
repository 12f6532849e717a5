"""Showing only some properties of a document."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

# None asks for a value whole, a mapping for some of its properties.
FieldSelection = dict[str, Any]


def field_selection(paths: Iterable[str]) -> FieldSelection:
    """Dotted paths as a tree; a path that is asked for whole wins over parts of it."""
    tree: FieldSelection = {}
    for path in paths:
        *parents, name = path.split(".")
        level: FieldSelection | None = tree
        for parent in parents:
            assert level is not None
            level = level.setdefault(parent, {})
            if level is None:
                break
        if level is not None:
            level[name] = None
    return tree


def select_fields(document: Mapping[str, Any], tree: FieldSelection) -> dict[str, Any]:
    """The part of `document` that is wanted; in lists, the part of each element.

    What is wanted and absent is null, or the first object on the way to it that is absent.
    """
    return {name: _projected(document.get(name), inner) for name, inner in tree.items()}


def _projected(value: Any, tree: FieldSelection | None) -> Any:
    if tree is None or value is None:
        return value
    if isinstance(value, list):
        return [_projected(element, tree) for element in value]
    return select_fields(value, tree) if isinstance(value, Mapping) else value
