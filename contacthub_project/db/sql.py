"""Loads SQL statements from files, and executes them without the overhead of Django's cursors.

A statement longer than a few lines is a file `<app>/sql/<what_it_does>.sql`. Parameters are named
(`:workspace_id`); arrays (`:ids::uuid[]`) are sent in binary form. Fragments shared by several
statements are Jinja macros in a file of their own, imported by its path from the project's folder:
`{% from "analytics/sql/measures.sql" import facts %}`. A statement with conditions or an order
composed at run time is a `StatementTemplate`.

Making a Django cursor costs about as much as a look-up by primary key. `fetch_one` and `fetch_all`
are part of the current transaction like any other statement, and use Django's cursors where a test
or a developer watches the statements.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from operator import methodcaller
from pathlib import Path
from typing import Any, TypeVar

import orjson
import psycopg.sql
from django.db import connection, transaction
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from contacthub_project.core.sql_fragments import Fragment

PROJECT = Path(__file__).resolve().parents[2]
TEMPLATES = Environment(
    loader=FileSystemLoader(PROJECT),
    undefined=StrictUndefined,
    autoescape=False,  # noqa: S701 - SQL; nothing of a client's is ever composed into it
    trim_blocks=True,
    lstrip_blocks=True,
)
# Comments and quoted text, which contain no parameters, or a parameter; `::` is a cast.
TOKEN = re.compile(
    r"--[^\n]*|'(?:[^']|'')*'|\$\$.*?\$\$|(?<![:\w]):([a-z]\w*)(::\w+\[\])?|%", re.DOTALL
)
PLACEHOLDER = re.compile(r"%\((\w+)\)([sb])")

Record = TypeVar("Record", bound=tuple[Any, ...])  # a NamedTuple
FEW_PAGES = 100  # too little for a wrong plan to hurt
FETCH_ONE, FETCH_ALL = methodcaller("fetchone"), methodcaller("fetchall")
MOMENT = """to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')"""


def load(path: str, **names: str) -> str:
    """Return the statement of a file, in psycopg's syntax.

    `path` is relative to the project's folder, without `.sql`; `names` are the values of its Jinja
    variables: SQL that is made in Python, such as lists of columns.
    """
    return parameterized(rendered(path, **names))


class StatementTemplate:
    """A statement of a file, some of whose named parameters stand for SQL composed at run time."""

    def __init__(self, path: str, **names: str) -> None:
        self._parts: list[tuple[str, str, str]] = []  # text, then a parameter and its placeholder
        statement = load(path, **names)
        position = 0
        for found in PLACEHOLDER.finditer(statement):
            text = statement[position : found.start()]
            self._parts.append((text, found[1], f"%{found[2]}"))
            position = found.end()
        self._rest = statement[position:]

    def compose(self, **values: Any) -> Fragment:
        """Return the statement with its parameters by position.

        A value that is a Fragment is inserted as SQL, with its own parameters.
        """
        sql: list[str] = []
        parameters: list[Any] = []
        for text, name, placeholder in self._parts:
            value = values[name]
            if isinstance(value, Fragment):
                sql += (text, value.sql)
                parameters += value.parameters
            else:
                sql += (text, placeholder)
                parameters.append(value)
        return Fragment("".join((*sql, self._rest)), tuple(parameters))


def rendered(path: str, **names: Any) -> str:
    """Return the SQL of a file with its imports included, as a person or a migration reads it."""
    return TEMPLATES.get_template(f"{path}.sql").render(names).strip() + "\n"


def parameterized(statement: str) -> str:
    """Replace `:name` by `%(name)s`, double each `%`, and remove comments."""
    return TOKEN.sub(_as_psycopg, statement).strip()


def _as_psycopg(token: re.Match[str]) -> str:
    if token[1] and token[2]:
        return f"%({token[1]})b{token[2]}"
    if token[1]:
        return f"%({token[1]})s"
    return "" if token[0].startswith("--") else token[0].replace("%", "%%")


def fetch_one(
    statement: str, parameters: Sequence[Any] | Mapping[str, Any], *, prepare: bool | None = None
) -> Any:
    """Return the first row as a tuple, None when there is none.

    With `prepare=False` the statement is planned for these parameters, each time.
    """
    return _fetched(FETCH_ONE, statement, parameters, prepare)


