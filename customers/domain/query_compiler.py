"""From a checked query to one SQL condition with its parameters.

What the operators mean stands in docs/searching.md. In short: a comparison with a value that is
absent does not hold, so NOT_EQUALS and NOT_IN, which are the opposites of EQUALS and IN, do; of a
list, any element will do.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from configuration.domain.customer_schema import LIST_OF
from contacthub_project.core.identifiers import as_uuid
from contacthub_project.core.timestamps import (
    format_timestamp,
    parse_timestamp,
    timestamp_from_epoch_ms,
)
from customers.domain.query_language import conjunction_of

SYMBOLS = {"GTE": ">=", "GT": ">", "LTE": "<=", "LT": "<"}
OPPOSITES = {"NOT_EQUALS": "EQUALS", "NOT_IN": "IN"}
MIDNIGHT = "T00:00:00.000Z"
PLAIN_KEY = re.compile(r"[A-Za-z0-9_]+")


@dataclass(frozen=True, slots=True)
class Fragment:
    """A piece of SQL and its parameters, in their order."""

    sql: str
    parameters: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """Where the value of an attribute is found: a column, or a path into a JSON column.

    `column` is SQL, of type jsonb if there are `keys` (none of them for the value itself), else of
    the attribute's type. `is_folded` says that text there is compared by lower case;
    `has_folded_index` and `has_json_index`, that an index finds it by its lower case or as it is.
    A `uuid_column` is what ids are found by.
    """

    column: str
    keys: tuple[str, ...] | None = None
    is_folded: bool = False
    has_folded_index: bool = False
    has_json_index: bool = False
    uuid_column: str | None = None

    @property
    def text(self) -> str:
        """SQL of the value as text."""
        if self.keys is None:
            return self.column
        return _json_path(self.column, self.keys, as_text=True)

    @property
    def json(self) -> str:
        """SQL of the value as jsonb, where it stands in a JSON column."""
        return _json_path(self.column, self.keys or (), as_text=False)


class SearchedAttributes(Protocol):
    """Attributes that conditions speak of, and where they are found."""

    def kind_of(self, path: str) -> str | None: ...

    def place_of(self, path: str) -> Place: ...


# What a query says of events becomes a condition on the customer.
CompileDid = Callable[[Mapping[str, Any]], Fragment]


def compile_query(
    query: Mapping[str, Any], attributes: SearchedAttributes, compile_did: CompileDid
) -> Fragment:
    """The condition that a customer's row fulfils exactly when the query finds the customer."""
    if query["type"] == "combined":
        parts = [compile_query(each, attributes, compile_did) for each in query["queries"]]
        conjunction = conjunction_of(query)
        if conjunction == "EXCEPT":
            return _joined([parts[0], *map(_opposite, parts[1:])], " AND ")
        return _joined(parts, " AND " if conjunction == "INTERSECT" else " OR ")
    parts = []
    if query.get("are") is not None:
        parts.append(compile_condition(query["are"]["condition"], attributes))
    if query.get("did") is not None:
        parts.append(compile_did(query["did"]))
    return _joined(parts, " AND ")


def compile_condition(condition: Mapping[str, Any], attributes: SearchedAttributes) -> Fragment:
    """The SQL of a checked condition."""
    if condition["type"] == "composite":
        inner = [compile_condition(each, attributes) for each in condition["conditions"]]
        return _joined(inner, f" {condition['conjunction'].upper()} ")
    path, operator = condition["attribute"], condition["operator"]
    kind = attributes.kind_of(path)
    assert kind is not None, "conditions are checked before they are compiled"
    place = attributes.place_of(path)
    if operator in {"IS_NULL", "IS_NOT_NULL"}:
        return _presence(place, kind, is_present=operator == "IS_NOT_NULL")
    if operator in OPPOSITES:
        return _opposite(_comparison(place, kind, OPPOSITES[operator], condition["value"]))
    return _comparison(place, kind, operator, condition["value"])


