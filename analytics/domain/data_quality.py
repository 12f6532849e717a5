"""Counts how well the properties of customers are filled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import orjson

from configuration.domain.customer_schema import SECRET, CustomerSchema
from customers.domain.passwords import password_in, with_password
from customers.domain.paths import has_value

MOST_VALUES = 1_000_000  # hashes of distinct values that are kept in memory
MOST_UNKNOWN = 200  # properties that no schema has
UNKNOWN_PROPERTY = "unknown"  # the code of such faults
OBJECTS = ("base", "consents", "extended", "tags")
SECTIONS = ("externalId", "extra", *OBJECTS)


class PropertyState(StrEnum):
    """Whether the schema has a property, has it disabled, or has it no longer."""

    ENABLED = "ENABLED"
    DISABLED = "DISABLED"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class PropertyQuality:
    """How many customers have a value, how many values are distinct, how many customers' invalid.

    `distinct` is None for secret values, which are not compared.
    """

    path: str
    state: PropertyState
    filled: int
    distinct: int | None
    invalid: int


@dataclass(slots=True)
class _Count:
    filled: int = 0
    invalid: int = 0
    hashes: set[int] = field(default_factory=set)


class PropertyCounter:
    """Counts the values of customers by property, against today's schema.

    `stored` is the schema with disabled properties. Properties of list elements count once for a
    customer, and each value of a list is a distinct one.
    """

    def __init__(self, schema: CustomerSchema, stored: CustomerSchema) -> None:
        self._schema = schema
        self._enabled = schema.kinds()
        self._known = stored.kinds()
        self._parents = {*OBJECTS, *(path.rpartition(".")[0] for path in self._known)}
        self._counts = {path: _Count() for path in self._known if self._is_counted(path)}
        self._unknown = 0
        self._hashes = 0

    @property
    def is_full(self) -> bool:
        """Whether no more distinct values can be kept."""
        return self._hashes >= MOST_VALUES

    def add(self, document: Mapping[str, Any]) -> None:
        """Count a customer; `document` has the SECTIONS as they are stored."""
        found: dict[str, list[Any]] = {}
        for section in SECTIONS:
            self._collect(section, document[section], found)
        for path, values in found.items():
            count = self._count_of(path)
            if count is None:
                continue
            count.filled += 1
            if path not in SECRET:
                before = len(count.hashes)
                count.hashes.update(map(_hash_of, values))
                self._hashes += len(count.hashes) - before
        for path in self._invalid_in(document):
            if (count := self._count_of(path)) is not None:
                count.invalid += 1

    def results(self) -> Iterator[PropertyQuality]:
        """Yield the properties in the order of the schema, then those that it has not."""
        for path, count in self._counts.items():
            distinct = None if path in SECRET else len(count.hashes)
            state = self._state_of(path)
            yield PropertyQuality(path, state, count.filled, distinct, count.invalid)

    def _is_counted(self, path: str) -> bool:
        return path.split(".")[0] in SECTIONS and path not in self._parents

    def _state_of(self, path: str) -> PropertyState:
        if path in self._enabled:
            return PropertyState.ENABLED
        return PropertyState.DISABLED if path in self._known else PropertyState.UNKNOWN

    def _count_of(self, path: str) -> _Count | None:
        """Return the count of a property; None when there are too many that no schema has."""
        count = self._counts.get(path)
        if count is None:
            if path not in self._known and path not in self._parents:
                if self._unknown == MOST_UNKNOWN:
                    return None
                self._unknown += 1
            count = self._counts[path] = _Count()
        return count

    def _collect(self, path: str, value: Any, found: dict[str, list[Any]]) -> None:
        """Add the values at and below a path; below an unknown property nothing is named."""
        if isinstance(value, list):
            for each in value:
                self._collect(path, each, found)
        elif isinstance(value, dict) and path in self._parents:
            for name, child in value.items():
                self._collect(f"{path}.{name}", child, found)
        elif has_value(value):
            found.setdefault(path, []).append(value)

    def _invalid_in(self, document: Mapping[str, Any]) -> set[str]:
        """Return the paths at which the schema refuses a customer."""
        checked = dict(document)
        if password_in(checked["base"]) is not None:
            checked["base"] = with_password(checked["base"], None)
        faults = self._schema.update_faults(self._schema.without_disabled(checked))
        return {self._path_of(each.path) for each in faults if each.code != UNKNOWN_PROPERTY}

    def _path_of(self, at: str) -> str:
        """Return the dotted path of a JSON pointer, without places in lists."""
        path = ""
        for name in at.split("/")[1:]:
            deeper = f"{path}.{name}" if path else name
            if not name.isdigit() or deeper in self._known:
                path = deeper
        return path


def _hash_of(value: Any) -> int:
    is_scalar = isinstance(value, str | int | float)
    return hash(value if is_scalar else orjson.dumps(value, option=orjson.OPT_SORT_KEYS))
