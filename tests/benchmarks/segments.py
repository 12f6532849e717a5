"""`.venv/bin/python -m tests.benchmarks.segments`: what segments cost, and how fast they answer.

CPU of a write in a node with segments and in one without, in turns, until all is evaluated; how
long segments take to follow many changes at once against evaluating each of them once in SQL; how
long count and first page take. CPU is that of all processes of the product, without what it takes
when idle: other work on the machine matters little. The sizes are those of the environment:
BENCHMARK_CUSTOMERS, BENCHMARK_EVENTS, BENCHMARK_SEGMENTS.
"""

from __future__ import annotations

import itertools
import json
import os
import statistics
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import psutil
import psycopg

from tests.benchmarks.__main__ import PORT, running_product
from tests.benchmarks.load import http_request, requests_per_second
from tests.benchmarks.searches import address_of, manage

CUSTOMERS = int(os.environ.get("BENCHMARK_CUSTOMERS", "200000"))
EVENTS = int(os.environ.get("BENCHMARK_EVENTS", "1000000"))
SEGMENTS = int(os.environ.get("BENCHMARK_SEGMENTS", "200"))
BULK = CUSTOMERS // 5
SECONDS = float(os.environ.get("BENCHMARK_SECONDS", "5"))
IDLE_SECONDS = 6
ROUNDS = 3
TYPES = ["viewedPage", "viewedProduct", "campaignOpened", "loggedIn", "completedOrder"]
_numbers = itertools.count()


def query_of(number: int) -> dict[str, Any]:
    """One segment in forty looks at first names, one in forty at searches; others elsewhere."""
    if number % 40 == 0:
        return _are("base.firstName", "EQUALS", f"Name {number}")
    if number % 40 == 1:
        return {"type": "simple", "did": {"event": {"name": "searched"}}}
    did: dict[str, Any] = {"event": {"name": TYPES[number % len(TYPES)]}}
    if number % 3:
        did["timeframe"] = {
            "type": "atomic", "attribute": "date", "operator": "GTE",
            "value": f"now-{10 + number}d",
        }  # fmt: skip
    if number % 2:
        did["having"] = [{"function": "COUNT", "operator": "GTE", "value": 1 + number % 4}]
    return {"type": "simple", "did": did}


def _are(attribute: str, operator: str, value: str) -> dict[str, Any]:
    condition = {
        "type": "atomic", "attribute": attribute, "operator": operator, "value": value,
    }  # fmt: skip
    return {"type": "simple", "are": {"condition": condition}}


