"""Bodies as clients write them that have other arrays, objects, numbers and moments than ours."""

from __future__ import annotations

import json
from typing import Any

import pytest

from customers.models import Customer
from tests.client import ApiClient
from tests.factories import Hub, make_token, make_user

EMAIL = {"contacts": {"email": "ada@example.com"}}
EPOCH_MS, MOMENT = 1764060605248, "2025-11-25T08:50:05.248Z"


def event(hub: Hub, **body: Any) -> dict[str, Any]:
    known = {"customerId": hub.post_customer()["id"], "type": "viewedProduct", "context": "WEB"}
    return known | body


def posted(hub: Hub, body: dict[str, Any]) -> dict[str, Any]:
    answer = hub.trusted.post(f"{hub.path}/events", body)
    assert answer.status == 202, answer.content
    return hub.trusted.get(f"{hub.path}/events/{answer['id']}").json


@pytest.mark.parametrize("empty", [[], {}])
def test_an_empty_list_is_an_empty_object_in_customers(hub: Hub, empty: Any) -> None:
    body = {
        "consents": empty, "extended": empty, "tags": {"auto": {"1": "b", "0": "a"}, "manual": {}},
        "base": {**EMAIL, "address": empty, "socialProfile": empty, "jobs": {"3": {"id": "j", "jobTitle": "x"}},
                 "subscriptions": {"0": {"id": "news", "subscribed": True, "preferences": {"1": {"key": "k", "value": "v"}}}}},
    }  # fmt: skip
    created = hub.post_customer(**body)
    assert created.status == 201, created.content
    assert (created["consents"], created["extended"]) == ({}, {})
    assert created["tags"] == {"auto": ["a", "b"], "manual": []}
    assert created["base"]["address"] is None
    assert [job["id"] for job in created["base"]["jobs"]] == ["j"]
    assert created["base"]["subscriptions"][0]["preferences"] == [{"key": "k", "value": "v"}]
    path = f"{hub.path}/customers/{created['id']}"
    for method in ("PATCH", "PUT"):
        change = {"nodeId": str(hub.node.id), "base": EMAIL, "tags": {"manual": {"5": "m"}}}
        changed = hub.trusted.request(method, path, change | {"extended": empty})
        assert (changed.status, changed["tags"]["manual"]) == (200, ["m"])
    assert hub.trusted.patch(path, []).status == 200
    assert hub.trusted.patch(path, {"tags": {"auto": []}, "base": []})["tags"]["auto"] == []


def test_callers_that_may_not_read_get_what_was_sent(hub: Hub) -> None:
    user = make_user("USER", workspaces=(hub.workspace,), grants={hub.node: "W"})
    for client in (hub.untrusted, ApiClient(make_token(user))):
        body = {"base": {**EMAIL, "jobs": {}}, "tags": {"auto": {"0": "a"}}, "consents": []}
        answer = hub.post_customer(client, **body)
        assert answer.status in {200, 201}, answer.content
        assert (answer["tags"], answer["consents"]) == ({"auto": ["a"], "manual": []}, {})
    path = f"{hub.path}/customers/{answer['id']}"
    assert client.patch(path, {"tags": {"manual": {"2": "m"}}})["tags"]["manual"] == ["m"]
    news = {"id": "news", "subscribed": True}
    assert hub.trusted.post(f"{path}/subscriptions", news).status == 201
    preferences = {"preferences": {"0": {"key": "k", "value": "v"}}}
    changed = client.put(f"{path}/subscriptions/news", preferences)
    assert (changed.status, changed["preferences"]) == (200, [{"key": "k", "value": "v"}])


