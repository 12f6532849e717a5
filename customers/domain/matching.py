"""Matching key of a customer: a digest of the values that identify a person."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from configuration.domain.matching_policy import MatchingPolicy
from configuration.domain.placeholders import is_placeholder
from contacthub_project.core.identifiers import canonical_identifier
from contacthub_project.core.text import folded
from customers.domain.paths import value_at


def missing_properties(policy: MatchingPolicy, document: Mapping[str, Any]) -> list[str]:
    """The paths of the policy at which the document has no value to be recognised by.

    Blank text and placeholders are none.
    """
    return [path for path in policy.properties if _normalised(policy, document, path) is None]


def match_key(policy: MatchingPolicy, document: Mapping[str, Any]) -> bytes | None:
    """The key that two documents share exactly when the policy takes them for one person.

    Keys of two policies are never equal, so both can be in use while one follows the other. Text is
    compared in Unicode normal form C, without surrounding space, and in any case unless the policy
    is case-sensitive. 32 bytes; None when a value is missing.
    """
    values = [_normalised(policy, document, path) for path in sorted(policy.properties)]
    if None in values:
        return None
    said = [sorted(policy.properties), policy.case_sensitive, values]
    text = json.dumps(said, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).digest()


def key_of_values(policy: MatchingPolicy, values: Mapping[str, Any]) -> bytes | None:
    """The key of documents with these values, by path; None when the policy asks for others too."""
    if not set(policy.properties) <= set(values):
        return None
    document: dict[str, Any] = {}
    for path in policy.properties:
        *sections, name = path.split(".")
        place = document
        for section in sections:
            place = place.setdefault(section, {})
        place[name] = values[path]
    return match_key(policy, document)


def differing_properties(
    policy: MatchingPolicy, one: Mapping[str, Any], other: Mapping[str, Any]
) -> list[str]:
    """The paths of the policy at which it takes the values of two documents for different."""
    return [
        path
        for path in policy.properties
        if _normalised(policy, one, path) != _normalised(policy, other, path)
    ]


def _normalised(policy: MatchingPolicy, document: Mapping[str, Any], path: str) -> Any:
    value = value_at(document, path)
    if is_placeholder(value, policy.placeholders):
        return None
    if isinstance(value, str):
        text = canonical_identifier(value) if policy.case_sensitive else folded(value)
        return text or None
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
