"""The CSV that is understood: which columns there are, and what their cells say.

docs/bulk-jobs.md describes it for those who make such files.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from configuration.domain.conditions import Attributes
from configuration.domain.customer_schema import LIST_OF, CustomerSchema
from contacthub_project.core.errors import FieldError, Invalid
from contacthub_project.core.strict_json import parse_json

NUMBER = re.compile(r"-?\d{1,18}(\.\d{1,18})?([eE][+-]?\d{1,3})?")
SUBSCRIPTIONS = "base.subscriptions"
CUSTOMER_ROOTS = ("base", "extended", "consents", "tags")
CUSTOMER_NAMES = frozenset({"externalId", "extra", "enabled"})
EVENT_ROOTS = ("properties", "contextInfo", "tracking")
# Of the two external ids in a row about an event one is the customer's, the other the event's own.
EVENT_EXTERNAL_ID = "eventExternalId"
EVENT_KINDS = {
    "customerId": "text",
    "externalId": "text",
    "sessionId": "text",
    EVENT_EXTERNAL_ID: "text",
    "context": "text",
    "date": "moment",
}
MOST_COLUMNS = 300
LARGEST_CELL = 400_000
DANGEROUS = ("=", "+", "-", "@", "\t", "\r")
REMOVES = "null"


class BadFile(Exception):
    """The file as a whole cannot be used; the message is for its sender."""


class BadRow(Exception):
    """A row cannot be used: each error names its column."""

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__("row")
        self.errors = list(errors)


@dataclass(frozen=True, slots=True)
class Column:
    """A column: where its cells go, and what they hold."""

    name: str
    kind: str

    def value(self, cell: str) -> Any:
        """What a cell says; raises ValueError with what is wrong."""
        if cell == REMOVES:
            return None
        if self.kind.startswith(LIST_OF):
            return _list(cell, self.kind.removeprefix(LIST_OF))
        if self.kind == "object":
            found = _json(cell)
            if not isinstance(found, dict):
                raise ValueError("must be a JSON object")
            return found
        return _scalar(cell, self.kind)


def customer_columns(header: Sequence[str], schema: Attributes, *, deletes: bool) -> list[Column]:
    """The columns of a file about customers; raises BadFile naming those that are not known."""
    return _columns(header, lambda name: _customer_kind(name, schema, deletes=deletes))


def event_columns(header: Sequence[str], schema: Attributes, *, with_id: bool) -> list[Column]:
    """The columns of a file about events of one type."""

    def kind_of(name: str) -> str | None:
        if name == "id" and with_id:
            return "text"
        if name in EVENT_KINDS:
            return EVENT_KINDS[name]
        if name in EVENT_ROOTS:
            return "object"
        if name.split(".")[0] in EVENT_ROOTS and not _is_within_list(name, schema):
            return schema.kind_of(name)
        return None

    return _columns(header, kind_of)


def rows_of(lines: Iterable[str]) -> Iterator[list[str]]:
    """The rows of a file, header first; comma or semicolon, whichever the header has more of.

    Raises BadFile for what is no CSV.
    """
    iterator = iter(lines)
    first = next(iterator, "")
    delimiter = ";" if first.count(";") > first.count(",") else ","
    csv.field_size_limit(LARGEST_CELL)
    reader = csv.reader(_chained(first, iterator), delimiter=delimiter, strict=True)
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as fault:
            raise BadFile(f"line {reader.line_num}: {fault}") from None
        except UnicodeDecodeError:
            raise BadFile(f"after line {reader.line_num}: not UTF-8") from None
        if row:
            yield row


def body_of(columns: Sequence[Column], row: Sequence[str]) -> dict[str, Any]:
    """What a row says as nested objects; cells that are empty or missing say nothing.

    Raises BadRow with every faulty cell.
    """
    errors = []
    if len(row) > len(columns):
        errors.append(FieldError("", f"has {len(row)} cells for {len(columns)} columns", "cells"))
    body: dict[str, Any] = {}
    for column, cell in zip(columns, row, strict=False):
        if cell == "":
            continue
        if "\0" in cell:
            errors.append(
                FieldError(column.name, "holds a character that cannot be stored", "cell")
            )
            continue
        try:
            _put(body, column.name, column.value(cell))
        except ValueError as fault:
            errors.append(FieldError(column.name, str(fault), "cell"))
    if errors:
        raise BadRow(errors)
    return body


def safe_cell(text: str) -> str:
    """A text as we write it: a spreadsheet takes no formula from it, and we read it back as it is.

    An apostrophe goes before what would be a formula, before `null` and before nothing at all.
    """
    return "'" + text if _needs_apostrophe(text) else text


def plain_text(cell: str) -> str:
    """The text that a cell of ours, or anybody's, stands for."""
    return cell[1:] if cell.startswith("'") and _needs_apostrophe(cell[1:]) else cell


