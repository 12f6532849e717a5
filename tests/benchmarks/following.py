"""`.venv/bin/python -m tests.benchmarks.following`: the change feed and aggregate nodes, as ratios.

- a page of 1000 updates against the bare function that reads the same rows and entities;
- a customer's INSERT with its row of the change feed against the same without;
- persons merged again in a second against customers written in a second by one web process.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.benchmarks.__main__ import BARE_PORT, PORT, ROOT, running_product
from tests.benchmarks.ingestion import _in_turns, _print
from tests.benchmarks.load import http_request, requests_per_second
from tests.benchmarks.searches import COLUMNS, manage, minimal_searches

ROUNDS = int(os.environ.get("BENCHMARK_ROUNDS", "5"))
PAGE = f"""
SELECT change.feed_offset, change.operation, change.entity, customer.*
FROM (SELECT * FROM customers_change WHERE workspace_id = '{{0}}' AND feed_offset > 100
      ORDER BY feed_offset LIMIT 1000) AS change
JOIN LATERAL (SELECT {COLUMNS} FROM customers_customer WHERE id = change.entity_id) AS customer ON true
ORDER BY change.feed_offset
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        with running_product(data) as facts:
            manage(data, "seed_customers", "--node", facts["nodeIds"][0], "--count", "20000")
            print(f"{'':34} {'baseline/s':>11} {'ours/s':>9} {'ratio':>7}")
            with minimal_searches(data, {"page": PAGE.format(facts["workspaceId"])}):
                updates = f"/hub/v1/workspaces/{facts['workspaceId']}/updates"
                token = facts["tokens"]["trusted"]
                path = f"{updates}?offset=100&size=1000"
                # Changes get their offsets when they are first read.
                requests_per_second(
                    PORT,
                    lambda: http_request("GET", path, token=token),
                    seconds=1.0,
                    expected=(b"HTTP/1.1 200",),
                    connections=1,
                )
                _in_turns(
                    "a page of 1000 updates",
                    (BARE_PORT, http_request("GET", "/page")),
                    (PORT, http_request("GET", path, token=token)),
                )
            _inside(data, facts)


def _inside(data: Path, facts: dict[str, Any]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.following", "inside", json.dumps(facts)],
        env=os.environ | {"CONTACTHUB_DATA": str(data), "LOG_LEVEL": "ERROR"},
        cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    print(done.stdout, end="", flush=True)


def inside(facts: dict[str, Any]) -> None:
    """What is measured without HTTP, in a process with Django."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "contacthub_project.settings"
    import django

    django.setup()
    from uuid import UUID

    from configuration.queries.rules import latest_rules_of
    from contacthub_project.core.principal import Principal
    from contacthub_project.runtime.blocking import run_blocking
    from customers.actions import writes
    from customers.actions.customers import upsert_customer
    from customers.actions.pending_merges import merge_pending
    from customers.models import PendingMerge

    nodes = [UUID(node) for node in facts["nodeIds"]]
    rules = latest_rules_of(UUID(facts["workspaceId"]))
    assert rules is not None
    by = Principal(frozenset({"TRUSTED_APPLICATION"}), None, None, source_id=UUID(int=1))

    def write(name: str, count: int) -> float:
        workspace = latest_rules_of(rules.id)
        assert workspace is not None
        started = time.perf_counter()
        for number in range(count):
            email = {"contacts": {"email": f"{name}{number}@example.com"}}
            body = {"nodeId": str(nodes[number % 2]), "base": {"firstName": name, **email}}
            run_blocking(upsert_customer(workspace, nodes[number % 2], body=body, by=by))
        return count / (time.perf_counter() - started)

    with_feed = writes.WRITE
    without_feed = _without_feed(with_feed)
    rounds = []
    write("warm", 200)
    for turn in range(ROUNDS * 2):
        rates = []
        for kind, statement in (("without", without_feed), ("with", with_feed)):
            writes.WRITE = statement
            rates.append(write(f"{kind}{turn}-", 400))
        rounds.append(rates)
    writes.WRITE = with_feed
    _print("customers with a feed, and without", rounds)

    from configuration.actions.aggregates import create_aggregate_node, set_aggregate_state

    node = create_aggregate_node(
        rules.id,
        values={
            "name": "All", "entry_nodes": nodes, "unique_properties": ["base.contacts.email"],
            "case_sensitive": False,
        },
    )  # fmt: skip
    set_aggregate_state(node, state="ACTIVE")
    from configuration.actions.building import build_all

    while not build_all(seconds=600):
        pass
    rounds = []
    for turn in range(ROUNDS):
        rate = write(f"followed{turn}-", 1000)
        pending = PendingMerge.objects.count()
        started = time.perf_counter()
        while not merge_pending(seconds=60):
            pass
        rounds.append([rate, pending / (time.perf_counter() - started)])
    _print("merged again, against written", rounds)


def _without_feed(write: str) -> str:
    """The statement that writes customers, by a function like ours that writes no changes."""
    from django.db import connection

    from contacthub_project.db.sql import rendered

    function = rendered("customers/sql/functions/write_customers")
    function = function.replace("customers_write(", "customers_write_unfed(")
    while "change AS (" in function:
        start = function.index("change AS (")
        function = function[:start] + function[function.index("pending AS (", start) :]
    with connection.cursor() as cursor:
        cursor.execute(function)
    return write.replace("customers_write(", "customers_write_unfed(")


if __name__ == "__main__":
    if sys.argv[1:2] == ["inside"]:
        inside(json.loads(sys.argv[2]))
    else:
        main()
