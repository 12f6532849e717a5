"""Events are watched as they come in."""

from __future__ import annotations

import json
import threading
from typing import Any
from uuid import UUID

import pytest
from django.db import connection

from customers.actions.refusals import recorder
from tests.client import Answer, ApiClient
from tests.factories import Hub, make_source, make_token, make_user

NOBODY = str(UUID(int=0))


@pytest.fixture(autouse=True)
def _no_notes_of_others() -> None:
    recorder.drop()


def send(hub: Hub, customer: str, client: ApiClient | None = None, **values: Any) -> Answer:
    body = {"type": "loggedIn", "context": "WEB", "properties": {}, "customerId": customer}
    answer = (client or hub.trusted).post(f"{hub.path}/events", body | values)
    recorder.write()
    return answer


def live(hub: Hub, client: ApiClient | None = None, **query: Any) -> Answer:
    answer = (client or hub.admin).get(f"{hub.path}/events/live", query=query)
    assert answer.status == 200, answer.content
    return answer


def seen(answer: Answer) -> list[tuple[str, str | None, str | None]]:
    return [(each["outcome"], each["type"], each["reason"]) for each in answer["elements"]]


def test_what_comes_is_seen_once(hub: Hub) -> None:
    customer = hub.post_customer()["id"]
    send(hub, customer)
    after = live(hub)
    assert after["elements"] == []
    event = send(hub, customer)["id"]
    send(hub, NOBODY)
    hub.trusted.patch(f"{hub.path}/events/{event}", {"properties": {}})
    page = live(hub, after=after["next"])
    assert seen(page) == [
        ("ACCEPTED", "loggedIn", None),
        ("REFUSED", "loggedIn", "UNKNOWN_CUSTOMER"),
    ]
    accepted, refused = page["elements"]
    assert (accepted["id"], accepted["body"]["customerId"]) == (event, customer)
    assert accepted["sourceId"] == refused["sourceId"] == str(hub.source.id)
    assert refused["body"]["customerId"] == NOBODY
    assert live(hub, after=page["next"])["elements"] == []


def test_narrowed_by_source_type_and_node(hub: Hub) -> None:
    customer, other = (
        hub.post_customer()["id"],
        hub.post_customer(nodeId=str(hub.other_node.id))["id"],
    )
    source, token = make_source(hub.workspace, [hub.node])
    after = live(hub)["next"]
    send(hub, customer, ApiClient(token))
    send(hub, NOBODY, ApiClient(token))
    send(hub, customer, type="loggedOut")
    send(hub, other)
    by_source = live(hub, after=after, sourceId=source.id)
    assert [each[0] for each in seen(by_source)] == ["ACCEPTED", "REFUSED"]
    assert len(live(hub, after=after, type="loggedOut")["elements"]) == 1
    assert len(live(hub, after=after, nodeId=hub.other_node.id)["elements"]) == 1
    grants = {hub.other_node: "R"}
    reader = ApiClient(make_token(make_user("USER", workspaces=(hub.workspace,), grants=grants)))
    assert len(live(hub, reader, after=after)["elements"]) == 1
    refused = reader.get(f"{hub.path}/events/live", query={"nodeId": hub.node.id})
    assert refused.status == 403


@pytest.mark.parametrize("after", ["x", "1", "1.2", "9" * 30 + "." + NOBODY, "-1." + NOBODY])
def test_wrong_positions(hub: Hub, after: str) -> None:
    answer = hub.admin.get(f"{hub.path}/events/live", query={"after": after})
    assert (answer.status, answer.paths) == (400, {"/after"})


def test_a_waiting_client_is_woken(live_hub: Hub) -> None:
    hub = live_hub
    customer = hub.post_customer()["id"]
    after = live(hub)["next"]
    answers: list[Answer] = []

    def wait() -> None:
        try:
            answers.append(live(hub, after=after, wait=30))
        finally:
            connection.close()

    thread = threading.Thread(target=wait)
    thread.start()
    send(hub, customer)
    thread.join(25)
    assert seen(answers[0]) == [("ACCEPTED", "loggedIn", None)]


def test_a_stream(live_hub: Hub) -> None:
    hub = live_hub
    customer = hub.post_customer()["id"]
    after = live(hub)["next"]
    send(hub, customer)
    send(hub, NOBODY)
    stream = hub.admin.stream(
        f"{hub.path}/events/live", Accept="text/event-stream", Last_Event_ID=after
    )
    assert next(stream) == f"retry: 1000\nid: {after}\n\n".encode()
    accepted, refused, end, _ = next(stream).decode().split("\n\n")
    assert accepted.startswith("event: accepted\ndata: {")
    assert (
        json.loads(refused.removeprefix("event: refused\ndata: "))["reason"] == "UNKNOWN_CUSTOMER"
    )
    position = end.removeprefix("id: ")
    assert live(hub, after=position)["elements"] == []
