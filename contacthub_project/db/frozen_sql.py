"""SQL of migrations: frozen copies of the files that make functions and triggers.

A function's text is the file `<app>/sql/functions/<name>.sql`. The migration that creates it runs
a copy of what that file gave, `<app>/migrations/sql/<number>_<name>.sql`, because a released
migration must go on doing what it did. `manage.py freeze_sql` makes the copy.
"""

from __future__ import annotations

from pathlib import Path

from django.db.migrations import RunSQL

from contacthub_project.db.sql import PROJECT, rendered


def run_frozen(migration: str, name: str, *, undo: str) -> RunSQL:
    """Return the operation that runs the copy of a migration's file; `undo` is SQL too.

    `migration` is the migration's `__file__`, whose number the copy has.
    """
    return RunSQL(_copy(Path(migration), name).read_text(), undo)


def freeze(app: str, migration: str, name: str) -> Path:
    """Write the copy of a function's file for a migration, such as `0002_functions`."""
    copy = _copy(PROJECT / app / "migrations" / f"{migration}.py", name)
    copy.parent.mkdir(exist_ok=True)
    copy.write_text(rendered(f"{app}/sql/functions/{name}"))
    return copy


def newest_copies(app: str) -> dict[str, Path]:
    """Return by name the copy of the last migration that has one."""
    copies = sorted((PROJECT / app / "migrations" / "sql").glob("*.sql"))
    return {copy.stem.split("_", 1)[1]: copy for copy in copies}


def _copy(migration: Path, name: str) -> Path:
    number = migration.stem.split("_", 1)[0]
    return migration.parent / "sql" / f"{number}_{name}.sql"
