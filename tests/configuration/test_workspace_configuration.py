"""What holds for a whole workspace: settings, throttling, event types, properties."""

from __future__ import annotations

import functools
import threading
import time
from typing import Any

import pytest
from django.db import connection

from configuration.domain.customer_schema import base_properties
from configuration.domain.vocabulary import EVENT_TYPES
from contacthub_project.api import throttling
from contacthub_project.messaging import redis_clients
from customers.models import Customer
from tests.factories import Hub

EMAIL = {"contacts": {"email": "ada@example.com"}}


def test_settings_round_trip(hub: Hub) -> None:
    path = hub.configuration
    before = hub.admin.get(path)
    assert before.json == {
        "name": hub.workspace.name, "industry": "NotDefined", "logo": None, "timezone": "Europe/Rome",
        "currency": "EUR", "country": None, "customerUniquenessPolicy": "MERGE", "tier": None,
        "placeholderValues": [], "deletedDays": 30, "customerRetentionMonths": 0,
        "findDuplicates": False, "followMergedIds": True, "historyDays": 0,
        "suppression": "IMPORTS", "quarantine": True,
    }  # fmt: skip
    expected = before.json | {
        "name": "Shoes",
        "timezone": "Europe/London",
        "logo": "https://a.example/l.png",
        "placeholderValues": ["n/a", "Unknown"],
        "deletedDays": 0,
        "country": "IT",
        "customerRetentionMonths": 24,
        "suppression": "REFUSE",
        "quarantine": False,
    }
    changed = hub.admin.put(path, expected, If_Match=before.headers["ETag"])
    assert (changed.status, changed.json) == (200, expected)
    assert hub.admin.get(path).json == expected
    assert hub.admin.put(path, {"name": "Late"}, If_Match=before.headers["ETag"]).status == 412
    assert hub.admin.put(path, {"timezone": None})["timezone"] == "Europe/Rome"
    assert hub.admin.put(path, {"name": "Boots"})["logo"] == expected["logo"]


@pytest.mark.parametrize(
    ("body", "paths"),
    [
        ({"industry": "Food"}, {"/industry"}), ({"timezone": "Mars"}, {"/timezone"}), ({"currency": None}, {"/currency"}),
        ({"customerUniquenessPolicy": "BLOCK"}, {"/customerUniquenessPolicy"}), ({"logo": "javascript:x"}, {"/logo"}),
        ({"suppression": "NEVER"}, {"/suppression"}), ({"customerRetentionMonths": -1}, {"/customerRetentionMonths"}),
        ({"tier": "GOLD"}, {"/tier"}), ({"tier": ""}, {"/tier"}),
        ({"placeholderValues": "n/a"}, {"/placeholderValues"}), ({"placeholderValues": None}, {"/placeholderValues"}),
        ({"placeholderValues": ["a", " ", 5, "x" * 256]}, {f"/placeholderValues/{index}" for index in (1, 2, 3)}),
        ({"placeholderValues": ["x"] * 101}, {"/placeholderValues"}), ({"placeholderValues": ["a\0"]}, {"/placeholderValues/0"}),
        ({"name": ""}, {"/name"}), ({"x": 1, "name": 2}, {"/x", "/name"}),
    ],
)  # fmt: skip
def test_wrong_settings(hub: Hub, body: dict[str, Any], paths: set[str]) -> None:
    refused = hub.admin.put(hub.configuration, body)
    assert (refused.status, refused.paths) == (400, paths)


def test_two_puts_never_lose_one_silently(live_hub: Hub) -> None:
    tag = live_hub.admin.get(live_hub.configuration).headers["ETag"]
    statuses = []

    def put(name: str) -> None:
        try:
            answer = live_hub.admin.put(live_hub.configuration, {"name": name}, If_Match=tag)
            statuses.append(answer.status)
        finally:
            connection.close()

    _in_parallel([lambda number=number: put(f"W{number}") for number in range(8)])
    assert sorted(statuses) == [200] + [412] * 7


# Throttling


