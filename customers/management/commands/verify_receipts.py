"""`manage.py verify_receipts`: whether the receipts of erasures are what they were when written."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from configuration.models import Workspace
from customers.models import ErasureReceipt
from customers.queries.receipts import verify_chain


class Command(BaseCommand):
    help = "Verify the chains of erasure receipts; fails when a receipt was changed or is missing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--workspace", help="id of the only workspace to look at")

    def handle(self, *args: Any, **options: Any) -> None:
        workspaces = Workspace.objects.present().order_by("name", "id")
        if options["workspace"]:
            workspaces = workspaces.filter(id=options["workspace"])
        broken = 0
        for workspace in workspaces:
            faults = list(verify_chain(workspace.id))
            for number, fault in faults:
                self.stderr.write(f"{workspace.name}: receipt {number} {fault}")
            last = ErasureReceipt.objects.latest_of(workspace.id)
            if last is None:
                continue
            broken += len(faults)
            state = f"{len(faults)} faults" if faults else "unbroken"
            self.stdout.write(
                f"{workspace.name}: receipts 1 to {last.number}, {state},"
                f" the last with hash {bytes(last.hash).hex()}"
            )
        if broken:
            raise CommandError(f"{broken} faults")
