"""Where the value of an attribute is, as SQL: a column, or a path into a JSON column."""

from __future__ import annotations

import enum
import json
import re
from dataclasses import dataclass
from typing import Protocol

from contacthub_project.core.text import WHITESPACE

PLAIN_KEY = re.compile(r"[A-Za-z0-9_]+")


class TextComparison(enum.Enum):
    """How text is compared: exactly, or as a node compares matching properties."""

    EXACT = enum.auto()
    TRIMMED = enum.auto()  # without surrounding space
    FOLDED = enum.auto()  # also ignoring case


@dataclass(frozen=True, slots=True)
class Place:
    """The location of an attribute's value: a column, or a path into a JSON column.

    `column` is SQL, of type jsonb if there are `keys` (none of them for the value itself), else of
    the attribute's type. `has_folded_index` and `has_json_index` say that an index finds text
    ignoring case, or exactly. `uuid_column` is the column of ids.
    """

    column: str
    keys: tuple[str, ...] | None = None
    comparing: TextComparison = TextComparison.EXACT
    has_folded_index: bool = False
    has_json_index: bool = False
    uuid_column: str | None = None

    @property
    def text(self) -> str:
        """Return SQL of the value as text."""
        if self.keys is None:
            return self.column
        return _json_path(self.column, self.keys, as_text=True)

    @property
    def json(self) -> str:
        """Return SQL of the value as jsonb."""
        return _json_path(self.column, self.keys or (), as_text=False)


class SearchedAttributes(Protocol):
    """Maps attributes of conditions to their places."""

    def place_of(self, path: str) -> Place: ...


def compared_text(comparing: TextComparison, text: str) -> str:
    """Return SQL of a text in its compared form."""
    if comparing is TextComparison.FOLDED:
        return f"customers_folded({text})"
    return f"btrim({text}, {literal(WHITESPACE)})" if comparing is TextComparison.TRIMMED else text


def elements_of(place: Place) -> str:
    """Return SQL of the elements of a list; lists on the path are flattened."""
    return f"{rows_of_list(place)} AS element"


def rows_of_list(place: Place) -> str:
    """Return SQL of a function call that returns a row for each element of a list."""
    path = "lax $" + "".join(f".{json.dumps(key)}" for key in place.keys or ()) + "[*]"
    return f"jsonb_path_query({place.column}, {literal(path)}::jsonpath)"


def _json_path(column: str, keys: tuple[str, ...], *, as_text: bool) -> str:
    if not keys:
        return f"({column} #>> '{{}}')" if as_text else column
    arrow = ">" if as_text else ""
    if len(keys) == 1:
        return f"({column} ->{arrow} {literal(keys[0])})"
    return f"({column} #>{arrow} {literal(_array(keys))}::text[])"


def _array(keys: tuple[str, ...]) -> str:
    """Return a PostgreSQL array of text, as an array literal."""
    return "{" + ",".join(map(_array_item, keys)) + "}"


def _array_item(key: str) -> str:
    if PLAIN_KEY.fullmatch(key) and key.lower() != "null":
        return key
    return '"' + key.replace("\\", "\\\\").replace('"', '\\"') + '"'


def literal(text: str) -> str:
    """Return text as an SQL literal, under `standard_conforming_strings`.

    Not a parameter: an index on an expression is used only when the statement contains the same
    expression.
    """
    return "'" + text.replace("'", "''").replace("%", "%%") + "'"
