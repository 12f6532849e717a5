"""`.venv/bin/python -m tests.benchmarks.analytics`: what exact counting costs and saves, as ratios.

- the same question on 100,000 events and on ten times as many;
- each question on the latter against the plain SQL aggregate over the events;
- POST /events, and a bulk load of events, with the counters' triggers and without.
BENCHMARK_EVENTS makes it smaller.
"""

from __future__ import annotations

import json
import os
import statistics
import tempfile
import time
import urllib.request
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import psycopg

from analytics.domain.indicators import ECOMMERCE, WEB, purchases, sources_of
from analytics.domain.periods import EVER
from analytics.queries.counters import BY_DAY, SUMS
from tests.benchmarks.__main__ import PORT, running_product
from tests.benchmarks.ingestion import event
from tests.benchmarks.load import http_request, requests_per_second
from tests.benchmarks.searches import address_of, manage

EVENTS = int(os.environ.get("BENCHMARK_EVENTS", "1000000"))
SECONDS = float(os.environ.get("BENCHMARK_SECONDS", "3"))
ROUNDS = 7
TIMES = 30
DAY = "(date AT TIME ZONE 'Europe/Rome')::date"
IN_A_YEAR = "node_id = '{node}' AND date >= now() - interval '1 year'"
FIGURES = {"purchases": purchases(["ECOMMERCE", "RETAIL"]), "ecommerce": ECOMMERCE, "web": WEB}
# A question, its plain SQL.
QUESTIONS: dict[str, tuple[str, str]] = {
    "customers": ("/customers", "SELECT count(*) FROM customers_customer WHERE deleted = 0"),
    "channels": (
        "/customers/channels",
        """SELECT base #> '{{contacts,email}}' IS NULL, base #> '{{contacts,mobilePhone}}' IS NULL,
        count(*) FROM customers_customer WHERE deleted = 0 GROUP BY 1, 2""",
    ),
    "types of a year": (
        "/events/types?{year}",
        f"SELECT type, context, count(*) FROM events_event WHERE {IN_A_YEAR} GROUP BY 1, 2",
    ),
    "updates of a year": (
        "/events/updates?{year}",
        "SELECT (registered_at AT TIME ZONE 'Europe/Rome')::date, count(*) FROM events_event"
        " WHERE node_id = '{node}' AND registered_at >= now() - interval '1 year' GROUP BY 1",
    ),
    "purchases of a year": (
        "/events/kpi/purchases?{year}",
        f"""SELECT {DAY}, count(*), sum((properties #>> '{{{{amount,total}}}}')::numeric),
        count(DISTINCT customer_id) FROM events_event
        WHERE {IN_A_YEAR} AND type = 'completedOrder' AND context IN ('ECOMMERCE', 'RETAIL')
        GROUP BY 1""",
    ),
    "ecommerce of a year": (
        "/events/kpi/ecommerce?{year}",
        f"""SELECT {DAY}, type, count(*) FROM events_event
        WHERE {IN_A_YEAR} AND context = 'ECOMMERCE' GROUP BY 1, 2""",
    ),
    "web of a year": (
        "/events/kpi/web?{year}",
        f"""SELECT {DAY}, count(*), count(*) FILTER (WHERE type = 'viewedPage'),
        count(DISTINCT customer_id) FROM events_event
        WHERE {IN_A_YEAR} AND context = 'WEB' GROUP BY 1""",
    ),
}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        with running_product(data) as facts:
            node = facts["nodeIds"][0]
            manage(data, "seed_customers", "--node", node, "--count", "20000")
            with psycopg.connect(address_of(data), autocommit=True) as connection:
                _seed(data, connection, node, EVENTS // 10)
                few = {
                    name: _response_milliseconds(facts, path)
                    for name, (path, _) in QUESTIONS.items()
                }
                _seed(data, connection, node, EVENTS - EVENTS // 10)
                print(
                    f"{'ms':24} {'few':>7} {'many':>7} {'ratio':>6}"
                    f" {'our SQL':>8} {'plain SQL':>10} {'times':>6}"
                )
                for name, (path, statement) in QUESTIONS.items():
                    many = _response_milliseconds(facts, path)
                    ours = _median(partial(_read, connection, facts, name), TIMES)
                    plain = _run(connection, statement.format(node=node))
                    print(
                        f"{name:24} {few[name]:7.1f} {many:7.1f} {many / few[name]:6.2f}"
                        f" {ours:8.2f} {plain:10.1f} {plain / ours:6.0f}",
                        flush=True,
                    )
                _costs(connection, facts, data)


def _seed(data: Path, connection: psycopg.Connection[Any], node: str, count: int) -> None:
    manage(data, "seed_events", "--node", node, "--count", str(count))
    deadline = time.monotonic() + 600
    while connection.execute("SELECT EXISTS (SELECT FROM analytics_delta)").fetchone()[0]:  # type: ignore[index]
        assert time.monotonic() < deadline, "nobody folds"
        time.sleep(1)
    connection.execute("VACUUM ANALYZE")


def _response_milliseconds(facts: dict[str, Any], path: str) -> float:
    """Milliseconds of an answer, the median."""
    since = time.strftime("start=%Y-%m-%d", time.gmtime(time.time() - 366 * 86400))
    address = f"http://127.0.0.1:{PORT}/hub/v1/workspaces/{facts['workspaceId']}/stats"
    request = urllib.request.Request(
        address + path.replace("{year}", since),
        headers={"Authorization": f"Bearer {facts['tokens']['trusted']}"},
    )

    def get() -> None:
        with urllib.request.urlopen(request) as answer:
            answer.read()

    return _median(get, TIMES)


def _read(connection: psycopg.Connection[Any], facts: dict[str, Any], name: str) -> None:
    """What the question reads of the counters."""
    today = date.today()
    subject = name.split(" ")[0]
    statement, metrics, first, last = SUMS, ["customers"], EVER, EVER
    if subject in FIGURES:
        metrics = list({metric for metric, _ in sources_of(FIGURES[subject])})
        statement = BY_DAY
    elif subject in {"types", "updates"}:
        metrics = ["event types" if subject == "types" else "events added"]
        statement = SUMS if subject == "types" else BY_DAY
    if name.endswith("year"):
        first, last = today - timedelta(days=366), today
    parameters = {
        "workspace_id": facts["workspaceId"], "nodes": facts["nodeIds"][:1], "metrics": metrics,
        "first": first, "last": last,
    }  # fmt: skip
    connection.execute(statement, parameters).fetchone()


def _run(connection: psycopg.Connection[Any], statement: str) -> float:
    return _median(lambda: connection.execute(statement).fetchall(), 3)


def _median(act: Callable[[], Any], times: int) -> float:
    act()
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        act()
        taken.append((time.perf_counter() - started) * 1000)
    return statistics.median(taken)


def _costs(connection: psycopg.Connection[Any], facts: dict[str, Any], data: Path) -> None:
    customer = connection.execute("SELECT customer_id::text FROM events_event LIMIT 1").fetchone()[
        0
    ]  # type: ignore[index]
    body = json.dumps(event(customer)).encode()
    path = f"/hub/v1/workspaces/{facts['workspaceId']}/events"
    request = http_request("POST", path, token=facts["tokens"]["trusted"], body=body)
    batch = json.dumps({"events": [event(customer)] * 500}).encode()
    batches = http_request("POST", path + "/batch", token=facts["tokens"]["trusted"], body=batch)

    def rate(sent: bytes, connections: int) -> float:
        return requests_per_second(
            PORT,
            lambda: sent,
            seconds=SECONDS,
            expected=(b"HTTP/1.1 202",),
            connections=connections,
        )

    print(f"{'':24} {'without/s':>10} {'with/s':>8} {'cost':>6}")
    for name, sent, connections, each in (
        ("POST /events", request, 16, 1), ("batches of 500 events", batches, 1, 500),
    ):  # fmt: skip
        rounds = []
        for _ in range(ROUNDS):
            rates = []
            for switch in ("DISABLE", "ENABLE"):
                connection.execute(f"ALTER TABLE events_event {switch} TRIGGER USER")
                rates.append(rate(sent, connections) * each)
            rounds.append(rates)
        cost = 1 - statistics.median(counted / bare for bare, counted in rounds)
        bare, counted = (statistics.median(rates) for rates in zip(*rounds, strict=True))
        print(f"{name:24} {bare:10.0f} {counted:8.0f} {cost:6.0%}", flush=True)


if __name__ == "__main__":
    main()
