"""Deliveries of the whole product, while its worker is killed and the receiver misbehaves."""

from __future__ import annotations

import contextlib
import hashlib
import random
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.customers.webhook_receiver import Receiver, answers, receiving, resets
from tests.product import Product, running

CUSTOMERS = 300
DELIVERY_SECONDS = 100.0


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


@pytest.fixture
def product(tmp_path: Path, receiver: Receiver) -> Iterator[Product]:
    settings = {
        "WEBHOOK_ALLOW_HTTP": "true", "WEBHOOK_INTERNAL_HOSTS": "localhost",
        "WEBHOOK_TIMEOUT": "1",
    }  # fmt: skip
    with running(tmp_path / "data", **settings) as product:
        yield product


def misbehaving(chance: random.Random) -> Any:
    """Now and then no answer, a wrong one, or an end of the connection."""
    kinds = [answers(500), answers(429, Retry_After="1"), resets, lambda *_: time.sleep(3)]

    def answer(handler: BaseHTTPRequestHandler, number: int) -> None:
        wrong = chance.random() < 0.3
        (chance.choice(kinds) if wrong else answers(200))(handler, number)

    return answer


def kill_workers(product: Product) -> None:
    assert product.process is not None
    for child in psutil.Process(product.process.pid).children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):  # a zombie is one, too
            command = child.cmdline()
            if "celery" in command and "worker" in command:
                child.kill()


@pytest.mark.timeout(240)
def test_each_change_arrives_in_order_whatever_fails(product: Product, receiver: Receiver) -> None:
    body = {"name": "Shop", "url": receiver.url}
    status, webhook = product.call("POST", f"{product.workspace}/webhooks", body, "operator")
    assert status == 201, webhook
    receiver.answering = misbehaving(random.Random(5))
    for number in range(CUSTOMERS):
        assert product.post(f"person{number}@example.com")[0] == 201
        if number in {100, 200}:
            kill_workers(product)
    receiver.answering = answers(200)
    last = product.call("GET", f"{product.workspace}/updates/last-offset")[1]["lastOffset"]
    deadline = time.monotonic() + DELIVERY_SECONDS
    path = f"{product.workspace}/webhooks/{webhook['id']}"
    while product.call("GET", path, token="operator")[1]["deliveredOffset"] < last:
        assert time.monotonic() < deadline, product.call(
            "GET", f"{path}/attempts", token="operator"
        )
        time.sleep(0.5)

    by_offset: dict[int, Any] = {}
    order = []
    for update in receiver.updates:
        if update["offset"] not in by_offset:
            order.append(update["offset"])
        by_offset[update["offset"]] = update
    assert order == sorted(order)
    lines = "".join(
        f"{each['offset']} {each['entity']['data']['id']}"
        f" {each.get('recordedOperation', each['operation'])}\n"
        for _, each in sorted(by_offset.items())
    )
    first = webhook["deliveredOffset"] + 1
    proof = product.call("GET", f"{product.workspace}/updates/verify?from={first}&to={last}")[1]
    assert proof["count"] == len(by_offset) >= CUSTOMERS
    assert proof["hash"] == hashlib.sha256(lines.encode()).hexdigest()
