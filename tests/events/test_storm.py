"""Anonymous events, sessions and customers from eight processes at once."""

from __future__ import annotations

import random
from typing import Any

import pytest

from customers.models import Customer, Session
from events.models import Event
from tests.client import ApiClient
from tests.factories import Hub
from tests.processes import run_in_processes

PROCESSES, STEPS, VALUES = 8, 60, 25


def work(*, number: int, token: str, path: str, node: str, customers: list[str]) -> Any:
    """One process's part: the ids of the events it was told are kept, and odd answers."""
    chance = random.Random(number)
    client = ApiClient(token)
    events, odd = [], []
    event = {"type": "viewedPage", "context": "WEB", "properties": {}}
    for step in range(STEPS):
        value = f"v{chance.randrange(VALUES)}"
        kind = chance.choice(["SESSION_ID", "EXTERNAL_ID"])
        bring_back = {"type": kind, "value": value, "nodeId": node}
        act = chance.randrange(8)
        if act < 4:
            answer = client.post(f"{path}/events", event | {"bringBackProperties": bring_back})
            allowed = {202}
            events += [answer["id"]] if answer.status == 202 else []
        elif act == 4:
            batch = [
                event | {"bringBackProperties": bring_back | {"value": f"v{each}"}}
                for each in chance.sample(range(VALUES), 10)
            ]
            answer = client.post(f"{path}/events/batch", {"events": batch})
            allowed = {202}
            events += [each["id"] for each in answer["elements"]]
        elif act == 5:
            customer = chance.choice(customers)
            answer = client.post(f"{path}/customers/{customer}/sessions", {"value": value})
            allowed = {201, 409}
        elif act == 6:
            # Every external id is one customer's: v1 is the first one's, and so on.
            index = int(value[1:])
            if index >= len(customers):
                continue
            answer = client.patch(f"{path}/customers/{customers[index]}", {"externalId": value})
            allowed = {200}
        else:
            email = f"{number}-{step}@example.com"
            body = {"nodeId": node, "base": {"contacts": {"email": email}}}
            answer = client.post(
                f"{path}/customers", body, query={"sessionId": f"n{number}-{step}"}
            )
            allowed = {201}
        if answer.status not in allowed:
            odd.append([act, answer.status])
    return {"events": events, "odd": odd}


@pytest.mark.timeout(200)
def test_every_event_hangs_where_it_must(live_hub: Hub) -> None:
    hub = live_hub
    customers = [hub.post_customer()["id"] for _ in range(12)]
    shared = {
        "token": hub.trusted.token, "path": hub.path, "node": str(hub.node.id),
        "customers": customers,
    }  # fmt: skip
    arguments = [shared | {"number": number} for number in range(PROCESSES)]
    results = run_in_processes("tests.events.test_storm:work", arguments)
    assert not [result["odd"] for result in results if result["odd"]]
    reported = [event for result in results for event in result["events"]]
    assert len(reported) == len(set(reported))
    assert {str(each) for each in Event.objects.values_list("id", flat=True)} == set(reported)
    sessions = dict(Session.objects.values_list("value", "customer_id"))
    known = dict(Customer.objects.live().values_list("external_id", "id"))
    for event in Event.objects.all():
        owners = sessions if event.bring_back_type == "SESSION_ID" else known
        assert event.customer_id == owners.get(event.bring_back_value)
