"""SQL on the hot path, without what Django's cursors do for each statement.

Making a Django cursor costs about as much as a look-up by primary key. These are for statements
that run in nearly every request; they obey transactions like any other, and step back where a test
or a developer watches the statements.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from operator import methodcaller
from typing import Any

import orjson
import psycopg.sql
from django.db import connection

FEW_PAGES = 100  # too little for a wrong plan to hurt
GROWN = """
SELECT relname FROM pg_class
WHERE oid = ANY (%(tables)s::text[]::regclass[])
  AND pg_relation_size(oid) > 2 * greatest(relpages, %(pages)s)
      * current_setting('block_size')::bigint
"""
FETCH_ONE, FETCH_ALL = methodcaller("fetchone"), methodcaller("fetchall")
MOMENT = """to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')"""


def fetch_one(
    statement: str, parameters: Sequence[Any] | Mapping[str, Any], *, prepare: bool | None = None
) -> Any:
    """The first row of the answer as a tuple, None when there is none.

    With `prepare=False` the statement is planned for these very parameters, each time.
    """
    return _fetched(FETCH_ONE, statement, parameters, prepare)


def fetch_all(
    statement: str, parameters: Sequence[Any] | Mapping[str, Any], *, prepare: bool | None = None
) -> list[Any]:
    """All rows of the answer as tuples; `prepare` as for `fetch_one`.

    Statements that take long lists are best planned each time: a plan that was made while a table
    was small would read all of it when it has grown.
    """
    return _fetched(FETCH_ALL, statement, parameters, prepare)


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


def row_of(fetched: tuple[str] | None) -> tuple[Any, ...] | None:
    """The row that `row_as_json` made, if there was one."""
    return None if fetched is None else tuple(orjson.loads(fetched[0]))


def rows_of(text: str | None) -> list[tuple[Any, ...]]:
    """The rows of `json_agg` of such rows, None when there were none."""
    return [tuple(row) for row in orjson.loads(text or "[]")]


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
