"""Make the migrated template database that every worker's database is a copy of."""

from __future__ import annotations

import os

import django
from django.core.management import call_command
from django.db import connection


def make_template(template: str) -> None:
    """Migrate once for this state of the migrations; databases of other states are dropped."""
    with connection._nodb_cursor() as cursor:
        cursor.execute("SELECT datname FROM pg_database WHERE datname LIKE 'hubtemplate\\_%'")
        found = {name for (name,) in cursor.fetchall()}
        for outdated in found - {template}:
            cursor.execute(f'DROP DATABASE "{outdated}"')
        if template in found:
            return
        cursor.execute(f'CREATE DATABASE "{template}_new"')
    usual = connection.settings_dict["NAME"]
    connection.settings_dict["NAME"] = f"{template}_new"
    call_command("migrate", interactive=False, verbosity=0)
    connection.close()
    connection.settings_dict["NAME"] = usual
    with connection._nodb_cursor() as cursor:
        cursor.execute(f'ALTER DATABASE "{template}_new" RENAME TO "{template}"')


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "contacthub_project.settings")
    django.setup()
    make_template(os.environ["TEST_DATABASE_TEMPLATE"])
