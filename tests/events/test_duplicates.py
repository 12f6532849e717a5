"""Events of entry customers as those of the aggregate customer: read, exported, and in order."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from events.queries import aggregates
from tests.client import Answer, ApiClient
from tests.customers.test_aggregates import activate, make, merge_all_pending, people
from tests.customers.test_aggregates import post as post_person
from tests.factories import Hub, make_token, make_user


def post(hub: Hub, owner: str, date: str, **given: Any) -> str:
    body = {"type": "loggedIn", "context": "WEB", "customerId": owner, "date": date} | given
    answer = hub.admin.post(f"{hub.path}/events", body)
    assert answer.status == 202, answer.content
    return answer["id"]


def read(hub: Hub, event: str, client: ApiClient | None = None, **query: Any) -> Answer:
    return (client or hub.admin).get(f"{hub.path}/events/{event}", query=query)


def test_an_event_is_read_as_the_aggregate_customers(hub: Hub) -> None:
    one, two = post_person(hub, "a@x.it"), post_person(hub, "a@x.it", other=True)
    stranger = post_person(hub, "b@x.it")
    node = make(hub)
    activate(hub, node)
    person = next(each["id"] for each in people(hub, node) if each["base"]["contacts"]["email"] == "a@x.it")  # fmt: skip
    hidden = post(hub, stranger, "2021-01-02")
    owners = [one, two, person, one]
    line = [post(hub, owner, f"2021-01-0{day}") for day, owner in enumerate(owners, 1)]
    for place, event in enumerate(line):
        found = read(hub, event, nodeId=node, nav="CUSTOMER")
        assert (found.status, found["customerId"], found["nodeId"]) == (200, person, node)
        assert found["origin"] == ("NATIVE" if place == 2 else "DUPLICATE")
        assert found["prev"] == (line[place - 1] if place else None)
        assert found["next"] == (line[place + 1] if place < 3 else None)
        listed = hub.admin.get(f"{hub.path}/events", query={"nodeId": node, "size": 50})
        (same,) = (each for each in listed["elements"] if each["id"] == event)
        assert found.json == same | {"prev": found["prev"], "next": found["next"]}
    # Where it belongs it is the entry customer's, among that one's events.
    own = read(hub, line[0], nodeId=str(hub.node.id), nav="CUSTOMER")
    assert (own["customerId"], own["origin"], own["next"]) == (one, "NATIVE", line[3])
    assert own.json == read(hub, line[0], nav="CUSTOMER").json
    assert read(hub, line[2], nav="CUSTOMER")["prev"] == line[1]
    assert read(hub, hidden, nodeId=node)["customerId"] != person

    assert read(hub, line[0], nodeId=str(hub.other_node.id)).status == 404
    assert read(hub, line[2], nodeId=str(hub.node.id)).status == 404
    for unknown in (str(uuid.uuid4()), "x", str(Hub().node.id)):
        assert read(hub, line[0], nodeId=unknown).status == 404
    reader = make_user("USER", workspaces=(hub.workspace,), grants={hub.node: "R"})
    client = ApiClient(make_token(reader))
    assert read(hub, line[0], client).status == 200
    assert read(hub, line[0], client, nodeId=node).status == 403
    waiting = hub.admin.post(f"{hub.path}/events", {
        "type": "loggedIn", "context": "WEB",
        "bringBackProperties": {"value": "s", "nodeId": str(hub.node.id)},
    })["id"]  # fmt: skip
    assert read(hub, waiting, nodeId=node).status == 404
    assert read(hub, waiting, nav="CUSTOMER")["next"] is None


def test_a_duplicate_is_never_taken_for_unchanged(hub: Hub) -> None:
    """Its person can become another while the event keeps its version."""
    one = post_person(hub, "a@x.it")
    post_person(hub, "a@x.it", other=True)
    node = make(hub)
    activate(hub, node)
    event = post(hub, one, "2021-01-01")
    tag = {"If_None_Match": read(hub, event).headers["ETag"]}
    path = f"{hub.path}/events/{event}"
    assert hub.admin.get(path, **tag).status == 304
    before = hub.admin.get(path, query={"nodeId": node}, **tag)
    hub.trusted.patch(f"{hub.path}/customers/{one}", {"base": {"contacts": {"email": "c@x.it"}}})
    merge_all_pending()
    after = hub.admin.get(path, query={"nodeId": node}, **tag)
    assert (before.status, after.status) == (200, 200)
    assert before["customerId"] != after["customerId"]


def test_an_export_holds_the_members_events(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aggregates, "PAGE", 2)
    members = [post_person(hub, "a@x.it", base={"firstName": "A"})]
    members.append(post_person(hub, "a@x.it", other=True))
    node = make(hub, properties=["base.contacts.email"])
    activate(hub, node)
    (person,) = people(hub, node)
    expected = {post(hub, owner, f"2021-01-0{day}") for day, owner in enumerate([*members, person["id"], *members], 1)}  # fmt: skip
    post(hub, post_person(hub, "b@x.it"), "2021-01-01")
    exported = hub.clients["DPO"].get(f"{hub.path}/data-protection/customers/{person['id']}/export")
    assert exported.status == 200
    assert {each["id"] for each in exported["events"]} == expected
    assert {each["customerId"] for each in exported["events"]} == {person["id"]}
    listed = hub.admin.get(f"{hub.path}/events", query={"customerId": person["id"], "size": 50})
    by_id = {each["id"]: each for each in listed["elements"]}
    assert {each["id"]: each for each in exported["events"]} == by_id
    entry = hub.clients["DPO"].get(f"{hub.path}/data-protection/customers/{members[0]}/export")
    assert len(entry["events"]) == 2


def test_members_are_walked_page_by_page(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aggregates, "PAGE", 2)
    node = make(hub, properties=["base.lastName"])
    expected = {
        post_person(hub, f"p{number}@x.it", other=number % 2 == 0, base={"lastName": "Rossi"})
        for number in range(5)
    }
    activate(hub, node)
    (person,) = people(hub, node)
    found = list(aggregates.members_in_order(hub.workspace.id, uuid.UUID(person["id"])))
    assert {str(node_id) for node_id, _ in found} == {node}
    assert [str(entry) for _, entry in found] == sorted(expected)
