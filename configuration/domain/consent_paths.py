"""The paths of all consents that a customer can give."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from configuration.domain.customer_schema import BUILT_IN
from configuration.domain.schema_tree import resolve

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


def is_consent_path(path: str) -> bool:
    """Return whether a consent policy may name this path."""
    return path.removeprefix("consents.") in CONSENT_PATHS
