from __future__ import annotations

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from configuration.queries.rules import latest_rules_of
from segments.actions.verification import verify_all, verify_workspace


class Command(BaseCommand):
    help = "Compare who is in segments with a fresh evaluation, and tell what differs."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--workspace", type=UUID, help="one workspace instead of all")
        parser.add_argument("--repair", "--mend", action="store_true", help="correct what differs")

    def handle(self, *, workspace: UUID | None, repair: bool, **_: Any) -> None:
        if workspace is None:
            found = verify_all(repairs=repair)
        else:
            rules = latest_rules_of(workspace)
            if rules is None:
                raise CommandError(f"There is no workspace {workspace}")
            found = verify_workspace(rules, repairs=repair)
        self.stdout.write(
            f"{found.segments} segments, {found.customers} customers looked at:"
            f" {found.wrong} members and {found.sizes} sizes wrong"
        )
        if (found.wrong or found.sizes) and not repair:
            raise CommandError("Segments are wrong; --repair corrects them")