def fetch_value(
    statement: str, parameters: Sequence[Any] | Mapping[str, Any], *, prepare: bool | None = None
) -> Any:
    """Return the only column of the first row, which must exist; `prepare` as for `fetch_one`."""
    (value,) = fetch_one(statement, parameters, prepare=prepare)
    return value


def fetch_optional(
    statement: str, parameters: Sequence[Any] | Mapping[str, Any], *, prepare: bool | None = None
) -> Any:
    """Return the only column of the first row, None without one; `prepare` as for `fetch_one`."""
    row = fetch_one(statement, parameters, prepare=prepare)
    if row is None:
        return None
    (value,) = row
    return value


def fetch_column(
    statement: str, parameters: Sequence[Any] | Mapping[str, Any], *, prepare: bool | None = None
) -> list[Any]:
    """Return the only column of all rows; `prepare` as for `fetch_all`."""
    return [value for (value,) in fetch_all(statement, parameters, prepare=prepare)]


def fetch_record(
    record: type[Record],
    statement: str,
    parameters: Sequence[Any] | Mapping[str, Any],
    *,
    prepare: bool | None = None,
) -> Record | None:
    """Return the first row as a named tuple of its columns, None when there is none."""
    row = fetch_one(statement, parameters, prepare=prepare)
    return None if row is None else record._make(row)  # type: ignore[attr-defined]


def fetch_records(
    record: type[Record],
    statement: str,
    parameters: Sequence[Any] | Mapping[str, Any],
    *,
    prepare: bool | None = None,
) -> list[Record]:
    """Return all rows as named tuples of their columns; `prepare` as for `fetch_all`."""
    rows = fetch_all(statement, parameters, prepare=prepare)
    return list(map(record._make, rows))  # type: ignore[attr-defined]


def fetch_all(
    statement: str, parameters: Sequence[Any] | Mapping[str, Any], *, prepare: bool | None = None
) -> list[Any]:
    """Return all rows as tuples; `prepare` as for `fetch_one`.

    Statements with long lists are best planned each time: a plan made while a table was small would
    scan all of it when it has grown.
    """
    rows: list[Any] = _fetched(FETCH_ALL, statement, parameters, prepare)
    return rows


def savepoint() -> AbstractContextManager[Any]:
    """Run the statements within a savepoint of the current transaction, if there is one."""
    return transaction.atomic() if connection.in_atomic_block else nullcontext()


@functools.cache
def grown_tables() -> str:
    """Return the statement that finds tables which have doubled since they were last analyzed."""
    return load("contacthub_project/sql/grown_tables")


def analyze_grown_tables(*tables: str) -> None:
    """Analyze the tables that have doubled since they were last analyzed.

    For processes that load thousands of rows: until autovacuum analyzes a table, a minute later,
    the planner assumes its old size and misjudges look-ups by a factor of a thousand.
    """
    grown = fetch_all(grown_tables(), {"tables": list(tables), "pages": FEW_PAGES})
    with connection.cursor() as cursor:
        for (table,) in grown:
            cursor.execute(
                psycopg.sql.SQL("ANALYZE (SKIP_LOCKED) {}").format(psycopg.sql.Identifier(table))
            )


def row_as_json(columns: Iterable[str], *, moments: Container[str]) -> str:
    """Return SQL of a row's columns as one JSON array, as text; `moments` are date-time columns.

    There is one value to fetch and to parse: measured, this saves a third of the cost of a look-up,
    most of which is converting UUIDs and date-times.
    """
    listed = ", ".join(MOMENT.format(name) if name in moments else name for name in columns)
    return f"json_build_array({listed})::text"


def record_of(record: type[Record], fetched: tuple[str] | None) -> Record | None:
    """Return the row made by `row_as_json` as a named tuple; None if there was none."""
    if fetched is None:
        return None
    (text,) = fetched
    return record(*orjson.loads(text))


def records_of(record: type[Record], text: str | None) -> list[Record]:
    """Return the rows of `json_agg` of such rows; the text is None when there were none."""
    return [record(*row) for row in orjson.loads(text or "[]")]


def _fetched(
    fetch: Callable[[Any], Any],
    statement: str,
    parameters: Sequence[Any] | Mapping[str, Any],
    prepare: bool | None,
) -> Any:
    if connection.queries_logged or connection.execute_wrappers:
        with connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            return fetch(cursor)
    connection.ensure_connection()
    with connection.wrap_database_errors:
        return fetch(connection.connection.execute(statement, parameters, prepare=prepare))
