"""`manage.py distribute`: distribute the database by workspace; `--check` lists missing steps."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from configuration.actions.workspaces import record_placements
from contacthub_project.db.distribution.checking import faults
from contacthub_project.db.distribution.distributing import (
    NotDistributable,
    alone,
    check_cluster,
    missing_steps,
)


class Command(BaseCommand):
    help = "Distribute the tables of a database with Citus by workspace, or go on with it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="only tell what is not done")
        parser.add_argument(
            "--shards", type=int, default=64, help="how many parts the tables get (64)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            check_cluster()
            if options["check"]:
                self._check()
            else:
                self._distribute(options["shards"])
        except NotDistributable as reason:
            raise CommandError(str(reason), returncode=2) from None

    def _check(self) -> None:
        found = faults()
        for fault in found:
            self.stdout.write(fault)
        if found:
            raise CommandError(f"{len(found)} things are not as they should be", returncode=1)
        self.stdout.write("The database is distributed, and all its nodes answer.")

    def _distribute(self, shard_count: int) -> None:
        with alone():
            for step in missing_steps(shard_count=shard_count):
                started = time.monotonic()
                step.do()
                self.stdout.write(f"{step.title}: {time.monotonic() - started:.1f} s")
                self.stdout.flush()
        record_placements()
        self._check()
