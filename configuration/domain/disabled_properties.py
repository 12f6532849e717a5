"""Removes disabled properties from documents, and restores them.

To clients a disabled property is unknown; stored values stay, and are visible again when it is
enabled.

The positions of disabled properties are a tree: None for a disabled property, a mapping for an
object that contains some, a one-item tuple for a list of such objects.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar, cast

Disabled = None | dict[str, Any] | tuple[Any]
EACH = "[]"  # in a path: every element of a list
Document = TypeVar("Document", bound=Mapping[str, Any])


def disabled_tree(paths: Iterable[tuple[str, ...]]) -> dict[str, Any]:
    """Return the tree of `paths`, which begin at the document's root."""
    tree: dict[str, Any] = {}
    for path in sorted(paths, key=len):
        _insert(tree, path)
    return tree


def _insert(tree: dict[str, Any], path: tuple[str, ...]) -> None:
    name, *deeper = path
    if not deeper:
        tree[name] = None
        return
    is_list = deeper[0] == EACH
    inner = tree.setdefault(name, ({},) if is_list else {})
    if inner is not None:
        _insert(inner[0] if is_list else inner, tuple(deeper[1:] if is_list else deeper))


def without_disabled(tree: Mapping[str, Any], document: Document) -> Document:
    """Return the document without its disabled properties; the same object if it has none.

    Objects that would be empty are removed too.
    """
    if tree.keys().isdisjoint(document):
        return document
    kept = {}
    for name, value in document.items():
        if name not in tree:
            kept[name] = value
        elif tree[name] is not None:
            enabled = _enabled_part(tree[name], value)
            if enabled != {} or value == {}:
                kept[name] = enabled
    return cast(Document, kept)


def _enabled_part(tree: Disabled, value: Any) -> Any:
    if isinstance(tree, tuple):
        return (
            [_enabled_part(tree[0], each) for each in value] if isinstance(value, list) else value
        )
    if isinstance(value, dict) and tree is not None:
        return without_disabled(tree, value)
    return value


def with_disabled_of(
    tree: Mapping[str, Any], before: Mapping[str, Any], after: Document
) -> Document:
    """Return `after` with the disabled properties of `before`.

    Elements of lists keep theirs when the element at the same index has the same `id`.
    """
    result = dict(after)
    for name, inner in tree.items():
        old, new = before.get(name), after.get(name)
        value = old if inner is None else _restored(inner, old, new)
        if value is None:
            result.pop(name, None)
        else:
            result[name] = value
    return cast(Document, result)


def _restored(tree: Any, old: Any, new: Any) -> Any:
    if isinstance(tree, tuple):
        if not isinstance(old, list) or not isinstance(new, list):
            return new
        paired = [*old[: len(new)], *[None] * (len(new) - len(old))]
        return [
            _restored(tree[0], before if _is_same_element(before, after) else None, after)
            for before, after in zip(paired, new, strict=True)
        ]
    if new is not None and not isinstance(new, dict):
        return new
    restored = with_disabled_of(tree, old if isinstance(old, dict) else {}, new or {})
    return restored or new


def _is_same_element(old: Any, new: Any) -> bool:
    return isinstance(old, dict) and isinstance(new, dict) and old.get("id") == new.get("id")
