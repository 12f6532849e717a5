"""The paths of a customer's document that a write changes.

Pure. A path is dotted, such as `base.contacts.email`; of an array it is that of the whole array,
and of an extended property that of the property, since names within could tell about a person.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

SINGLE = ("externalId", "extra", "enabled")
SECTIONS = ("base", "consents", "extended", "tags")
WITH_PATHS = frozenset({*SINGLE, *SECTIONS})
PROPERTY = "extended."
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
    """Yield the paths at which two values of a path differ; null and absent do not.

    Values that are equal are written alike, except objects in another order: these are taken as
    different, as are 1 and 1.0.
    """
    if isinstance(old, dict) and isinstance(new, dict) and not path.startswith(PROPERTY):
        for key in old.keys() | new.keys():
            value, now = old.get(key), new.get(key)
            if value is not now:
                yield from _differing(f"{path}.{key}", value, now)
    elif repr(old) != repr(new):
        yield path
