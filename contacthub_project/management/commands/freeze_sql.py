"""Write the copies of functions that a migration runs."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from contacthub_project.db.frozen_sql import freeze


class Command(BaseCommand):
    help = "Copy the SQL of functions for a migration, beside which the copies are put."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("app")
        parser.add_argument("migration", help="its name, such as 0002_functions")
        parser.add_argument("functions", nargs="+", help="files of its sql/functions, without .sql")

    def handle(self, *, app: str, migration: str, functions: list[str], **_: Any) -> None:
        for name in functions:
            self.stdout.write(str(freeze(app, migration, name)))
