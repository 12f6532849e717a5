"""The history of a customer: its values before each change.

Pure. Only replaced values are stored, so a new customer costs nothing; earlier documents are
reconstructed backwards from the stored one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from customers.domain.merge import Document, unchanged
from customers.domain.passwords import password_in, with_password
from customers.domain.record_merge import WHOLE, document_of_leaves, leaves_at, leaves_of

SECTIONS = ("base", "consents", "extended", "tags")
SINGLE = ("externalId", "extra", "enabled")


Values = dict[str, Any]  # by dotted path; null for absent ones


def replaced_values(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Values, Values]:
    """Return the values of `before` that differ in `after`, and those of `after` in their place.

    Passwords are omitted: their change is recorded, not their values.
    """
    old: Values = {}
    new: Values = {}
    for name in SINGLE:
        if before[name] != after[name]:
            old[name], new[name] = before[name], after[name]
    for name in SECTIONS:
        _collect(name, before[name], after[name], old, new)
    return old, new


def _collect(path: str, value: Any, now: Any, old: Values, new: Values) -> None:
    """Add the differing leaves of two values at a path."""
    if value is now:
        return
    if isinstance(value, Mapping) and isinstance(now, Mapping) and path not in WHOLE:
        for key in value.keys() | now.keys():
            _collect(f"{path}.{key}", value.get(key), now.get(key), old, new)
    elif not _is_same(value, now):
        before, after = dict(leaves_at(path, value)), dict(leaves_at(path, now))
        for each in before.keys() | after.keys():
            old[each] = without_password(each, before.get(each))
            new[each] = without_password(each, after.get(each))


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


def without_password(path: str, value: Any) -> Any:
    """Return the value at a path, of credentials without the password."""
    if path != "base.credential" or not isinstance(value, dict):
        return value
    base = {"credential": value}
    if password_in(base) is None:
        return value
    return with_password(base, None)["credential"]
