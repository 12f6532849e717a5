"""Sessions: unique in a node, harmless to claim twice, never moved."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connection

from configuration.actions.removal import remove_deleted
from customers.models import Customer, Session
from tests.factories import Hub


def path(hub: Hub, customer: Any) -> str:
    return f"{hub.path}/customers/{customer['id']}/sessions"


def test_sessions_come_and_go(hub: Hub) -> None:
    customer = hub.post_customer(hub.untrusted)
    created = hub.untrusted.post(path(hub, customer), {"value": "s1"})
    assert created.status == 201
    assert set(created.json) == {"id", "value"}
    again = hub.trusted.post(path(hub, customer), {"value": "s1"})
    assert (again.status, again.json) == (201, created.json)
    hub.trusted.post(path(hub, customer), {"value": "s2"})
    listed = hub.trusted.get(path(hub, customer)).json
    assert [each["value"] for each in listed["elements"]] == ["s2", "s1"]
    assert set(listed) == {"elements"}
    one = f"{path(hub, customer)}/{created['id']}"
    assert hub.trusted.get(one).json == created.json
    assert hub.trusted.delete(one).status == 204
    assert hub.trusted.get(one).status == 404
    assert hub.trusted.delete(one).status == 404


def test_a_session_never_moves(hub: Hub) -> None:
    first, second = hub.post_customer(), hub.post_customer()
    assert hub.trusted.post(path(hub, first), {"value": "s"}).status == 201
    assert hub.trusted.post(path(hub, second), {"value": "s"}).status == 409
    elsewhere = hub.post_customer(nodeId=str(hub.other_node.id))
    assert hub.trusted.post(path(hub, elsewhere), {"value": "s"}).status == 201


@pytest.mark.parametrize(
    "body", [{}, {"value": ""}, {"value": " "}, {"value": 5}, {"value": "x" * 256}]
)
def test_wrong_sessions(hub: Hub, body: dict[str, Any]) -> None:
    refused = hub.trusted.post(path(hub, hub.post_customer()), body)
    assert (refused.status, refused.paths) == (400, {"/value"})


def test_session_id_links_in_the_same_write(hub: Hub) -> None:
    body = {"nodeId": str(hub.node.id), "base": {"contacts": {"email": "a@example.com"}}}
    created = hub.trusted.post(f"{hub.path}/customers", body, query={"sessionId": "s1"})
    assert created.status == 201
    one = f"{hub.path}/customers/{created['id']}"
    assert hub.trusted.patch(one, {}, query={"sessionId": "s2"}).status == 200
    assert hub.trusted.put(one, body, query={"sessionId": "s2"}).status == 200
    assert set(Session.objects.values_list("value", flat=True)) == {"s1", "s2"}
    other = body | {"base": {"contacts": {"email": "b@example.com"}}}
    assert hub.trusted.post(f"{hub.path}/customers", other, query={"sessionId": "s1"}).status == 409
    assert Customer.objects.count() == 1, "nothing is half written"
    assert hub.trusted.patch(one, {"extra": "x"}, query={"sessionId": " "}).paths == {"/sessionId"}


def test_sessions_go_with_their_customer(hub: Hub) -> None:
    customer, kept = hub.post_customer(), hub.post_customer()
    hub.trusted.post(path(hub, customer), {"value": "s"})
    hub.trusted.post(path(hub, kept), {"value": "t"})
    hub.trusted.delete(f"{hub.path}/customers/{customer['id']}")
    assert [session.value for session in Session.objects.all()] == ["t"]
    assert hub.trusted.get(path(hub, customer)).status == 404
    assert hub.trusted.post(path(hub, kept), {"value": "s"}).status == 201
    hub.admin.delete(f"{hub.configuration}/nodes/entries/{hub.node.id}")
    assert remove_deleted(seconds=60)
    assert not Session.objects.exists()


def test_two_customers_claim_one_session_at_the_same_moment(live_hub: Hub) -> None:
    customers = [live_hub.post_customer() for _ in range(6)]
    statuses = []

    def claim(customer: Any) -> None:
        try:
            statuses.append(live_hub.trusted.post(path(live_hub, customer), {"value": "s"}).status)
        finally:
            connection.close()

    threads = [threading.Thread(target=claim, args=(customer,)) for customer in customers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [201] + [409] * 5
