"""The change feed of an aggregate node tells of the events of its members."""

from __future__ import annotations

import threading
import uuid
from typing import Any

from django.db import connection, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from customers.models import Change
from tests.client import Answer
from tests.customers.test_aggregates import activate, entries, make, merge_all_pending, people
from tests.customers.test_aggregates import post as post_person
from tests.events.test_duplicates import post
from tests.factories import Hub


def updates(hub: Hub, **query: Any) -> Answer:
    answer = hub.admin.get(f"{hub.path}/updates", query={"size": 4000} | query)
    assert answer.status == 200, answer.content
    return answer


def reported(hub: Hub, node: str, after: int = 0) -> list[tuple[str, str, str | None]]:
    """Operation, event and customer of what the feed of a node tells of events."""
    return [
        (each["operation"], each["entity"]["data"]["id"], each["entity"]["data"].get("customerId"))
        for each in updates(hub, nodeId=node, entity="EVENT", offset=after)["updates"]
    ]


def end(hub: Hub) -> int:
    return hub.admin.get(f"{hub.path}/updates/last-offset")["lastOffset"]


def test_events_of_members_come_change_and_go(hub: Hub) -> None:
    one, two = post_person(hub, "a@x.it"), post_person(hub, "a@x.it", other=True)
    before = post(hub, one, "2021-01-01")
    node = make(hub)
    activate(hub, node)
    (person,) = people(hub, node)
    feed = updates(hub, nodeId=node)["updates"]
    # The customer is told before its events.
    assert [each["entity"]["type"] for each in feed] == ["CUSTOMER", "EVENT"]
    assert reported(hub, node) == [("CREATE", before, person["id"])]
    data = feed[1]["entity"]["data"]
    assert (data["origin"], data["nodeId"]) == ("DUPLICATE", node)
    assert data == hub.admin.get(f"{hub.path}/events", query={"nodeId": node})["elements"][0]

    place = end(hub)
    later = post(hub, two, "2021-01-02")
    own = post(hub, person["id"], "2021-01-03")
    assert reported(hub, node, place) == [
        ("CREATE", later, person["id"]), ("CREATE", own, person["id"]),
    ]  # fmt: skip
    place = end(hub)
    change = {"properties": {}, "tracking": {"ga": {"utm_source": "x"}}}
    assert hub.admin.patch(f"{hub.path}/events/{later}", change).status == 202
    assert reported(hub, node, place) == [("UPDATE", later, person["id"])]
    place = end(hub)
    assert hub.admin.delete(f"{hub.path}/events/{later}").status == 204
    assert reported(hub, node, place) == [("DELETE", later, None)]

    # Another person's, then nobody's.
    place = end(hub)
    path = f"{hub.path}/customers/{one}"
    hub.trusted.patch(path, {"base": {"contacts": {"email": "c@x.it"}}})
    merge_all_pending()
    other = next(each["id"] for each in people(hub, node) if entries(hub, each["id"]) == {one})
    assert other != person["id"]
    assert reported(hub, node, place) == [("UPDATE", before, other)]
    place = end(hub)
    hub.trusted.delete(path)
    merge_all_pending()
    assert reported(hub, node, place) == [("DELETE", before, None)]


def test_waiting_events_are_in_the_feed_when_their_customer_appears(hub: Hub) -> None:
    one = post_person(hub, "a@x.it")
    node = make(hub)
    activate(hub, node)
    (person,) = people(hub, node)
    body = {
        "type": "loggedIn", "context": "WEB",
        "bringBackProperties": {"value": "s", "nodeId": str(hub.node.id)},
    }  # fmt: skip
    waiting = hub.admin.post(f"{hub.path}/events", body)["id"]
    assert reported(hub, node) == []
    hub.trusted.post(f"{hub.path}/customers/{one}/sessions", {"value": "s"})
    assert reported(hub, node) == [("CREATE", waiting, person["id"])]
    hub.trusted.delete(f"{hub.path}/customers/{one}")
    merge_all_pending()
    assert reported(hub, node)[-1] == ("DELETE", waiting, None)


def test_only_readers_of_the_node_get_duplicates(hub: Hub) -> None:
    """Else an event that leaves an aggregate node would seem to be deleted."""
    one = post_person(hub, "a@x.it")
    node = make(hub)
    activate(hub, node)
    event = post(hub, one, "2021-01-01")
    hub.trusted.patch(f"{hub.path}/customers/{one}", {"base": {"contacts": {"email": "b@x.it"}}})
    merge_all_pending()
    everything = updates(hub, entity="EVENT")["updates"]
    assert [(each["operation"], each["entity"]["data"]["nodeId"]) for each in everything] == [
        ("CREATE", str(hub.node.id))
    ]
    assert [operation for operation, _, _ in reported(hub, str(hub.node.id))] == ["CREATE"]
    assert [each for _, each, _ in reported(hub, node)] == [event, event]
    path = f"{hub.path}/updates/verify"
    span = {"from": 1, "to": 1000, "entity": "EVENT"}
    assert hub.admin.get(path, query=span)["count"] == 1
    assert hub.admin.get(path, query=span | {"nodeId": node})["count"] == 2
    assert Change.objects.filter(is_duplicate=True).count() == 2


def test_a_removed_node_has_no_more_changes(hub: Hub) -> None:
    from configuration.actions.removal import remove_deleted

    post(hub, post_person(hub, "a@x.it"), "2021-01-01")
    node = make(hub)
    activate(hub, node)
    assert hub.admin.delete(f"{hub.configuration}/nodes/aggregates/{node}").status == 204
    remove_deleted(seconds=10)
    duplicates = Change.objects.filter(is_duplicate=True)
    assert list(duplicates.values_list("operation", flat=True)) == ["CREATE"]


