"""`.venv/bin/python -m tests.benchmarks.behaviours`: searches by what customers did.

Whole HTTP answers, one after the other, against the plain SQL that counts the same customers out of
the events. BENCHMARK_CUSTOMERS and BENCHMARK_EVENTS make it smaller or larger.
"""

from __future__ import annotations

import json
import os
import statistics
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psycopg

from tests.benchmarks.__main__ import PORT, running_product
from tests.benchmarks.searches import address_of, manage

CUSTOMERS = int(os.environ.get("BENCHMARK_CUSTOMERS", "200000"))
EVENTS = int(os.environ.get("BENCHMARK_EVENTS", "1000000"))
TIMES = 5
OF_TYPE = "SELECT customer_id FROM events_event WHERE node_id = '{node}' AND type = '%s'"
GROUPED = f"SELECT count(*) FROM ({OF_TYPE} GROUP BY customer_id HAVING %s) AS found"
TOTAL = "(properties #>> '{{amount,total}}')::numeric"


def did(event: str, *having: dict[str, Any], timeframe: str | None = None) -> dict[str, Any]:
    behaviour: dict[str, Any] = {"event": {"name": event}}
    if having:
        behaviour["having"] = list(having)
    if timeframe is not None:
        behaviour["timeframe"] = {
            "type": "atomic", "attribute": "date", "operator": "GTE", "value": timeframe,
        }  # fmt: skip
    return {"type": "simple", "did": behaviour}


def count(operator: str, value: int) -> dict[str, Any]:
    return {"function": "COUNT", "operator": operator, "value": value}


def amount_condition(function: str, value: int) -> dict[str, Any]:
    attribute = "properties.amount.total"
    return {"function": function, "attribute": attribute, "operator": "GTE", "value": value}


# A question, its plain SQL.
QUESTIONS: dict[str, tuple[dict[str, Any], str]] = {
    "viewed a page": (did("viewedPage"), GROUPED % ("viewedPage", "true")),
    "in the last 30 days": (
        did("viewedPage", timeframe="now-30d"),
        GROUPED % ("viewedPage' AND date >= now() - interval '30 days' AND '1' = '1", "true"),
    ),
    "five times or more": (
        did("viewedPage", count("GTE", 5)), GROUPED % ("viewedPage", "count(*) >= 5"),
    ),
    "never": (
        did("viewedPage", count("EQUALS", 0)),
        "SELECT count(*) FROM customers_customer WHERE node_id = '{node}' AND NOT EXISTS"
        " (SELECT FROM events_event WHERE customer_id = customers_customer.id"
        "  AND type = 'viewedPage')",
    ),
    "spent 300 or more": (
        did("completedOrder", amount_condition("SUM", 300)),
        GROUPED % ("completedOrder", f"sum({TOTAL}) >= 300"),
    ),
    "spent 150 on average": (
        did("completedOrder", amount_condition("AVG", 150)),
        GROUPED % ("completedOrder", f"avg({TOTAL}) >= 150"),
    ),
    "once, not twice": (
        {"type": "combined", "conjunction": "EXCEPT",
         "queries": [did("viewedPage"), did("viewedPage", count("GTE", 2))]},
        GROUPED % ("viewedPage", "count(*) = 1"),
    ),
}  # fmt: skip


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        with running_product(data) as facts:
            node = facts["nodeIds"][0]
            manage(data, "seed_customers", "--node", node, "--count", str(CUSTOMERS))
            manage(data, "seed_events", "--node", node, "--count", str(EVENTS))
            with psycopg.connect(address_of(data), autocommit=True) as connection:
                connection.execute("VACUUM (ANALYZE) customers_customer, events_event")
                print(f"{'ms':24} {'plain SQL':>10} {'ours':>8} {'ratio':>7}   ({EVENTS} events)")
                for name, (query, plain) in QUESTIONS.items():
                    by_hand = _median(lambda sql=plain: connection.execute(sql.format(node=node)))
                    ours = _median(lambda requested=query: _search(facts, node, requested))
                    ratio = ours / by_hand
                    print(f"{name:24} {by_hand:10.0f} {ours:8.0f} {ratio:7.2f}", flush=True)


def _search(facts: dict[str, Any], node: str, query: dict[str, Any]) -> None:
    parameters = urlencode({"nodeId": node, "query": json.dumps({"query": query})})
    address = (
        f"http://127.0.0.1:{PORT}/hub/v1/workspaces/{facts['workspaceId']}/customers?{parameters}"
    )
    request = urllib.request.Request(
        address, headers={"Authorization": f"Bearer {facts['tokens']['trusted']}"}
    )
    with urllib.request.urlopen(request) as answer:
        assert json.load(answer)["page"]["totalElements"] > 0


def _median(work: Any) -> float:
    """Milliseconds."""
    taken = []
    for _ in range(TIMES):
        started = time.perf_counter()
        work()
        taken.append((time.perf_counter() - started) * 1000)
    return statistics.median(taken)


if __name__ == "__main__":
    main()
