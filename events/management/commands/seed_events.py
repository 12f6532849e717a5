"""`manage.py seed_events --node <id> --count 100000`: add invented events of customers."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand
from django.db import connection

from events.actions.seeding import seed_events


class Command(BaseCommand):
    help = "Add random events of a node's customers."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--node", type=UUID, required=True, help="the id of an entry node")
        parser.add_argument("--count", type=int, default=100_000)
        parser.add_argument("--days", type=int, default=365, help="how far back they go")

    def handle(self, *args: Any, **options: Any) -> None:
        started = time.monotonic()
        for done in seed_events(options["node"], options["count"], days=options["days"]):
            rate = done / (time.monotonic() - started)
            self.stdout.write(f"{done} events, {rate:.0f} a second")
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE events_event")
