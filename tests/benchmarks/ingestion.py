"""`.venv/bin/python -m tests.benchmarks.ingestion`: events in, out and purged, as ratios.

- POST /events over 16 connections against the bare function that does one INSERT;
- a batch of 500 against psycopg's executemany, and COPY, of the same rows into the same kind of table;
- a page of a customer's time line against the bare function that runs the statement by hand;
- the purge against a plain batched DELETE on a table like ours.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psycopg

from tests.benchmarks.__main__ import BARE_PORT, PORT, ROOT, bare_inserts, running_product
from tests.benchmarks.load import http_request, requests_per_second
from tests.benchmarks.searches import address_of, manage, minimal_searches

ROUNDS = int(os.environ.get("BENCHMARK_ROUNDS", "5"))
SECONDS = float(os.environ.get("BENCHMARK_SECONDS", "3"))
EVENTS = int(os.environ.get("BENCHMARK_EVENTS", "300000"))
BATCH = 500
COLUMNS = (
    "id, workspace_id, node_id, customer_id, type, context, properties, context_info, date, origin,"
    " version, registered_at, updated_at"
)
LINE = """
SELECT id, customer_id, node_id, bring_back_type, bring_back_value, type, properties, context,
       context_info, date, origin, tracking, registered_at, updated_at, version,
       (SELECT count(*) FROM (SELECT FROM events_event WHERE customer_id = '{0}' LIMIT 10000) AS few)