class Api:
    """Calls of a product by its facts."""

    def __init__(self, facts: dict[str, Any]) -> None:
        self.token = facts["tokens"]["trusted"]
        self.node = facts["nodeIds"][0]
        self.path = f"/hub/v1/workspaces/{facts['workspaceId']}"

    def call(self, method: str, path: str, body: Any = None) -> Any:
        request = urllib.request.Request(
            f"http://127.0.0.1:{PORT}{self.path}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def people_of(self, node: str) -> list[str]:
        """Ids of a hundred customers of a node."""
        page = self.call("GET", f"/customers?nodeId={node}&size=100&fields=id")
        return [each["id"] for each in page["elements"]]

    def writes(self, kind: str, node: str, people: list[str]) -> float:
        """Writes of a kind a second."""

        def following() -> bytes:
            number = next(_numbers)
            person = people[number % len(people)]
            if kind == "POST customer":
                base = {"contacts": {"email": f"w{number}@example.com"}, "firstName": "Name 0"}
                return self._request("POST", "/customers", {"nodeId": node, "base": base})
            if kind == "PATCH customer":
                change = {"base": {"firstName": f"Name {number % 80}"}}
                return self._request("PATCH", f"/customers/{person}", change)
            event = {
                "customerId": person, "type": "searched", "context": "WEB",
                "properties": {"keyword": str(number)},
            }  # fmt: skip
            return self._request("POST", "/events", event)

        expected = (b"HTTP/1.1 200", b"HTTP/1.1 201", b"HTTP/1.1 202")
        return requests_per_second(PORT, following, seconds=SECONDS, expected=expected)

    def _request(self, method: str, path: str, body: Any) -> bytes:
        content = json.dumps(body).encode()
        return http_request(method, self.path + path, token=self.token, body=content)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        with running_product(data) as facts:
            api = Api(facts)
            manage(data, "seed_customers", "--node", api.node, "--count", str(CUSTOMERS))
            other = facts["nodeIds"][1]
            further = ("--count", str(CUSTOMERS), "--first", "5000000")
            manage(data, "seed_customers", "--node", other, *further)
            manage(data, "seed_events", "--node", api.node, "--count", str(EVENTS))
            with psycopg.connect(address_of(data), autocommit=True) as connection:
                connection.execute("VACUUM (ANALYZE) customers_customer, events_event")
                started = time.perf_counter()
                segments = make_segments(api)
                wait(api, segments)
                print(f"{SEGMENTS} segments built in {time.perf_counter() - started:.0f} s")
                cost_of_writes(api, facts["nodeIds"][:2], segments[0])
                catch_up(api, data, segments)
                answers(api, segments)


def make_segments(api: Api) -> list[str]:
    return [_made_segment(api, number) for number in range(SEGMENTS)]


def _made_segment(api: Api, number: int) -> str:
    body = {"nodeId": api.node, "name": f"S{number}", "query": {"query": query_of(number)}}
    while True:
        try:
            made: str = api.call("POST", "/segments", body)["id"]
            return made
        except urllib.error.HTTPError as failure:
            if failure.code != 503:  # the seeded changes are still being put in order
                raise


def wait(api: Api, segments: list[str]) -> None:
    """Until every segment is built and nothing is left to be followed."""
    for segment in segments:
        while True:
            count = api.call("GET", f"/segments/{segment}/count")
            if count["state"] == "READY" and count["lag"] == 0:
                break
            time.sleep(0.2)


def cost_of_writes(api: Api, nodes: list[str], segment: str) -> None:
    """Print the CPU of a write in a node without segments, of that in one with segments."""
    idle = idle_cpu()
    for kind in ("POST customer", "PATCH customer", "POST event"):
        rounds = [
            [cpu_of_writes(api, kind, node, segment, idle) for node in nodes] for _ in range(ROUNDS)
        ]
        ratio = statistics.median(without / with_segments for with_segments, without in rounds)
        after, before = (statistics.median(each) * 1e6 for each in zip(*rounds, strict=True))
        print(f"{kind:16} {before:6.0f} us without, {after:6.0f} us with: {ratio:.2f}", flush=True)


def cpu_of_writes(api: Api, kind: str, node: str, segment: str, idle: float) -> float:
    """Seconds of CPU of a write, with all that it leads to."""
    people = api.people_of(node)
    started, spent = time.perf_counter(), cpu_of_product()
    written = api.writes(kind, node, people) * SECONDS
    wait(api, [segment])  # the lag is that of all segments
    spent = cpu_of_product() - spent - idle * (time.perf_counter() - started)
    return spent / written


def idle_cpu() -> float:
    """CPU that the product takes in a second in which nothing happens."""
    spent = cpu_of_product()
    time.sleep(IDLE_SECONDS)
    return (cpu_of_product() - spent) / IDLE_SECONDS


def cpu_of_product() -> float:
    """Seconds of CPU of all processes of the product, ended ones too."""
    total = 0.0
    for process in psutil.Process().children(recursive=True):
        try:
            total += sum(process.cpu_times()[:4])
        except psutil.NoSuchProcess:
            continue
    return total


def catch_up(api: Api, data: Path, segments: list[str]) -> None:
    first = str(CUSTOMERS)
    manage(data, "seed_customers", "--node", api.node, "--count", str(BULK), "--first", first)
    started = time.perf_counter()
    wait(api, segments)
    followed = time.perf_counter() - started
    started = time.perf_counter()
    for number in range(SEGMENTS):
        body = {"nodeId": api.node, "query": {"query": query_of(number)}}
        api.call("POST", "/segments/preview", body)
    evaluated = time.perf_counter() - started
    print(f"{BULK} changes followed in {followed:.0f} s, each segment evaluated once in"
          f" {evaluated:.0f} s: {followed / evaluated:.2f}")  # fmt: skip


def answers(api: Api, segments: list[str]) -> None:
    for path in ("count", "customers"):
        taken = []
        for segment in segments:
            started = time.perf_counter()
            api.call("GET", f"/segments/{segment}/{path}")
            taken.append((time.perf_counter() - started) * 1000)
        worst = sorted(taken)[int(len(taken) * 0.95)]
        print(f"{path}: median {statistics.median(taken):.1f} ms, 95 % below {worst:.1f} ms")


if __name__ == "__main__":
    main()
