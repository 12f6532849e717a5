"""`manage.py move_workspace <id> --to host:port`: move a workspace to another database server."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from configuration.actions.workspaces import record_placements
from configuration.models import Workspace
from contacthub_project.db.distribution.distributing import NotDistributable, check_cluster
from contacthub_project.db.distribution.placement import move_workspace


class Command(BaseCommand):
    help = "Move a workspace, and those that share its shard, to another worker."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("workspace", type=UUID, help="the id of a workspace")
        parser.add_argument("--to", required=True, help="host:port of a worker, as GET …/shards")

    def handle(self, *args: Any, **options: Any) -> None:
        workspace_id = options["workspace"]
        if not Workspace.objects.filter(id=workspace_id).exists():
            raise CommandError(f"There is no workspace {workspace_id}", returncode=2)
        try:
            check_cluster()
            for done in move_workspace(workspace_id, options["to"]):
                self.stdout.write(done)
                self.stdout.flush()
        except NotDistributable as reason:
            raise CommandError(str(reason), returncode=2) from None
        record_placements()
