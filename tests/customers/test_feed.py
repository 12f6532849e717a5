from __future__ import annotations

import time
import uuid
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from configuration.queries.rules import latest_rules_of
from customers.actions import feed as feed_actions
from customers.actions.feed import trim_all
from customers.models import Change, ChangeEntity, ChangeOperation, Feed
from customers.queries import feed as feed_queries
from tests.client import Answer, ApiClient
from tests.factories import Hub, make_token, make_user


def updates(hub: Hub, client: ApiClient | None = None, **query: Any) -> Answer:
    client = client or hub.clients["PLATFORM_UPDATES"]
    return client.get(f"{hub.path}/updates", query=query)


def last(hub: Hub, **query: Any) -> int:
    client = hub.clients["PLATFORM_UPDATES"]
    return client.get(f"{hub.path}/updates/last-offset", query=query)["lastOffset"]


def reported(answer: Answer) -> list[tuple[str, str]]:
    return [(each["operation"], each["entity"]["data"]["id"]) for each in answer["updates"]]


def event(hub: Hub, customer: str) -> str:
    body = {"customerId": customer, "type": "loggedIn", "context": "WEB", "properties": {}}
    return hub.trusted.post(f"{hub.path}/events", body)["id"]


def test_every_change_is_in_the_feed(hub: Hub) -> None:
    assert updates(hub).json == {"nextOffset": 0, "updates": []}
    assert last(hub) == 0
    one, two = hub.post_customer()["id"], hub.post_customer()["id"]
    done = event(hub, one)
    answer = updates(hub)
    assert reported(answer) == [("CREATE", one), ("CREATE", two), ("CREATE", done)]
    assert answer["nextOffset"] == last(hub) == 3
    assert answer["updates"][0] == {
        "offset": 1, "operation": "CREATE",
        "entity": {"type": "CUSTOMER", "data": hub.trusted.get(f"{hub.path}/customers/{one}").json},
    }  # fmt: skip
    assert answer["updates"][2]["entity"]["data"]["customerId"] == one

    hub.trusted.patch(f"{hub.path}/customers/{two}", {"extra": "x"})
    hub.trusted.delete(f"{hub.path}/customers/{one}")
    answer = updates(hub, offset=3)
    assert reported(answer) == [("UPDATE", two), ("DELETE", one), ("DELETE", done)]
    assert answer["updates"][1]["entity"]["data"] == {"id": one, "nodeId": str(hub.node.id)}
    assert updates(hub, offset=answer["nextOffset"]).json == {"nextOffset": 6, "updates": []}
    # What is gone by now is told as gone from the start: it cannot come back out of the feed.
    assert reported(updates(hub, size=1)) == [("DELETE", one)]


def test_pages_and_filters(hub: Hub) -> None:
    ids = [hub.post_customer()["id"] for _ in range(3)]
    other = hub.post_customer(nodeId=str(hub.other_node.id))["id"]
    done = event(hub, other)
    seen, offset = [], 0
    while page := updates(hub, offset=offset, size=2)["updates"]:
        seen += [each["entity"]["data"]["id"] for each in page]
        offset = page[-1]["offset"]
    assert seen == [*ids, other, done]
    assert reported(updates(hub, nodeId=hub.other_node.id)) == [("CREATE", other), ("CREATE", done)]
    assert reported(updates(hub, entity="EVENT")) == [("CREATE", done)]
    assert last(hub, nodeId=hub.node.id) == 3
    assert last(hub, nodeId=hub.other_node.id, entity="CUSTOMER") == 4
    assert updates(hub, size=0).json == {"nextOffset": 0, "updates": []}
    # A page that is not full tells how far the feed reaches, whatever was asked for.
    empty = updates(hub, nodeId=hub.node.id, offset=3)
    assert empty.json == {"nextOffset": 5, "updates": []}
    assert updates(hub, nodeId=hub.node.id, size=4)["nextOffset"] == 5
    assert updates(hub, nodeId=hub.node.id, size=3)["nextOffset"] == 3
    assert updates(hub, offset=9).json == {"nextOffset": 9, "updates": []}


def test_from_a_moment_on(hub: Hub) -> None:
    first = hub.post_customer()["id"]
    time.sleep(0.01)
    between = int(time.time() * 1000)
    time.sleep(0.01)
    second = hub.post_customer()["id"]
    assert reported(updates(hub, timestamp=between)) == [("CREATE", second)]
    assert reported(updates(hub, timestamp=0)) == [("CREATE", first), ("CREATE", second)]
    later = updates(hub, timestamp=between + 3_600_000)
    assert later.json == {"nextOffset": 2, "updates": []}
    assert reported(updates(hub, timestamp=between, offset=0))[0] == ("CREATE", first)


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
    assert reported(updates(hub, client)) == [("CREATE", other)]
    assert updates(hub, client, nodeId=hub.node.id).status == 403
    stranger = Hub()
    assert updates(hub, nodeId=stranger.node.id).status == 404
    assert reported(updates(stranger)) == []


