"""Sources of data: single writes, anonymous events, files."""

from __future__ import annotations

import random
import time
from typing import Any

from tests.soak.hub import Hub, idempotency_key

BULK_ROWS = 150


def writer(hub: Hub, name: str, seed: int) -> None:
    """People come, change, do things, get sessions, and some go."""
    chance, number = random.Random(seed), 0
    node = hub.facts["nodeIds"][0]
    people: list[str] = []
    while not hub.is_over:
        number += 1
        hub.pause()
        act = chance.randrange(10)
        if act < 3 or not people:
            email = f"{name}-{number}@soak.example"
            body = {"nodeId": node, "base": {"contacts": {"email": email}}}
            status, customer = hub.send_until_answered("POST", "/customers", body)
            assert status in {200, 201}, (status, customer)
            people.append(customer["id"])
            hub.record(customer=customer["id"], email=email)
        elif act < 5:
            person = chance.choice(people)
            body = {"base": {"firstName": f"{name}{number}"}}
            status, answer = hub.send_until_answered("PATCH", f"/customers/{person}", body)
            assert status == 200, (status, answer)
            hub.record(patched=person, name=f"{name}{number}")
        elif act < 8:
            mark = f"/{name}/{number}"
            event = {
                "customerId": chance.choice(people), "type": "viewedPage",
                "context": chance.choice(["WEB", "ECOMMERCE"]), "properties": {"path": mark},
            }  # fmt: skip
            status, taken = hub.send_until_answered(
                "POST",
                "/events",
                event,
                Idempotency_Key=idempotency_key(chance),
            )
            assert status == 202, (status, taken)
            hub.record(event=taken["id"], mark=mark)
        elif act == 8:
            value = {"value": f"{name}-{number}"}
            status, _ = hub.send_until_answered(
                "POST", f"/customers/{chance.choice(people)}/sessions", value
            )
            # Made already by a try whose answer was lost.
            assert status in {200, 201, 409}, status
            hub.record(session=f"{name}-{number}")
        elif len(people) > 3:
            person = people.pop(chance.randrange(len(people)))
            status, _ = hub.send_until_answered("DELETE", f"/customers/{person}", token="admin")
            assert status in {200, 404}, status
            hub.record(deleted=person)


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
        key = idempotency_key(chance)
        status, taken = hub.send_until_answered("POST", "/events", event, Idempotency_Key=key)
        assert status == 202, (status, taken)
        if not is_old:
            hub.record(event=taken["id"], mark=mark)
        time.sleep(0.02)
        hub.pause()


def importer(hub: Hub, name: str, seed: int) -> None:
    """Bulk jobs, one after the other."""
    number = 0
    node = hub.facts["nodeIds"][1]
    while not hub.is_over:
        number += 1
        rows = "".join(f"{name}-{number}-{row}@soak.example,R{row}\n" for row in range(BULK_ROWS))
        job = upload(hub, node, f"base.contacts.email,base.firstName\n{rows}")
        hub.record(job=job, node=node, prefix=f"{name}-{number}-")
        time.sleep(0.3 + 10 * hub.pace)


def upload(hub: Hub, node: str, content: str) -> str:
    """The id of a new bulk job; a file that is refused for now is sent again."""
    form = (
        '--b\r\nContent-Disposition: form-data; name="operation"\r\n\r\nUPSERT\r\n'
        '--b\r\nContent-Disposition: form-data; name="file"; filename="f.csv"\r\n\r\n'
        f"{content}\r\n--b--\r\n"
    ).encode()
    path, kind = f"/nodes/{node}/bulk-jobs", "multipart/form-data; boundary=b"
    while True:
        status, job = hub.send_until_answered("POST", path, form, Content_Type=kind)
        if status != 409:  # ten wait already
            break
        time.sleep(0.5)
    assert status == 201, (status, job)
    assert job["status"] == "LOADED", job
    made: str = job["id"]
    return made
