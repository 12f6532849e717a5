"""Keyset pagination: ordered lists that continue after any row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from contacthub_project.core.sql_fragments import Fragment


@dataclass(frozen=True, slots=True)
class OrderKey:
    """One key of an order: an SQL expression, and the type to which its text is cast back."""

    expression: str
    type: str
    descending: bool = False
    nullable: bool = False

    @property
    def sql(self) -> str:
        """The key in ORDER BY; absent values come last in either direction."""
        if not self.descending:
            return f"{self.expression} ASC"
        return f"{self.expression} DESC{' NULLS LAST' if self.nullable else ''}"

    @property
    def value(self) -> str:
        """A placeholder of a value of the key."""
        return f"%s::{self.type}"

    @property
    def follows(self) -> str:
        """The operator for values that come later."""
        return "<" if self.descending else ">"


@dataclass(frozen=True, slots=True)
class Order:
    """An order of rows; its last key is unique and has a value in every row."""

    keys: tuple[OrderKey, ...]

    @property
    def sql(self) -> str:
        """The SQL after ORDER BY."""
        return ", ".join(key.sql for key in self.keys)

    @property
    def values(self) -> str:
        """SQL of a row's values of the keys, as a JSON array of texts."""
        return f"json_build_array({', '.join(f'({key.expression})::text' for key in self.keys)})"

    @property
    def parameters(self) -> dict[str, Fragment]:
        """Return parameters of statements that import `customers/sql/page_of_rows.sql`."""
        return {"order": Fragment(self.sql), "order_values": Fragment(self.values)}

    def after(self, values: Sequence[str | None]) -> list[Fragment]:
        """Return conditions of the rows after the one with these values.

        They are ranges that follow each other in the order: rows with a value of the first key and
        rows without, for each of which an index can be used.
        """
        first, value = self.keys[0], values[0]
        if value is None:
            return [_after_equal(self.keys, values)]
        has_value = _row_comparison(self.keys, values)
        if has_value is None:
            following = _after(self.keys, values, can_be_null=False)
            has_value = Fragment(
                f"{first.expression} {first.follows}= {first.value} AND {following.sql}",
                (value, *following.parameters),
            )
        return (
            [has_value, Fragment(f"{first.expression} IS NULL")] if first.nullable else [has_value]
        )


def last_values(text: str | None, rows: Sequence[Any], size: int) -> Sequence[str | None] | None:
    """Return the values of a page's last row from `text`; None when the page is not full."""
    return orjson.loads(text) if text is not None and len(rows) == size else None


def _row_comparison(keys: Sequence[OrderKey], values: Sequence[str | None]) -> Fragment | None:
    """Return the rows after these values as one row comparison, which an index supports.

    None if there is none. A row without a value of the first key does not match.
    """
    directions = {key.descending for key in keys}
    if len(directions) > 1 or any(key.nullable for key in keys[1:]):
        return None
    expressions = ", ".join(key.expression for key in keys)
    given = ", ".join(key.value for key in keys)
    return Fragment(f"({expressions}) {keys[0].follows} ({given})", tuple(values))


def _after(
    keys: Sequence[OrderKey], values: Sequence[str | None], *, can_be_null: bool = True
) -> Fragment:
    """Return the rows after these values, key by key."""
    key, value = keys[0], values[0]
    if value is None:
        return _after_equal(keys, values)
    later = f"{key.expression} {key.follows} {key.value}"
    if key.nullable and can_be_null:
        later = f"{later} OR {key.expression} IS NULL"
    if len(keys) == 1:
        return Fragment(f"({later})", (value,))
    equal = _after_equal(keys, values)
    return Fragment(f"({later} OR {equal.sql})", (value, *equal.parameters))


def _after_equal(keys: Sequence[OrderKey], values: Sequence[str | None]) -> Fragment:
    """Return the rows that equal the first of these values, and come after the others."""
    key, value = keys[0], values[0]
    rest = _after(keys[1:], values[1:])
    if value is None:
        return Fragment(f"({key.expression} IS NULL AND {rest.sql})", rest.parameters)
    return Fragment(f"({key.expression} = {key.value} AND {rest.sql})", (value, *rest.parameters))