def _needs_apostrophe(text: str) -> bool:
    bare = text.lstrip("'")
    return bare in {"", REMOVES} or bare.startswith(DANGEROUS)


def customer_leaves(schema: CustomerSchema) -> list[str]:
    """The columns that hold everything a file can say of customers."""
    return [*sorted(CUSTOMER_NAMES), *_leaves(schema.kinds(), CUSTOMER_ROOTS)]


def event_leaves(kinds: Mapping[str, str]) -> list[str]:
    """The columns that hold everything a file can say of events with such attributes."""
    return [*EVENT_KINDS, *_leaves(kinds, EVENT_ROOTS)]


def _leaves(kinds: Mapping[str, str], roots: Collection[str]) -> list[str]:
    """Single values, and lists whole; objects only where nothing is known of what they hold."""
    found = []
    for path, kind in kinds.items():
        parents = [path[:place] for place, sign in enumerate(path) if sign == "."]
        within_list = any(kinds.get(parent, "").startswith(LIST_OF) for parent in parents)
        if path.split(".")[0] not in roots or within_list:
            continue
        has_children = any(other.startswith(f"{path}.") for other in kinds)
        if kind != "object" or not has_children:
            found.append(path)
    return found


def column_of(pointer: str) -> str:
    """The column that a JSON pointer into a row's body leads to."""
    return pointer.removeprefix("/").replace("/", ".")


def _chained(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


def _columns(header: Sequence[str], kind_of: Any) -> list[Column]:
    names = [name.strip() for name in header]
    if not any(names):
        raise BadFile("the file has no header")
    if len(names) > MOST_COLUMNS:
        raise BadFile(f"the file has more than {MOST_COLUMNS} columns")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise BadFile(f"columns stand twice: {', '.join(twice)}")
    kinds = {name: kind_of(name) for name in names}
    unknown = [name for name in names if kinds[name] is None]
    if unknown:
        shown = ", ".join(name[:100] or "(empty)" for name in unknown[:20])
        raise BadFile(f"columns are not known: {shown}")
    return [Column(name, kinds[name]) for name in names]


def _customer_kind(name: str, schema: Attributes, *, deletes: bool) -> str | None:
    if name == "id" and deletes:
        return "text"
    if name in CUSTOMER_NAMES:
        return schema.kind_of(name)
    root, *rest = name.split(".")
    if root not in CUSTOMER_ROOTS or not rest:
        return None
    if name.startswith(f"{SUBSCRIPTIONS}.") and len(rest) == 3:
        kind = schema.kind_of(f"{SUBSCRIPTIONS}.{rest[2]}")
        return None if kind is None else kind.removeprefix(LIST_OF)
    if _is_within_list(name, schema):
        return None
    return schema.kind_of(name)


def _is_within_list(name: str, schema: Attributes) -> bool:
    parts = name.split(".")
    return any(
        (schema.kind_of(".".join(parts[:length])) or "").startswith(LIST_OF)
        for length in range(2, len(parts))
    )


def _put(body: dict[str, Any], name: str, value: Any) -> None:
    *parents, last = name.split(".")
    if name.startswith(f"{SUBSCRIPTIONS}.") and len(parents) == 3:
        subscriptions = body.setdefault("base", {}).setdefault("subscriptions", [])
        known = next((each for each in subscriptions if each.get("id") == parents[2]), None)
        if known is None:
            known = {"id": parents[2]}
            subscriptions.append(known)
        known[last] = value
        return
    level = body
    for parent in parents:
        level = level.setdefault(parent, {})
        if not isinstance(level, dict):
            raise ValueError("contradicts another column")
    if isinstance(level.get(last), dict) and isinstance(value, dict):
        level[last].update(value)
    else:
        level[last] = value


def _list(cell: str, kind: str) -> list[Any]:
    if cell.lstrip().startswith("["):
        found = _json(cell)
        if not isinstance(found, list):
            raise ValueError("must be a JSON list")
        return found
    if kind == "object":
        raise ValueError("must be a JSON list")
    return [_scalar(part, kind) for part in cell.split("|") if part != ""]


def _scalar(cell: str, kind: str) -> Any:
    if kind == "number":
        if not NUMBER.fullmatch(cell.strip()):
            raise ValueError("must be a number")
        text = cell.strip()
        return int(text) if re.fullmatch(r"-?\d+", text) else float(text)
    if kind == "boolean":
        if cell.strip().lower() not in {"true", "false"}:
            raise ValueError("must be true or false")
        return cell.strip().lower() == "true"
    return plain_text(cell)


def _json(cell: str) -> Any:
    try:
        return parse_json(cell.encode("utf-8", "surrogatepass"))
    except Invalid:
        raise ValueError("must be JSON") from None
