"""Merges a request's values into a customer's document.

Pure and free of aliasing: inputs are never changed, and results share no container with them. A
document has the keys of `EMPTY`; its sections hold no nulls, no empty objects and no empty lists,
so that equal documents are equal data.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypedDict


class Document(TypedDict):
    """The stored part of a customer, with the property names of the API."""

    externalId: str | None
    base: dict[str, Any]
    consents: dict[str, Any]
    extended: dict[str, Any]
    extra: str | None
    tags: dict[str, Any]
    enabled: bool


# Merges a stored list and a sent one; the dotted path is that of the list.
MergeLists = Callable[[str, list[Any], list[Any]], list[Any]]

EMPTY: Document = {
    "externalId": None,
    "base": {},
    "consents": {},
    "extended": {},
    "extra": None,
    "tags": {},
    "enabled": True,
}
SECTIONS: tuple[Literal["base", "consents", "extended", "tags"], ...] = (
    "base", "consents", "extended", "tags",
)  # fmt: skip
SCALARS: tuple[Literal["externalId", "extra"], ...] = ("externalId", "extra")

# Elements of these lists are identified by their id; those without get one.
LISTS_WITH_IDS = frozenset({"base.educations", "base.jobs", "base.likes", "base.subscriptions"})
SUBSCRIPTIONS = "base.subscriptions"
# Free-form objects are values: they are replaced as a whole, never merged.
OPAQUE = frozenset({f"{SUBSCRIPTIONS}.subscribeContext", f"{SUBSCRIPTIONS}.unsubscribeContext"})
JSON = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"))
ID_NAMESPACE = uuid.UUID("7d3cf9d8-5f0e-4ac1-8a3e-2f4c2f2f6a5b")


def for_create(existing: Mapping[str, Any], given: Mapping[str, Any]) -> Document:
    """Return the document after a POST (reference: Create Customer).

    Absent properties of `given` stay, null removes, a single value replaces. Collections append and
    de-duplicate: elements with an id by the id, the sent one winning, others by value. Within a
    subscription, absent properties stay. No subscription is removed, not by null either.
    """
    return _merged(existing, given, _appended)


def _merged(existing: Mapping[str, Any], given: Mapping[str, Any], lists: MergeLists) -> Document:
    merged: Document = _copied({**existing})
    for name in SCALARS:
        if name in given:
            merged[name] = given[name]
    if given.get("enabled") is not None:
        merged["enabled"] = given["enabled"]
    for section in SECTIONS:
        if section not in given:
            continue
        if given[section] is None:
            absent = dict.fromkeys(merged[section])
            merged[section] = _merged_object(merged[section], absent, lists, section)
        else:
            merged[section] = _merged_object(merged[section], given[section], lists, section)
    return merged


def for_update(existing: Mapping[str, Any], given: Mapping[str, Any], *, strict: bool) -> Document:
    """Return the document after a PATCH or PUT.

    Reference: Partially modify customer, Modify customer. As `for_create`, but a sent collection
    replaces the stored one, as a set. Only subscriptions still merge by id, unless `strict`: absent
    ones stay, also when the list is empty or null.
    """
    return _merged(existing, given, _replaced_strictly if strict else _replaced)


def for_replace(given: Mapping[str, Any]) -> Document:
    """Return the document after a PUT with mode STRICT: only the sent properties."""
    return for_update(EMPTY, given, strict=True)


def with_subscription_dates(
    before: Mapping[str, Any], after: Mapping[str, Any], now: str
) -> Document:
    """Return `after`, with the subscriptions' dates of registration and last change.

    An absent date stays as it was; that of a new or changed subscription is `now`.
    """
    dated: Document = {**after}  # type: ignore[typeddict-item]
    subscriptions = [{**each} for each in subscriptions_of(after)]
    if not subscriptions:
        return dated
    dated["base"] = {**after["base"], "subscriptions": subscriptions}
    known = {each["id"]: each for each in subscriptions_of(before)}
    for subscription in subscriptions:
        old = known.get(subscription["id"])
        if old is None:
            subscription.setdefault("registeredAt", now)
            subscription.setdefault("updatedAt", now)
            continue
        for name in ("registeredAt", "updatedAt"):
            if name in old:
                subscription.setdefault(name, old[name])
        if not unchanged(old, subscription) and subscription.get("updatedAt") == old.get(
            "updatedAt"
        ):
            subscription["updatedAt"] = now
    return dated


def subscriptions_of(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the subscriptions of a document."""
    found: list[dict[str, Any]] = document["base"].get("subscriptions", [])
    return found


