"""The history of a customer: its values before each change.

Pure. Only replaced values are stored, so a new customer costs nothing; earlier documents are
reconstructed backwards from the stored one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from customers.domain.merge import Document, unchanged
from customers.domain.passwords import password_in, with_password
from customers.domain.record_merge import document_of_leaves, leaves_of

SECTIONS = ("base", "consents", "extended", "tags")
SINGLE = ("externalId", "extra", "enabled")


def replaced_values(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of `before` that differ in `after`, by dotted path; null for absent ones.

    Passwords are omitted: their change is recorded, not their values.
    """
    replaced: dict[str, Any] = {}
    for name in SINGLE:
        if before[name] != after[name]:
            replaced[name] = before[name]
    for name in SECTIONS:
        if before[name] is after[name]:
            continue
        old = dict(leaves_of({name: before[name]}))
        new = dict(leaves_of({name: after[name]}))
        for path in old.keys() | new.keys():
            value, now = old.get(path), new.get(path)
            if not _is_same(value, now):
                replaced[path] = _without_password(path, value)
    return replaced


def _is_same(value: Any, now: Any) -> bool:
    """Return whether two values are equal; true and 1 differ."""
    if value is now:
        return True
    if isinstance(value, dict | list) and isinstance(now, dict | list):
        return unchanged({"": value}, {"": now})
    return type(value) is type(now) and bool(value == now)


def document_before(document: Mapping[str, Any], changes: Iterable[Mapping[str, Any]]) -> Document:
    """Return the document before changes (each the replaced values), the latest first."""
    leaves = dict(leaves_of(document))
    for replaced in changes:
        for path, value in replaced.items():
            if value is None:
                leaves.pop(path, None)
            else:
                leaves[path] = value
    return document_of_leaves(leaves)


def _without_password(path: str, value: Any) -> Any:
    if path != "base.credential" or not isinstance(value, dict):
        return value
    base = {"credential": value}
    if password_in(base) is None:
        return value
    return with_password(base, None)["credential"]