def test_throttling_is_exact_under_parallel_requests(live_hub: Hub) -> None:
    path = f"{live_hub.configuration}/throttling"
    assert live_hub.operator.get(path).json == {"maxRequestsPerMinute": 0}
    _wait_for_a_fresh_minute()
    assert live_hub.operator.put(path, {"maxRequestsPerMinute": 20}).status == 200
    answers = []

    def ask() -> None:
        try:
            answers.append(live_hub.trusted.get(f"{live_hub.configuration}/nodes/entries"))
        finally:
            connection.close()

    _in_parallel([ask] * 30)
    assert sorted(answer.status for answer in answers) == [200] * 20 + [429] * 10
    remaining = sorted(int(a.headers["RateLimit-Remaining"]) for a in answers if a.status == 200)
    assert remaining == list(range(20))
    refused = next(answer for answer in answers if answer.status == 429)
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert refused.headers["RateLimit-Limit"] == "20"
    assert live_hub.operator.put(path, {"maxRequestsPerMinute": 0}).status == 200
    assert live_hub.trusted.get(f"{live_hub.configuration}/nodes/entries").status == 200


def test_without_redis_requests_pass(hub: Hub, settings: Any, monkeypatch: Any) -> None:
    hub.operator.put(f"{hub.configuration}/throttling", {"maxRequestsPerMinute": 1})
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    made = functools.cache(redis_clients._made.__wrapped__)
    monkeypatch.setattr(redis_clients, "_made", made)
    try:
        for _ in range(3):
            assert hub.admin.get(f"{hub.configuration}/nodes/entries").status == 200
    finally:
        monkeypatch.setattr(throttling, "_disabled_until", 0.0)


@pytest.mark.parametrize("value", [-1, "5", None, 1.5, True, 2**31])
def test_wrong_throttling(hub: Hub, value: Any) -> None:
    path = f"{hub.configuration}/throttling"
    refused = hub.operator.put(path, {"maxRequestsPerMinute": value})
    assert (refused.status, refused.paths) == (400, {"/maxRequestsPerMinute"})


# Event types


def test_all_built_in_events(hub: Hub) -> None:
    listed = hub.admin.get(f"{hub.configuration}/events")
    assert [event["id"] for event in listed["elements"]] == list(EVENT_TYPES)
    assert listed["page"]["totalElements"] == 48
    for event in listed["elements"]:
        assert event["label"]
        assert event["description"]
        assert event["mode"] in {"ACTIVE", "PASSIVE"}
    resolved = hub.admin.get(f"{hub.configuration}/events", query={"resolveReferences": "true"})
    assert b"$ref" in listed.content
    assert b"$ref" not in resolved.content
    assert (
        hub.admin.get(f"{hub.configuration}/events", query={"size": 5, "page": 9})["elements"][2][
            "id"
        ]
        == list(EVENT_TYPES)[47]
    )


def test_switching_events_both_ways(hub: Hub) -> None:
    path = f"{hub.configuration}/events/viewedPage"
    event = hub.admin.get(path).json
    assert event["enabled"] is True
    assert hub.admin.put(f"{path}/enabled", {"value": False}).json == {"value": False}
    assert hub.admin.get(path)["enabled"] is False
    types = hub.admin.get(f"{hub.configuration}/event-types")["elements"]
    assert {"id": "viewedPage", "mode": "ACTIVE", "enabled": False} in types
    assert len(types) == 48
    assert hub.admin.put(path, event).json == event
    assert hub.admin.get(path).json == event
    wrong = hub.admin.put(path, {"id": "loggedIn", "enabled": "x"})
    assert wrong.paths == {"/id", "/enabled"}
    for name in ("id", "type", "mode", "label", "description", "propertiesSchema"):
        refused = hub.admin.put(path, event | {name: "PASSIVE", "enabled": False})
        assert (refused.status, refused.paths) == (400, {f"/{name}"})
    assert hub.admin.get(path)["enabled"] is True
    resolved = hub.admin.get(path, query={"resolveReferences": "true"}).json
    assert hub.admin.put(path, resolved).status == 200
    assert hub.admin.put(f"{path}/enabled", {"value": 1}).paths == {"/value"}


