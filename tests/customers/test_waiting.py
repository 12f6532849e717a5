from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from contacthub_project.messaging.pubsub import subscriber
from customers.actions.pending_merges import merge_pending
from tests.client import Answer, ApiClient
from tests.factories import Hub


def waits(
    hub: Hub, seconds: int, answers: list[Any], client: ApiClient | None = None, **query: Any
) -> threading.Thread:
    def run() -> None:
        started = time.monotonic()
        try:
            query_ = {"wait": seconds, "offset": 0} | query
            answer = (client or hub.trusted).get(f"{hub.path}/updates", query=query_)
            answers.append((answer, time.monotonic() - started))
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_a_waiting_client_is_woken(live_hub: Hub) -> None:
    answers: list[tuple[Answer, float]] = []
    threads = [waits(live_hub, 30, answers) for _ in range(2)]
    time.sleep(0.5)
    created = live_hub.post_customer()["id"]
    for thread in threads:
        thread.join()
    assert len(answers) == 2
    for answer, seconds in answers:
        assert [each["entity"]["data"]["id"] for each in answer["updates"]] == [created]
        assert 0.4 < seconds < 5


def test_what_a_task_changes_wakes_too(live_hub: Hub) -> None:
    hub = live_hub
    body = {
        "name": "All", "entryNodes": [str(hub.node.id)],
        "matchingProperties": {"properties": ["base.contacts.email"], "caseSensitive": False},
    }  # fmt: skip
    node = hub.admin.post(f"{hub.configuration}/nodes/aggregates", body)["id"]
    hub.admin.put(f"{hub.configuration}/nodes/aggregates/{node}/state", {"state": "ACTIVE"})
    hub.post_customer()
    time.sleep(0.3)  # the bell of these has rung
    answers: list[tuple[Answer, float]] = []
    thread = waits(hub, 20, answers, hub.admin, nodeId=node)
    time.sleep(0.3)
    started = time.monotonic()
    assert merge_pending(seconds=20)
    thread.join()
    assert time.monotonic() - started < 5
    assert len(answers[0][0]["updates"]) == 1


def test_others_do_not_wake_it_and_the_time_ends(live_hub: Hub) -> None:
    stranger = Hub()
    answers: list[tuple[Answer, float]] = []
    thread = waits(live_hub, 1, answers, nodeId=str(live_hub.node.id))
    time.sleep(0.2)
    stranger.post_customer()
    live_hub.post_customer(nodeId=str(live_hub.other_node.id))
    thread.join()
    ((answer, seconds),) = answers
    assert answer.json == {"nextOffset": 1, "updates": []}
    assert 0.9 < seconds < 3


def stream(hub: Hub, query: str = "", **headers: str) -> Iterator[bytes]:
    path = f"{hub.path}/updates"
    return hub.trusted.stream(path, query=query, Accept="text/event-stream", **headers)


def test_server_sent_events(live_hub: Hub) -> None:
    hub = live_hub
    first = hub.post_customer()["id"]
    response = stream(hub)
    events = response
    assert next(events).startswith(b"retry:")
    head, data = next(events).decode().strip().split("\n")
    assert head == "id: 1"
    assert json.loads(data.removeprefix("data: "))["entity"]["data"]["id"] == first
    second: list[str] = []

    def write() -> None:
        try:
            time.sleep(0.5)
            second.append(hub.post_customer()["id"])
        finally:
            connection.close()

    thread = threading.Thread(target=write)
    thread.start()
    started = time.monotonic()
    assert next(events).startswith(b"id: 2\n")
    assert time.monotonic() - started < 5
    thread.join()
    response.close()
    again = stream(hub, Last_Event_ID="1")
    events = again
    next(events)
    assert second[0].encode() in next(events)
    again.close()
    assert not subscriber._waiting


def test_a_stream_of_a_quiet_node_moves_the_position_on(live_hub: Hub) -> None:
    hub = live_hub
    hub.post_customer()
    events = stream(hub, f"nodeId={hub.other_node.id}")
    assert next(events).startswith(b"retry:")
    assert next(events) == b"id: 1\n\n"
    mine = hub.post_customer(nodeId=str(hub.other_node.id))["id"]
    reported = next(events)
    while reported.startswith(b":"):
        reported = next(events)
    assert reported.startswith(b"id: 2\n")
    assert mine.encode() in reported


def test_a_stream_in_the_other_format(live_hub: Hub) -> None:
    live_hub.post_customer(extra="1999-09-09T09:09:09.009Z")
    events = stream(live_hub, X_Date_Format="+0000")
    assert next(events).startswith(b"retry:")
    _, data = next(events).decode().strip().split("\n")
    customer = json.loads(data.removeprefix("data: "))["entity"]["data"]
    assert customer["registeredAt"].endswith("+0000")
    assert customer["extra"] == "1999-09-09T09:09:09.009Z"


@pytest.mark.parametrize("header", ["x", "-1", "9" * 19])
def test_a_bad_last_event_id(hub: Hub, header: str) -> None:
    answer = hub.trusted.get(
        f"{hub.path}/updates", Accept="text/event-stream", Last_Event_ID=header
    )
    assert (answer.status, answer.paths) == (400, {"/Last-Event-ID"})
