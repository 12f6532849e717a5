"""Checks whether the database is newer than this program.

An old program must go on working with newer tables while it is being replaced, and must not be
started on them again: it does not know the new columns and constraints.
"""

from __future__ import annotations

import time

import structlog
from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

log = structlog.get_logger("contacthub.schema")

MOST_NAMED = 5
PAUSE_SECONDS = 1.0


class NewerTablesError(RuntimeError):
    """The database records migrations that this program does not have."""

    def __init__(self, unknown: list[str]) -> None:
        named = ", ".join(unknown[:MOST_NAMED]) + (", ..." if unknown[MOST_NAMED:] else "")
        super().__init__(
            "The database is newer than this program: it has migrations that the program does not"
            f" know ({named}). Start the newer program, or restore a backup made before them."
        )


def unknown_migrations() -> list[str]:
    """Return migrations recorded in the database and unknown here, as `app.name`, in order.

    Those that a squashed migration replaces are known.
    """
    recorded = MigrationRecorder(connection).applied_migrations()
    loader = MigrationLoader(None)
    known = set(loader.disk_migrations)
    for migration in loader.disk_migrations.values():
        known |= set(migration.replaces)
    return sorted(f"{app}.{name}" for app, name in recorded.keys() - known)


def refuse_newer_tables() -> None:
    """Raise NewerTablesError unless this program knows all applied migrations.

    Raises DatabaseError when the database does not respond.
    """
    unknown = unknown_migrations()
    if unknown:
        raise NewerTablesError(unknown)


def wait_until_known() -> None:
    """Wait until the database responds, then do the same; for programs that need a database."""
    is_announced = False
    while True:
        try:
            refuse_newer_tables()
            return
        except DatabaseError:
            if not is_announced:
                log.warning("no database yet; waiting for it")
                is_announced = True
            time.sleep(PAUSE_SECONDS)
        finally:
            connection.close()
