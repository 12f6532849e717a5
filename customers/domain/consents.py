"""Differences of two states of a customer's consents, as lines of the consent log."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

# The type of the log entry, by the last part of the leaf's path.
TYPES = {
    "status": "CONSENT_CHANGED",
    "limitation": "CONSENT_RESTRICTED",
    "objection": "CONSENT_OBJECTED",
}
DISCLAIMER = "disclaimer"
DISCLAIMER_READ = "DISCLAIMER_READ"


@dataclass(frozen=True, slots=True)
class ConsentChange:
    """One changed leaf; `property` is its dotted path, `value` its new value, None if removed."""

    type: str
    property: str
    value: str | None


def consent_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[ConsentChange]:
    """Return one change for every leaf whose value differs, in the order of the paths."""
    if before == after:
        return []
    old = dict(_leaves("consents", before))
    new = dict(_leaves("consents", after))
    return [
        ConsentChange(_type_of(path), path, _as_text(new.get(path)))
        for path in sorted(old.keys() | new.keys())
        if old.get(path) != new.get(path)
    ]


def _type_of(path: str) -> str:
    parts = path.split(".")
    return DISCLAIMER_READ if parts[1] == DISCLAIMER else TYPES[parts[-1]]


def _leaves(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for name, child in value.items():
            yield from _leaves(f"{path}.{name}", child)
    elif value is not None:
        yield path, value


def _as_text(value: str | bool | None) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value


def is_stricter(path: str, one: Any, other: Any) -> bool:
    """Whether a value of a leaf allows less than another; None is no value.

    Contact needs a status that is true; a limitation or objection that is true forbids it.
    Disclaimers allow nothing.
    """
    leaf = path.rpartition(".")[2]
    if leaf == "status":
        return other is True and one is not True
    if leaf in {"limitation", "objection"}:
        return one is True and other is not True
    return False
