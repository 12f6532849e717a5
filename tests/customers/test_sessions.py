"""Sessions: unique in a node, harmless to claim twice, never moved."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connection

from configuration.actions.removal import remove_deleted
from customers.models import Customer, Session
from tests.client import Answer
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
    assert hub.trusted.patch(one, {"extra": "x"}, query={"sessionId": " "}).paths == {"/sessionId"}


@pytest.mark.parametrize("how", ["POST", "POST merged", "PATCH", "PUT"])
def test_a_session_of_somebody_else_is_not_linked_and_the_write_is_kept(hub: Hub, how: str) -> None:
    owner = hub.post_customer()["id"]
    hub.trusted.post(f"{hub.path}/customers/{owner}/sessions", {"value": "s"})
    address = f"{hub.path}/customers"
    body = {"nodeId": str(hub.node.id), "base": {"contacts": {"email": "b@example.com"}}}
    if how != "POST":
        known = hub.trusted.post(address, body)
        assert "Warning" not in known.headers
        if how != "POST merged":
            address = f"{address}/{known['id']}"
    method, body = how.split()[0], body | {"extra": "written"}
    answer = hub.trusted.request(
        method, address, body, query={"sessionId": "s"}, Origin="https://shop.example"
    )
    assert answer.status == (201 if how == "POST" else 200)
    assert answer.headers["Warning"].startswith('199 - "The session belongs to another customer')
    assert "warning" in answer.headers["access-control-expose-headers"].split(", ")
    read = hub.trusted.get(f"{hub.path}/customers/{answer['id']}")
    assert (read.json, read["extra"]) == (answer.json, "written")
    assert [(str(each.customer_id), each.value) for each in Session.objects.all()] == [(owner, "s")]
    again = hub.trusted.request(method, address, body, query={"sessionId": "t"})
    assert (again.status, "Warning" in again.headers) == (200, False)


def test_new_customers_with_one_session_at_the_same_moment(live_hub: Hub) -> None:
    """All are stored, one has the session, and the others are told."""
    answers: list[Answer] = []

    def post(number: int) -> None:
        base = {"contacts": {"email": f"p{number}@example.com"}}
        body = {"nodeId": str(live_hub.node.id), "base": base}
        query = {"sessionId": "s"}
        try:
            answers.append(live_hub.trusted.post(f"{live_hub.path}/customers", body, query=query))
        finally:
            connection.close()

    threads = [threading.Thread(target=post, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.status for answer in answers] == [201] * 6
    (linked,) = [answer["id"] for answer in answers if "Warning" not in answer.headers]
    assert str(Session.objects.get().customer_id) == linked
    assert Customer.objects.filter(deleted=0).count() == 6


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
