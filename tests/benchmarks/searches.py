"""`.venv/bin/python -m tests.benchmarks.searches`: searches over a million customers.

Each is compared with the best statement we could write by hand for the same page and counts: by
requests, with a bare function that runs that statement and dumps its rows; by the time that both
statements take in PostgreSQL. BENCHMARK_CUSTOMERS and BENCHMARK_ROUNDS make it smaller.
"""

from __future__ import annotations

import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psycopg

from contacthub_project.runtime.embedded import PostgresServer
from tests.benchmarks.__main__ import BARE_PORT, PORT, ROOT, WORKERS, running_product
from tests.benchmarks.load import http_request, requests_per_second

CUSTOMERS = int(os.environ.get("BENCHMARK_CUSTOMERS", "1000000"))
ROUNDS = int(os.environ.get("BENCHMARK_ROUNDS", "5"))
SECONDS = float(os.environ.get("BENCHMARK_SECONDS", "3"))

COLUMNS = (
    "id, int_id, external_id, node_id, base, consents, extended, extra, tags, enabled,"
    " registered_at, updated_at, version, deleted, registered_by, updated_by"
)
COUNT = "(SELECT count(*) FROM (SELECT FROM customers_customer WHERE {where} LIMIT 10000) AS few)"
BY_HAND = f"""
SELECT {COLUMNS}, {COUNT} AS total, {COUNT.replace("{where}", "{scope}")} AS unfiltered
FROM customers_customer WHERE {{where}} ORDER BY {{order}} LIMIT 20 OFFSET {{offset}}
"""
PATCH = "PATCH one"
PATCH_BY_HAND = f"""
UPDATE customers_customer
SET base = jsonb_set(base, '{{{{firstName}}}}', to_jsonb(random()::text)), version = version + 1,
    updated_at = clock_timestamp()
WHERE id = (SELECT (ARRAY[{{ids}}]::uuid[])[1 + floor(random() * 1000)::int]) RETURNING {COLUMNS}
"""
NEWEST = "updated_at DESC, id DESC"
EMAIL = """customers_folded(base #>> '{contacts,email}') COLLATE "C" = '%s'"""
LAST_NAME = """
customers_folded(base ->> 'lastName') COLLATE "C" = 'rossi' AND base ->> 'lastName' = 'Rossi'"""
# Looks at every customer: a request at a time, not sixteen.
SCANS = ("birthday in a week", "last name contains")
CITY = "base #>> '{address,city}' = 'Verona'"
BIRTHDAY = "substr(base ->> 'dob', 6, 5) BETWEEN '%s' AND '%s'"
CONTAINS = "base ->> 'lastName' ILIKE '%oss%'"
# The usual order of names, by hand: the same as ours, and no more.
NAME_ORDER = """customers_folded(base ->> 'lastName') COLLATE "C", id"""


def atomic(attribute: str, value: Any, operator: str = "EQUALS") -> dict[str, Any]:
    return {"type": "atomic", "attribute": attribute, "operator": operator, "value": value}


def query(*conditions: dict[str, Any]) -> str:
    condition = {"type": "composite", "conjunction": "and", "conditions": list(conditions)}
    return json.dumps({"query": {"type": "simple", "are": {"condition": condition}}})


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        with running_product(data) as facts:
            node = facts["nodeIds"][0]
            _seed(data, node)
            with psycopg.connect(address_of(data), autocommit=True) as connection:
                email = connection.execute(
                    "SELECT base #>> '{contacts,email}' FROM customers_customer LIMIT 1"
                ).fetchone()[0]  # type: ignore[index]
            searches = _searches(facts["workspaceId"], node, email)
            with psycopg.connect(address_of(data), autocommit=True) as connection:
                rows = connection.execute("SELECT id::text FROM customers_customer LIMIT 1000")
                ids = [each for (each,) in rows]
            statements = {name: sql for name, (sql, _) in searches.items()}
            statements[PATCH] = PATCH_BY_HAND.format(ids=",".join(f"'{each}'" for each in ids))
            with minimal_searches(data, statements):
                _requests(facts, searches)
                _patches(facts, ids)
            _statements(data, facts, searches)


def _searches(workspace: str, node: str, email: str) -> dict[str, tuple[str, dict[str, Any]]]:
    """By name: the statement by hand, and our parameters."""
    scope = f"workspace_id = '{workspace}' AND node_id = '{node}' AND deleted = 0"

    def by_hand(where: str = "", order: str = NEWEST, offset: int = 0) -> str:
        whole = f"{scope} AND {where}" if where else scope
        return BY_HAND.format(where=whole, scope=scope, order=order, offset=offset)

    named = atomic("base.lastName", "Rossi")
    week = [f"{datetime.now(UTC) + timedelta(days=days):%m-%d}" for days in (0, 7)]
    return {
        "by e-mail": (
            by_hand(EMAIL % email), {"query": query(atomic("base.contacts.email", email))},
        ),
        "by name and city": (
            by_hand(f"{LAST_NAME} AND {CITY}"),
            {"query": query(named, atomic("base.address.city", "Verona"))},
        ),
        "birthday in a week": (
            by_hand(BIRTHDAY % (week[0], week[1])),
            {"query": query(atomic("base.dob", 7, "BIRTHDAY_WITHIN"))},
        ),
        "last name contains": (
            by_hand(CONTAINS), {"query": query(atomic("base.lastName", "òss", "CONTAINS_FOLDED"))},
        ),
        "the default list": (by_hand(), {}),
        "page 400 of it": (by_hand(offset=8000), {"page": 400}),
        "sorted by last name": (by_hand(order=NAME_ORDER), {"sort": "base.lastName"}),
    }  # fmt: skip


