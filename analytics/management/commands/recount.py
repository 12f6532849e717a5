"""`manage.py recount`: compare all counters with the rows; `--repair` corrects them."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from analytics.actions.recounting import recount
from configuration.models import Workspace

MOST_NAMED = 100


class Command(BaseCommand):
    help = "Count everything again from the rows, and list the counters that differ."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--workspace", type=UUID, help="one workspace instead of all")
        parser.add_argument(
            "--repair", "--mend", action="store_true", help="correct counters that differ"
        )

    def handle(self, *, workspace: UUID | None, repair: bool, **_: Any) -> None:
        workspaces = Workspace.objects.present()
        if workspace is not None:
            workspaces = workspaces.filter(id=workspace)
            if not workspaces.exists():
                raise CommandError(f"There is no workspace {workspace}")
        wrong = 0
        for workspace_id in workspaces.order_by("id").values_list("id", flat=True):
            differences = recount(workspace_id, repair=repair)
            wrong += len(differences)
            self.stdout.write(f"{workspace_id}: {len(differences)} differences")
            for each in differences[:MOST_NAMED]:
                self.stdout.write(
                    f"  node {each.node_id} {each.metric} {each.key} {each.day}: "
                    f"counted {each.counted}, there are {each.actual}"
                )
        if wrong and not repair:
            raise CommandError(f"{wrong} counters differ; --repair corrects them")
