"""`manage.py purge_events [--dry-run]`: run the retention purge now."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from configuration.models import Workspace
from events.actions.purge import expired, go_on, start_runs
from events.models import PurgeRun

SECONDS = 5.0


class Command(BaseCommand):
    help = "Delete events that are older than their retention, or say what would be deleted."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only say what would go")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["dry_run"]:
            self._print_summary()
            return
        start_runs()
        runs = list(PurgeRun.objects.filter(finished_at=None).values_list("id", flat=True))
        done = False
        while not done:
            done = go_on(seconds=SECONDS)
            for run in PurgeRun.objects.filter(id__in=runs).select_related("workspace"):
                state = "done" if run.finished_at else "going on"
                self.stdout.write(
                    f"{run.workspace.name}: {run.deleted} deleted,"
                    f" {run.rows_per_second:.0f} a second, {state}"
                )

    def _print_summary(self) -> None:
        now = timezone.now()
        total = 0
        for workspace in Workspace.objects.present():
            for found in expired(workspace.id, now):
                total += found.count
                self.stdout.write(
                    f"{workspace.name} node {found.expiry.node_id} {found.expiry.type}:"
                    f" {found.count} from {found.oldest:%Y-%m-%d} to {found.newest:%Y-%m-%d},"
                    f" all before {found.expiry.before:%Y-%m-%d %H:%M}"
                )
        self.stdout.write(f"{total} events would be deleted")
