"""Anonymous events find their customer: in both orders, and when both happen at once."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connection

from customers.models import Change
from events.models import Event
from tests.client import Answer
from tests.factories import Hub


def post(hub: Hub, value: str, kind: str | None = None, **given: Any) -> Answer:
    bring_back = {"value": value, "nodeId": str(hub.node.id)} | ({"type": kind} if kind else {})
    body = {"type": "viewedPage", "context": "WEB", "properties": {}} | given
    return hub.trusted.post(f"{hub.path}/events", body | {"bringBackProperties": bring_back})


def owner(event: Answer) -> str | None:
    customer_id = Event.objects.get(id=event["id"]).customer_id
    return None if customer_id is None else str(customer_id)


def test_by_a_session_that_comes_later(hub: Hub) -> None:
    first, second = post(hub, "s"), post(hub, "s", "SESSION_ID")
    other = post(hub, "other")
    found = hub.trusted.get(f"{hub.path}/events/{first['id']}")
    assert found["customerId"] is None
    assert found["bringBackProperties"] == {
        "type": "SESSION_ID", "value": "s", "nodeId": str(hub.node.id),
    }  # fmt: skip
    customer = hub.post_customer()["id"]
    hub.trusted.post(f"{hub.path}/customers/{customer}/sessions", {"value": "s"})
    assert [owner(each) for each in (first, second, other)] == [customer, customer, None]
    found = hub.trusted.get(f"{hub.path}/events/{first['id']}")
    assert (found["version"], found["bringBackProperties"]["value"]) == (2, "s")
    assert Change.objects.filter(entity="EVENT", operation="UPDATE").count() == 2


def test_by_a_session_that_is_known(hub: Hub) -> None:
    customer = hub.post_customer()["id"]
    hub.trusted.post(f"{hub.path}/customers/{customer}/sessions", {"value": "s"})
    assert owner(post(hub, "s")) == customer


def test_a_session_given_along_with_the_customer(hub: Hub) -> None:
    event = post(hub, "s")
    body = {"nodeId": str(hub.node.id), "base": {"contacts": {"email": "a@b.it"}}}
    answer = hub.trusted.post(f"{hub.path}/customers", body, query={"sessionId": "s"})
    assert owner(event) == answer["id"]


@pytest.mark.parametrize("how", ["POST", "POST merged", "PATCH", "PUT"])
def test_by_an_external_id_that_comes_later(hub: Hub, how: str) -> None:
    event = post(hub, "e-1", "EXTERNAL_ID")
    body = {"nodeId": str(hub.node.id), "base": {"contacts": {"email": "a@b.it"}}}
    if how != "POST":
        hub.trusted.post(f"{hub.path}/customers", body)
    assert owner(event) is None
    with_id = body | {"externalId": "e-1"}
    if how.startswith("POST"):
        customer = hub.trusted.post(f"{hub.path}/customers", with_id)
    else:
        known = hub.trusted.get(f"{hub.path}/customers", query={"nodeId": hub.node.id})
        path = f"{hub.path}/customers/{known['elements'][0]['id']}"
        customer = hub.trusted.request(how, path, with_id)
    assert customer.status in {200, 201}
    assert owner(event) == customer["id"]


def test_by_an_external_id_that_is_known(hub: Hub) -> None:
    oldest = hub.post_customer(externalId="e")["id"]
    hub.post_customer(externalId="e")
    assert owner(post(hub, "e", "EXTERNAL_ID")) == oldest
    assert owner(post(hub, "e")) is None  # as a session it is nobody's


def test_nodes_are_apart(hub: Hub) -> None:
    event = post(hub, "s")
    elsewhere = hub.post_customer(nodeId=str(hub.other_node.id), externalId="e")["id"]
    hub.trusted.post(f"{hub.path}/customers/{elsewhere}/sessions", {"value": "s"})
    assert owner(event) is None
    assert owner(post(hub, "e", "EXTERNAL_ID")) is None


def test_whose_it_becomes_must_be_enabled(hub: Hub) -> None:
    customer = hub.post_customer(enabled=False, externalId="e")["id"]
    assert customer
    assert post(hub, "e", "EXTERNAL_ID").status == 403


def test_what_was_found_stays_when_the_session_goes(hub: Hub) -> None:
    customer = hub.post_customer()["id"]
    path = f"{hub.path}/customers/{customer}/sessions"
    session = hub.trusted.post(path, {"value": "s"})
    event = post(hub, "s")
    assert hub.trusted.delete(f"{path}/{session['id']}").status == 204
    assert owner(event) == customer
    assert owner(post(hub, "s")) is None


def test_both_at_the_same_moment(live_hub: Hub) -> None:
    """Events and what they wait for come from many threads; none may be left alone."""
    hub = live_hub
    rounds, failures = 40, []
    customers = [hub.post_customer()["id"] for _ in range(rounds)]
    barrier = threading.Barrier(3)

    def each(act: Any) -> None:
        try:
            for number in range(rounds):
                barrier.wait()
                answer = act(number)
                if answer.status not in {200, 201, 202}:
                    failures.append(answer)
        except Exception as failure:
            failures.append(failure)
            barrier.abort()
        finally:
            connection.close()

    def know(number: int) -> Answer:
        path = f"{hub.path}/customers/{customers[number]}"
        if number % 2:
            return hub.trusted.post(f"{path}/sessions", {"value": f"v{number}"})
        return hub.trusted.patch(path, {"externalId": f"v{number}"})

    def tell(number: int) -> Answer:
        return post(hub, f"v{number}", "SESSION_ID" if number % 2 else "EXTERNAL_ID")

    threads = [threading.Thread(target=each, args=(act,)) for act in (know, tell, tell)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert Event.objects.count() == 2 * rounds
    assert not Event.objects.filter(customer_id=None).exists()
    for event in Event.objects.all():
        assert event.bring_back_value == f"v{customers.index(str(event.customer_id))}"
