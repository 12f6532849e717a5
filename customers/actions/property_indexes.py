"""Indexes on the extended properties that operators have marked as indexed.

The configuration determines the indexes; `reconcile` creates and drops them. They are built and
dropped CONCURRENTLY, so writers are never blocked, and an interrupted one is built again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from django.db import connection
from psycopg import sql

from configuration.domain.extended_properties import indexed_paths
from configuration.models import Workspace
from contacthub_project.db.sql import fetch_value
from customers.domain.attribute_places import Place

TASK = "customers.tasks.reconcile_property_indexes"
PREFIX = "extended_"
LOCK = 0x436F6E7461637401  # key of the advisory lock against a second reconciler


def reconcile() -> None:
    """Build missing indexes and drop unneeded ones; does nothing while another process does it."""
    with _alone() as is_alone:
        if not is_alone:
            return
        needed = dict(_required_indexes())
        found = _existing_indexes()
        for name, is_valid in found.items():
            if name not in needed or not is_valid:
                _drop(name)
        missing = [name for name in needed if not found.get(name)]
        for name in missing:
            for statement in needed[name]:
                _execute(statement)
        if missing:
            _execute(sql.SQL("ANALYZE customers_customer"))


def _drop(name: str) -> None:
    _execute(sql.SQL("DROP INDEX CONCURRENTLY IF EXISTS {}").format(sql.Identifier(name)))
    _execute(sql.SQL("DROP STATISTICS IF EXISTS {}").format(_statistics(name)))


def _required_indexes() -> Iterator[tuple[str, list[sql.Composable]]]:
    defined = Workspace.objects.present().exclude(customer_extended={})
    for workspace_id, definitions in defined.values_list("id", "customer_extended"):
        for path in indexed_paths(definitions):
            name = _name(workspace_id, path)
            # As in searches, except for the escapes of parameters.
            value = sql.SQL(Place("extended", path).json.replace("%%", "%"))  # type: ignore[arg-type]
            yield name, [_index(name, workspace_id, value), _statistics_of(name, value)]


def _index(name: str, workspace_id: UUID, value: sql.Composable) -> sql.Composable:
    """Return an index of a node's customers by the property's value, the newest first."""
    return sql.SQL(
        "CREATE INDEX CONCURRENTLY IF NOT EXISTS {name} ON customers_customer"
        " (node_id, {value}, updated_at DESC)"
        " WHERE workspace_id = {workspace_id} AND deleted = 0"
    ).format(
        name=sql.Identifier(name),
        value=value,
        workspace_id=sql.Literal(workspace_id),
    )


def _statistics_of(name: str, value: sql.Composable) -> sql.Composable:
    """Return extended statistics of the values: the planner ignores a partial index for that."""
    return sql.SQL(
        "CREATE STATISTICS IF NOT EXISTS {name} ON ({value}) FROM customers_customer"
    ).format(name=_statistics(name), value=value)


def _statistics(name: str) -> sql.Identifier:
    return sql.Identifier(f"{name}_values")


def _name(workspace_id: UUID, path: tuple[str, ...]) -> str:
    digest = hashlib.sha256(repr((str(workspace_id), path)).encode()).hexdigest()
    return PREFIX + digest[:32]


def _existing_indexes() -> dict[str, bool]:
    """Return our indexes in the database, and whether each is complete."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, indisvalid FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid"
            " WHERE indrelid = 'customers_customer'::regclass AND starts_with(relname, %s)",
            [PREFIX],
        )
        return dict(cursor.fetchall())


def _execute(statement: sql.Composable) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        try:
            # As text without parameters, which CREATE INDEX does not accept.
            cursor.execute(statement.as_string(connection.connection))
        finally:
            cursor.execute("RESET statement_timeout")


@contextmanager
def _alone() -> Iterator[bool]:
    is_alone = fetch_value("SELECT pg_try_advisory_lock(%s)", [LOCK])
    try:
        yield is_alone
    finally:
        if is_alone:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])
