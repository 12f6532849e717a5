"""Merges several customers into one aggregate customer.

Pure; the same members in any order give the same result. Documents are as `customers.domain.merge`
makes them: without nulls, empty objects and empty lists.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from customers.domain.merge import EMPTY, Document

PRIORITY = "OBJ_PRIORITY"
LOWEST_RANK = 1 << 30
SEPARATOR = " "
# Lists of `base` that are merged by the ids of their elements; others are taken whole.
UNITED = frozenset({"subscriptions"})
LARGEST_EXACT = 2**53
LARGEST_INTEGER = 2**63 - 1  # as in request bodies
LARGEST_NUMBER = Fraction(sys.float_info.max)


@dataclass(frozen=True, slots=True)
class Member:
    """An entry customer; `rank` is its source's place in its node's priority, 0 the highest.

    `consented_at` is when each leaf of its consents was changed last, by dotted path, also of
    removed ones; moments are text that sorts by time.
    """

    id: str
    document: Mapping[str, Any]
    rank: int
    updated_at: str
    consented_at: Mapping[str, str] = field(default_factory=dict)


def fitting(
    members: Sequence[Member], extended: Mapping[str, Any], fits: Callable[[Document], bool]
) -> Document:
    """Return the document of the aggregate customer, made of as many members as it `fits` with.

    If it does not fit with all, values are taken from the first members by priority only, while
    subscriptions and consents are still the latest of all members; if that is too much also, the
    other members are ignored. The first one always counts.
    """

    def first(most: int) -> Document:
        return aggregated(members, extended, most=most)

    def of_first(most: int) -> Document:
        return aggregated(in_order(members)[:most], extended)

    whole = aggregated(members, extended)
    if fits(whole):
        return whole
    for build in (first, of_first):
        # Bisection: `low` members fit (or are a single one), `high` do not.
        low, high = 1, len(members)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if fits(build(middle)) else (low, middle)
        document = build(low)
        if fits(document):
            return document
    return of_first(1)


def aggregated(
    members: Sequence[Member], extended: Mapping[str, Any], *, most: int | None = None
) -> Document:
    """Return the document of the aggregate customer.

    `extended` are the workspace's definitions of extended properties, whose merge policies apply.
    Everything else is merged by priority, leaf by leaf: the value of the member whose source has
    the highest priority, then of the one that was changed last. Tags are united. Of subscriptions
    with the same id, the one changed last is taken; of consents, the last change of a leaf, also a
    removal. With `most`, only the first members count, except for subscriptions and consents.
    """
    ordered = in_order(members)
    documents = [member.document for member in ordered[:most]]
    base = _by_priority([document["base"] for document in documents])
    for name in UNITED:
        lists = [each.document["base"][name] for each in ordered if name in each.document["base"]]
        if lists:
            base[name] = _united(lists)
    return {
        "externalId": _first(document["externalId"] for document in documents),
        "base": _sorted(base),
        "consents": _consents(ordered),
        "extended": _extended([document["extended"] for document in documents], extended),
        "extra": _first(document["extra"] for document in documents),
        "tags": _tags([document["tags"] for document in documents]),
        "enabled": documents[0]["enabled"] if documents else EMPTY["enabled"],
    }


def in_order(members: Sequence[Member]) -> list[Member]:
    """Return the members by their priority: by rank, the latest changed first, then by id."""
    by_id = sorted(members, key=lambda member: member.id)
    latest = sorted(by_id, key=lambda member: member.updated_at, reverse=True)
    return sorted(latest, key=lambda member: member.rank)


def _first(values: Iterator[Any]) -> Any:
    return next((value for value in values if value is not None), None)


def _by_priority(objects: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Take each leaf from the first object that has it; lists are leaves, except united ones."""
    result: dict[str, Any] = {}
    for name in dict.fromkeys(name for each in objects for name in each):
        values = [each[name] for each in objects if name in each]
        if isinstance(values[0], dict):
            result[name] = _by_priority([value for value in values if isinstance(value, dict)])
        else:
            result[name] = values[0]
    return _sorted(result)


def _united(lists: Sequence[list[Any]]) -> list[Any]:
    """Return the elements of all lists; of those with the same id, the one changed last.

    Of equal moments, or none, the first list's is taken.
    """
    by_id: dict[str, Any] = {}
    for element in (element for elements in lists for element in elements):
        known = by_id.get(element["id"])
        if known is None or _changed_at(element) > _changed_at(known):
            by_id[element["id"]] = element
    return [by_id[each] for each in sorted(by_id)]


def _changed_at(element: Mapping[str, Any]) -> str:
    return element.get("updatedAt") or ""


