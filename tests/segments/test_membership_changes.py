"""Who enters and leaves segments, in the update stream and by webhooks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from customers.actions import deliveries
from tests.customers.webhook_receiver import Receiver, receiving
from tests.factories import Hub
from tests.segments.test_segments import are, get, make, named, refresh, static


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    settings.WEBHOOK_ALLOW_HTTP = True
    settings.WEBHOOK_INTERNAL_HOSTS = frozenset({"localhost"})
    with receiving() as found:
        yield found


def updates(hub: Hub, query: str) -> list[Any]:
    found: list[Any] = get(hub, f"{hub.path}/updates?{query}")["updates"]
    return found


def summaries(found: list[Any]) -> list[tuple[str, str, str]]:
    data = [each["entity"]["data"] for each in found]
    return [(each["segmentName"], each["type"], each["customerId"]) for each in data]


def test_the_update_stream_tells_who_enters_and_leaves(hub: Hub) -> None:
    ada = named(hub, "Ada")
    group = make(hub, are("base.firstName", "EQUALS", "Bob"))
    refresh(hub)
    assert updates(hub, "entity=SEGMENT") == []
    path = f"{hub.path}/customers/{ada}"
    hub.trusted.patch(path, {"base": {"firstName": "Bob"}})
    refresh(hub)
    (entered,) = updates(hub, "entity=SEGMENT")
    (change,) = get(hub, f"{hub.path}/segments/{group['id']}/changes")["elements"]
    assert entered["operation"] == "CREATE"
    assert entered["entity"] == {
        "type": "SEGMENT",
        "data": {
            "id": change["id"], "nodeId": str(hub.node.id), "segmentId": group["id"],
            "segmentName": "Group", "customerId": ada, "type": "ENTERED", "date": change["date"],
        },
    }  # fmt: skip
    assert get(hub, f"{hub.path}/segments/{group['id']}/count")["lag"] == 0
    hub.trusted.patch(path, {"base": {"firstName": "Ada"}})
    refresh(hub)
    found = updates(hub, f"entity=SEGMENT&nodeId={hub.node.id}")
    assert summaries(found) == [("Group", "ENTERED", ada), ("Group", "LEFT", ada)]
    # Those who ask for nothing special get what they know.
    assert {each["entity"]["type"] for each in updates(hub, "")} == {"CUSTOMER"}
    last = get(hub, f"{hub.path}/updates/last-offset?entity=SEGMENT")["lastOffset"]
    assert last == found[-1]["offset"]
    verified = get(hub, f"{hub.path}/updates/verify?from=1&to={last}&entity=SEGMENT")
    assert verified["count"] == 2
    assert updates(hub, f"entity=SEGMENT&nodeId={hub.other_node.id}") == []


def test_who_is_forgotten_is_not_told_any_more(hub: Hub) -> None:
    chosen = static(hub)
    refresh(hub)
    ada, bob = named(hub, "Ada"), named(hub, "Bob")
    hub.admin.post(f"{hub.path}/segments/{chosen}/members", {"add": [ada, bob]})
    refresh(hub)
    hub.clients["DPO"].delete(f"{hub.path}/data-protection/customers/{ada}")
    refresh(hub)
    gone, kept = sorted(
        updates(hub, "entity=SEGMENT"), key=lambda each: each["operation"] != "DELETE"
    )
    assert (gone["operation"], gone["recordedOperation"]) == ("DELETE", "CREATE")
    assert set(gone["entity"]["data"]) == {"id", "nodeId"}
    assert summaries([kept]) == [("List", "ENTERED", bob)]


def test_webhooks_are_told_of_chosen_segments(hub: Hub, receiver: Receiver) -> None:
    first = make(hub, are("base.firstName", "EQUALS", "Ada"), name="First")
    make(hub, are("base.firstName", "IN", ["Ada", "Bob"]), name="Second")
    refresh(hub)
    webhook = {"name": "All", "url": receiver.url}
    hub.admin.post(f"{hub.path}/webhooks", webhook)
    chosen = webhook | {
        "name": "Chosen", "entities": ["SEGMENT"], "segments": [first["id"]], "fields": ["base"],
    }  # fmt: skip
    made = hub.admin.post(f"{hub.path}/webhooks", chosen)
    assert (made.status, made["segments"]) == (201, [first["id"]])
    unknown = hub.admin.post(f"{hub.path}/webhooks", chosen | {"segments": [str(hub.node.id)]})
    assert unknown.paths == {"/segments/0"}
    ada, bob = named(hub, "Ada"), named(hub, "Bob")
    refresh(hub)
    hub.trusted.patch(f"{hub.path}/customers/{ada}", {"base": {"firstName": "Bob"}})
    refresh(hub)
    assert deliveries.deliver(seconds=20) is True
    of_segments = [each for each in receiver.updates if each["entity"]["type"] == "SEGMENT"]
    assert summaries(of_segments) == [("First", "ENTERED", ada), ("First", "LEFT", ada)]
    others = [each for each in receiver.updates if each["entity"]["type"] != "SEGMENT"]
    assert {each["entity"]["data"]["id"] for each in others} == {ada, bob}