def _requests(facts: dict[str, Any], searches: dict[str, tuple[str, dict[str, Any]]]) -> None:
    token, node = facts["tokens"]["trusted"], facts["nodeIds"][0]
    customers = f"/hub/v1/workspaces/{facts['workspaceId']}/customers"
    print(f"{'requests':24} {'bare /s':>9} {'ours /s':>9} {'ratio':>7}   ({CUSTOMERS} customers)")
    for name, (_, parameters) in searches.items():
        if name in SCANS:
            continue
        ours = f"{customers}?{urlencode({'nodeId': node, 'size': 20} | parameters)}"
        bare = http_request("GET", f"/{name.replace(' ', '%20')}")
        sent = http_request("GET", ours, token=token)
        _in_turns(name, (BARE_PORT, lambda bare=bare: bare), (PORT, lambda sent=sent: sent))


def _patches(facts: dict[str, Any], ids: list[str]) -> None:
    customers = f"/hub/v1/workspaces/{facts['workspaceId']}/customers"
    numbers = itertools.count()

    def patch() -> bytes:
        number = next(numbers)
        body = json.dumps({"base": {"firstName": f"{time.monotonic()}"}}).encode()
        path = f"{customers}/{ids[number % len(ids)]}"
        return http_request("PATCH", path, token=facts["tokens"]["trusted"], body=body)

    by_hand = http_request("GET", "/" + PATCH.replace(" ", "%20"))
    _in_turns(PATCH, (BARE_PORT, lambda: by_hand), (PORT, patch))


def _in_turns(
    name: str, bare: tuple[int, Callable[[], bytes]], ours: tuple[int, Callable[[], bytes]]
) -> None:
    rounds = [
        [
            requests_per_second(port, made, seconds=SECONDS, expected=(b"HTTP/1.1 200",))
            for port, made in (bare, ours)
        ]
        for _ in range(ROUNDS)
    ]
    ratio = statistics.median(ours / bare for bare, ours in rounds)
    bare_rate, our_rate = (statistics.median(rates) for rates in zip(*rounds, strict=True))
    print(f"{name:24} {bare_rate:9.0f} {our_rate:9.0f} {ratio:7.2f}", flush=True)


def _statements(
    data: Path, facts: dict[str, Any], searches: dict[str, tuple[str, dict[str, Any]]]
) -> None:
    given = {"facts": facts, "searches": {name: part for name, (_, part) in searches.items()}}
    listed = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.search_statements"],
        env=os.environ | {"CONTACTHUB_DATA": str(data)},
        cwd=ROOT, check=True, input=json.dumps(given), stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    ours = json.loads(listed.stdout)
    print(f"{'SQL':24} {'hand ms':>9} {'ours ms':>9} {'ratio':>7}")
    with psycopg.connect(address_of(data), autocommit=True) as connection:
        for name, (by_hand, _) in searches.items():
            times: list[list[float]] = [[], []]
            for _ in range(ROUNDS * 3):
                for index, statement in enumerate((by_hand, ours[name])):
                    started = time.perf_counter()
                    connection.execute(statement).fetchall()
                    times[index].append((time.perf_counter() - started) * 1000)
            hand, our = (statistics.median(each) for each in times)
            print(f"{name:24} {hand:9.2f} {our:9.2f} {our / hand:7.2f}", flush=True)


def _seed(data: Path, node: str) -> None:
    started = time.perf_counter()
    manage(data, "seed_customers", "--node", node, "--count", str(CUSTOMERS))
    with psycopg.connect(address_of(data), autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE) customers_customer")
    print(f"{CUSTOMERS} customers seeded in {time.perf_counter() - started:.0f} s", flush=True)


def manage(data: Path, *arguments: str) -> None:
    subprocess.run(
        [sys.executable, "manage.py", *arguments],
        env=os.environ | {"CONTACTHUB_DATA": str(data)},
        cwd=ROOT,
        check=True,
        stdout=subprocess.DEVNULL,
    )


def address_of(data: Path) -> str:
    return PostgresServer(data)._address("contacthub")


@contextmanager
def minimal_searches(data: Path, statements: dict[str, str]) -> Iterator[None]:
    process = subprocess.Popen(
        [
            sys.executable, "-m", "granian", "--interface", "wsgi", "--port", str(BARE_PORT),
            "--workers", WORKERS, "--blocking-threads", "3", "--no-ws", "--http", "1",
            "--log-level", "error", "tests.benchmarks.minimal_searches:application",
        ],
        env=os.environ
        | {"BARE_DATABASE": address_of(data), "BARE_STATEMENTS": json.dumps(statements)},
        cwd=ROOT,
    )  # fmt: skip
    try:
        time.sleep(2)
        yield
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    main()
