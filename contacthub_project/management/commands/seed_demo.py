"""`manage.py seed_demo`: fill the demo workspace with invented customers and events."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from configuration.models import Node, Workspace
from contacthub_project.runtime.demo import SLUG
from customers.actions.seeding import seed_customers
from events.actions.seeding import seed_events


class Command(BaseCommand):
    help = "Fill the demo workspace's nodes with invented people and what they did."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--customers", type=int, default=20_000, help="how many, in all")
        parser.add_argument("--events", type=int, default=100_000, help="how many, in all")

    def handle(self, *, customers: int, events: int, **_: Any) -> None:
        workspace = Workspace.objects.present().filter(slug=SLUG).first()
        if workspace is None:
            raise CommandError("There is no demo workspace; ./run makes it")
        nodes = list(Node.objects.in_workspace(workspace.id).entries().order_by("created_at"))
        for node in nodes:
            for done in seed_customers(node.id, customers // len(nodes)):
                self.stdout.write(f"{node.name}: {done} customers")
            for done in seed_events(node.id, events // len(nodes)):
                self.stdout.write(f"{node.name}: {done} events")