def _presence(place: Place, kind: str, *, is_present: bool) -> Fragment:
    if kind.startswith(LIST_OF):
        exists = f"EXISTS (SELECT FROM {_elements(place)} WHERE element IS DISTINCT FROM 'null')"
        return Fragment(exists if is_present else f"NOT {exists}")
    value = place.column if place.keys is None else place.json
    return Fragment(f"({value}) IS {'NOT ' if is_present else ''}NULL")


def _comparison(place: Place, kind: str, operator: str, value: Any) -> Fragment:
    if kind.startswith(LIST_OF):
        # IN with a single value asks whether the list contains it.
        operator = "EQUALS" if operator == "IN" and not isinstance(value, list) else operator
        inner = _compared(Place("element", ()), kind.removeprefix(LIST_OF), operator, value)
        return Fragment(
            f"EXISTS (SELECT FROM {_elements(place)} WHERE {inner.sql})", inner.parameters
        )
    return _compared(place, kind, operator, value)


def _compared(place: Place, kind: str, operator: str, value: Any) -> Fragment:
    if operator == "BETWEEN":
        low = _compared(place, kind, "GTE", value[0])
        return _joined([low, _compared(place, kind, "LTE", value[1])], " AND ")
    if operator == "IN" and not isinstance(value, list):
        if kind == "text":
            return _containing(place, value)
        operator = "EQUALS"
    if kind == "text":
        return _text_comparison(place, operator, value)
    if kind in {"moment", "date"}:
        return _time_comparison(place, kind, operator, value)
    return _scalar_comparison(place, operator, value)


def _containing(place: Place, part: str) -> Fragment:
    if place.is_folded:
        return Fragment(f"strpos(lower({place.text}), lower(%s)) > 0", (part,))
    return Fragment(f"strpos({place.text}, %s) > 0", (part,))


def _text_comparison(place: Place, operator: str, value: Any) -> Fragment:
    text = place.text
    if operator in SYMBOLS:
        if place.is_folded:
            return Fragment(f'lower({text}) COLLATE "C" {SYMBOLS[operator]} lower(%s)', (value,))
        return Fragment(f'{text} COLLATE "C" {SYMBOLS[operator]} %s', (value,))
    values = value if operator == "IN" else [value]
    if place.uuid_column is not None:
        ids = [found for each in values if (found := as_uuid(each)) is not None]
        return Fragment(f"{place.uuid_column} = ANY (%s::uuid[])", (ids,))
    if place.has_json_index and not place.is_folded:
        return _json_equality(place, values)
    parts = []
    if place.is_folded or place.has_folded_index:
        folded = "ARRAY(SELECT lower(given) FROM unnest(%s::text[]) AS given)"
        if len(values) == 1:
            parts.append(Fragment(f'lower({text}) COLLATE "C" = lower(%s)', (values[0],)))
        else:
            parts.append(Fragment(f'lower({text}) COLLATE "C" = ANY ({folded})', (values,)))
    if not place.is_folded:
        if len(values) == 1:
            parts.append(Fragment(f"{text} = %s", (values[0],)))
        else:
            parts.append(Fragment(f"{text} = ANY (%s::text[])", (values,)))
    return _joined(parts, " AND ")


def _time_comparison(place: Place, kind: str, operator: str, value: Any) -> Fragment:
    if operator == "IN":
        return _joined([_time_comparison(place, kind, "EQUALS", each) for each in value], " OR ")
    moment = _moment(value)
    if moment is None:  # beyond the calendar: before or after everything
        is_early = value < 0
        holds = operator in ({"GT", "GTE"} if is_early else {"LT", "LTE"})
        return Fragment(f"{place.text} IS NOT NULL" if holds else "false")
    if place.keys is None:
        return Fragment(f"{place.column} {SYMBOLS.get(operator, '=')} %s::timestamptz", (moment,))
    text = format_timestamp(moment)
    if kind == "date":
        # A date is its midnight; a moment within a day lies between two dates.
        is_midnight = text.endswith(MIDNIGHT)
        if operator == "EQUALS" and not is_midnight:
            return Fragment("false")
        if not is_midnight:
            operator = {"GTE": "GT", "LT": "LTE"}.get(operator, operator)
        text = text[:10]
    if operator == "EQUALS":
        if place.has_json_index:
            return _json_equality(place, [text])
        return Fragment(f"{place.text} = %s", (text,))
    return Fragment(f'{place.text} COLLATE "C" {SYMBOLS[operator]} %s', (text,))


