"""`manage.py verify_matching_keys`: whether customers are found by the values that they have."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from configuration.models import Workspace
from configuration.queries.rules import latest_rules_of
from customers.actions.key_verification import verify_keys


class Command(BaseCommand):
    help = "Compute the matching keys of all customers again, and tell which differ."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--workspace", type=UUID, help="one workspace instead of all")
        parser.add_argument("--repair", action="store_true", help="correct what differs")

    def handle(self, *, workspace: UUID | None, repair: bool, **_: Any) -> None:
        workspaces = Workspace.objects.present().order_by("name", "id")
        if workspace is not None:
            workspaces = workspaces.filter(id=workspace)
        wrong = 0
        for each in workspaces:
            rules = latest_rules_of(each.id)
            if rules is None:
                continue
            found = verify_keys(rules, repairs=repair)
            wrong += len(found.colliding) if repair else len(found.wrong)
            self.stdout.write(
                f"{each.name}: {found.customers} customers, {len(found.wrong)} with outdated keys"
            )
            for customer_id in found.colliding:
                self.stdout.write(f"{customer_id} is one person with another customer: merge them")
        if wrong:
            remedy = "merge those that are one person" if repair else "--repair corrects them"
            raise CommandError(f"{wrong} customers have outdated keys: {remedy}")
