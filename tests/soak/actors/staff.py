"""Staff: merges and their undoing, erasure, segments, exports, and what was refused sent again.

Each works on people of its own, so that what the sources were promised stays true.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from typing import Any

from tests.soak.actors.sources import upload
from tests.soak.hub import Hub, idempotency_key

WAIT = 30.0  # for work that is done later
EXPORTED = ("entity=CUSTOMER", "entity=EVENT&eventType=viewedPage")


def merger(hub: Hub, name: str, seed: int) -> None:
    """Makes one of two people, and every third time two of one again."""
    chance, number = random.Random(seed), 0
    while not hub.is_over:
        number += 1
        hub.pause()
        survivor = _person(hub, f"{name}-{number}-a")
        other = _person(hub, f"{name}-{number}-b")
        event = _event(hub, other, f"/{name}/{number}", chance)
        merged = _once_only(hub, chance, f"/customers/{survivor}/merge", {"customers": [other]})
        kept = {"survivor": survivor, "other": other, "eventOfOther": event}
        if number % 3 == 0:
            _once_only(hub, chance, f"/merges/{merged['id']}/undo", {})
            hub.record(undone=merged["id"], **kept)
        else:
            hub.record(merge=merged["id"], **kept)


def eraser(hub: Hub, name: str, seed: int) -> None:
    """Forgets people, and finds that a file does not bring them back."""
    chance, number = random.Random(seed), 0
    node = hub.facts["nodeIds"][0]
    while not hub.is_over:
        number += 1
        person = _person(hub, f"{name}-{number}")
        _event(hub, person, f"/{name}/{number}", chance)
        path = f"/data-protection/customers/{person}?receipt=true"
        status, answer = hub.send_until_answered("DELETE", path, token="dpo")
        # 404: done by a try whose answer was lost.
        assert status in {200, 404}, (status, answer)
        job = upload(hub, node, f"base.contacts.email\n{name}-{number}@soak.example\n")
        hub.record(erased=person, email=f"{name}-{number}@soak.example", job=job)
        time.sleep(0.5 + hub.pace)


def segmenter(hub: Hub, name: str, seed: int) -> None:
    """Makes segments of what others write, gives them other queries, and reads their members."""
    chance, number = random.Random(seed), 0
    node = hub.facts["nodeIds"][0]
    made: list[str] = []
    while not hub.is_over:
        number += 1
        values = {"nodeId": node, "name": f"{name} {number}", "query": _query(chance)}
        if len(made) < 6:
            made.append(_once_only(hub, chance, "/segments", values)["id"])
            hub.record(segment=made[-1])
        elif chance.random() < 0.2:
            del values["nodeId"]
            status, answer = hub.send_until_answered(
                "PUT", f"/segments/{chance.choice(made)}", values
            )
            assert status == 200, (status, answer)
        path = f"/segments/{chance.choice(made)}/{chance.choice(['customers', 'count', 'changes'])}"
        status, answer = hub.send_until_answered("GET", path)
        assert status == 200, (status, answer)
        time.sleep(0.5 + hub.pace)


def exporter(hub: Hub, name: str, seed: int) -> None:
    """Has files written and reads them: each line is whole, and there are as many as were told."""
    chance = random.Random(seed)
    exports = f"/nodes/{hub.facts['nodeIds'][0]}/exports"
    while not hub.is_over:
        path = f"{exports}?format=jsonl&{chance.choice(EXPORTED)}"
        export = _once_only(hub, chance, path, None, good=202)
        ended = _until(hub, f"{exports}/{export['id']}", _has_ended)
        if ended is not None and ended["status"] == "PROCESSED":
            status, text = hub.send_until_answered(
                "GET", f"{exports}/{export['id']}/file", raw=True
            )
            # Erasing somebody removes files that may name them; such an export is FAILED then.
            assert status in {200, 404} or "is FAILED" in text, (status, text[:300])
            if status == 200:
                lines = [json.loads(line) for line in text.splitlines()]
                assert len(lines) == ended["writtenEntities"], (len(lines), ended)
                hub.record(exported=len(lines))
        status, _ = hub.send_until_answered("DELETE", f"{exports}/{export['id']}")
        assert status in {204, 404}, status
        hub.pause()


def replayer(hub: Hub, name: str, seed: int) -> None:
    """Sends what is refused, mends it and sends it again: it is taken once."""
    number = 0
    person = _person(hub, name)
    while not hub.is_over:
        number += 1
        event = {
            "customerId": person, "type": "viewedPage", "context": "WEB",
            "properties": {"path": f"/{name}/{number}", "title": number},
        }  # fmt: skip
        status, answer = hub.send_until_answered("POST", "/events", event)
        assert status == 400, (status, answer)
        time.sleep(1)
        status, found = hub.send_until_answered(
            "GET", "/quarantine?type=viewedPage&state=REFUSED&size=5", token="admin"
        )
        assert status == 200, (status, found)
        for example in found["elements"]:
            mark = example["body"]["properties"]["path"]
            patch = {"properties": {"title": "mended", "path": f"{mark}/{example['id']}"}}
            path = f"/quarantine/{example['id']}/replay"
            status, done = hub.send_until_answered("POST", path, {"patch": patch}, token="admin")
            assert (status, done["outcome"]) == (200, "ACCEPTED"), (status, done)
            hub.record(event=done["entityId"], mark=patch["properties"]["path"])


def _person(hub: Hub, name: str) -> str:
    body = {
        "nodeId": hub.facts["nodeIds"][0],
        "base": {"contacts": {"email": f"{name}@soak.example"}},
    }
    status, customer = hub.send_until_answered("POST", "/customers", body)
    assert status in {200, 201}, (status, customer)
    made: str = customer["id"]
    return made


def _event(hub: Hub, person: str, mark: str, chance: random.Random) -> str:
    event = {
        "customerId": person, "type": "viewedPage", "context": "WEB", "properties": {"path": mark},
    }  # fmt: skip
    made: str = _once_only(hub, chance, "/events", event, good=202)["id"]
    return made


def _once_only(
    hub: Hub, chance: random.Random, path: str, body: Any, *, good: int | None = None
) -> Any:
    """Post it until there is an answer; however many tries that takes, it is done once."""
    key = idempotency_key(chance)
    status, answer = hub.send_until_answered("POST", path, body, Idempotency_Key=key)
    assert status in ({200, 201} if good is None else {good}), (path, status, answer)
    return answer


def _until(hub: Hub, path: str, is_over: Callable[[Any], bool]) -> Any:
    """What is at the path once it is over; None when that takes too long or it has gone."""
    deadline = time.monotonic() + WAIT
    while time.monotonic() < deadline:
        status, answer = hub.send_until_answered("GET", path)
        if status == 404:
            return None
        assert status == 200, (status, answer)
        if is_over(answer):
            return answer
        time.sleep(0.3)
    return None


def _has_ended(job: Any) -> bool:
    return job["status"] in {"PROCESSED", "FAILED"}


def _query(chance: random.Random) -> Any:
    """Queries of properties and of events."""
    name = {
        "type": "atomic", "attribute": "base.firstName", "operator": "IN",
        "value": str(chance.randrange(10)),
    }  # fmt: skip
    did = {
        "event": {"name": "viewedPage"},
        "having": [{"function": "COUNT", "operator": "GTE", "value": chance.randrange(1, 4)}],
    }
    simple = chance.choice([{"are": {"condition": name}}, {"did": did}])
    return {"name": "", "query": {"type": "simple", "name": "", **simple}}
