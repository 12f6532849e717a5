from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from contacthub_project.core.merge_patch import merge_patched as patched
from customers.models import Change
from events.actions import modification
from events.models import Event
from tests.client import Answer, ApiClient
from tests.factories import Hub, make_token, make_user


@pytest.fixture
def path(hub: Hub) -> str:
    body = {
        "customerId": hub.post_customer()["id"], "type": "viewedPage", "context": "WEB",
        "properties": {"url": "https://a.example", "title": "A"}, "date": "2021-05-06T07:08:09Z",
        "contextInfo": {"client": {"ip": "10.1.2.3"}}, "tracking": {"ga": {"utm_source": "x"}},
    }  # fmt: skip
    return f"{hub.path}/events/{hub.trusted.post(f'{hub.path}/events', body)['id']}"


def read(hub: Hub, path: str) -> Answer:
    return hub.trusted.get(path)


def test_put_replaces_all_that_the_event_says(hub: Hub, path: str) -> None:
    before = read(hub, path)
    body = {"type": "viewedPage", "context": "MOBILE", "properties": {"title": "B"}}
    answer = hub.trusted.put(path, body)
    assert (answer.status, answer.json) == (202, {"id": before["id"]})
    after = read(hub, path)
    assert after.json == before.json | {
        "context": "MOBILE", "properties": {"title": "B"}, "contextInfo": {}, "tracking": None,
        "version": 2, "updatedAt": after["updatedAt"],
    }  # fmt: skip
    assert Change.objects.filter(entity="EVENT").latest("id").operation == "UPDATE"


def test_what_was_read_can_be_put_back(hub: Hub, path: str) -> None:
    changes = Change.objects.count()
    assert hub.trusted.put(path, read(hub, path).json).status == 202
    assert hub.trusted.patch(path, read(hub, path).json).status == 202
    assert read(hub, path)["version"] == 1
    assert Change.objects.count() == changes


def test_patch_merges_and_null_removes(hub: Hub, path: str) -> None:
    body = {
        "properties": {"title": None, "pageTags": ["a"]}, "date": "2021-05-07",
        "contextInfo": {"client": {"userAgent": "x"}}, "tracking": None,
    }  # fmt: skip
    assert hub.trusted.patch(path, body).status == 202
    after = read(hub, path)
    assert after["properties"] == {"url": "https://a.example", "pageTags": ["a"]}
    assert after["contextInfo"] == {"client": {"ip": "10.1.2.3", "userAgent": "x"}}
    assert (after["tracking"], after["date"]) == (None, "2021-05-07T00:00:00.000Z")


@pytest.mark.parametrize(
    ("method", "body", "places"),
    [
        ("PUT", {}, {"/type", "/context"}), ("PATCH", {"properties": {"zz": 1}}, {"/properties/zz"}), ("PATCH", {"zz": 1}, {"/zz"}),
        ("PATCH", {"type": "loggedIn", "context": "MOBILE", "id": "x", "customerId": "x", "origin": "DUPLICATE", "registeredAt": "2020-01-01", "nodeId": "x"}, {f"/{name}" for name in ("type", "context", "id", "customerId", "origin", "registeredAt", "nodeId")}),
        ("PATCH", {"bringBackProperties": {"value": "x"}}, {"/bringBackProperties"}), ("PATCH", {"date": "x"}, {"/date"}), ("PATCH", {"properties": ["x"]}, {"/properties"}),
        ("PUT", {"type": "loggedIn", "context": "WEB", "properties": {}}, {"/type"}), ("PUT", {"type": "viewedPage", "context": "zz", "properties": 7}, {"/context", "/properties"}),
    ],
)  # fmt: skip
def test_what_cannot_be_changed(hub: Hub, path: str, method: str, body: Any, places: Any) -> None:
    answer = hub.trusted.request(method, path, body)
    assert (answer.status, answer.paths) == (400, places)
    assert read(hub, path)["version"] == 1


def test_versions(hub: Hub, path: str) -> None:
    change = {"properties": {"title": "B"}}
    assert hub.trusted.patch(path, change, If_Match='"7"').status == 412
    assert hub.trusted.patch(path, change, If_Match='"1"').status == 202
    assert hub.trusted.delete(path, If_Match='"1"').status == 412
    assert hub.trusted.get(path, If_None_Match='"2"').status == 304


def test_delete(hub: Hub, path: str) -> None:
    assert hub.trusted.delete(path).status == 204
    assert read(hub, path).status == 404
    assert hub.trusted.delete(path).status == 404
    assert hub.trusted.patch(path, {}).status == 404
    change = Change.objects.latest("id")
    assert (change.entity, change.operation) == ("EVENT", "DELETE")


def test_who_may_only_read(hub: Hub, path: str) -> None:
    reader = make_user("USER", workspaces=(hub.workspace,), grants={hub.node: "R"})
    client = ApiClient(make_token(reader))
    assert client.get(path).status == 200
    assert client.patch(path, {}).status == 403
    assert client.delete(path).status == 403
    stranger = make_user("USER", workspaces=(hub.workspace,), grants={hub.other_node: "RW"})
    assert ApiClient(make_token(stranger)).get(path).status == 403