def test_event_properties(hub: Hub) -> None:
    path = f"{hub.configuration}/events/completedOrder/properties"
    definition = {"type": "string", "label": "Till", "mergePolicy": "OBJ_PRIORITY"}
    put = hub.admin.put(f"{path}/extended", {"till": definition})
    assert put.json == {"till": {**definition, "enabled": True, "indexed": False, "maxLength": 255}}
    assert hub.admin.get(f"{path}/extended").json == put.json
    schema = hub.admin.get(path, query={"resolveReferences": True}).json
    assert schema["properties"]["extended"]["properties"]["till"]["label"] == "Till"
    assert schema["properties"]["products"]["items"]["properties"]["sku"]
    plan = hub.admin.get(f"{hub.configuration}/plan-models/ORDER").json
    assert plan["hub"]["completedOrder"]["extended.till"] == {"type": "string"}
    assert plan["hub"]["completedOrder"]["orderId"] == {"type": "string"}
    assert len(plan["plan"]) == 15


def test_each_plan_model(hub: Hub) -> None:
    for model in ("ABANDONED_CART", "ATTENDANCE_EVENT", "COUPON", "ORDER", "ORDER_LINE",
                  "PRODUCT_INTERACTION", "SERVICE_SUBSCRIBED", "SERVICE_UNSUBSCRIBED", "WEB_BROWSING_EVENT"):  # fmt: skip
        answer = hub.admin.get(f"{hub.configuration}/plan-models/{model}")
        assert answer.status == 200
        assert answer["hub"]


def test_payload_sizes(hub: Hub) -> None:
    path = f"{hub.configuration}/payload-size"
    expected = {"viewedPage": {"maxBytes": 65535}, "formCompiled": {"maxBytes": 380928}}
    answer = hub.operator.put(path, expected)
    assert answer.status == 200
    assert len(answer.json) == 48
    assert answer.json | expected == answer.json
    assert answer["loggedIn"] == {"maxBytes": 65536}
    assert hub.operator.put(path, {})["viewedPage"] == {"maxBytes": 65536}
    wrong = {
        "viewedPage": {"maxBytes": 65534},
        "formCompiled": {"maxBytes": 380929},
        "x": {},
        "loggedIn": 5,
    }
    assert hub.operator.put(path, wrong).paths == {
        "/viewedPage/maxBytes",
        "/formCompiled/maxBytes",
        "/x",
        "/loggedIn",
    }


def test_consent_policy(hub: Hub) -> None:
    path = f"{hub.configuration}/consent-policy"
    expected = {
        "campaignSent": ["marketing.automatic.email"],
        "viewedPage": ["consents.profiling.online"],
    }
    assert hub.admin.put(path, expected).json == expected
    assert hub.admin.get(path).json == expected
    assert hub.admin.put(path, {"viewedPage": []}).json == {}
    wrong = {"campaignSent": ["marketing", 5], "viewedPage": "x", "nope": []}
    assert hub.admin.put(path, wrong).paths == {
        "/campaignSent/0",
        "/campaignSent/1",
        "/viewedPage",
        "/nope",
    }


def test_products_update_policy(hub: Hub) -> None:
    path = f"{hub.configuration}/products/update-policy"
    assert len(hub.admin.get(path)["eventTypes"]) == 10
    assert hub.admin.put(path, {"eventTypes": ["completedOrder"]}).json == {
        "eventTypes": ["completedOrder"]
    }
    assert hub.admin.put(path, {"eventTypes": None}).json == {"eventTypes": []}
    assert hub.admin.put(path, {"eventTypes": ["loggedIn"]}).paths == {"/eventTypes/0"}


# Properties


