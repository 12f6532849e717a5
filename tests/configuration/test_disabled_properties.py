"""Disabled extended properties are unknown everywhere, and what was stored of them stays."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.factories import Hub

EMAIL = {"contacts": {"email": "ada@example.com"}}
CLUB = {"level": {"type": "integer"}, "note": {"type": "string"}}
DEFINITIONS: dict[str, Any] = {
    "vip": {"type": "boolean"},
    "card": {"type": "string"},
    "club": {"type": "object", "properties": CLUB},
}
OFF = DEFINITIONS | {
    "card": {"type": "string", "enabled": False},
    "club": {"type": "object", "properties": CLUB | {"note": {"type": "string", "enabled": False}}},
}
STORED = {"vip": True, "card": "A1", "club": {"level": 1, "note": "n"}}
DISPLAYED = {"vip": True, "club": {"level": 1}}


def define(hub: Hub, definitions: Any, at: str = "properties/extended") -> None:
    answer = hub.operator.put(f"{hub.configuration}/{at}", definitions)
    assert answer.status == 200, answer.content


@pytest.fixture
def person(hub: Hub) -> str:
    """The path of a customer with values of what is disabled now."""
    define(hub, DEFINITIONS)
    created = hub.post_customer(base=EMAIL, extended=STORED)
    assert created.status == 201
    define(hub, OFF)
    return f"{hub.path}/customers/{created['id']}"


def test_answers_do_not_show_them(hub: Hub, person: str) -> None:
    customer = hub.trusted.get(person)
    assert customer["extended"] == DISPLAYED
    listed = hub.trusted.get(f"{hub.path}/customers", query={"nodeId": hub.node.id})
    assert listed["elements"][0]["extended"] == DISPLAYED
    schema = hub.admin.get(f"{hub.configuration}/properties").json
    assert set(schema["$defs"]["extended"]["properties"]) == {"vip", "club"}
    untrusted = hub.post_customer(hub.untrusted, base=EMAIL, extended={"card": "X", "vip": False})
    assert untrusted["extended"] == {"vip": False}


@pytest.mark.parametrize("method", ["POST", "PATCH", "PATCH STRICT", "PUT", "PUT STRICT"])
@pytest.mark.parametrize(
    "extended",
    [
        {"vip": False, "card": 5, "club": {"level": 2, "note": [1]}},
        {"vip": False, "card": None, "club": None}, {}, None, {"club": {"note": "other"}},
    ],
    ids=str,
)  # fmt: skip
def test_no_write_touches_them(hub: Hub, person: str, method: str, extended: Any) -> None:
    verb, _, strict = method.partition(" ")
    query = {"mode": "STRICT"} if strict else {}
    body = {"nodeId": str(hub.node.id), "base": EMAIL, "extended": extended}
    path = person if verb != "POST" else f"{hub.path}/customers"
    answer = hub.trusted.request(verb, path, body, query=query)
    assert answer.status == 200, answer.content
    assert "card" not in answer["extended"]
    assert "note" not in answer["extended"].get("club", {})
    define(hub, DEFINITIONS)
    after = hub.trusted.get(person)["extended"]
    assert after["card"] == "A1"
    assert after["club"]["note"] == "n"
    if extended and "vip" in extended:
        assert after["vip"] is False
        assert after["club"] == (
            {"note": "n"} if extended["club"] is None else {"level": 2, "note": "n"}
        )


def test_bodies_that_say_nothing_else_change_nothing(hub: Hub, person: str) -> None:
    version = hub.trusted.get(person)["version"]
    for extended in ({"card": "new"}, {"club": {"note": 5}}, {"card": None}):
        assert hub.trusted.patch(person, {"extended": extended})["version"] == version


def test_unknown_properties_are_still_refused(hub: Hub, person: str) -> None:
    refused = hub.trusted.patch(person, {"extended": {"card": 1, "x": 1, "club": {"y": 1}}})
    assert (refused.status, refused.paths) == (400, {"/extended/x", "/extended/club/y"})


@pytest.mark.parametrize("path", ["extended.card", "extended.club.note"])
def test_they_cannot_be_named(hub: Hub, person: str, path: str) -> None:
    customers, node = f"{hub.path}/customers", {"nodeId": hub.node.id}
    condition = {"type": "atomic", "attribute": path, "operator": "IS_NOT_NULL"}
    query = {"query": {"type": "simple", "are": {"condition": condition}}}
    for parameters in ({"query": json.dumps(query)}, {"sort": path}, {"fields": path}):
        assert hub.trusted.get(customers, query=node | parameters).status == 400, parameters
    nodes = f"{hub.configuration}/nodes"
    unique = {"properties": [path], "caseSensitive": False}
    entry = {"name": "E", "uniqueCustomer": unique, "mandatoryProperties": [path]}
    assert hub.admin.post(f"{nodes}/entries", entry).paths == {
        "/uniqueCustomer/properties/0",
        "/mandatoryProperties/0",
    }
    matching = {"properties": ["base.contacts.email"], "caseSensitive": False}
    aggregate = {"name": "A", "entryNodes": [str(hub.node.id)], "matchingProperties": matching}
    refused = hub.admin.post(f"{nodes}/aggregates", aggregate | {"exclusionFilters": [condition]})
    assert refused.paths == {"/exclusionFilters/0/attribute"}


def test_a_disabled_object_takes_its_children_along(hub: Hub) -> None:
    define(hub, DEFINITIONS)
    created = hub.post_customer(base=EMAIL, extended=STORED)
    define(hub, DEFINITIONS | {"club": {**DEFINITIONS["club"], "enabled": False}})
    path = f"{hub.path}/customers/{created['id']}"
    assert hub.trusted.put(path, {"nodeId": str(hub.node.id), "base": EMAIL}, query={"mode": "STRICT"})["extended"] == {}  # fmt: skip
    sort = hub.trusted.get(f"{hub.path}/customers", query={"nodeId": hub.node.id, "sort": "extended.club.level"})  # fmt: skip
    assert sort.status == 400
    define(hub, DEFINITIONS)
    assert hub.trusted.get(path)["extended"] == {"club": STORED["club"]}


def test_values_of_disabled_base_properties_stay_too(hub: Hub) -> None:
    social = {"google": "g", "twitter": "t"}
    created = hub.post_customer(base={**EMAIL, "title": "Lady", "socialProfile": social})
    path, switches = f"{hub.path}/customers/{created['id']}", f"{hub.configuration}/properties/base"
    for name in ("title", "socialProfile.google"):
        hub.admin.put(f"{switches}/{name}/enabled", {"value": False})
    body = {"nodeId": str(hub.node.id), "base": EMAIL}
    replaced = hub.trusted.put(path, body, query={"mode": "STRICT"})
    assert set(replaced["base"]["socialProfile"].values()) == {None}
    assert "google" not in replaced["base"]["socialProfile"]
    for name in ("title", "socialProfile.google"):
        hub.admin.put(f"{switches}/{name}/enabled", {"value": True})
    base = hub.trusted.get(path)["base"]
    assert base["title"] == "Lady"
    assert (base["socialProfile"]["google"], base["socialProfile"]["twitter"]) == ("g", None)


def test_a_persons_export_holds_them(hub: Hub, person: str) -> None:
    hub.admin.put(f"{hub.configuration}/properties/base/title/enabled", {"value": False})
    export = hub.clients["DPO"].get(f"{person.replace('/customers/', '/data-protection/customers/')}/export")  # fmt: skip
    assert export["customer"]["extended"] == STORED


EVENT_OFF = {
    "till": {"type": "string", "enabled": False},
    "shop": {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string", "enabled": False}}},
}  # fmt: skip
EVENT_ON = {
    "till": {"type": "string"},
    "shop": {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}}},
}


def test_events_hide_and_keep_them(hub: Hub) -> None:
    at, products = "events/completedOrder/properties/extended", "products/properties/extended"
    define(hub, EVENT_ON, at)
    define(hub, EVENT_ON, products)
    extended = {"till": "T", "shop": {"a": "1", "b": "2"}}
    line = {"id": "P", "type": "sale", "extended": extended}
    body = {
        "type": "completedOrder", "context": "WEB", "date": "2026-01-01T00:00:00Z",
        "properties": {"orderId": "O", "extended": extended, "products": [line]},
    }  # fmt: skip
    customer = hub.post_customer()["id"]
    event = hub.trusted.post(f"{hub.path}/events", body | {"customerId": customer})["id"]
    path = f"{hub.path}/events/{event}"
    stored = hub.trusted.get(path)["properties"]
    define(hub, EVENT_OFF, at)
    define(hub, EVENT_OFF, products)
    displayed = {"shop": {"a": "1"}}
    visible = body["properties"] | {
        "extended": displayed,
        "products": [line | {"extended": displayed}],
    }
    assert hub.trusted.get(path)["properties"] == visible
    listed = hub.trusted.get(f"{hub.path}/events", query={"customerId": customer})
    assert listed["elements"][0]["properties"] == visible
    schema = hub.admin.get(f"{hub.configuration}/events/completedOrder/properties").json
    assert set(schema["properties"]["extended"]["properties"]) == {"shop"}
    assert set(schema["properties"]["extended"]["properties"]["shop"]["properties"]) == {"a"}
    version = hub.trusted.get(path)["version"]
    odd = {"till": 5, "shop": {"a": "1", "b": 7}}
    same = {"extended": odd, "products": [line | {"extended": odd}]}
    assert hub.trusted.patch(path, {"properties": same}).status == 202
    assert hub.trusted.get(path)["version"] == version, "nothing was said"
    assert hub.trusted.put(path, body | {"properties": visible | {"orderId": "N"}}).status == 202
    define(hub, EVENT_ON, at)
    define(hub, EVENT_ON, products)
    assert hub.trusted.get(path)["properties"] == stored | {"orderId": "N"}


def test_searches_by_events_do_not_know_them(hub: Hub) -> None:
    define(hub, EVENT_OFF, "events/viewedPage/properties/extended")
    for attribute in ("properties.extended.till", "properties.extended.shop.b"):
        condition = {"type": "atomic", "attribute": attribute, "operator": "IS_NULL"}
        did = {"event": {"name": "viewedPage"}, "condition": condition}
        refused = hub.trusted.get(
            f"{hub.path}/customers",
            query={
                "nodeId": hub.node.id,
                "query": json.dumps({"query": {"type": "simple", "did": did}}),
            },
        )
        assert refused.status == 400, attribute
