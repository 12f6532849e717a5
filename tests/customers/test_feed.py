from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from configuration.queries.rules import latest_rules_of
from customers.actions.feed import trim_all
from customers.models import Change, Feed
from tests.client import Answer, ApiClient
from tests.factories import Hub, make_token, make_user


def updates(hub: Hub, client: ApiClient | None = None, **query: Any) -> Answer:
    client = client or hub.clients["PLATFORM_UPDATES"]
    return client.get(f"{hub.path}/updates", query=query)


def last(hub: Hub, **query: Any) -> int:
    client = hub.clients["PLATFORM_UPDATES"]
    return client.get(f"{hub.path}/updates/last-offset", query=query)["lastOffset"]


def told(answer: Answer) -> list[tuple[str, str]]:
    return [(each["operation"], each["entity"]["data"]["id"]) for each in answer["updates"]]


def event(hub: Hub, customer: str) -> str:
    body = {"customerId": customer, "type": "loggedIn", "context": "WEB", "properties": {}}
    return hub.trusted.post(f"{hub.path}/events", body)["id"]


def test_every_change_is_told(hub: Hub) -> None:
    assert updates(hub).json == {"nextOffset": 0, "updates": []}
    assert last(hub) == 0
    one, two = hub.post_customer()["id"], hub.post_customer()["id"]
    done = event(hub, one)
    answer = updates(hub)
    assert told(answer) == [("CREATE", one), ("CREATE", two), ("CREATE", done)]
    assert answer["nextOffset"] == last(hub) == 3
    assert answer["updates"][0] == {
        "offset": 1, "operation": "CREATE",
        "entity": {"type": "CUSTOMER", "data": hub.trusted.get(f"{hub.path}/customers/{one}").json},
    }  # fmt: skip
    assert answer["updates"][2]["entity"]["data"]["customerId"] == one

    hub.trusted.patch(f"{hub.path}/customers/{two}", {"extra": "x"})
    hub.trusted.delete(f"{hub.path}/customers/{one}")
    answer = updates(hub, offset=3)
    assert told(answer) == [("UPDATE", two), ("DELETE", one), ("DELETE", done)]
    assert answer["updates"][1]["entity"]["data"] == {"id": one, "nodeId": str(hub.node.id)}
    assert updates(hub, offset=answer["nextOffset"]).json == {"nextOffset": 6, "updates": []}
    # What is gone by now is told as gone from the start: it cannot come back out of the feed.
    assert told(updates(hub, size=1)) == [("DELETE", one)]


def test_pages_and_filters(hub: Hub) -> None:
    ids = [hub.post_customer()["id"] for _ in range(3)]
    other = hub.post_customer(nodeId=str(hub.other_node.id))["id"]
    done = event(hub, other)
    seen, offset = [], 0
    while page := updates(hub, offset=offset, size=2)["updates"]:
        seen += [each["entity"]["data"]["id"] for each in page]
        offset = page[-1]["offset"]
    assert seen == [*ids, other, done]
    assert told(updates(hub, nodeId=hub.other_node.id)) == [("CREATE", other), ("CREATE", done)]
    assert told(updates(hub, entity="EVENT")) == [("CREATE", done)]
    assert last(hub, nodeId=hub.node.id) == 3
    assert last(hub, nodeId=hub.other_node.id, entity="CUSTOMER") == 4
    assert updates(hub, size=0).json == {"nextOffset": 0, "updates": []}
    empty = updates(hub, nodeId=hub.node.id, offset=3)
    assert empty.json == {"nextOffset": 3, "updates": []}


def test_from_a_moment_on(hub: Hub) -> None:
    first = hub.post_customer()["id"]
    time.sleep(0.01)
    between = int(time.time() * 1000)
    time.sleep(0.01)
    second = hub.post_customer()["id"]
    assert told(updates(hub, timestamp=between)) == [("CREATE", second)]
    assert told(updates(hub, timestamp=0)) == [("CREATE", first), ("CREATE", second)]
    later = updates(hub, timestamp=between + 3_600_000)
    assert later.json == {"nextOffset": 2, "updates": []}
    assert told(updates(hub, timestamp=between, offset=0))[0] == ("CREATE", first)


@pytest.mark.parametrize(
    ("query", "places"),
    [
        ({"size": 4001}, {"/size"}), ({"offset": -1}, {"/offset"}), ({"offset": "x", "timestamp": "y", "size": "z"}, {"/offset", "/timestamp", "/size"}),
        ({"entity": "X"}, {"/entity"}), ({"timestamp": 10**17}, {"/timestamp"}),
    ],
)  # fmt: skip
def test_bad_parameters(hub: Hub, query: Any, places: set[str]) -> None:
    answer = updates(hub, **query)
    assert (answer.status, answer.paths) == (400, places)


def test_people_read_of_their_nodes(hub: Hub) -> None:
    hub.post_customer()
    other = hub.post_customer(nodeId=str(hub.other_node.id))["id"]
    user = make_user(
        "USER", workspaces=(hub.workspace,), grants={hub.other_node: "R", hub.node: "W"}
    )
    client = ApiClient(make_token(user))
    assert told(updates(hub, client)) == [("CREATE", other)]
    assert updates(hub, client, nodeId=hub.node.id).status == 403
    stranger = Hub()
    assert updates(hub, nodeId=stranger.node.id).status == 404
    assert told(updates(stranger)) == []


def test_a_page_is_few_statements_whatever_it_holds(hub: Hub) -> None:
    for _ in range(10):
        event(hub, hub.post_customer()["id"])
    updates(hub, size=1)
    with CaptureQueriesContext(connection) as captured:
        assert len(updates(hub)["updates"]) == 20
    assert len(captured) < 8


def test_old_changes_are_trimmed_and_asking_for_them_is_told(hub: Hub) -> None:
    for _ in range(3):
        hub.post_customer()
    assert last(hub) == 3
    old = timezone.now() - timedelta(days=settings.FEED_DAYS + 1)
    Change.objects.filter(feed_offset__lte=2).update(changed_at=old)
    trim_all()
    assert list(Change.objects.values_list("feed_offset", flat=True)) == [3]
    for query in ({"offset": 0}, {"offset": 1}, {"timestamp": int(old.timestamp() * 1000)}):
        gone = updates(hub, **query)
        assert gone.status == 410
        assert gone["data"] == {"earliestOffset": 2}
    assert len(updates(hub, offset=2)["updates"]) == 1
    assert len(updates(hub)["updates"]) == 1
    assert last(hub) == 3
    Change.objects.all().delete()
    hub.post_customer()
    assert last(hub) == 4  # offsets never come again


def test_changes_that_nobody_has_read_are_trimmed_too(hub: Hub) -> None:
    hub.post_customer()
    Change.objects.update(changed_at=timezone.now() - timedelta(days=settings.FEED_DAYS + 1))
    trim_all()
    assert not Change.objects.exists()
    feed = Feed.objects.get(workspace_id=hub.workspace.id)
    assert (feed.last_offset, feed.trimmed_to) == (1, 1)


def test_a_feed_goes_with_its_workspace(hub: Hub) -> None:
    from configuration.actions.removal import remove_deleted

    hub.post_customer()
    assert last(hub) == 1
    hub.operator.delete(hub.path)
    assert remove_deleted(seconds=10)
    assert not Feed.objects.exists()
    assert not Change.objects.exists()
    assert latest_rules_of(hub.workspace.id) is None