def test_a_parent_switches_its_children(hub: Hub) -> None:
    path = f"{hub.configuration}/properties/base"
    elements = hub.admin.get(path)["elements"]
    assert [element["name"] for element in elements] == base_properties()
    assert all(element["enabled"] and element["description"] for element in elements)
    assert hub.admin.put(f"{path}/address/enabled", {"value": False}).json == {"value": False}
    off = {element["name"] for element in hub.admin.get(path)["elements"] if not element["enabled"]}
    assert off == {name for name in base_properties() if name.split(".")[0] == "address"}
    assert hub.admin.put(f"{path}/address.city/enabled", {"value": True}).status == 409
    assert hub.admin.put(f"{path}/address", {"name": "address", "enabled": True})["enabled"] is True
    assert hub.admin.put(f"{path}/address.geo.lat/enabled", {"value": False}).status == 409
    assert all(element["enabled"] for element in hub.admin.get(path)["elements"])
    for element in hub.admin.get(path)["elements"]:
        assert hub.admin.put(f"{path}/{element['name']}", element).json == element
    for change in ({"name": "dob"}, {"description": "Mine"}):
        refused = hub.admin.put(f"{path}/address", {"enabled": False} | change)
        assert (refused.status, refused.paths) == (400, {f"/{name}" for name in change})


def test_what_recognises_customers_cannot_be_switched_off(hub: Hub) -> None:
    path = f"{hub.configuration}/properties/base"
    for name in ("contacts", "contacts.email"):
        assert hub.admin.put(f"{path}/{name}/enabled", {"value": False}).status == 409


def test_disabled_properties_are_neither_read_nor_written(hub: Hub) -> None:
    path = f"{hub.configuration}/properties/base"
    kept = hub.post_customer(base={**EMAIL, "title": "Lady", "socialProfile": {"google": "g"}})
    for name in ("title", "socialProfile.google"):
        assert hub.admin.put(f"{path}/{name}/enabled", {"value": False}).status == 200
    written = hub.post_customer(
        base={**EMAIL, "title": 7, "firstName": "Ada", "socialProfile": {"google": 5}}
    )
    assert written.status == 200
    assert "title" not in written["base"]
    assert "google" not in written["base"]["socialProfile"]
    hub.admin.put(f"{path}/title/enabled", {"value": True})
    assert hub.trusted.get(f"{hub.path}/customers/{kept['id']}")["base"]["title"] == "Lady"
    schema = hub.admin.get(
        f"{hub.configuration}/properties", query={"resolveReferences": "true"}
    ).json
    assert "google" not in schema["properties"]["base"]["properties"]["socialProfile"]["properties"]
    assert "title" in schema["properties"]["base"]["properties"]


EXTENDED = {
    "shoeSize": {"type": "number", "mergePolicy": "MATH_MAX"},
    "colours": {"type": "array", "items": {"type": "string"}, "maxLength": 10},
    "since": {"type": "string", "format": "date-time"},
    "club": {"type": "object", "properties": {"level": {"type": "integer"}, "note": {"type": "string", "maxLength": 3}}},
    "vip": {"type": "boolean", "label": "VIP"},
}  # fmt: skip


