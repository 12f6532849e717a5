"""The paths of a customer's document that a write changes.

Pure. A path is dotted, such as `base.contacts.email`; of an array it is that of the whole array,
and of an extended property that of the property, since names within could tell about a person.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from customers.domain.merge import unchanged

SINGLE = ("externalId", "extra", "enabled")
SECTIONS = ("base", "consents", "extended", "tags")
WITH_PATHS = frozenset({*SINGLE, *SECTIONS})
MOST_PATHS = 32


def changed_paths(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str] | None:
    """Return the paths at which two documents differ, None when there are more than 32."""
    found: list[str] = []
    for name in SINGLE:
        if before[name] != after[name]:
            found.append(name)
    for name in SECTIONS:
        if before[name] is not after[name]:
            found += _differing(name, before[name], after[name])
    return found if len(found) <= MOST_PATHS else None


def _differing(path: str, old: Any, new: Any) -> Iterator[str]:
    """Yield the paths at which two values of a path differ."""
    if not (isinstance(old, dict) and isinstance(new, dict)):
        yield path
        return
    for key in {**old, **new}:
        value, now = old.get(key), new.get(key)
        if _is_same(value, now):
            continue
        if path == "extended":
            yield f"{path}.{key}"
        else:
            yield from _differing(f"{path}.{key}", value, now)


def _is_same(value: Any, now: Any) -> bool:
    """Return whether two values are equal; true and 1 differ, null and absent do not."""
    if value is now:
        return True
    if isinstance(value, dict | list) and isinstance(now, dict | list):
        return unchanged({"": value}, {"": now})
    return type(value) is type(now) and bool(value == now)
