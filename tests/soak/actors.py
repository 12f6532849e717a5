"""Who puts load on the product; each is a process of its own and writes down what it was promised.

An actor repeats a request until it is answered, as a careful client would. What it writes down is a
line of JSON for each acknowledgement, so that killing the actor would lose nothing either.
"""

from __future__ import annotations

import http.client
import json
import random
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

PATIENCE = 60.0
BULK_ROWS = 150


class Lost(Exception):
    """The product did not come back in time."""


class Hub:
    """The API as an actor sees it."""

    def __init__(self, facts: dict[str, Any], log: Path, until: float) -> None:
        self.facts = facts
        self.until = until
        self.workspace = f"{facts['baseUrl']}/hub/v1/workspaces/{facts['workspaceId']}"
        self.statuses: dict[str, int] = {}
        self._log = log.open("a", buffering=1)

    @property
    def is_over(self) -> bool:
        return time.time() >= self.until

    def promised(self, **what: Any) -> None:
        self._log.write(json.dumps(what) + "\n")

    def finish(self) -> None:
        self.promised(statuses=self.statuses)
        self._log.close()

    def once(
        self, method: str, path: str, body: Any = None, *, token: str = "trusted", **headers: str
    ) -> tuple[int, Any]:
        """One try; 0 when there was no answer."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(
            self.workspace + path,
            method=method,
            data=None if body is None else raw,
            headers={
                "Authorization": f"Bearer {self.facts['tokens'][token]}",
                "Content-Type": "application/json",
            } | {name.replace("_", "-"): value for name, value in headers.items()},
        )  # fmt: skip
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                status, content = answer.status, answer.read()
        except urllib.error.HTTPError as refused:
            status, content = refused.code, refused.read()
        except (OSError, http.client.HTTPException):
            status, content = 0, b""
        self.statuses[f"{method} {status}"] = self.statuses.get(f"{method} {status}", 0) + 1
        try:
            return status, json.loads(content) if content else None
        except ValueError:
            return (status, content.decode(errors="replace")) if status else (0, None)

    def insist(self, method: str, path: str, body: Any = None, **options: Any) -> tuple[int, Any]:
        """Until there is an answer that is not "try again"; raises Lost."""
        deadline = time.time() + PATIENCE
        while time.time() < deadline:
            status, answer = self.once(method, path, body, **options)
            if status not in {0, 429, 503}:
                return status, answer
            time.sleep(0.1)
        raise Lost(f"{method} {path}")


def writer(hub: Hub, name: str, seed: int) -> None:
    """People come, change, do things, get sessions, and some go."""
    chance, number = random.Random(seed), 0
    node = hub.facts["nodeIds"][0]
    people: list[str] = []
    while not hub.is_over:
        number += 1
        act = chance.randrange(10)
        if act < 3 or not people:
            email = f"{name}-{number}@soak.example"
            body = {"nodeId": node, "base": {"contacts": {"email": email}}}
            status, customer = hub.insist("POST", "/customers", body)
            assert status in {200, 201}, (status, customer)
            people.append(customer["id"])
            hub.promised(customer=customer["id"], email=email)
        elif act < 5:
            person = chance.choice(people)
            body = {"base": {"firstName": f"{name}{number}"}}
            status, answer = hub.insist("PATCH", f"/customers/{person}", body)
            assert status == 200, (status, answer)
            hub.promised(patched=person, name=f"{name}{number}")
        elif act < 8:
            mark = f"/{name}/{number}"
            event = {
                "customerId": chance.choice(people), "type": "viewedPage",
                "context": chance.choice(["WEB", "ECOMMERCE"]), "properties": {"path": mark},
            }  # fmt: skip
            status, taken = hub.insist(
                "POST",
                "/events",
                event,
                Idempotency_Key=str(uuid.UUID(int=chance.getrandbits(128))),
            )
            assert status == 202, (status, taken)
            hub.promised(event=taken["id"], mark=mark)
        elif act == 8:
            value = {"value": f"{name}-{number}"}
            status, _ = hub.insist("POST", f"/customers/{chance.choice(people)}/sessions", value)
            # Made already by a try whose answer was lost.
            assert status in {200, 201, 409}, status
            hub.promised(session=f"{name}-{number}")
        elif len(people) > 3:
            person = people.pop(chance.randrange(len(people)))
            status, _ = hub.insist("DELETE", f"/customers/{person}", token="admin")
            assert status in {200, 404}, status
            hub.promised(deleted=person)


def anonymous(hub: Hub, name: str, seed: int) -> None:
    """Events that wait for a session, old ones among them, which the purge takes."""
    chance, number = random.Random(seed), 0
    node = hub.facts["nodeIds"][1]
    while not hub.is_over:
        number += 1
        is_old = chance.random() < 0.3
        mark = f"/{'old' if is_old else name}/{number}"
        back = {"type": "SESSION_ID", "value": f"{name}-{number % 7}", "nodeId": node}
        event: dict[str, Any] = {
            "bringBackProperties": back, "type": "viewedPage", "context": "WEB",
            "properties": {"path": mark},
        }  # fmt: skip
        if is_old:
            event["date"] = "2011-01-01T00:00:00Z"
        key = str(uuid.UUID(int=chance.getrandbits(128)))
        status, taken = hub.insist("POST", "/events", event, Idempotency_Key=key)
        assert status == 202, (status, taken)
        if not is_old:
            hub.promised(event=taken["id"], mark=mark)
        time.sleep(0.02)


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


def follower(hub: Hub, name: str, seed: int) -> None:
    """Follows the update stream from the start; offsets never go back."""
    offset = 0
    while True:
        status, answer = hub.insist("GET", f"/updates?offset={offset}&size=100", token="operator")
        assert status == 200, (status, answer)
        updates = answer["updates"]
        for update in updates:
            assert update["offset"] > offset, (update["offset"], offset)
            offset = update["offset"]
            hub.promised(
                offset=offset, operation=update["operation"], kind=update["entity"]["type"],
                id=update["entity"]["data"]["id"],
            )  # fmt: skip
        if not updates:
            if hub.is_over:
                return
            time.sleep(0.2)


def importer(hub: Hub, name: str, seed: int) -> None:
    """Bulk jobs, one after the other; a file that was refused for now is sent again."""
    number = 0
    node = hub.facts["nodeIds"][1]
    while not hub.is_over:
        number += 1
        rows = "".join(f"{name}-{number}-{row}@soak.example,R{row}\n" for row in range(BULK_ROWS))
        form = (
            '--b\r\nContent-Disposition: form-data; name="operation"\r\n\r\nUPSERT\r\n'
            '--b\r\nContent-Disposition: form-data; name="file"; filename="f.csv"\r\n\r\n'
            f"base.contacts.email,base.firstName\n{rows}\r\n--b--\r\n"
        ).encode()
        status, job = hub.insist(
            "POST", f"/nodes/{node}/bulk-jobs", form, Content_Type="multipart/form-data; boundary=b"
        )
        if status == 409:  # ten wait already
            time.sleep(0.5)
            number -= 1
            continue
        assert status == 201, (status, job)
        assert job["status"] == "LOADED", job
        hub.promised(job=job["id"], node=node, prefix=f"{name}-{number}-")
        time.sleep(0.3)


ACTORS: dict[str, Callable[[Hub, str, int], None]] = {
    "writer": writer,
    "anonymous": anonymous,
    "reader": reader,
    "follower": follower,
    "importer": importer,
}


def act(kind: str, name: str, seed: int, facts: dict[str, Any], log: str, until: float) -> None:
    """The life of an actor's process."""
    hub = Hub(facts, Path(log), until)
    ACTORS[kind](hub, name, seed)
    hub.finish()
