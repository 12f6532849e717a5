"""Fills a node with invented customers, for demonstrations and benchmarks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

import orjson
from django.db import connection, transaction
from django.utils import timezone

from configuration.models import Node
from configuration.queries.rules import NodeRules, latest_rules_of
from contacthub_project.core.identifiers import new_id
from contacthub_project.db.sql import load
from customers.domain.invented_people import invented_person
from customers.domain.matching import match_key

CHUNK = 20_000
SPREAD = timedelta(days=730)
COPY_CUSTOMERS = """
COPY seeded (id, external_id, registered_at, match_key, base, consents, tags) FROM STDIN
"""
STORE = load("customers/sql/seed_customers")


def seed_customers(node_id: UUID, count: int, *, first: int = 0) -> Iterator[int]:
    """Add `count` invented customers to a node, counting from `first`; yield how many are done.

    The same numbers are the same people, so a repeated call adds nobody twice. They registered
    during the last two years. They have no consents and so no lines in the consent log.
    """
    node = Node.objects.get(id=node_id)
    rules = latest_rules_of(node.workspace_id)
    assert rules is not None, "its node is there"
    now = timezone.now()
    for start in range(first, first + count, CHUNK):
        numbers = range(start, min(start + CHUNK, first + count))
        _store(rules.nodes[node.id], node.workspace_id, numbers, now)
        yield numbers[-1] + 1 - first


@transaction.atomic
def _store(node: NodeRules, workspace_id: UUID, numbers: range, now: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute(
            "CREATE TEMPORARY TABLE seeded (id uuid, external_id text, registered_at timestamptz,"
            " match_key bytea, base jsonb, consents jsonb, tags jsonb) ON COMMIT DROP"
        )
        with cursor.copy(COPY_CUSTOMERS) as copy:
            for number in numbers:
                chance = Random(number)  # noqa: S311
                person = invented_person(chance, number)
                registered = now - SPREAD * chance.random()
                copy.write_row(
                    (
                        new_id(),
                        person["externalId"],
                        registered.replace(microsecond=0),
                        match_key(node.matching, person),
                        *(
                            orjson.dumps(person[name]).decode()
                            for name in ("base", "consents", "tags")
                        ),
                    )
                )
        cursor.execute(STORE, {"workspace_id": workspace_id, "node_id": node.id})