def test_subscriptions(hub: Hub) -> None:
    path = f"{hub.path}/customers/{hub.post_customer()['id']}/subscriptions"
    body = {"id": "news", "subscribed": True, "subscribeContext": [], "startDate": EPOCH_MS,
            "preferences": {"1": {"key": "k", "value": "v"}}}  # fmt: skip
    made = hub.trusted.post(path, body)
    assert (made.status, made["startDate"]) == (201, MOMENT)
    assert made["preferences"] == [{"key": "k", "value": "v"}]
    assert hub.trusted.put(f"{path}/news", {"preferences": {}, "endDate": str(EPOCH_MS)}).json == (
        made.json | {"preferences": [], "endDate": MOMENT, "updatedAt": None}
        | {"updatedAt": hub.trusted.get(f"{path}/news")["updatedAt"]}
    )  # fmt: skip
    wrong = hub.trusted.post(path, {"id": "x", "subscribed": 1, "preferences": {"4": {"key": 1}}})
    assert wrong.paths == {"/subscribed", "/preferences/4/key", "/preferences/4/value"}


def test_faults_point_into_the_body_as_it_was_sent(hub: Hub) -> None:
    answer = hub.post_customer(base={**EMAIL, "jobs": {"7": {"id": 1}, "3": {}}}, tags=["x"])
    assert (answer.status, answer.paths) == (400, {"/base/jobs/7/id", "/tags"})
    created = hub.post_customer(base=EMAIL)
    path = f"{hub.path}/customers/{created['id']}"
    answer = hub.trusted.patch(path, {"base": {"jobs": {"7": {"id": 1}, "3": {}}}})
    assert (answer.status, answer.paths) == (400, {"/base/jobs/7/id"})


def test_numbers_of_customers_are_numbers(hub: Hub) -> None:
    answer = hub.post_customer(base={**EMAIL, "address": {"geo": {"lat": "1", "lon": 2}}})
    assert answer.paths == {"/base/address/geo/lat"}


def test_events(hub: Hub) -> None:
    body = event(
        hub, date=EPOCH_MS, contextInfo=[], tracking=[],
        properties={"id": "P", "price": "1.5000", "category": {"1": "b"}, "classifications": {}},
    )  # fmt: skip
    kept = posted(hub, body)
    assert kept["properties"] == {
        "id": "P", "price": 1.5, "category": ["b"], "classifications": [],
    }  # fmt: skip
    assert (kept["date"], kept["contextInfo"], kept["tracking"]) == (MOMENT, {}, {})
    path = f"{hub.path}/events/{kept['id']}"
    patch = {"properties": {"price": "2", "category": {"0": "c"}}, "date": str(EPOCH_MS + 1)}
    assert hub.trusted.patch(path, patch).status == 202
    patched = hub.trusted.get(path)
    assert patched["properties"] == kept["properties"] | {"price": 2, "category": ["c"]}
    assert patched["date"] == "2025-11-25T08:50:05.249Z"
    assert hub.trusted.patch(path, {"properties": [], "contextInfo": []}).status == 202
    assert hub.trusted.get(path)["version"] == patched["version"], "nothing was said"
    wrong = hub.trusted.patch(path, {"properties": {"price": "x", "category": {"4": 7}}})
    assert wrong.paths == {"/properties/price", "/properties/category/4"}
    whole = {"type": "viewedProduct", "context": "WEB", "properties": {"id": "P", "price": "3"}}
    assert hub.trusted.put(path, whole | {"date": 0}).status == 202
    put = hub.trusted.get(path)
    assert (put["properties"]["price"], put["date"]) == (3, "1970-01-01T00:00:00.000Z")


@pytest.mark.parametrize(
    ("properties", "places"),
    [
        ({"id": "P", "price": "1,5"}, {"/properties/price"}),
        ({"id": 7, "price": "true"}, {"/properties/id", "/properties/price"}),
        ({"id": "P", "category": {"x": "a"}}, {"/properties/category"}),
        (["P"], {"/properties"}),
    ],
)
def test_events_that_stay_wrong(hub: Hub, properties: Any, places: set[str]) -> None:
    answer = hub.trusted.post(f"{hub.path}/events", event(hub, properties=properties))
    assert (answer.status, answer.paths) == (400, places)


