"""Everything at once, from several processes: nothing is doubled, lost or left in a deadlock."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest

from customers.models import Change, Customer, Session
from tests.client import ApiClient
from tests.factories import Hub
from tests.processes import run_in_processes

PROCESSES, STEPS = 5, 60
PEOPLE = [f"person{number}@example.com" for number in range(8)]
ALLOWED = {200, 201, 204, 404, 409, 423}


def work(*, number: int, token: str, operator: str, path: str, node: str, kept: list[str]) -> Any:
    """One process's part; what it was told to have been done, for the others to check."""
    chance = random.Random(number)
    client = ApiClient(token)
    statuses: Counter[int] = Counter()
    unique, appended, last = f"w{number}", 0, {}

    def reported(answer: Any) -> Any:
        statuses[answer.status] += 1
        return answer

    for step in range(STEPS):
        email = chance.choice(PEOPLE)
        body = {"nodeId": node, "base": {"contacts": {"email": email}}}
        act = chance.randrange(10)
        if act < 3:
            tag = f"{unique}-{step}"
            answer = reported(client.post(f"{path}/customers", body | {"tags": {"manual": [tag]}}))
            appended += answer.status in {200, 201}
        elif act < 7:
            customer = chance.choice(kept)
            change = {"base": {"address": {}}, "extended": {unique: step}}
            answer = reported(client.patch(f"{path}/customers/{customer}", change))
            if answer.status == 200:
                last[customer] = step
        elif act == 7:
            found = client.get(f"{path}/customers", query={"nodeId": node, "size": 100})
            gone = [each["id"] for each in found["elements"] if each["id"] not in kept]
            if gone:
                reported(client.delete(f"{path}/customers/{chance.choice(gone)}"))
        elif act == 8:
            customer = chance.choice(kept)
            value = {"value": f"session{chance.randrange(20)}"}
            reported(client.post(f"{path}/customers/{customer}/sessions", value))
        elif number == 0:
            policy = {"properties": ["base.contacts.email"], "caseSensitive": bool(step % 2)}
            where = f"{path}/configuration/nodes/entries/{node}/unique-customer-matching-policy"
            reported(ApiClient(operator).put(where, policy))
        else:
            reported(
                client.post(f"{path}/customers", body, query={"sessionId": f"mine{number}-{step}"})
            )
    return {"statuses": dict(statuses), "last": last, "key": unique}


@pytest.mark.timeout(200)
def test_a_storm(live_hub: Hub) -> None:
    hub = live_hub
    properties = {f"w{number}": {"type": "integer"} for number in range(PROCESSES)}
    assert hub.operator.put(f"{hub.configuration}/properties/extended", properties).status == 200
    kept = [hub.post_customer()["id"] for _ in range(4)]
    shared = {
        "token": hub.trusted.token, "operator": hub.operator.token, "path": hub.path,
        "node": str(hub.node.id), "kept": kept,
    }  # fmt: skip
    arguments = [shared | {"number": number} for number in range(PROCESSES)]
    results = run_in_processes("tests.customers.test_storm:work", arguments)

    for result in results:
        assert {int(status) for status in result["statuses"]} <= ALLOWED, result["statuses"]
        # No lost write: what each process was told last is what stands there.
        for customer, step in result["last"].items():
            assert Customer.objects.get(id=customer).extended[result["key"]] == step
    live = Customer.objects.in_node(hub.workspace.id, hub.node.id)
    emails = Counter(each.base["contacts"]["email"] for each in live)
    assert set(emails.values()) == {1}
    for customer in Customer.objects.all():
        changes = Change.objects.filter(entity_id=customer.id).order_by("id")
        operations = [change.operation for change in changes]
        assert len(operations) == customer.version
        assert operations[0] == "CREATE"
        assert ("DELETE" in operations) == (customer.deleted == 1)
    assert not Session.objects.exclude(customer__deleted=0).exists()
