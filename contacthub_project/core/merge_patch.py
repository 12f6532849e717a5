"""JSON Merge Patch (RFC 7396)."""

from __future__ import annotations

from typing import Any


def merge_patched(existing: Any, patch: Any) -> Any:
    """Return `existing` merged with a patch at every depth; null removes.

    Lists and single values are replaced.
    """
    if not isinstance(patch, dict):
        return patch
    result = dict(existing) if isinstance(existing, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merge_patched(result.get(name), value)
    return result


def patch_between(before: Any, after: dict[str, Any]) -> dict[str, Any]:
    """Return the patch that makes `after` of `before`, whatever that is.

    A null in `after` is a property that there is not: a patch cannot say otherwise.
    """
    if not isinstance(before, dict):
        return after
    patch: dict[str, Any] = dict.fromkeys(before.keys() - after.keys())
    for name, value in after.items():
        known = before.get(name)
        if isinstance(value, dict) and isinstance(known, dict):
            inner = patch_between(known, value)
            if inner:
                patch[name] = inner
        elif value != known or type(value) is not type(known):
            patch[name] = value
    return patch
