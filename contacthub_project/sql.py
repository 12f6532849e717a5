"""SQL on the hot path, without what Django's cursors do for each statement.

Making a Django cursor costs about as much as a look-up by primary key. These are for statements
that run in nearly every request; they obey transactions like any other, and step back where a test
or a developer watches the statements.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection


def fetch_one(
    statement: str, parameters: Sequence[Any] | Mapping[str, Any], *, prepare: bool | None = None
) -> Any:
    """The first row of the answer as a tuple, None when there is none.

    With `prepare=False` the statement is planned for these very parameters, each time.
    """
    if connection.queries_logged or connection.execute_wrappers:
        with connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            return cursor.fetchone()
    connection.ensure_connection()
    with connection.wrap_database_errors:
        return connection.connection.execute(statement, parameters, prepare=prepare).fetchone()


def fetch_all(
    statement: str, parameters: Sequence[Any] | Mapping[str, Any], *, prepare: bool | None = None
) -> list[Any]:
    """All rows of the answer as tuples; `prepare` as for `fetch_one`.

    Statements that take long lists are best planned each time: a plan that was made while a table
    was small would read all of it when it has grown.
    """
    if connection.queries_logged or connection.execute_wrappers:
        with connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            return cursor.fetchall()
    connection.ensure_connection()
    with connection.wrap_database_errors:
        return connection.connection.execute(statement, parameters, prepare=prepare).fetchall()
