"""SQL that renders a row as a line of CSV (`bulkjobs.domain.csv_lines`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from psycopg.sql import Literal

MOST_ARGUMENTS = 90  # of a PostgreSQL function; its limit is 100
TEXT_KINDS = frozenset({"text", "date", "moment"})
BARE_KINDS = frozenset({"number", "boolean"})


class Cell(NamedTuple):
    """SQL of a cell's text, null for no value; `is_json` unless it is plain text."""

    text: str
    is_json: bool = False
    is_bare: bool = False


def property_cell(document: str, path: Sequence[str], kind: str) -> Cell:
    """Return the cell of a property of a kind, at a path in a JSON document in SQL.

    Stored values are of that kind: a property with values cannot change it.
    """
    *parents, name = map(_literal, path)
    place = "".join([document, *(f"->{each}" for each in parents)])
    if kind in TEXT_KINDS or kind in BARE_KINDS:
        return Cell(f"{place}->>{name}", is_bare=kind in BARE_KINDS)
    return Cell(f"nullif({place}->{name}, 'null')::text", is_json=True)


def line(cells: Sequence[Cell]) -> str:
    """Return a line of cells: all quoted except bare ones, and empty for null."""
    texts = [f"coalesce({each.text if each.is_bare else _quoted(each.text)}, '')" for each in cells]
    groups = [
        f"concat_ws(',', {', '.join(texts[begin : begin + MOST_ARGUMENTS])})"
        for begin in range(0, len(texts), MOST_ARGUMENTS)
    ]
    return " || ',' || ".join(groups)


def _quoted(text: str) -> str:
    return f"""'"' || replace({text}, '"', '""') || '"'"""


def _literal(name: str) -> str:
    """Return a name as SQL that is executed with parameters."""
    return Literal(name).as_string().replace("%", "%%")
