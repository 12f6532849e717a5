"""Selects properties of a document."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

# None selects a whole value, a mapping some of its properties.
FieldSelection = dict[str, Any]


def field_selection(paths: Iterable[str]) -> FieldSelection:
    """Return dotted paths as a tree; a path includes the paths below it."""
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
    """Return the selected part of `document`; of lists, that of each element.

    A selected property that is absent is null, or its first absent ancestor is.
    """
    return {name: _projected(document.get(name), inner) for name, inner in tree.items()}


def _projected(value: Any, tree: FieldSelection | None) -> Any:
    if tree is None or value is None:
        return value
    if isinstance(value, list):
        return [_projected(element, tree) for element in value]
    return select_fields(value, tree) if isinstance(value, Mapping) else value
