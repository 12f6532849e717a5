"""Merges documents of customers of one node, with the origin of each value.

Pure. Documents are as `customers.domain.merge` makes them. Units of merging are: an address,
credentials, every list, and each other single value.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from customers.domain.consents import is_stricter
from customers.domain.merge import (
    EMPTY,
    SUBSCRIPTIONS,
    Document,
    element_key,
)
from customers.domain.paths import value_at

# Objects that are merged as a whole: parts of two addresses make no address.
WHOLE = frozenset({"base.address", "base.credential"})
CONSENTS = "consents"
# The roots of choices; of consents the latest decision always wins.
CHOOSABLE = frozenset({"externalId", "extra", "enabled", "base", "extended", "tags"})


class MergeRule(StrEnum):
    """The rule by which a merged value was chosen."""

    SURVIVOR = "SURVIVOR"  # the survivor's value
    FILLED = "FILLED"  # the survivor had none
    UNITED = "UNITED"  # a list with the elements of several
    LATEST = "LATEST"  # a consent, as it was decided last
    CHOSEN = "CHOSEN"  # named by the request


@dataclass(frozen=True, slots=True)
class Participant:
    """A customer that is merged.

    `consented_at` is when each leaf of its consents was changed last, by dotted path, also of
    removed ones; moments are text that sorts by time.
    """

    id: str
    document: Mapping[str, Any]
    updated_at: str
    consented_at: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Origin:
    """The origin of the value at a dotted path: a customer, None for several, and the rule.

    `others` are the customers with another value there.
    """

    path: str
    customer_id: str | None
    rule: MergeRule
    others: tuple[str, ...] = ()


def merged_record(
    survivor: Participant, others: Sequence[Participant], choices: Mapping[str, str]
) -> tuple[Document, list[Origin]]:
    """Return the survivor's document, and the origin of each value, in the order of the paths.

    The survivor's values come first, then those of the customers changed last. Lists are united,
    subscriptions by id as they were changed last, and consents are as they were decided last.
    `choices` are ids of participants by dotted path, and override these rules; the shorter path is
    applied first.
    """
    by_id = sorted(others, key=lambda each: each.id)
    ordered = [survivor, *sorted(by_id, key=lambda each: each.updated_at, reverse=True)]
    leaves = {each.id: dict(leaves_of(each.document)) for each in ordered}
    merged: dict[str, Any] = {}
    origins: dict[str, tuple[str | None, MergeRule]] = {}
    for path in sorted({path for found in leaves.values() for path in found}):
        if path.startswith(f"{CONSENTS}."):
            continue
        held = [(each.id, leaves[each.id][path]) for each in ordered if path in leaves[each.id]]
        merged[path], origins[path] = _merged_value(path, held, survivor.id)
    for path, value, customer_id in _consents(ordered):
        merged[path], origins[path] = value, (customer_id, MergeRule.LATEST)
    for path in sorted(choices, key=lambda each: (each.count("."), each)):
        for known in [each for each in merged if is_at_or_below(each, path)]:
            del merged[known], origins[known]
        for known, value in leaves[choices[path]].items():
            if is_at_or_below(known, path):
                merged[known], origins[known] = value, (choices[path], MergeRule.CHOSEN)
    document = document_of_leaves(merged)
    return document, [
        Origin(
            path,
            customer_id,
            rule,
            tuple(
                each.id
                for each in ordered
                if path in leaves[each.id] and leaves[each.id][path] != merged[path]
            ),
        )
        for path, (customer_id, rule) in sorted(origins.items())
    ]


def leaves_of(document: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Return the units of merging of a document, by dotted path."""
    for name, value in document.items():
        yield from leaves_at(name, value)