def undecided_subscriptions(document: Mapping[str, Any]) -> list[str]:
    """Return the ids of subscriptions without `subscribed`, which is mandatory."""
    return [each["id"] for each in subscriptions_of(document) if "subscribed" not in each]


def _merged_object(
    existing: Mapping[str, Any], given: Mapping[str, Any], lists: MergeLists, at: str
) -> dict[str, Any]:
    merged = dict(existing)
    for name, value in given.items():
        before = merged.get(name)
        after = _merged_value(f"{at}.{name}", before, value, lists)
        if _is_empty(after):
            merged.pop(name, None)
        else:
            merged[name] = after
    return merged


def _merged_value(at: str, before: Any, given: Any, lists: MergeLists) -> Any:
    if given is None and at == SUBSCRIPTIONS:
        given = []
    if isinstance(given, dict) and at not in OPAQUE:
        return _merged_object(before if isinstance(before, dict) else {}, given, lists, at)
    if isinstance(given, list):
        return lists(at, before if isinstance(before, list) else [], given)
    return _copied(given)


def _replaced(at: str, before: list[Any], given: list[Any]) -> list[Any]:
    """Return `given` as a set, merged with the subscriptions of the same id; others stay."""
    return _appended(at, before if at == SUBSCRIPTIONS else [], given)


def _replaced_strictly(at: str, before: list[Any], given: list[Any]) -> list[Any]:
    """Return `given` as a set."""
    return _appended(at, [], given)


def _appended(at: str, before: list[Any], given: list[Any]) -> list[Any]:
    """Return `before` followed by the new elements of `given`, without duplicates."""
    by_key = {element_key(at, element): element for element in before}
    for element in given:
        cleaned = _cleaned_element(at, element)
        key = element_key(at, cleaned)
        if at == SUBSCRIPTIONS and key in by_key:
            by_key[key] = _merged_object(by_key[key], element, _replaced, at)
        else:
            by_key[key] = cleaned
    return list(by_key.values())


def element_key(at: str, element: Any) -> str:
    """What an element of the list at a dotted path is recognised by."""
    if at in LISTS_WITH_IDS and isinstance(element, dict):
        return str(element["id"])
    if isinstance(element, str):
        return f'"{element}'  # as no JSON of anything else begins
    return _as_text(element)


def _cleaned_element(at: str, element: Any) -> Any:
    if not isinstance(element, dict):
        return element
    cleaned = _without_empties(at, element)
    if at in LISTS_WITH_IDS and "id" not in cleaned:
        # A hash of the content: the same element sent twice is one element.
        cleaned = {"id": str(uuid.uuid5(ID_NAMESPACE, _as_text(cleaned))), **cleaned}
    return cleaned


def _without_empties(at: str, value: Mapping[str, Any]) -> dict[str, Any]:
    cleaned = {}
    for name, child in value.items():
        place = f"{at}.{name}"
        if place not in OPAQUE:
            if isinstance(child, dict):
                child = _without_empties(place, child)
            elif isinstance(child, list):
                child = _appended(place, [], child)
        if not _is_empty(child):
            cleaned[name] = _copied(child)
    return cleaned


def _is_empty(value: Any) -> bool:
    return value is None or value == [] or value == {}


def _as_text(value: Any) -> str:
    return JSON.encode(value)


def _copied(value: Any) -> Any:
    # Most children are scalars, for which a call would cost more than what it does.
    if isinstance(value, dict):
        return {
            name: _copied(child) if isinstance(child, (dict, list)) else child
            for name, child in value.items()
        }
    if isinstance(value, list):
        return [_copied(child) if isinstance(child, (dict, list)) else child for child in value]
    return value


def unchanged(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Return whether two documents are equal: true and 1 differ, 1 and 1.0 do not."""
    return before == after and _as_text(before) == _as_text(after)
