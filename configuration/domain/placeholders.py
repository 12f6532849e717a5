"""Placeholders: text that programs write for a missing value, such as `null`.

As an id or a matching value it would merge unrelated people, so it is refused there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from contacthub_project.core.errors import FieldError
from contacthub_project.core.text import folded

PLACEHOLDERS = frozenset(
    {
        "null", "undefined", "none", "nan", "[object object]", "true", "false", "0", "-",
        "00000000-0000-0000-0000-000000000000", "0" * 32,
    }
)  # fmt: skip
MOST_PLACEHOLDERS = 100  # of a workspace's own


def placeholders_of(own: Iterable[str]) -> frozenset[str]:
    """Return the built-in placeholders and a workspace's own, folded."""
    return PLACEHOLDERS | {folded(text) for text in own}


def is_placeholder(value: Any, placeholders: Collection[str]) -> bool:
    """Return whether a value is a placeholder: such text in any case and with outer space, or 0.

    `true` and `false` are placeholders as text only.
    """
    if isinstance(value, str):
        return folded(value) in placeholders
    return isinstance(value, int | float) and not isinstance(value, bool) and value == 0


def identifier_faults(value: Any, placeholders: Collection[str], *, at: str) -> list[FieldError]:
    """Return the faults of text as a person's id; `at` points to it."""
    if isinstance(value, str) and not value.strip():
        return [FieldError(at, "is blank", "blank")]
    return placeholder_faults(value, placeholders, at=at)


def placeholder_faults(value: Any, placeholders: Collection[str], *, at: str) -> list[FieldError]:
    """Return the fault of a placeholder as a person's id; `at` points to it."""
    if not is_placeholder(value, placeholders):
        return []
    return [FieldError(at, "is a placeholder that identifies nobody", "placeholder")]
