from __future__ import annotations

import threading
import uuid
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from configuration.actions.idempotency import clear_old_keys
from configuration.models import IdempotencyKey
from events.models import Event
from tests.client import Answer
from tests.factories import Hub


def event(**given: Any) -> dict[str, Any]:
    return {"type": "viewedPage", "context": "WEB", "properties": {}} | given


def batch(hub: Hub, events: Any, **headers: str) -> Answer:
    return hub.trusted.post(f"{hub.path}/events/batch", {"events": events}, **headers)


def test_each_event_stands_alone(hub: Hub) -> None:
    customer = hub.post_customer()["id"]
    disabled = hub.post_customer(enabled=False)["id"]
    session = {"value": "s", "nodeId": str(hub.node.id)}
    answer = batch(hub, [
        event(customerId=customer), event(customerId=customer, type="zz"), "no event",
        event(bringBackProperties=session), event(customerId=str(uuid.uuid4())),
        event(customerId=disabled), event(customerId=customer, properties={"zz": 1}),
        event(bringBackProperties=session | {"nodeId": "x"}),
        event(customerId=customer, type="formCompiled", properties={"data": {"x": "y" * 70_000}}),
        event(customerId=customer, date="2021-01-01"),
    ])  # fmt: skip
    assert answer.status == 202
    outcomes = answer["elements"]
    statuses = [each["status"] for each in outcomes]
    assert statuses == [202, 400, 400, 202, 404, 403, 400, 404, 413, 202]
    assert outcomes[6]["errors"][0]["path"] == "/properties/zz"
    ids = [each["id"] for each in outcomes if "id" in each]
    assert {str(each) for each in Event.objects.values_list("id", flat=True)} == set(ids)
    assert hub.trusted.get(f"{hub.path}/events/{ids[1]}")["customerId"] is None


@pytest.mark.parametrize("events", [None, [], {}, [{}] * 1001, 7])
def test_what_is_no_batch(hub: Hub, events: Any) -> None:
    answer = batch(hub, events)
    assert (answer.status, answer.paths) == (400, {"/events"})


def test_a_thousand_events_are_few_statements(hub: Hub) -> None:
    customers = [hub.post_customer()["id"] for _ in range(5)]
    events = [event(customerId=customers[number % 5]) for number in range(500)]
    events += [
        event(bringBackProperties={"value": f"s{number}", "nodeId": str(hub.node.id)})
        for number in range(500)
    ]
    batch(hub, events[:1])
    with CaptureQueriesContext(connection) as captured:
        answer = batch(hub, events)
    assert {each["status"] for each in answer["elements"]} == {202}
    assert Event.objects.count() == 1001
    assert len(captured) < 12


def test_the_same_key_gives_the_first_answer(hub: Hub) -> None:
    customer = hub.post_customer()["id"]
    path, body = f"{hub.path}/events", event(customerId=customer)
    first = hub.trusted.post(path, body, Idempotency_Key="k-1")
    again = hub.trusted.post(path, body, Idempotency_Key="k-1")
    assert first.status == again.status == 202
    assert first.json == again.json
    assert Event.objects.count() == 1
    other = hub.trusted.post(
        path, event(customerId=customer, type="loggedIn"), Idempotency_Key="k-1"
    )
    assert other.status == 409
    assert hub.admin.post(path, body, Idempotency_Key="k-1").json != first.json  # another's key
    assert hub.trusted.post(path, body).json != first.json
    many = batch(hub, [body, body], Idempotency_Key="k-2")
    assert batch(hub, [body, body], Idempotency_Key="k-2").json == many.json
    assert batch(hub, [body], Idempotency_Key="k-1").status == 409
    assert Event.objects.count() == 5


def test_a_refused_event_leaves_its_key_unused(hub: Hub) -> None:
    customer = hub.post_customer(enabled=False)["id"]
    path, body = f"{hub.path}/events", event(customerId=customer)
    assert hub.trusted.post(path, body, Idempotency_Key="k").status == 403
    hub.trusted.patch(f"{hub.path}/customers/{customer}", {"enabled": True})
    assert hub.trusted.post(path, body, Idempotency_Key="k").status == 202


@pytest.mark.parametrize("key", ["", "   ", "x" * 256])
def test_bad_keys(hub: Hub, key: str) -> None:
    answer = hub.trusted.post(f"{hub.path}/events", event(), Idempotency_Key=key)
    assert (answer.status, answer.paths) == (400, {"/Idempotency-Key"})


def test_keys_are_forgotten_after_a_day(hub: Hub) -> None:
    customer = hub.post_customer()["id"]
    hub.trusted.post(f"{hub.path}/events", event(customerId=customer), Idempotency_Key="k")
    assert clear_old_keys() == 0
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE configuration_idempotencykey SET created_at = now() - interval '25 hours'"
        )
    assert clear_old_keys() == 1


def test_the_same_key_from_many_at_once(live_hub: Hub) -> None:
    hub = live_hub
    customer = hub.post_customer()["id"]
    answers: list[Answer] = []

    def send() -> None:
        try:
            body = event(customerId=customer)
            answers.append(hub.trusted.post(f"{hub.path}/events", body, Idempotency_Key="k"))
        finally:
            connection.close()

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status for answer in answers} == {202}
    assert len({answer["id"] for answer in answers}) == 1
    assert Event.objects.count() == 1
    assert IdempotencyKey.objects.count() == 1
