"""Consents at a moment, from the last line of the log about each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from configuration.domain.consent_paths import CONSENT_PATHS, LEAVES

ROOT = "consents"
DISCLAIMER = "consents.disclaimer"
BOOLEANS = {"true": True, "false": False}
# Every path that occurs in lines of the log.
LOGGED_PATHS = frozenset(
    {f"{ROOT}.{path}.{leaf}" for path in CONSENT_PATHS for leaf in LEAVES}
    | {f"{DISCLAIMER}.date", f"{DISCLAIMER}.version"}
)


def consent_tree(values: Mapping[str, str | None]) -> dict[str, Any]:
    """Return consents in the form of profiles, from the values of their leaves by dotted path."""
    tree: dict[str, Any] = {}
    for path in sorted(values):
        value = leaf_value(path, values[path])
        if value is None:
            continue
        _, *parents, name = path.split(".")
        level = tree
        for parent in parents:
            level = level.setdefault(parent, {})
        level[name] = value
    return tree


def leaf_value(path: str, text: str | None) -> str | bool | None:
    """Return the value of a log entry's text."""
    return text if text is None or path.startswith(f"{DISCLAIMER}.") else BOOLEANS.get(text)


def dotted_path(given: str) -> str:
    """Normalize a path, which may begin with `$.` or leave out `consents.`."""
    path = given.removeprefix("$").removeprefix(".")
    if path == ROOT or path.startswith(f"{ROOT}."):
        return path
    is_short = any(each.startswith((f"{ROOT}.{path}.", f"{ROOT}.{path}")) for each in LOGGED_PATHS)
    return f"{ROOT}.{path}" if path and is_short else path


def paths_at_or_below(given: str) -> list[str]:
    """Return the log's paths in the subtree of a path; itself if there are none."""
    path = dotted_path(given)
    below = sorted(each for each in LOGGED_PATHS if f"{each}.".startswith(f"{path}."))
    return below or [path]