def test_the_neighbours_on_the_time_line(hub: Hub) -> None:
    customer, other = hub.post_customer()["id"], hub.post_customer()["id"]
    dates = ["2021-01-02", "2021-01-01", "2021-01-02", "2021-01-03"]
    ids = []
    for date in dates:
        for owner in (customer, other):
            body = {"customerId": owner, "type": "loggedIn", "context": "WEB", "properties": {}}
            answer = hub.trusted.post(f"{hub.path}/events", body | {"date": date})
        ids.append(str(Event.objects.filter(customer_id=customer).latest("id").id))
        assert answer.status == 202
    line = [ids[1], *sorted([ids[0], ids[2]]), ids[3]]
    for index, event_id in enumerate(line):
        found = hub.trusted.get(f"{hub.path}/events/{event_id}", query={"nav": "CUSTOMER"})
        assert found["prev"] == (line[index - 1] if index else None)
        assert found["next"] == (line[index + 1] if index < 3 else None)
    assert hub.trusted.get(f"{hub.path}/events/{line[0]}", query={"nav": "x"}).status == 400


def test_deleting_a_customer_takes_the_events_along(hub: Hub, path: str) -> None:
    customer = read(hub, path)["customerId"]
    hub.trusted.delete(f"{hub.path}/customers/{customer}")
    assert read(hub, path).status == 404
    assert Change.objects.filter(entity="EVENT", operation="DELETE").count() == 1


JSON = st.recursive(
    st.one_of(st.booleans(), st.integers(), st.text(max_size=3)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2),
        st.dictionaries(st.sampled_from("abc"), st.one_of(inner, st.none()), max_size=3),
    ),
)


@given(JSON, JSON)
def test_a_patch_is_idempotent(document: Any, patch: Any) -> None:
    once = patched(document, patch)
    assert patched(once, patch) == once


def test_unknown_events(hub: Hub) -> None:
    for unknown in (uuid.uuid4(), "x"):
        assert hub.trusted.get(f"{hub.path}/events/{unknown}").status == 404


def test_an_event_does_not_grow_without_end(hub: Hub) -> None:
    body = {
        "customerId": hub.post_customer()["id"], "type": "formCompiled", "context": "WEB",
        "properties": {"formName": "F", "data": {}},
    }  # fmt: skip
    path = f"{hub.path}/events/{hub.trusted.post(f'{hub.path}/events', body)['id']}"
    statuses = [
        hub.trusted.patch(path, {"properties": {"data": {str(n): "x" * 30_000}}}).status
        for n in range(4)
    ]
    assert statuses == [202, 202, 413, 413]
    assert set(read(hub, path)["properties"]["data"]) == {"0", "1"}
    hub.operator.put(f"{hub.configuration}/payload-size", {"formCompiled": {"maxBytes": 65_535}})
    assert hub.trusted.patch(path, {"properties": {"formName": "G"}}).status == 202


def test_changes_of_one_event_at_once_are_all_kept(live_hub: Hub) -> None:
    hub = live_hub
    sent = {"type": "searched", "context": "WEB", "properties": {"keyword": "boots"}}
    customer = hub.post_customer()["id"]
    event_id = hub.trusted.post(f"{hub.path}/events", {"customerId": customer, **sent})["id"]
    path = f"{hub.path}/events/{event_id}"

    def change(name: str) -> list[int]:
        try:
            return [
                hub.trusted.patch(path, {"tracking": {"ga": {f"utm_{name}": str(step)}}}).status
                for step in range(8)
            ]
        finally:
            connection.close()

    names = ["source", "medium", "term", "content", "campaign"]
    with ThreadPoolExecutor(len(names)) as threads:
        statuses = list(threads.map(change, names))
    assert statuses == [[202] * 8] * len(names)
    event = hub.trusted.get(path).json
    assert event["tracking"]["ga"] == {f"utm_{name}": "7" for name in names}
    assert event["version"] == 1 + 8 * len(names)
    assert Change.objects.filter(entity_id=event_id).count() == event["version"]


def test_an_event_that_goes_while_it_is_changed_is_not_found(
    live_hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = live_hub
    customer = hub.post_customer()["id"]
    sent = {"type": "searched", "context": "WEB", "properties": {"keyword": "boots"}}
    event_id = hub.trusted.post(f"{hub.path}/events", {"customerId": customer, **sent})["id"]
    path = f"{hub.path}/events/{event_id}"
    before = modification._content_after

    def deleted_meanwhile(*arguments: Any) -> Any:
        content = before(*arguments)
        Event.objects.filter(id=event_id).delete()
        return content

    monkeypatch.setattr(modification, "_content_after", deleted_meanwhile)
    assert hub.trusted.patch(path, {"properties": {"keyword": "shoes"}}).status == 404
    assert Event.objects.count() == 0
