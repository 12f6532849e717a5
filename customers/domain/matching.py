"""Matching keys of a customer: digests of the values that identify a person."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from configuration.domain.matching_policy import MatchingPolicy, MatchingRule
from customers.domain.paths import value_at


def missing_properties(policy: MatchingPolicy, document: Mapping[str, Any]) -> list[str]:
    """Return the paths of the policy at which the document has no value.

    Blank text and placeholders are no values. None are missing when one of the rules is whole.
    """
    missing: dict[str, None] = {}
    for rule in policy.all_rules:
        lacking = [
            path for path, value in _rule_values(policy, rule, document).items() if value is None
        ]
        if not lacking:
            return []
        missing |= dict.fromkeys(lacking)
    return list(missing)


def match_key(policy: MatchingPolicy, document: Mapping[str, Any]) -> bytes | None:
    """Return a key that is equal for two documents exactly when the first rule matches them.

    Keys of two rules are never equal, so both can be in use during a change. Text is compared in
    Unicode normal form C, without surrounding space, and ignoring case unless the rule says
    otherwise. 32 bytes; None when a value is missing.
    """
    return _rule_key(policy, policy.all_rules[0], document)


def further_keys(policy: MatchingPolicy, document: Mapping[str, Any]) -> dict[int, bytes]:
    """Return the keys by the other rules, by the number of the rule: the second is 1."""
    return {
        number: key
        for number, rule in enumerate(policy.rules[1:], start=1)
        if (key := _rule_key(policy, rule, document)) is not None
    }


def keys_as_json(keys: Mapping[int, bytes]) -> list[dict[str, Any]]:
    """Return keys by the numbers of their rules as SQL takes them."""
    return [{"rule": rule, "key": f"\\x{key.hex()}"} for rule, key in keys.items()]


def all_keys(policy: MatchingPolicy, document: Mapping[str, Any]) -> dict[int, bytes]:
    """Return the keys by all rules, by the number of the rule, in order."""
    first = match_key(policy, document)
    found = {} if first is None else {0: first}
    return found | further_keys(policy, document) if policy.has_several_rules else found


def are_one_person(
    policy: MatchingPolicy, one: Mapping[str, Any], other: Mapping[str, Any]
) -> bool:
    """Return whether a rule matches two documents, and no rule before it tells them apart."""
    keys, other_keys = all_keys(policy, one), all_keys(policy, other)
    common = sorted(keys.keys() & other_keys.keys())
    return bool(common) and keys[common[0]] == other_keys[common[0]]


def key_of_values(policy: MatchingPolicy, values: Mapping[str, Any]) -> bytes | None:
    """Return the first rule's key of these values, by path; None when it needs others too."""
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


def without_identity(paths: list[str], given: Mapping[str, Any]) -> dict[str, Any]:
    """A body without the values of these identifying properties."""
    result = dict(given)
    for path in paths:
        *sections, name = path.split(".")
        level: Any = result
        for section in sections:
            inner = level.get(section)
            if not isinstance(inner, Mapping):
                break
            level[section] = level = dict(inner)
        else:
            level.pop(name, None)
    return result


def inherited_properties(
    policy: MatchingPolicy, before: Mapping[str, Any], given: Mapping[str, Any]
) -> list[str]:
    """Return the identifying paths of a body that are those of somebody merged into `before`.

    The body was recognised as `before`. None if that was by a key that it has itself.
    """
    if not policy.has_several_rules:
        key = match_key(policy, given)
        is_own = key is None or key == match_key(policy, before)
        return [] if is_own else list(policy.properties)
    own = all_keys(policy, before)
    for number, key in all_keys(policy, given).items():
        if number in own:
            return [] if own[number] == key else policy.rules[number].paths
    return []


def differing_properties(
    policy: MatchingPolicy, one: Mapping[str, Any], other: Mapping[str, Any]
) -> list[str]:
    """Return the identifying paths at which the values of two documents differ."""
    return [
        path
        for path in policy.identifying
        if list(policy.normalized(path, value_at(one, path)))
        != list(policy.normalized(path, value_at(other, path)))
    ]


def _rule_key(
    policy: MatchingPolicy, rule: MatchingRule, document: Mapping[str, Any]
) -> bytes | None:
    values = _rule_values(policy, rule, document)
    if None in values.values():
        return None
    compared = [values[path] for path in sorted(values)]
    if rule.is_plain:
        return _digest([sorted(values), rule.case_sensitive, compared])
    forms = sorted(rule.as_json(), key=lambda each: str(each["property"]))
    return _digest([forms, compared])


def _rule_values(
    policy: MatchingPolicy, rule: MatchingRule, document: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the compared values of a rule by path; None where there is none."""
    return {
        each.path: policy.compared(each, value_at(document, each.path)) for each in rule.properties
    }


def _digest(values: list[Any]) -> bytes:
    text = json.dumps(values, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).digest()
