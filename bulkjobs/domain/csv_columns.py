"""The CSV that is understood: which columns there are, and what their cells say.

docs/bulk-jobs.md describes it for those who make such files.
"""

from __future__ import annotations

import csv
import itertools
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
    """A column: where its cells go, what they hold, and their index in rows."""

    name: str
    kind: str
    position: int

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
    """The columns of a file about customers, those that lie within others behind them.

    Raises BadFile naming those that are not known.
    """
    return _columns(header, lambda name: _customer_kind(name, schema, deletes=deletes))


def event_columns(header: Sequence[str], schema: Attributes, *, with_id: bool) -> list[Column]:
    """The columns of a file about events of one type; like `customer_columns`."""

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


class _Lines:
    """The lines of a file, and where the quoted cell begins that is being read."""

    def __init__(self, lines: Iterator[str], delimiter: str) -> None:
        self._lines = lines
        self._delimiter = delimiter
        self._row_begins = True
        self.number = 0
        self.quote = 0  # the line in which the latest quoted cell of several lines begins

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            self.number += 1
            if self._row_begins or self._opens_a_cell_again(line):
                self.quote = self.number
            self._row_begins = False
            yield line

    def row_ended(self) -> None:
        """Take the next line for the beginning of a row."""
        self._row_begins = True

    def _opens_a_cell_again(self, line: str) -> bool:
        """Whether a line that begins inside a quoted cell ends inside another."""
        closed = line.replace('""', "").find('"')
        if closed < 0:
            return False
        is_open, begins_cell = False, False
        for sign in line.replace('""', "")[closed + 1 :]:
            if sign == '"' and (is_open or begins_cell):
                is_open = not is_open
            begins_cell = sign == self._delimiter and not is_open
        return is_open


def rows_of(lines: Iterable[str]) -> Iterator[list[str]]:
    """The rows of a file, header first; comma or semicolon, whichever the header has more of.

    Raises BadFile for what is no CSV; a quote that is not closed is told of with its own line.
    """
    iterator = iter(lines)
    first = next(iterator, "")
    delimiter = ";" if first.count(";") > first.count(",") else ","
    csv.field_size_limit(LARGEST_CELL)
    numbered = _Lines(itertools.chain([first], iterator), delimiter)
    reader = csv.reader(numbered, delimiter=delimiter, strict=True)
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as fault:
            raise BadFile(_csv_fault(numbered, str(fault))) from None
        except UnicodeDecodeError:
            raise BadFile(f"after line {reader.line_num}: not UTF-8") from None
        numbered.row_ended()
        if row:
            yield row


def _csv_fault(lines: _Lines, fault: str) -> str:
    if lines.number > lines.quote or fault == "unexpected end of data":
        noticed = f"noticed in line {lines.number}: {fault}"
        return f"line {lines.quote}: a quote is not closed ({noticed})"
    return f"line {lines.number}: {fault}"


def body_of(columns: Sequence[Column], row: Sequence[str]) -> dict[str, Any]:
    """What a row says as nested objects; cells that are empty or missing say nothing.

    Raises BadRow with every faulty cell. Columns of which one lies within the other, such as
    `base.subscriptions` and `base.subscriptions.news.subscribed`, say together what they say, in
    whichever order they stand; where they contradict each other the row is faulty.
    """
    errors: list[tuple[int, FieldError]] = []
    body: dict[str, Any] = {}
    for column in columns:
        cell = row[column.position] if column.position < len(row) else ""
        if cell == "":
            continue
        try:
            if "\0" in cell:
                raise ValueError("holds a character that cannot be stored")
            _put(body, column.name, column.value(cell))
        except _Contradiction:
            wider = [other.name for other in columns if column.name.startswith(f"{other.name}.")]
            message = f"contradicts column {wider[-1]}" if wider else "contradicts another column"
            errors.append((column.position, FieldError(column.name, message, "contradiction")))
        except ValueError as fault:
            errors.append((column.position, FieldError(column.name, str(fault), "cell")))
    found = [error for _, error in sorted(errors, key=lambda each: each[0])]
    if len(row) > len(columns):
        message = f"has {len(row)} cells for {len(columns)} columns"
        found.insert(0, FieldError("", message, "cells"))
    if found:
        raise BadRow(found)
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


def place_of(pointer: str, body: Mapping[str, Any]) -> str:
    """The dotted path of a JSON pointer into a row's body, with subscriptions by their id."""
    parts = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
    if parts[:2] == SUBSCRIPTIONS.split(".") and len(parts) > 2:
        base = body.get("base")
        subscriptions = base.get("subscriptions") if isinstance(base, dict) else None
        given = subscriptions if isinstance(subscriptions, list) else []
        index = int(parts[2]) if parts[2].isdecimal() else len(given)
        if index < len(given) and isinstance(given[index], dict) and "id" in given[index]:
            parts[2] = str(given[index]["id"])
    return ".".join(parts)


def column_of(place: str, columns: Collection[str]) -> str:
    """The column of a file that says what a body has at a place, or one that says a part of it.

    Of a place that no column speaks of: the column that would.
    """
    within = [name for name in columns if place == name or place.startswith(f"{name}.")]
    if within:
        return max(within, key=len)
    return next((name for name in columns if name.startswith(f"{place}.")), place)


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
    columns = [Column(name, kinds[name], position) for position, name in enumerate(names)]
    return sorted(columns, key=lambda column: column.name.count("."))


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


class _Contradiction(ValueError):
    """Two columns of a row give different values for one property."""


def _put(body: dict[str, Any], name: str, value: Any) -> None:
    """Say `value` at the place that a column names; raises _Contradiction."""
    *parents, last = name.split(".")
    level: Any = body
    if name.startswith(f"{SUBSCRIPTIONS}.") and len(parents) == 3:
        level = _subscription(body, parents[2])
    else:
        for parent in parents:
            level = level.setdefault(parent, {})
            if not isinstance(level, dict):
                raise _Contradiction
    _say(level, last, value)


def _subscription(body: dict[str, Any], subscription_id: str) -> dict[str, Any]:
    """The subscription of a row's body with an id, put there when it is missing."""
    given = body.setdefault("base", {}).setdefault("subscriptions", [])
    if not isinstance(given, list):
        raise _Contradiction
    for each in given:
        if isinstance(each, dict) and each.get("id") == subscription_id:
            return each
    added: dict[str, Any] = {"id": subscription_id}
    given.append(added)
    return added


def _say(level: dict[str, Any], name: str, value: Any) -> None:
    """Set a property, or add to what a wider column has said of it already."""
    if name not in level:
        level[name] = value
    elif isinstance(level[name], dict) and isinstance(value, dict):
        for inner, said in value.items():
            _say(level[name], inner, said)
    elif level[name] != value or isinstance(level[name], bool) is not isinstance(value, bool):
        raise _Contradiction


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