def test_extended_properties_of_events_and_batches(hub: Hub) -> None:
    path = f"{hub.configuration}/events/viewedProduct/properties/extended"
    definitions = {
        "weight": {"type": "number"}, "gift": {"type": "boolean"}, "since": {"type": "string", "format": "date-time"},
        "sizes": {"type": "array", "items": {"type": "integer"}}, "box": {"type": "object", "properties": []},
    }  # fmt: skip
    assert hub.operator.put(path, definitions).status == 200
    extended = {
        "weight": "1.5000",
        "gift": "true",
        "since": EPOCH_MS,
        "sizes": {"0": "1", "1": 2},
        "box": [],
    }
    body = event(hub, properties={"id": "P", "extended": extended})
    batch = {"events": {"0": body, "1": body | {"type": "addedReward", "properties": []}}}
    answer = hub.trusted.post(f"{hub.path}/events/batch", batch)
    assert [each["status"] for each in answer["elements"]] == [202, 400]
    kept = hub.trusted.get(f"{hub.path}/events/{answer['elements'][0]['id']}")
    assert kept["properties"]["extended"] == {
        "weight": 1.5, "gift": True, "since": MOMENT, "sizes": [1, 2], "box": {},
    }  # fmt: skip


def test_a_number_as_text_is_the_same_event_as_the_number(hub: Hub) -> None:
    body = event(hub, externalId="e-1", properties={"id": "P", "price": 1.5}, date=MOMENT)
    first = posted(hub, body)
    again = body | {"properties": {"id": "P", "price": "1.50"}, "date": EPOCH_MS}
    assert posted(hub, again)["id"] == first["id"]


def test_configuration(hub: Hub) -> None:
    nodes = f"{hub.configuration}/nodes/entries"
    made = hub.admin.post(
        nodes,
        {"name": "N", "sourcePriority": {}, "mandatoryProperties": {"1": "base.lastName"},
         "uniqueCustomer": {"properties": {"0": "base.contacts.email"}}},
    )  # fmt: skip
    assert made.status == 201, made.content
    assert made["mandatoryProperties"] == ["base.lastName"]
    sources = f"{hub.configuration}/sources"
    source = {"name": "S", "provider": "API", "nodes": {"0": str(hub.node.id)}}
    made = hub.admin.post(sources, source | {"properties": []})
    assert (made.status, made["properties"]) == (201, {})
    changed = hub.admin.put(
        f"{sources}/{made['id']}", {"properties": {"allowedIPs": {"1": "10.0.0.1"}}}
    )
    assert changed["properties"] == {"allowedIPs": ["10.0.0.1"]}
    extended = f"{hub.configuration}/properties/extended"
    definitions = {
        "kind": {"type": {"0": "string", "1": "null"}, "enum": {"1": "b", "0": "a"}},
        "list": {"type": "array", "items": {"type": "string"}},
        "wrapped": {"type": "string", "contactlabProperties": []},
    }
    answer = hub.operator.put(extended, definitions)
    assert (answer.status, answer["kind"]["enum"]) == (200, ["a", "b"])
    assert hub.operator.put(extended, [], query={"force": "true"}).json == {}
    policy = f"{hub.configuration}/consent-policy"
    answer = hub.admin.put(policy, {"viewedPage": {"0": "profiling.online"}, "searched": {}})
    assert (answer.status, answer.json) == (200, {"viewedPage": ["profiling.online"]})
    wrong = hub.admin.post(nodes, {"name": "N", "mandatoryProperties": {"4": 7}})
    assert (wrong.status, wrong.paths) == (400, {"/mandatoryProperties/4"})


def test_searches(hub: Hub) -> None:
    hub.post_customer(base={**EMAIL, "firstName": "Ada"})
    atomic = {
        "type": "atomic",
        "attribute": "base.firstName",
        "operator": "IN",
        "value": {"0": "Ada"},
    }
    condition = {"type": "composite", "conjunction": "and", "conditions": {"0": atomic}}
    simple = {"type": "simple", "are": {"condition": condition}}
    query = {"query": {"type": "combined", "conjunction": "UNION", "queries": {"0": simple}}}
    found = hub.trusted.get(
        f"{hub.path}/customers", query={"nodeId": str(hub.node.id), "query": json.dumps(query)}
    )
    assert (found.status, len(found["elements"])) == (200, 1)


