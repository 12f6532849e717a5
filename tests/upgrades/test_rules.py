"""Rules of migrations since the last release: nobody waits for one, and the older program goes on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.postgres.operations import AddConstraintNotValid, AddIndexConcurrently
from django.db.migrations import Migration
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations import (
    AddConstraint,
    AddField,
    AddIndex,
    CreateModel,
    DeleteModel,
    RemoveField,
    RenameField,
    RenameModel,
)
from django.db.models import NOT_PROVIDED, IntegerField

from tests.upgrades.release import releases

APPS = ("configuration", "customers", "events", "bulkjobs", "analytics", "segments")


def later_migrations() -> Iterator[tuple[str, Migration]]:
    """Migrations of our apps that the last release does not have."""
    known = set(releases()[-1].migrations)
    for (app, name), migration in sorted(MigrationLoader(None).disk_migrations.items()):
        if app in APPS and f"{app}.{name}" not in known:
            yield f"{app}.{name}", migration


def faults_of(migration: Migration) -> list[str]:
    """What would hold up writers, or the release before."""
    made = {each.name_lower for each in migration.operations if isinstance(each, CreateModel)}
    return [
        fault
        for each in migration.operations
        if getattr(each, "model_name_lower", "") not in made and (fault := _fault_of(each))
    ]


def _fault_of(operation: Any) -> str | None:
    match operation:
        case AddIndexConcurrently() | AddConstraintNotValid():
            return None
        case AddIndex():
            return f"{operation.index.name} is not created concurrently"
        case AddConstraint():
            return f"{operation.constraint.name} is validated at once"
        case AddField() if not operation.field.null and operation.field.db_default is NOT_PROVIDED:
            return f"{operation.name} has no default in the database"
        case RemoveField() | RenameField() | DeleteModel() | RenameModel():
            return f"the release before needs what goes: {operation.describe()}"
    return None


def test_migrations_since_the_release_hold_up_nobody() -> None:
    assert {name: found for name, each in later_migrations() if (found := faults_of(each))} == {}


@pytest.mark.parametrize(
    "operation",
    [
        AddField("customer", "age", IntegerField(default=3)),
        RemoveField("customer", "extra"),
        DeleteModel("customer"),
    ],
    ids=lambda operation: type(operation).__name__,
)
def test_what_would_hold_up_somebody_is_found(operation: Any) -> None:
    migration = Migration("0099_next", "customers")
    migration.operations = [operation]
    assert len(faults_of(migration)) == 1
    migration.operations = [CreateModel("Customer", fields=[]), operation]
    assert isinstance(operation, DeleteModel) or faults_of(migration) == []