def test_a_page_is_few_statements_whatever_it_holds(hub: Hub) -> None:
    for _ in range(10):
        event(hub, hub.post_customer()["id"])
    updates(hub, size=1)
    with CaptureQueriesContext(connection) as captured:
        assert len(updates(hub)["updates"]) == 20
    assert len(captured) < 8


def test_old_changes_are_trimmed_and_reading_them_is_an_error(hub: Hub) -> None:
    for _ in range(3):
        hub.post_customer()
    assert last(hub) == 3
    old = timezone.now() - timedelta(days=settings.FEED_DAYS + 1)
    Change.objects.filter(feed_offset__lte=2).update(changed_at=old)
    trim_all()
    assert list(Change.objects.values_list("feed_offset", flat=True)) == [3]
    for query in ({"offset": 1}, {"timestamp": int(old.timestamp() * 1000)}):
        gone = updates(hub, **query)
        assert gone.status == 410
        assert gone["data"] == {"earliestOffset": 2}
    assert len(updates(hub, offset=2)["updates"]) == 1
    # From the first that is kept, whatever went before.
    for query in ({}, {"offset": 0}, {"timestamp": 0}, {"offset": 0, "timestamp": 1}):
        answer = updates(hub, **query)
        assert [each["offset"] for each in answer["updates"]] == [3]
        assert answer["nextOffset"] == 3
    assert last(hub) == 3
    Change.objects.all().delete()
    hub.post_customer()
    assert last(hub) == 4  # offsets never come again


def test_readers_of_a_quiet_node_never_get_gone(hub: Hub) -> None:
    mine = hub.post_customer(nodeId=str(hub.other_node.id))["id"]
    offset = updates(hub, nodeId=hub.other_node.id)["nextOffset"]
    for _ in range(3):
        hub.post_customer()
    offset = updates(hub, nodeId=hub.other_node.id, offset=offset)["nextOffset"]
    assert offset == 4
    Change.objects.update(changed_at=timezone.now() - timedelta(days=settings.FEED_DAYS + 1))
    hub.trusted.patch(f"{hub.path}/customers/{mine}", {"extra": "x"})
    trim_all()
    answer = updates(hub, nodeId=hub.other_node.id, offset=offset)
    assert (answer.status, reported(answer)) == (200, [("UPDATE", mine)])


def write_unread(hub: Hub, count: int) -> None:
    node, entity = hub.node.id, ChangeEntity.CUSTOMER
    Change.objects.bulk_create(
        (Change(
            workspace_id=hub.workspace.id, node_id=node, entity=entity, entity_id=uuid.uuid4(),
            operation=ChangeOperation.UPDATE, changed_at=timezone.now(), is_duplicate=False,
        )
        for _ in range(count)),
        batch_size=5000,
    )  # fmt: skip