def _scalar_comparison(place: Place, operator: str, value: Any) -> Fragment:
    """Of numbers and booleans; jsonb compares both by value."""
    if place.keys is None:
        if operator == "IN":
            return _joined([_scalar_comparison(place, "EQUALS", each) for each in value], " OR ")
        cast = "boolean" if isinstance(value, bool) else "numeric"
        return Fragment(f"{place.column} {SYMBOLS.get(operator, '=')} %s::{cast}", (value,))
    if operator in SYMBOLS:
        return Fragment(f"{place.json} {SYMBOLS[operator]} %s::jsonb", (json.dumps(value),))
    return _json_equality(place, value if operator == "IN" else [value])


def _json_equality(place: Place, values: list[Any]) -> Fragment:
    texts = [json.dumps(value) for value in values]
    if len(texts) == 1:
        return Fragment(f"{place.json} = %s::jsonb", (texts[0],))
    return Fragment(f"{place.json} = ANY (%s::text[]::jsonb[])", (texts,))


def _moment(value: str | int) -> datetime | None:
    """The moment meant: text, or milliseconds since 1970; None if the calendar has none."""
    return parse_timestamp(value) if isinstance(value, str) else timestamp_from_epoch_ms(value)


def _elements(place: Place) -> str:
    """SQL of the elements of a list; lists on the way are walked through."""
    path = "lax $" + "".join(f".{json.dumps(key)}" for key in place.keys or ()) + "[*]"
    return f"jsonb_path_query({place.column}, {literal(path)}::jsonpath) AS element"


def _json_path(column: str, keys: tuple[str, ...], *, as_text: bool) -> str:
    if not keys:
        return f"({column} #>> '{{}}')" if as_text else column
    arrow = ">" if as_text else ""
    if len(keys) == 1:
        return f"({column} ->{arrow} {literal(keys[0])})"
    return f"({column} #>{arrow} {literal(_array(keys))}::text[])"


def _array(keys: tuple[str, ...]) -> str:
    """A PostgreSQL array of text, in the form in which array literals are written."""
    return "{" + ",".join(map(_array_item, keys)) + "}"


def _array_item(key: str) -> str:
    if PLAIN_KEY.fullmatch(key) and key.lower() != "null":
        return key
    return '"' + key.replace("\\", "\\\\").replace('"', '\\"') + '"'


def literal(text: str) -> str:
    """Text as an SQL literal (under `standard_conforming_strings`, which the settings demand).

    No parameter will do: an index on an expression is found only when the expression stands in the
    statement as it does in the index.
    """
    return "'" + text.replace("'", "''").replace("%", "%%") + "'"


def _opposite(fragment: Fragment) -> Fragment:
    """Holds exactly when the other does not: absent values make SQL's NULL, which is neither."""
    return Fragment(f"({fragment.sql}) IS NOT TRUE", fragment.parameters)


def all_of(parts: list[Fragment]) -> Fragment:
    """Holds when all parts do."""
    return _joined(parts, " AND ")


def any_of(parts: list[Fragment]) -> Fragment:
    """Holds when any part does."""
    return _joined(parts, " OR ")


def _joined(parts: list[Fragment], conjunction: str) -> Fragment:
    if not parts:
        return Fragment("false")
    if len(parts) == 1:
        return parts[0]
    sql = conjunction.join(f"({part.sql})" for part in parts)
    return Fragment(sql, tuple(value for part in parts for value in part.parameters))
