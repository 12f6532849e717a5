"""SQL statements: loaded from files, and executed without what Django's cursors cost.

A statement longer than a few lines is a file `<app>/sql/<what_it_does>.sql`. Parameters are named
(`:workspace_id`); arrays (`:ids::uuid[]`) are sent in binary form. What several statements share is
a Jinja macro in a file of its own, imported by its path from the project's folder:
`{% from "analytics/sql/measures.sql" import facts %}`.

Making a Django cursor costs about as much as a look-up by primary key. `fetch_one` and `fetch_all`
obey transactions like any other statement, and use Django's cursors where a test or a developer
watches the statements.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from operator import methodcaller
from pathlib import Path
from typing import Any, TypeVar

import orjson
import psycopg.sql
from django.db import connection
from jinja2 import Environment, FileSystemLoader, StrictUndefined

PROJECT = Path(__file__).resolve().parents[2]
TEMPLATES = Environment(
    loader=FileSystemLoader(PROJECT),
    undefined=StrictUndefined,
    autoescape=False,  # noqa: S701 - SQL; nothing of a client's is ever composed into it
    trim_blocks=True,
    lstrip_blocks=True,
)
# Comments and quoted text, which hold no parameters, or a parameter; `::` is a cast.
TOKEN = re.compile(
    r"--[^\n]*|'(?:[^']|'')*'|\$\$.*?\$\$|(?<![:\w]):([a-z]\w*)(::\w+\[\])?|%", re.DOTALL
)

Record = TypeVar("Record", bound=tuple[Any, ...])  # a NamedTuple
FEW_PAGES = 100  # too little for a wrong plan to hurt
GROWN = """
SELECT relname FROM pg_class
WHERE oid = ANY (%(tables)s::text[]::regclass[])
  AND pg_relation_size(oid) > 2 * greatest(relpages, %(pages)s)
      * current_setting('block_size')::bigint
"""
FETCH_ONE, FETCH_ALL = methodcaller("fetchone"), methodcaller("fetchall")
MOMENT = """to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')"""


def load(path: str, **names: str) -> str:
    """The statement in a file, as psycopg takes it.

    `path` is that of the file from the project's folder, without `.sql`; `names` are the values of
    its Jinja variables: pieces of SQL that are made in Python, such as lists of columns.
    """
    return parameterized(rendered(path, **names))


def rendered(path: str, **names: str) -> str:
    """The SQL in a file, what it imports composed in, as a person or a migration reads it."""
    return TEMPLATES.get_template(f"{path}.sql").render(names).strip() + "\n"


def parameterized(statement: str) -> str:
    """`:name` as `%(name)s`, and `%` doubled; comments are left out."""
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
    """The first row of the answer as a tuple, None when there is none.

    With `prepare=False` the statement is planned for these very parameters, each time.
    """
    return _fetched(FETCH_ONE, statement, parameters, prepare)


def fetch_value(
    statement: str, parameters: Sequence[Any] | Mapping[str, Any], *, prepare: bool | None = None
) -> Any:
    """The first column of the first row, which there must be; `prepare` as for `fetch_one`."""
    return fetch_one(statement, parameters, prepare=prepare)[0]


def fetch_all(
    statement: str, parameters: Sequence[Any] | Mapping[str, Any], *, prepare: bool | None = None
) -> list[Any]:
    """All rows of the answer as tuples; `prepare` as for `fetch_one`.

    Statements that take long lists are best planned each time: a plan that was made while a table
    was small would read all of it when it has grown.
    """
    rows: list[Any] = _fetched(FETCH_ALL, statement, parameters, prepare)
    return rows


def analyze_grown_tables(*tables: str) -> None:
    """Have the planner learn what is in tables that have doubled since it last looked.

    For those who load thousands of rows: until autovacuum comes by, a minute later, the planner
    takes a table for what it was, and look-ups in it for a thousand times cheaper than they are.
    """
    grown = fetch_all(GROWN, {"tables": list(tables), "pages": FEW_PAGES})
    with connection.cursor() as cursor:
        for (table,) in grown:
            cursor.execute(
                psycopg.sql.SQL("ANALYZE (SKIP_LOCKED) {}").format(psycopg.sql.Identifier(table))
            )


def row_as_json(columns: Iterable[str], *, moments: Container[str]) -> str:
    """SQL of a row's columns as one JSON array, as text; `moments` are the names of date-times.

    One value to fetch and one to parse: measured, it saves a third of what a look-up costs, which
    goes into making UUIDs and date-times of columns.
    """
    listed = ", ".join(MOMENT.format(name) if name in moments else name for name in columns)
    return f"json_build_array({listed})::text"


def record_of(record: type[Record], fetched: tuple[str] | None) -> Record | None:
    """The row that `row_as_json` made, as a named tuple of its columns; None if there was none."""
    return None if fetched is None else record(*orjson.loads(fetched[0]))


def records_of(record: type[Record], text: str | None) -> list[Record]:
    """The rows of `json_agg` of such rows, whose text is None when there were none."""
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