def test_extended_properties_round_trip_and_are_obeyed(hub: Hub) -> None:
    path = f"{hub.configuration}/properties/extended"
    put = hub.admin.put(path, EXTENDED)
    assert put.status == 200
    assert hub.admin.get(path).json == put.json
    assert hub.admin.put(path, put.json).json == put.json
    value = {"shoeSize": 40.5, "colours": ["red", "green"], "since": "2020-01-01T01:00:00+01:00",
             "club": {"level": 1, "note": "abc"}, "vip": True}  # fmt: skip
    created = hub.post_customer(base=EMAIL, extended=value)
    assert created.status == 201
    assert created["extended"] == value | {"since": "2020-01-01T00:00:00.000Z"}
    wrong = {"shoeSize": "40", "colours": ["12345", "67890"], "since": "soon",
             "club": {"level": 1.5, "note": "abcd", "x": 1}, "vip": 1, "other": 1}  # fmt: skip
    refused = hub.post_customer(base=EMAIL, extended=wrong)
    assert refused.paths == {
        "/extended/shoeSize", "/extended/colours", "/extended/since", "/extended/club/level",
        "/extended/club/note", "/extended/club/x", "/extended/vip", "/extended/other",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("definition", "place"),
    [
        (5, ""), ({}, "/type"), ({"type": "date"}, "/type"), ({"type": "string", "maxLength": 0}, "/maxLength"),
        ({"type": "string", "maxLength": 6001}, "/maxLength"), ({"type": "string", "maxLength": "9"}, "/maxLength"),
        ({"type": "string", "format": "time"}, "/format"), ({"type": "string", "mergePolicy": "MATH_SUM"}, "/mergePolicy"),
        ({"type": "boolean", "mergePolicy": "OBJ_CONCATENATE"}, "/mergePolicy"), ({"type": "number", "mergePolicy": 5}, "/mergePolicy"),
        ({"type": "array"}, "/items/type"), ({"type": "array", "items": {"type": "array"}}, "/items/type"),
        ({"type": "object", "properties": {"a": {"type": "object"}}}, "/properties/a/type"), ({"type": "object", "properties": {"a.b": {"type": "string"}}}, "/properties/a.b"),
        ({"type": "string", "enabled": "no"}, "/enabled"), ({"type": "string", "label": 1}, "/label"), ({"type": "string", "x": 1}, "/x"),
        ({"type": "array", "items": {"type": "string"}, "indexed": True}, "/indexed"), ({"type": "number", "maxLength": 5}, "/maxLength"),
    ],
)  # fmt: skip
def test_wrong_definitions(hub: Hub, definition: Any, place: str) -> None:
    refused = hub.operator.put(f"{hub.configuration}/properties/extended", {"p": definition})
    assert (refused.status, refused.paths) == (400, {f"/p{place}"})


@pytest.mark.parametrize("length", [1, 6000])
def test_lengths_at_their_edges(hub: Hub, length: int) -> None:
    path = f"{hub.configuration}/properties/extended"
    assert hub.admin.put(path, {"p": {"type": "string", "maxLength": length}}).status == 200
    assert hub.post_customer(extended={"p": "x" * length}).status == 201
    assert hub.post_customer(extended={"p": "x" * (length + 1)}).status == 400


def test_names_and_older_forms(hub: Hub) -> None:
    path = f"{hub.configuration}/properties/extended"
    for name in ("my.property", "", "x" * 101, "a\nb"):
        assert hub.admin.put(path, {name: {"type": "string"}}).status == 400
    old = {
        "p": {"type": ["string", "null"], "contactlabProperties": {"label": "P", "enabled": False}}
    }
    put = hub.admin.put(path, old)
    assert put["p"]["label"] == "P"
    assert put["p"]["enabled"] is False


def test_only_operators_index(hub: Hub) -> None:
    path = f"{hub.configuration}/properties/extended"
    indexed = {"p": {"type": "string", "indexed": True}}
    assert hub.admin.put(path, indexed).status == 403
    assert hub.operator.put(path, indexed).status == 200
    assert (
        hub.admin.put(path, {"p": {"type": "string", "indexed": True, "label": "P"}}).status == 200
    )
    assert hub.admin.put(path, {}).status == 403


def test_a_property_with_values_is_disabled_not_removed(hub: Hub) -> None:
    path = f"{hub.configuration}/properties/extended"
    hub.admin.put(
        path,
        {
            "p": {"type": "string"},
            "o": {
                "type": "object",
                "properties": {"q": {"type": "number"}, "r": {"type": "number"}},
            },
        },
    )
    created = hub.post_customer(base=EMAIL, extended={"p": "x", "o": {"q": 1}})
    refused = hub.admin.put(
        path, {"p": {"type": "number"}, "o": {"type": "object", "properties": {}}}
    )
    assert (refused.status, refused.paths) == (409, {"/p", "/o/properties/q"})
    off = {
        "p": {"type": "string", "enabled": False},
        "o": {"type": "object", "properties": {"q": {"type": "number"}}},
    }
    assert hub.admin.put(path, off).status == 200
    assert hub.trusted.get(f"{hub.path}/customers/{created['id']}")["extended"] == {"o": {"q": 1}}
    assert hub.post_customer(base=EMAIL, extended={"p": 5, "o": {"q": 2}}).status == 200
    assert Customer.objects.get().extended == {"p": "x", "o": {"q": 2}}