FROM events_event WHERE customer_id = '{0}' ORDER BY date DESC, id DESC LIMIT 20
"""
PROPERTIES = {"url": "https://shop.example/scarves/red", "title": "Red scarves", "path": "/scarves"}


def event(customer: str) -> dict[str, Any]:
    return {
        "customerId": customer,
        "type": "viewedPage",
        "context": "WEB",
        "properties": PROPERTIES,
    }


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        with running_product(data) as facts:
            node = facts["nodeIds"][0]
            manage(data, "seed_customers", "--node", node, "--count", "20000")
            manage(data, "seed_events", "--node", node, "--count", str(EVENTS))
            with psycopg.connect(address_of(data), autocommit=True) as connection:
                row = connection.execute("SELECT customer_id::text FROM events_event LIMIT 1")
                customer = row.fetchone()[0]  # type: ignore[index]
                connection.execute("CREATE TABLE twin (LIKE events_event INCLUDING ALL)")
                events = f"/hub/v1/workspaces/{facts['workspaceId']}/events"
                token = facts["tokens"]["trusted"]
                print(f"{'':34} {'baseline/s':>11} {'ours/s':>9} {'ratio':>7}")
                with bare_inserts(data):
                    body = json.dumps(event(customer)).encode()
                    _in_turns(
                        "POST /events",
                        (BARE_PORT, http_request("POST", "/", body=body)),
                        (PORT, http_request("POST", events, token=token, body=body)),
                    )
                with minimal_searches(data, {"line": LINE.format(customer)}):
                    query = urlencode({"customerId": customer, "size": 20})
                    _in_turns(
                        "a page of a time line",
                        (BARE_PORT, http_request("GET", "/line")),
                        (PORT, http_request("GET", f"{events}?{query}", token=token)),
                    )
                _batches(connection, facts, customer, events)
                _purge(connection, data, facts)


def _in_turns(name: str, bare: tuple[int, bytes], ours: tuple[int, bytes]) -> None:
    expected = (b"HTTP/1.1 200", b"HTTP/1.1 202")
    rounds = [
        [
            requests_per_second(port, lambda sent=sent: sent, seconds=SECONDS, expected=expected)
            for port, sent in (bare, ours)
        ]
        for _ in range(ROUNDS)
    ]
    _print(name, rounds)


def _print(name: str, rounds: list[list[float]]) -> None:
    ratio = statistics.median(ours / baseline for baseline, ours in rounds)
    baseline, ours = (statistics.median(rates) for rates in zip(*rounds, strict=True))
    print(f"{name:34} {baseline:11.0f} {ours:9.0f} {ratio:7.2f}", flush=True)


def _batches(
    connection: psycopg.Connection[Any], facts: dict[str, Any], customer: str, events: str
) -> None:
    body = json.dumps({"events": [event(customer)] * BATCH}).encode()
    request = http_request("POST", f"{events}/batch", token=facts["tokens"]["trusted"], body=body)
    workspace, node = facts["workspaceId"], facts["nodeIds"][0]
    values = (
        "gen_random_uuid(), %s, %s, %s, 'viewedPage', 'WEB', %s::jsonb, '{}', now(), 'NATIVE', 1,"
        " now(), now()"
    )
    insert = f"INSERT INTO twin ({COLUMNS}) VALUES ({values})"
    row = (workspace, node, customer, json.dumps(PROPERTIES))

    def by_executemany() -> None:
        with connection.transaction(), connection.cursor() as cursor:
            cursor.executemany(insert, [row] * BATCH)

    def by_copy() -> None:
        from uuid import uuid4

        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        with (
            connection.cursor() as cursor,
            cursor.copy(f"COPY twin ({COLUMNS}) FROM STDIN") as copy,
        ):
            for _ in range(BATCH):
                copy.write_row(
                    (uuid4(), workspace, node, customer, "viewedPage", "WEB", row[3], "{}", now,
                     "NATIVE", 1, now, now)
                )  # fmt: skip

    for name, baseline in (("executemany", by_executemany), ("COPY", by_copy)):
        rounds = []
        for _ in range(ROUNDS):
            ours = requests_per_second(
                PORT, lambda: request, seconds=SECONDS, expected=(b"HTTP/1.1 202",), connections=1
            )
            rounds.append([_rate(baseline) * BATCH, ours * BATCH])
        _print(f"batches of {BATCH} against {name}", rounds)


def _rate(act: Any) -> float:
    count, started = 0, time.perf_counter()
    while time.perf_counter() - started < SECONDS:
        act()
        count += 1
    return count / (time.perf_counter() - started)


def _purge(connection: psycopg.Connection[Any], data: Path, facts: dict[str, Any]) -> None:
    rounds = []
    for _ in range(min(ROUNDS, 3)):
        rates = []
        for table in ("twin", "events_event"):
            connection.execute(f"TRUNCATE {table}")
            connection.execute(
                f"INSERT INTO {table} ({COLUMNS}) SELECT gen_random_uuid(), %s, %s,"
                " gen_random_uuid(), 'viewedPage', 'WEB', %s::jsonb, '{}', now() - interval '2 years'"
                " - number * interval '1 second', 'NATIVE', 1, now(), now()"
                " FROM generate_series(1, 100000) AS number",
                (facts["workspaceId"], facts["nodeIds"][0], json.dumps(PROPERTIES)),
            )
            connection.execute(f"ANALYZE {table}")
            if table == "twin":
                rates.append(_plain_purge(connection, facts["nodeIds"][0]))
            else:
                subprocess.run(
                    [sys.executable, "manage.py", "purge_events"],
                    env=os.environ | {"CONTACTHUB_DATA": str(data)},
                    cwd=ROOT, check=True, stdout=subprocess.DEVNULL,
                )  # fmt: skip
                run = connection.execute(
                    "SELECT deleted / seconds_worked FROM events_purgerun"
                    " WHERE deleted > 0 ORDER BY id DESC LIMIT 1"
                ).fetchone()
                rates.append(run[0])  # type: ignore[index]
        rounds.append(rates)
    _print("purged rows", rounds)


def _plain_purge(connection: psycopg.Connection[Any], node: str) -> float:
    delete = (
        "DELETE FROM twin WHERE id IN (SELECT id FROM twin WHERE node_id = %s"
        " AND type = 'viewedPage' AND date < now() - interval '1 year' ORDER BY date LIMIT 1000)"
    )
    started, deleted = time.perf_counter(), 0
    while gone := connection.execute(delete, (node,)).rowcount:
        deleted += gone
    return deleted / (time.perf_counter() - started)


if __name__ == "__main__":
    main()