def test_moments_of_customers(hub: Hub) -> None:
    created = hub.post_customer(
        base={**EMAIL, "likes": [{"id": "l", "createdTime": EPOCH_MS}]},
        consents={"disclaimer": {"date": str(EPOCH_MS)}},
    )
    assert created["base"]["likes"][0]["createdTime"] == MOMENT
    assert created["consents"]["disclaimer"]["date"] == MOMENT
    assert Customer.objects.get(id=created["id"]).consents["disclaimer"]["date"] == MOMENT


def test_email_addresses_are_kept_without_space_around_them(hub: Hub) -> None:
    first = hub.post_customer(base={"contacts": {"email": "  zoë@example.com\t"}})
    assert (first.status, first["base"]["contacts"]["email"]) == (201, "zoë@example.com")
    again = hub.post_customer(base={"contacts": {"email": "ZOË@example.com "}})
    assert (again.status, again["id"]) == (200, first["id"])
    path = f"{hub.path}/customers/{first['id']}"
    patched = hub.trusted.patch(path, {"base": {"contacts": {"email": " zoe@münchen.de "}}})
    assert patched["base"]["contacts"]["email"] == "zoe@münchen.de"
    for wrong in ("Anna <anna@example.com>", "anna", "   ", "a@x.it, b@x.it"):
        answer = hub.post_customer(base={"contacts": {"email": wrong}})
        assert (answer.status, answer.paths) == (400, {"/base/contacts/email"}), wrong
    define = hub.operator.put(
        f"{hub.configuration}/properties/extended", {"work": {"type": "string", "format": "email"}}
    )
    assert define.status == 200
    other = hub.post_customer(extended={"work": " ada@example.com "})
    assert other["extended"] == {"work": "ada@example.com"}


def test_addresses_in_events(hub: Hub) -> None:
    odd = "http://x.it/perché no"
    ip = "10.0.0.1, 2001:db8::1"
    kept = posted(
        hub,
        event(
            hub, properties={"linkUrl": odd, "imageUrl": "cdn.x.it/a b.png"},
            contextInfo={"client": {"ip": ip}, "user": {"id": "u", "contacts": {"email": " zoë@x.it "}}},
        ),
    )  # fmt: skip
    assert kept["properties"] == {"linkUrl": odd, "imageUrl": "cdn.x.it/a b.png"}
    assert kept["contextInfo"]["client"] == {"ip": ip}
    assert kept["contextInfo"]["user"]["contacts"] == {"email": "zoë@x.it"}
    for address in ("2001:db8::1", "10.0.0.0/8"):
        posted(hub, event(hub, contextInfo={"client": {"ip": address}}, properties={}))
    wrong = event(
        hub, properties={"linkUrl": " JavaScript:x", "imageUrl": "http://x.it/\u0007"},
        contextInfo={"client": {"ip": "somewhere"}},
    )  # fmt: skip
    answer = hub.trusted.post(f"{hub.path}/events", wrong)
    assert (answer.status, answer.paths) == (
        400, {"/properties/linkUrl", "/properties/imageUrl", "/contextInfo/client/ip"},
    )  # fmt: skip


def test_pictures_of_nodes_and_customers(hub: Hub) -> None:
    odd = "http://x.it/perché no.png"
    nodes = f"{hub.configuration}/nodes/entries"
    made = hub.admin.post(nodes, {"name": "N", "imageUrl": odd})
    assert (made.status, made["imageUrl"]) == (201, odd)
    assert hub.admin.put(hub.configuration, {"logo": odd})["logo"] == odd
    assert hub.post_customer(base={**EMAIL, "pictureUrl": odd})["base"]["pictureUrl"] == odd
    for wrong in ("java\tscript:alert(1)", " DATA:text/html,x", ""):
        answer = hub.admin.post(nodes, {"name": "N", "imageUrl": wrong})
        assert (answer.status, answer.paths) == (400, {"/imageUrl"})
    answer = hub.post_customer(base={**EMAIL, "pictureUrl": "data:,x"})
    assert (answer.status, answer.paths) == (400, {"/base/pictureUrl"})