EMAILS = st.sampled_from(["a@x.it", "b@x.it"])
NUMBERS = st.integers(0, 4)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("person"), EMAILS, st.booleans(), st.sampled_from(["x", "hidden"])),
        st.tuples(st.just("event"), NUMBERS, st.integers(1, 9)),
        st.tuples(st.just("event"), NUMBERS, st.integers(1, 9)),
        st.tuples(st.just("own event"), NUMBERS, st.integers(1, 9)),
        st.tuples(st.just("change"), NUMBERS),
        st.tuples(st.just("drop"), NUMBERS),
        st.tuples(st.just("move"), NUMBERS, EMAILS),
        st.tuples(st.just("mark"), NUMBERS, st.sampled_from(["x", "hidden"])),
        st.tuples(st.just("delete"), NUMBERS),
        st.tuples(st.just("forget"), NUMBERS),
        st.tuples(st.just("merge")),
        st.tuples(st.just("read")),
    ),
    max_size=24,
)


@settings(max_examples=40)
@given(STEPS)
def test_who_applies_the_feed_has_what_the_node_shows(hub: Hub, steps: list[Any]) -> None:
    """Read at any moments, in small pages; beside it, one who follows the whole workspace."""
    hidden = {"type": "atomic", "attribute": "tags.manual", "operator": "IN", "value": "hidden"}
    with transaction.atomic():
        node = make(hub, exclusionFilters=[hidden])
        activate(hub, node)
        copies: dict[str | None, dict[str, Any]] = {node: {}, None: {}}
        places: dict[str | None, int] = {node: 0, None: 0}
        persons: list[str] = []
        events: list[str] = []
        for act, *given_ in steps:
            if act == "person":
                email, other, tag = given_
                persons.append(post_person(hub, email, other=other, tags={"manual": [tag]}))
            elif act == "merge":
                merge_all_pending()
            elif act == "read":
                for place in copies:
                    apply(hub, place, copies, places)
            elif act in {"change", "drop"} and events:
                path = f"{hub.path}/events/{events[given_[0] % len(events)]}"
                tracking = {"tracking": {"ga": {"utm_source": str(uuid.uuid4())}}}
                hub.admin.patch(path, tracking) if act == "change" else hub.admin.delete(path)
            elif act == "own event" and (found := people(hub, node)):
                owner = found[given_[0] % len(found)]["id"]
                events.append(post(hub, owner, f"2021-01-0{given_[1]}"))
            elif persons and act in {"event", "move", "mark", "delete", "forget"}:
                customer = persons[given_[0] % len(persons)]
                path = f"{hub.path}/customers/{customer}"
                if act == "event" and hub.admin.get(path).status == 200:
                    events.append(post(hub, customer, f"2021-01-0{given_[1]}"))
                elif act == "move":
                    hub.trusted.patch(path, {"base": {"contacts": {"email": given_[1]}}})
                elif act == "mark":
                    hub.trusted.patch(path, {"tags": {"manual": [given_[1]]}})
                elif act == "delete":
                    hub.trusted.delete(path)
                elif act == "forget":
                    hub.clients["DPO"].delete(f"{hub.path}/data-protection/customers/{customer}")
        merge_all_pending()
        for place in copies:
            apply(hub, place, copies, places)
            query = {"size": 100} if place is None else {"size": 100, "nodeId": place}
            displayed = hub.admin.get(f"{hub.path}/events", query=query)["elements"]
            assert copies[place] == {each["id"]: each for each in displayed}
        transaction.set_rollback(True)


def apply(hub: Hub, node: str | None, copies: Any, places: Any) -> None:
    query = {"entity": "EVENT", "size": 3} | ({} if node is None else {"nodeId": node})
    while True:
        page = updates(hub, offset=places[node], **query)
        for each in page["updates"]:
            data = each["entity"]["data"]
            if each["operation"] == "DELETE":
                copies[node].pop(data["id"], None)
            else:
                copies[node][data["id"]] = data
        places[node] = page["nextOffset"]
        if not page["updates"]:
            break


def test_events_during_the_merge_of_their_customer_are_in_the_feed_once(live_hub: Hub) -> None:
    hub = live_hub
    members = [post_person(hub, f"p{number}@x.it") for number in range(4)]
    node = make(hub)
    activate(hub, node)
    for customer in members:
        hub.trusted.patch(
            f"{hub.path}/customers/{customer}",
            {"base": {"contacts": {"email": f"n{customer}@x.it"}}},
        )
    barrier = threading.Barrier(3)
    events: list[str] = []

    def send() -> None:
        barrier.wait()
        for day in range(1, 10):
            for customer in members:
                events.append(post(hub, customer, f"2021-01-0{day}"))
        connection.close()

    def merge() -> None:
        barrier.wait()
        for number in range(12):
            body = {"base": {"contacts": {"email": f"m{number}@x.it"}}}
            hub.trusted.patch(f"{hub.path}/customers/{members[number % 4]}", body)
            merge_all_pending()
        connection.close()

    threads = [threading.Thread(target=work) for work in (send, merge)]
    for thread in threads:
        thread.start()
    barrier.wait()
    for thread in threads:
        thread.join()
    merge_all_pending()
    created = [event for operation, event, _ in reported(hub, node) if operation == "CREATE"]
    assert sorted(created) == sorted(events)
    assert {owner for _, _, owner in reported(hub, node)} == {
        each["id"] for each in people(hub, node)
    }
