"""The consents a customer can give, by their paths."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from configuration.domain.customer_schema import BUILT_IN
from configuration.domain.schema_tree import resolve
from contacthub_project.core.errors import FieldError

LEAVES = {"status", "limitation", "objection"}


def _paths(schema: Mapping[str, Any], at: str) -> Iterator[str]:
    properties = resolve(schema, BUILT_IN).get("properties", {})
    if properties.keys() == LEAVES:
        yield at
        return
    for name, child in properties.items():
        yield from _paths(child, f"{at}.{name}" if at else name)


# Such as `marketing.automatic.email`; a policy may write `consents.` before it.
CONSENT_PATHS = frozenset(_paths(BUILT_IN["properties"]["consents"], ""))


def consent_path_faults(paths: Any, *, at: str) -> list[FieldError]:
    """What is wrong with a list of consents in a policy."""
    if not isinstance(paths, list):
        return [FieldError(at, "must be a list", "type")]
    faults = [
        FieldError(f"{at}/{index}", "is not the path of a consent", "enum")
        for index, path in enumerate(paths)
        if not isinstance(path, str) or path.removeprefix("consents.") not in CONSENT_PATHS
    ]
    if not faults and len(set(paths)) < len(paths):
        faults.append(FieldError(at, "names a consent twice", "uniqueItems"))
    return faults
