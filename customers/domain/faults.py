"""Separates the faults that a request causes from those that were there before."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from contacthub_project.core.errors import FieldError

# Finds all faults of a document.
FindFaults = Callable[[Mapping[str, Any]], list[FieldError]]


def new_faults(
    find_faults: FindFaults, after: Mapping[str, Any], *, before: Mapping[str, Any]
) -> list[FieldError]:
    """Return the faults of `after`, without those that `before` has for the same value and place.

    Rules may have become stricter since a value was stored; it never fails a write that does not
    change it. Elements of a list may have moved within it.
    """
    faults = find_faults(after)
    if not faults:
        return []
    known = {_identity(fault, before) for fault in find_faults(before)}
    return [fault for fault in faults if _identity(fault, after) not in known]


def _identity(fault: FieldError, document: Mapping[str, Any]) -> tuple[str | None, str, str]:
    """Return a fault's code, its path with `*` for any element, and the value at the path."""
    place, value = _located(document, fault.path.split("/")[1:])
    text = json.dumps(value, sort_keys=True, ensure_ascii=False)
    return fault.code, place, text


def _located(document: Any, parts: Sequence[str]) -> tuple[str, Any]:
    place, value = "", document
    for part in parts:
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, list) and name.isdecimal() and int(name) < len(value):
            place, value = f"{place}/*", value[int(name)]
        else:
            place = f"{place}/{part}"
            # For a missing property the value is the object without it.
            value = value.get(name, value) if isinstance(value, dict) else value
    return place, value
