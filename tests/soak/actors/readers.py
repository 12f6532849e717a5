"""Readers: searches, cursors, followers of the update stream, and clients that dawdle."""

from __future__ import annotations

import contextlib
import json
import random
import socket
import time
import urllib.parse

from tests.soak.hub import Hub


def reader(hub: Hub, name: str, seed: int) -> None:
    """Searches and analytics: an answer is right or says "try again", nothing else."""
    chance = random.Random(seed)
    node = hub.facts["nodeIds"][0]
    email = {"name": "", "query": {"type": "simple", "name": "", "are": {"condition": {
        "type": "atomic", "attribute": "base.contacts.email", "operator": "IN", "value": "soak",
    }}}}  # fmt: skip
    questions = [
        f"/customers?nodeId={node}&query={urllib.parse.quote(json.dumps(email))}",
        f"/customers?nodeId={node}&sort=base.firstName,desc",
        f"/events?nodeId={node}", "/stats", "/stats/events/kpi/web", "/stats/customers/channels",
        "/stats/events/types", "/stats/customers/updates?type=DELETED",
    ]  # fmt: skip
    while not hub.is_over:
        status, answer = hub.once("GET", chance.choice(questions))
        assert status in {0, 200, 503}, (status, answer)
        hub.pause()


def follower(hub: Hub, name: str, seed: int) -> None:
    """Follows the update stream from the start; offsets never go back."""
    offset = 0
    while True:
        status, answer = hub.send_until_answered(
            "GET", f"/updates?offset={offset}&size=100", token="operator"
        )
        assert status == 200, (status, answer)
        updates = answer["updates"]
        for update in updates:
            assert update["offset"] > offset, (update["offset"], offset)
            offset = update["offset"]
            hub.record(
                offset=offset, operation=update["operation"], kind=update["entity"]["type"],
                id=update["entity"]["data"]["id"],
            )  # fmt: skip
        if not updates:
            if hub.is_over:
                return
            time.sleep(0.2)


def pager(hub: Hub, name: str, seed: int) -> None:
    """Walks through all customers by cursor, again and again: nobody comes twice in a walk."""
    node = hub.facts["nodeIds"][0]
    start = f"/customers?nodeId={node}&sort=id&fields=id&size=50"
    while not hub.is_over:
        path, ids = start, [""]
        while path and not hub.is_over:
            status, answer = hub.send_until_answered("GET", path)
            assert status == 200, (status, answer)
            for customer in answer["elements"]:
                assert customer["id"] > ids[-1], "a walk went back"
                ids.append(customer["id"])
            cursor = answer["page"]["next"]
            path = cursor and f"{start}&cursor={urllib.parse.quote(cursor)}"
            hub.pause()
        hub.record(walk=len(ids) - 1)


def slow_client(hub: Hub, name: str, seed: int) -> None:
    """Connections on which nothing comes, a byte a second, or an answer that nobody reads."""
    chance = random.Random(seed)
    address = urllib.parse.urlsplit(hub.workspace)
    token = hub.facts["tokens"]["trusted"]
    common = f"Host: {address.netloc}\r\nAuthorization: Bearer {token}\r\n"
    node = hub.facts["nodeIds"][0]
    kinds = [
        "",
        f"POST {address.path}/customers HTTP/1.1\r\n{common}Content-Length: 9000\r\n\r\n",
        f"GET {address.path}/nodes/{node}/export HTTP/1.1\r\n{common}\r\n",
    ]
    while not hub.is_over:
        held = []
        for _ in range(24):
            try:
                one = socket.create_connection((address.hostname, address.port), timeout=2)
                one.sendall(chance.choice(kinds).encode())
            except OSError:
                continue
            held.append(one)
        for _ in range(8):
            for one in held:
                with contextlib.suppress(OSError):  # the product has let it go
                    one.send(b"x", socket.MSG_DONTWAIT)
            time.sleep(1)
        for one in held:
            one.close()
