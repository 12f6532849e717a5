"""Members of segments in the whole product, while its worker is killed."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.customers.test_webhook_faults import kill_workers
from tests.product import Product, running
from tests.segments.test_segments import are, did, wrapped

WRITES = 400
SECONDS = 100.0


@pytest.fixture
def product(tmp_path: Path) -> Iterator[Product]:
    with running(tmp_path / "data") as product:
        yield product


@pytest.mark.timeout(240)
def test_members_are_right_after_a_storm_with_killed_workers(product: Product) -> None:
    node, customers = product.facts["nodeIds"][0], f"{product.workspace}/customers"
    never = did("searched", having=[{"function": "COUNT", "operator": "EQUALS", "value": 0}])
    queries: list[Any] = [are("base.firstName", "EQUALS", "Ada"), did("searched"), never]
    segments = []
    for number, query in enumerate(queries):
        body = {"nodeId": node, "name": f"Group {number}", "query": wrapped(query)}
        status, made = product.call("POST", f"{product.workspace}/segments", body)
        assert status == 201
        segments.append(made["id"])
    chance, people, events = random.Random(7), [], []
    for number in range(WRITES):
        act = chance.random()
        if act < 0.4 or not people:
            people.append(product.post(f"storm{number}@example.com")[1]["id"])
        elif act < 0.7:
            name = chance.choice(["Ada", "Bob"])
            change = {"base": {"firstName": name}}
            product.call("PATCH", f"{customers}/{chance.choice(people)}", change)
        elif act < 0.9 or not events:
            body = {
                "type": "searched", "context": "WEB", "properties": {"keyword": "x"},
                "customerId": chance.choice(people),
            }  # fmt: skip
            events.append(product.call("POST", f"{product.workspace}/events", body)[1]["id"])
        elif act < 0.95:
            event = events.pop(chance.randrange(len(events)))
            product.call("DELETE", f"{product.workspace}/events/{event}")
        elif len(people) > 20:
            gone = people.pop(chance.randrange(len(people)))
            events.clear()  # some went with the customer
            product.call("DELETE", f"{customers}/{gone}")
        if number % 100 == 50:
            kill_workers(product)
    deadline = time.monotonic() + SECONDS
    for segment, query in zip(segments, queries, strict=True):
        path = f"{product.workspace}/segments/{segment}"
        query_string = urlencode({"nodeId": node, "query": json.dumps(wrapped(query)), "size": 100})
        expected = product.call("GET", f"{customers}?{query_string}")[1]
        while True:
            count = product.call("GET", f"{path}/count")[1]
            if count["state"] == "READY" and count["lag"] == 0:
                break
            assert time.monotonic() < deadline, count
            time.sleep(0.3)
        assert count["count"] == expected["page"]["totalElements"]
        found = product.call("GET", f"{path}/customers?size=100")[1]
        assert [each["id"] for each in found["elements"]] == [
            each["id"] for each in expected["elements"]
        ]
