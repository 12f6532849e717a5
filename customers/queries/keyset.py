"""Ordered lists that can be gone on with after any row of them (keyset pagination)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from customers.domain.query_compiler import Fragment


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
        """A place for a value of the key."""
        return f"%s::{self.type}"

    @property
    def follows(self) -> str:
        """The comparison that holds for values that come later."""
        return "<" if self.descending else ">"


@dataclass(frozen=True, slots=True)
class Order:
    """An order of rows; its last key is unique and has a value in every row."""

    keys: tuple[OrderKey, ...]

    @property
    def sql(self) -> str:
        """What stands after ORDER BY."""
        return ", ".join(key.sql for key in self.keys)

    @property
    def values(self) -> str:
        """SQL of a row's values of the keys, as a JSON array of texts."""
        return f"json_build_array({', '.join(f'({key.expression})::text' for key in self.keys)})"

    def page(self, row: str, table: str, alias: str) -> str:
        """SQL that selects the rows of the CTE `page` (id, position) and the values of its last.

        `row` is SQL of a row as JSON text, of a table whose `alias` the keys speak of. Two values:
        what `records_of` and `last_values` read.
        """
        return f"""
    (SELECT json_agg({row}::json ORDER BY page.position)::text FROM page JOIN {table} USING (id)),
    (SELECT {self.values}::text FROM page JOIN {table} AS {alias} USING (id)
     ORDER BY page.position DESC LIMIT 1)
"""

    def after(self, values: Sequence[str | None]) -> list[Fragment]:
        """Conditions of the rows after the one with these values.

        They are ranges that follow each other in the order: rows with a value of the first key and
        rows without, each of which an index of the order can be read for.
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
    """The values of a page's last row, of which `text` tells; None when the page is not full."""
    return orjson.loads(text) if text is not None and len(rows) == size else None


def _row_comparison(keys: Sequence[OrderKey], values: Sequence[str | None]) -> Fragment | None:
    """The rows after these values as one comparison, which an index answers; None if there is none.

    A row without a value of the first key is not among them.
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
    """The rows after these values, key by key."""
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
    """The rows that have the first of these values, and come after the others."""
    key, value = keys[0], values[0]
    rest = _after(keys[1:], values[1:])
    if value is None:
        return Fragment(f"({key.expression} IS NULL AND {rest.sql})", rest.parameters)
    return Fragment(f"({key.expression} = {key.value} AND {rest.sql})", (value, *rest.parameters))