def _tags(tags: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    united = {
        kind: list(dict.fromkeys(tag for each in tags for tag in each.get(kind, ())))
        for kind in ("auto", "manual")
    }
    return {kind: found for kind, found in united.items() if found}


def _consents(members: Sequence[Member]) -> dict[str, Any]:
    """Take each leaf as it was changed last by any member; a removal is a change as well."""
    leaves: dict[str, tuple[str, Any]] = {}
    # In ascending priority, so that of equal moments the highest wins.
    for member in reversed(members):
        held = dict(_leaves("consents", member.document["consents"]))
        for path in held.keys() | member.consented_at.keys():
            moment = member.consented_at.get(path, member.updated_at)
            if path not in leaves or moment >= leaves[path][0]:
                leaves[path] = (moment, held.get(path))
    result: dict[str, Any] = {}
    for path in sorted(leaves):
        value = leaves[path][1]
        if value is None:
            continue
        *parents, last = path.split(".")[1:]
        level = result
        for parent in parents:
            level = level.setdefault(parent, {})
        level[last] = value
    return result


def _leaves(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for name, child in value.items():
            yield from _leaves(f"{path}.{name}", child)
    else:
        yield path, value


def _extended(
    objects: Sequence[Mapping[str, Any]], definitions: Mapping[str, Any]
) -> dict[str, Any]:
    """Merge each property by the merge policy of its definition."""
    result = {}
    for name in dict.fromkeys(name for each in objects for name in each):
        values = [each[name] for each in objects if name in each]
        definition = definitions.get(name, {})
        if definition.get("type") == "object":
            inner = [value for value in values if isinstance(value, dict)]
            merged: Any = _extended(inner, definition.get("properties", {}))
        else:
            policy = definition.get("mergePolicy", PRIORITY)
            merged = MERGES.get(policy, _take_first)(values, definition)
        if merged not in (None, [], {}):
            result[name] = merged
    return _sorted(result)


def _take_first(values: list[Any], definition: Mapping[str, Any]) -> Any:
    return values[0]


def _concatenated(values: list[Any], definition: Mapping[str, Any]) -> Any:
    """Concatenate lists, distinct texts with spaces, and numbers by their digits."""
    if all(isinstance(value, list) for value in values):
        return [element for value in values for element in value]
    if all(isinstance(value, str) for value in values):
        joined = SEPARATOR.join(dict.fromkeys(values))
        return joined[: definition.get("maxLength", len(joined))]
    if all(_is_whole(value) and value >= 0 for value in values):
        digits = "".join(str(int(value)) for value in values)
        if len(digits) <= len(str(LARGEST_EXACT)) and int(digits) <= LARGEST_EXACT:
            return int(digits)
    return values[0]


def _union(values: list[Any], definition: Mapping[str, Any]) -> Any:
    lists = [value for value in values if isinstance(value, list)]
    return list(_by_identity(element for each in lists for element in each).values()) or values[0]


def _intersection(values: list[Any], definition: Mapping[str, Any]) -> Any:
    lists = [_by_identity(iter(value)) for value in values if isinstance(value, list)]
    if not lists:
        return values[0]
    return [
        element
        for identity, element in lists[0].items()
        if all(identity in other for other in lists[1:])
    ]


def _by_identity(elements: Iterator[Any]) -> dict[Any, Any]:
    """Return the distinct elements, in their order; 1, 1.0 and true differ."""
    found: dict[Any, Any] = {}
    for element in elements:
        found.setdefault(_identity(element), element)
    return found


def _identity(element: Any) -> Any:
    """Return a hashable key of an element, also of lists and objects."""
    if isinstance(element, dict):
        return dict, frozenset((name, _identity(child)) for name, child in element.items())
    if isinstance(element, list):
        return list, tuple(_identity(child) for child in element)
    return type(element), element


def _calculated(calculate: Callable[[list[Fraction]], Fraction]) -> Any:
    """Return a merge policy for numbers, computed exactly in decimal, in any order.

    Values that are no numbers are ignored. The first value is taken where the result is too large.
    """

    def merge(values: list[Any], definition: Mapping[str, Any]) -> Any:
        numbers = [_exact(value) for value in values if _is_number(value)]
        if not numbers:
            return values[0]
        result = calculate(numbers)
        is_integer = definition.get("type") == "integer"
        if (is_integer or result.denominator == 1) and abs(result) <= LARGEST_INTEGER:
            return round(result)
        if is_integer or abs(result) > LARGEST_NUMBER:
            return values[0]
        return float(result)

    return merge


def _exact(number: float) -> Fraction:
    """Return the number as its decimal digits, not as the nearest binary fraction."""
    return Fraction(number if isinstance(number, int) else repr(number))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_whole(value: Any) -> bool:
    return _is_number(value) and (isinstance(value, int) or value.is_integer())


def _sorted(document: Mapping[str, Any]) -> dict[str, Any]:
    return {name: document[name] for name in sorted(document)}


MERGES: Mapping[str, Callable[[list[Any], Mapping[str, Any]], Any]] = {
    PRIORITY: _take_first,
    "OBJ_CONCATENATE": _concatenated,
    "ARRAY_UNION": _union,
    "ARRAY_INTERSECTION": _intersection,
    "MATH_SUM": _calculated(sum),  # type: ignore[arg-type]
    "MATH_AVG": _calculated(lambda values: sum(values, Fraction()) / len(values)),
    "MATH_DIFF": _calculated(lambda values: values[0] - sum(values[1:], Fraction())),
    "MATH_MIN": _calculated(min),
    "MATH_MAX": _calculated(max),
}