def leaves_at(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Return the units of merging of the value at a path."""
    if isinstance(value, Mapping) and path not in WHOLE:
        for name, child in value.items():
            yield from leaves_at(f"{path}.{name}", child)
    elif value is not None:
        yield path, value


def document_of_leaves(leaves: Mapping[str, Any]) -> Document:
    """Return the document with these values by dotted path."""
    document: Any = {**EMPTY, "base": {}, "consents": {}, "extended": {}, "tags": {}}
    for path in sorted(leaves):
        *parents, name = path.split(".")
        level = document
        for parent in parents:
            level = level.setdefault(parent, {})
        level[name] = leaves[path]
    found: Document = document
    return found


def choice_faults(
    choices: Mapping[str, str], documents: Mapping[str, Mapping[str, Any]]
) -> Iterator[tuple[str, str]]:
    """Return the paths of invalid choices, each with the reason; `documents` are by id."""
    for path, customer_id in choices.items():
        if path == CONSENTS or path.startswith(f"{CONSENTS}."):
            yield path, "consents cannot be chosen: what was decided last holds"
        elif path.split(".")[0] not in CHOOSABLE or any(
            path.startswith(f"{whole}.") for whole in WHOLE
        ):
            yield path, "is no property whose value can be chosen"
        elif customer_id not in documents:
            yield path, "is not the id of a customer that is merged"
        elif all(value_at(document, path) is None for document in documents.values()):
            yield path, "none of the customers has a value there"
        elif any(path.startswith(f"{other}.") for other in choices):
            yield path, "is part of another choice"


def is_at_or_below(path: str, other: str) -> bool:
    """Return whether a dotted path is another one or within it."""
    return path == other or path.startswith(f"{other}.")


def _merged_value(
    path: str, held: Sequence[tuple[str, Any]], survivor_id: str
) -> tuple[Any, tuple[str | None, MergeRule]]:
    first_id, first = held[0]
    if isinstance(first, list):
        united = united_lists(path, [value for _, value in held if isinstance(value, list)])
        if united != first:
            return united, (None, MergeRule.UNITED)
    rule = MergeRule.SURVIVOR if first_id == survivor_id else MergeRule.FILLED
    return first, (first_id, rule)


def united_lists(path: str, lists: Sequence[list[Any]]) -> list[Any]:
    """Return the distinct elements of all lists; of those with the same id the first list's.

    Of subscriptions the one that was changed last is taken.
    """
    found: dict[str, Any] = {}
    for element in (each for elements in lists for each in elements):
        key = element_key(path, element)
        known = found.get(key)
        if known is None or (path == SUBSCRIPTIONS and _changed_at(element) > _changed_at(known)):
            found[key] = element
    return list(found.values())


def _changed_at(element: Mapping[str, Any]) -> str:
    return element.get("updatedAt") or ""


def _consents(ordered: Sequence[Participant]) -> Iterator[tuple[str, Any, str]]:
    """Return each leaf of consents as it was decided last, and by which customer.

    A removal is a decision as well; of decisions at the same moment the stricter one is taken.
    """
    decided: dict[str, tuple[str, Any, str]] = {}
    for each in ordered:
        held = dict(leaves_at(CONSENTS, each.document[CONSENTS]))
        for path in sorted(held.keys() | each.consented_at.keys()):
            moment, value = each.consented_at.get(path, each.updated_at), held.get(path)
            known = decided.get(path)
            if (
                known is None
                or moment > known[0]
                or (moment == known[0] and is_stricter(path, value, known[1]))
            ):
                decided[path] = (moment, value, each.id)
    for path in sorted(decided):
        _, value, customer_id = decided[path]
        if value is not None:
            yield path, value, customer_id


def before_merge(
    own: Mapping[str, Any], merged: Mapping[str, Any], now: Mapping[str, Any]
) -> Document:
    """Return the survivor's document after undoing the merge, from three documents.

    `own` is the one before the merge, `merged` the one after it, `now` the current one. Values
    unchanged since the merge are as before it; changed ones stay, element by element in lists.
    """
    held = [dict(leaves_of(each)) for each in (own, merged, now)]
    result = {}
    for path in sorted({path for leaves in held for path in leaves}):
        values = [leaves.get(path) for leaves in held]
        value = _three_way(path, *values)
        if value is not None and value != []:
            result[path] = value
    return document_of_leaves(result)


def differing_paths(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Return the paths at which two documents differ, in order."""
    leaves, other_leaves = dict(leaves_of(one)), dict(leaves_of(other))
    paths = sorted({*leaves, *other_leaves})
    return [path for path in paths if not _is_same(leaves.get(path), other_leaves.get(path))]


def _three_way(path: str, own: Any, merged: Any, now: Any) -> Any:
    if _is_same(now, merged):
        return own
    if not all(each is None or isinstance(each, list) for each in (own, merged, now)):
        return now
    keyed = [
        {element_key(path, each): each for each in given or ()} for given in (own, merged, now)
    ]
    before, then, present = keyed
    result = []
    for key in dict.fromkeys([*before, *present]):
        is_untouched = _is_same(present.get(key), then.get(key))
        element = before.get(key) if is_untouched else present.get(key)
        if element is not None:
            result.append(element)
    return result


def _is_same(one: Any, other: Any) -> bool:
    """Whether two values are equal; true and 1 differ."""
    return bool(one == other) and element_key("", one) == element_key("", other)


def with_stricter_consents(document: Mapping[str, Any], now: Mapping[str, Any]) -> Document:
    """Return the document with consents no wider than those of `now`."""
    result: Document = {**document}  # type: ignore[typeddict-item]
    own = dict(leaves_at(CONSENTS, document[CONSENTS]))
    present = dict(leaves_at(CONSENTS, now[CONSENTS]))
    for path in present.keys() | own.keys():
        if is_stricter(path, present.get(path), own.get(path)):
            own[path] = present.get(path)
    kept = {path: value for path, value in own.items() if value is not None}
    result["consents"] = document_of_leaves(kept)["consents"]
    return result


def differing_consents(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Return the paths at which the consents of two documents differ."""
    held = [dict(leaves_at(CONSENTS, each[CONSENTS])) for each in (one, other)]
    paths: Collection[str] = held[0].keys() | held[1].keys()
    return sorted(path for path in paths if held[0].get(path) != held[1].get(path))
