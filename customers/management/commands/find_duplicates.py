"""`manage.py find_duplicates`: search for duplicates now; `--rebuild` restarts the search."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from configuration.queries.rules import latest_rules_of
from customers.actions.duplicates import find_duplicates, rebuild
from customers.models import DuplicatePair, DuplicateSearch, DuplicateState


class Command(BaseCommand):
    """Search in all workspaces that want it; with `--rebuild` one of them from the beginning."""

    help = "Looks for customers that may be one person."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--rebuild", type=UUID, metavar="WORKSPACE", help="look at all its customers anew"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        workspace_id = options["rebuild"]
        if workspace_id is not None:
            workspace = latest_rules_of(workspace_id)
            if workspace is None or not workspace.finds_duplicates:
                raise CommandError(f"{workspace_id} is no workspace that looks for duplicates")
            rebuild(workspace_id)
        while not find_duplicates(seconds=60):
            self.stdout.write("...")
        for search in DuplicateSearch.objects.order_by("workspace_id"):
            pairs = DuplicatePair.objects.in_workspace(search.workspace_id)
            count = pairs.filter(state=DuplicateState.OPEN).count()
            self.stdout.write(f"{search.workspace_id}: {count} pairs")