def test_a_node_can_recognise_by_an_extended_property(hub: Hub) -> None:
    properties = f"{hub.configuration}/properties/extended"
    hub.admin.put(
        properties,
        {"card": {"type": "string"}, "list": {"type": "array", "items": {"type": "string"}}},
    )
    nodes = f"{hub.configuration}/nodes/entries"
    policy = {"properties": ["extended.card"], "caseSensitive": True}
    node = hub.admin.post(nodes, {"name": "Till", "uniqueCustomer": policy})
    assert node.status == 201
    body = {"nodeId": node["id"], "base": {}, "extended": {"card": "A1"}}
    assert hub.post_customer(hub.admin, **body).status == 201
    assert hub.post_customer(hub.admin, **body).status == 200
    assert hub.admin.put(properties, {"card": {"type": "string", "enabled": False}}).status == 409
    listed = {
        "name": "X",
        "uniqueCustomer": {"properties": ["extended.list"], "caseSensitive": True},
    }
    assert hub.admin.post(nodes, listed).status == 400


def test_product_properties(hub: Hub) -> None:
    path = f"{hub.configuration}/products/properties/extended"
    put = hub.admin.put(path, {"season": {"type": "string"}})
    assert put.status == 200
    assert hub.admin.get(path).json == put.json


def _in_parallel(work: list[Any]) -> None:
    threads = [threading.Thread(target=each) for each in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _wait_for_a_fresh_minute() -> None:
    if time.time() % 60 > 45:
        time.sleep(60 - time.time() % 60)


def test_published_schemas_and_plan_models_hold_what_is_said_of_products(hub: Hub) -> None:
    """Of events that carry products, in their products; of events about one, in the event."""
    products = f"{hub.configuration}/products/properties/extended"
    fabric = {"type": "string", "label": "Fabric", "maxLength": 20}
    disabled = {"type": "string", "enabled": False}
    assert hub.admin.put(products, {"fabric": fabric, "old": disabled}).status == 200
    for event_type, is_list in (("completedOrder", True), ("viewedProduct", False)):
        path = f"{hub.configuration}/events/{event_type}"
        for schema in (
            hub.admin.get(f"{path}/properties", query={"resolveReferences": True}).json,
            hub.admin.get(path, query={"resolveReferences": True})["propertiesSchema"],
        ):
            holder = schema["properties"]["products"]["items"] if is_list else schema
            extended = holder["properties"]["extended"]
            assert extended["additionalProperties"] is False
            assert extended["properties"].keys() == {"fabric"}
            assert extended["properties"]["fabric"]["maxLength"] == 20
        raw = hub.admin.get(f"{path}/properties").json
        if is_list:
            assert raw["$defs"]["extended"]["properties"].keys() == {"fabric"}
            assert raw["properties"]["extended"]["properties"] == {}

    def of(model: str, event_type: str) -> dict[str, object]:
        return hub.admin.get(f"{hub.configuration}/plan-models/{model}")["hub"][event_type]

    assert of("ORDER_LINE", "completedOrder")["extended.fabric"] == {"type": "string"}
    assert of("PRODUCT_INTERACTION", "viewedProduct")["extended.fabric"] == {"type": "string"}
    assert "extended.fabric" not in of("ORDER", "completedOrder")
    assert "extended.fabric" not in of("WEB_BROWSING_EVENT", "viewedPage")
    till = {"till": {"type": "string"}}
    path = f"{hub.configuration}/events/completedOrder/properties/extended"
    assert hub.admin.put(path, till).status == 200
    assert "extended.till" not in of("ORDER_LINE", "completedOrder")
    assert of("ORDER", "completedOrder")["extended.till"] == {"type": "string"}