def test_all_committed_changes_are_returned_however_many(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (feed_actions, feed_queries):  # a busy machine may need longer
        monkeypatch.setattr(module, "SEALING_SECONDS", 60.0)
    write_unread(hub, 25_000)
    mine = hub.post_customer(nodeId=str(hub.other_node.id))["id"]
    since = int(time.time() * 1000) + 1  # the first millisecond that is wholly after it
    time.sleep(0.002)
    last_of_all = hub.post_customer()["id"]
    assert reported(updates(hub, nodeId=hub.other_node.id)) == [("CREATE", mine)]
    assert last(hub) == 25_002
    assert reported(updates(hub, timestamp=since)) == [("CREATE", last_of_all)]


@pytest.mark.parametrize("path", ["/last-offset", "?timestamp", "/verify?from=1&to=9"])
def test_sealing_is_bounded_and_goes_on(
    live_hub: Hub, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = live_hub
    monkeypatch.setattr(feed_actions, "SEALED_AT_ONCE", 10)
    monkeypatch.setattr(feed_actions, "SEALING_SECONDS", 0.0)
    write_unread(hub, 25)
    path, _, query = path.partition("?")
    if query == "timestamp":
        query = f"timestamp={int(time.time() * 1000)}"
    answers = [hub.trusted.get(f"{hub.path}/updates{path}", query=query) for _ in range(3)]
    assert [answer.status for answer in answers] == [503, 503, 200]
    assert answers[0].headers["Retry-After"] == "1"
    assert Change.objects.filter(feed_offset=None).count() == 0


def test_a_page_that_finds_nothing_in_time_does_not_say_that_there_is_nothing(
    live_hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = live_hub
    monkeypatch.setattr(feed_actions, "SEALED_AT_ONCE", 10)
    monkeypatch.setattr(feed_queries, "SEALING_SECONDS", 0.0)
    write_unread(hub, 25)
    mine = hub.post_customer(nodeId=str(hub.other_node.id))["id"]
    requested = {"nodeId": hub.other_node.id}
    assert len(updates(hub)["updates"]) == 10  # what is found is told at once
    assert updates(hub, **requested).status == 503
    assert reported(updates(hub, **requested)) == [("CREATE", mine)]


def test_a_feed_ends_earlier_while_the_disk_has_no_room_to_seal(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.post_customer()
    before = reported(updates(hub))
    assert before
    hub.post_customer()
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION pg_temp.no_room() RETURNS bigint LANGUAGE plpgsql"
            " AS $$ BEGIN RAISE EXCEPTION USING errcode = 'disk_full'; END $$"
        )
    with monkeypatch.context() as full:
        full.setattr(feed_actions, "SEAL", "SELECT pg_temp.no_room()")
        assert reported(updates(hub)) == before
        assert last(hub) == len(before)
    assert reported(updates(hub))[: len(before)] == before
    assert len(reported(updates(hub))) > len(before)


def test_what_is_deleted_while_a_page_is_read_is_reported(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A trim between the look at the feed's position and the page loses nobody a change."""
    for _ in range(3):
        hub.post_customer()
    assert last(hub) == 3
    honest = feed_queries.start_at

    def trimmed_meanwhile(*arguments: Any, **named: Any) -> int:
        found = honest(*arguments, **named)
        Change.objects.update(changed_at=timezone.now() - timedelta(days=settings.FEED_DAYS + 1))
        trim_all()
        return found

    monkeypatch.setattr("customers.api.viewsets.updates.start_at", trimmed_meanwhile)
    answer = updates(hub, offset=1)
    assert (answer.status, answer["data"]) == (410, {"earliestOffset": 3})


def digest(hub: Hub, first: Any, last_: Any, **query: Any) -> Answer:
    client = hub.clients["PLATFORM_UPDATES"]
    query = {"from": first, "to": last_} | query
    return client.get(f"{hub.path}/updates/verify", query=query)


def hash_of(seen: list[Any]) -> str:
    """As a consumer reckons it from the updates it has got."""
    lines = "".join(
        f"{each['offset']} {each['entity']['data']['id']} "
        f"{each.get('recordedOperation', each['operation'])}\n"
        for each in seen
    )
    return sha256(lines.encode()).hexdigest()


def test_a_consumer_can_prove_what_it_has_read(hub: Hub) -> None:
    assert digest(hub, 1, 10).json == {"from": 1, "to": 0, "count": 0, "hash": hash_of([])}
    one = hub.post_customer()["id"]
    other = hub.post_customer(nodeId=str(hub.other_node.id))["id"]
    event(hub, other)
    hub.trusted.patch(f"{hub.path}/customers/{one}", {"extra": "x"})
    early = updates(hub)["updates"]
    assert digest(hub, 1, 4).json == {"from": 1, "to": 4, "count": 4, "hash": hash_of(early)}
    hub.trusted.delete(f"{hub.path}/customers/{other}")
    # Those who read before and after the deletion come to the same.
    late = updates(hub)["updates"]
    assert [each["operation"] for each in late] != [each["operation"] for each in early]
    assert digest(hub, 1, 4)["hash"] == hash_of(early) == hash_of(late[:4])
    assert digest(hub, 2, 3)["hash"] == hash_of(late[1:3])
    assert digest(hub, 1, 100_000).json == {
        "from": 1, "to": len(late), "count": len(late), "hash": hash_of(late),
    }  # fmt: skip
    of_node = updates(hub, nodeId=hub.other_node.id)["updates"]
    assert digest(hub, 1, 100, nodeId=hub.other_node.id)["hash"] == hash_of(of_node)
    assert digest(hub, 1, 100, entity="EVENT")["count"] == 2
    stranger = Hub()
    assert digest(stranger, 1, 4)["count"] == 0
    assert digest(hub, 1, 4, nodeId=stranger.node.id).status == 404


def test_what_is_trimmed_cannot_be_verified(hub: Hub) -> None:
    for _ in range(3):
        hub.post_customer()
    assert last(hub) == 3
    old = timezone.now() - timedelta(days=settings.FEED_DAYS + 1)
    Change.objects.filter(feed_offset__lte=2).update(changed_at=old)
    trim_all()
    gone = digest(hub, 2, 3)
    assert (gone.status, gone["data"]) == (410, {"earliestOffset": 2})
    assert digest(hub, 3, 3)["count"] == 1


@pytest.mark.parametrize(
    ("first", "last_", "places"),
    [
        (None, None, {"/from", "/to"}), (0, 5, {"/from"}), ("x", "-1", {"/from", "/to"}),
        (5, 4, {"/to"}), (1, 100_001, {"/to"}), (1, 10**30, {"/to"}),
    ],
)  # fmt: skip
def test_bad_ranges(hub: Hub, first: Any, last_: Any, places: set[str]) -> None:
    answer = digest(hub, first, last_)
    assert (answer.status, answer.paths) == (400, places)


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
