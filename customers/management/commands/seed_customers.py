"""`manage.py seed_customers --node <id> --count 20000`: invented people to try things with."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand
from django.db import connection

from customers.actions.seeding import seed_customers


class Command(BaseCommand):
    help = "Add invented customers to a node."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--node", type=UUID, required=True, help="the id of an entry node")
        parser.add_argument("--count", type=int, default=20_000)
        parser.add_argument("--first", type=int, default=0, help="the number of the first of them")

    def handle(self, *args: Any, **options: Any) -> None:
        started = time.monotonic()
        for done in seed_customers(options["node"], options["count"], first=options["first"]):
            rate = done / (time.monotonic() - started)
            self.stdout.write(f"{done} customers, {rate:.0f} a second")
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE customers_customer")
