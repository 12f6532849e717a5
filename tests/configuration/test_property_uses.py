"""A property that something uses is not taken away, and the answer tells what uses it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from django.db import connection

from configuration.models import Node, SendSource, Workspace
from configuration.queries import property_uses
from configuration.queries.property_uses import PropertyUse
from tests.factories import Hub, make_source

CLUB = {"type": "object", "properties": {"level": {"type": "integer"}, "note": {"type": "string"}}}
DEFINITIONS: dict[str, Any] = {
    "card": {"type": "string"}, "vip": {"type": "boolean"}, "free": {"type": "string"}, "club": CLUB,
}  # fmt: skip
LEVEL = {"type": "atomic", "attribute": "extended.club.level", "operator": "GT", "value": 3}
VIP = {"type": "atomic", "attribute": "extended.vip", "operator": "EQUALS", "value": True}


def off(definition: dict[str, Any]) -> dict[str, Any]:
    return {**definition, "enabled": False}


@pytest.fixture
def nodes(hub: Hub) -> dict[str, dict[str, Any]]:
    """An entry node and an aggregate node that use properties of every kind."""
    path = f"{hub.configuration}/properties/extended"
    assert hub.admin.put(path, DEFINITIONS).status == 200
    entry = hub.admin.post(
        f"{hub.configuration}/nodes/entries",
        {
            "name": "Till",
            "uniqueCustomer": {"properties": ["extended.card"], "caseSensitive": False},
            "mandatoryProperties": ["base.address", "extended.vip"],
        },
    )
    either = {"type": "composite", "conjunction": "or", "conditions": [VIP, LEVEL]}
    aggregate = hub.admin.post(
        f"{hub.configuration}/nodes/aggregates",
        {
            "name": "All",
            "entryNodes": [str(hub.node.id)],
            "matchingProperties": {"properties": ["base.contacts.phone"], "caseSensitive": False},
            "exclusionFilters": [either],
        },
    )
    assert (entry.status, aggregate.status) == (201, 201)
    return {"Till": entry.json, "All": aggregate.json}


@pytest.mark.parametrize(
    ("change", "place", "uses"),
    [
        ({"card": None}, "/card", {("extended.card", "Till", "uniqueCustomer")}),
        ({"card": off(DEFINITIONS["card"])}, "/card", {("extended.card", "Till", "uniqueCustomer")}),
        ({"card": {"type": "number"}}, "/card", {("extended.card", "Till", "uniqueCustomer")}),
        ({"vip": off(DEFINITIONS["vip"])}, "/vip", {("extended.vip", "Till", "mandatoryProperties"), ("extended.vip", "All", "exclusionFilters")}),
        ({"club": None}, "/club", {("extended.club.level", "All", "exclusionFilters")}),
        ({"club": off(CLUB)}, "/club", {("extended.club.level", "All", "exclusionFilters")}),
        ({"club": {"type": "object", "properties": {}}}, "/club/properties/level", {("extended.club.level", "All", "exclusionFilters")}),
        ({"club": {"type": "object", "properties": {"level": off({"type": "integer"}), "note": {"type": "string"}}}}, "/club/properties/level", {("extended.club.level", "All", "exclusionFilters")}),
    ],
)  # fmt: skip
def test_extended_properties(
    hub: Hub, nodes: Any, change: dict[str, Any], place: str, uses: set[Any]
) -> None:
    path = f"{hub.configuration}/properties/extended"
    before = hub.admin.get(path).json
    expected = {name: each for name, each in (before | change).items() if each is not None}
    refused = hub.admin.put(path, expected)
    assert (refused.status, refused.paths) == (409, {place})
    used_by = refused["data"]["usedBy"]
    assert {(use["property"], use["name"], use["field"]) for use in used_by} == uses
    assert all(use["id"] == nodes[use["name"]]["id"] for use in used_by)
    assert all(name in refused["message"] for _, name, _ in uses)
    assert hub.admin.get(path).json == before


def test_what_is_not_used_goes(hub: Hub, nodes: Any) -> None:
    path = f"{hub.configuration}/properties/extended"
    before = hub.admin.get(path).json
    level_only = {"type": "object", "properties": {"level": {"type": "integer"}}}
    less = {name: each for name, each in before.items() if name != "free"} | {"club": level_only}
    assert hub.admin.put(path, less).status == 200
    del nodes["All"]
    aggregates = f"{hub.configuration}/nodes/aggregates"
    (listed,) = hub.admin.get(aggregates)["elements"]
    assert hub.admin.put(f"{aggregates}/{listed['id']}", {"exclusionFilters": []}).status == 200
    assert hub.admin.put(path, {name: each for name, each in less.items() if name != "club"}).status == 200  # fmt: skip


@pytest.mark.parametrize(
    ("name", "used"),
    [
        ("address", {"base.address"}), ("contacts", {"base.contacts.email", "base.contacts.phone"}),
        ("contacts.phone", {"base.contacts.phone"}), ("address.city", set()), ("contacts.fax", set()),
    ],
)  # fmt: skip
def test_base_properties(hub: Hub, nodes: Any, name: str, used: set[str]) -> None:
    path = f"{hub.configuration}/properties/base/{name}/enabled"
    answer = hub.admin.put(path, {"value": False})
    if used:
        assert answer.status == 409
        assert {use["property"] for use in answer["data"]["usedBy"]} == used
    else:
        assert answer.status == 200


def test_mappings_of_send_sources(hub: Hub, nodes: Any) -> None:
    source, _ = make_source(hub.workspace, [hub.node])
    mappings = [{"hubProperty": "extended.free", "sendField": "f", "key": True}]
    source.properties = {
        "fieldMappings": mappings,
        "subscriptionMappings": [{"hubSubscriptionId": "n", "sendSystem": "s"}],
    }
    source.save()
    SendSource.objects.create(
        source=source,
        workspace_id=hub.workspace.id,
        node=hub.node,
        group_pk=1,
        userdb_id="u",
        api_key=b"encrypted",
    )
    path = f"{hub.configuration}/properties/extended"
    expected = hub.admin.get(path).json
    expected["free"]["enabled"] = False
    refused = hub.admin.put(path, expected)
    assert (refused.status, refused.paths) == (409, {"/free"})
    assert refused["data"]["usedBy"][0]["resource"] == "source"
    base = f"{hub.configuration}/properties/base/subscriptions/enabled"
    assert hub.admin.put(base, {"value": False}).status == 409


@pytest.mark.parametrize(
    ("at", "event_type", "used"),
    [
        ("events/viewedPage/properties/extended", "viewedPage", "properties.extended.x"),
        ("products/properties/extended", "viewedProduct", "properties.extended.x"),
        ("products/properties/extended", "completedOrder", "properties.products.extended.x"),
    ],
)  # fmt: skip
def test_other_apps_report_their_uses(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, at: str, event_type: str, used: str
) -> None:
    def find(workspace_id: UUID) -> Iterator[PropertyUse]:
        yield PropertyUse(event_type, used, "segment", workspace_id, "Fans", "query")
        yield PropertyUse("loggedIn", used, "segment", workspace_id, "Others", "query")

    monkeypatch.setattr(property_uses, "_finders", [])
    path = f"{hub.configuration}/{at}"
    assert hub.admin.put(path, {"x": {"type": "string"}}).status == 200
    property_uses.register(find)
    refused = hub.admin.put(path, {})
    assert (refused.status, refused.paths) == (409, {"/x"})
    assert [use["name"] for use in refused["data"]["usedBy"]] == ["Fans"]
    assert hub.admin.put(path, {"x": {"type": "string"}, "y": {"type": "string"}}).status == 200


@pytest.mark.parametrize("name", ["contains", "isnull", "0", "a__b", "it's", 'x"y', "%s", "a/b~c"])
def test_values_are_found_whatever_the_name(hub: Hub, name: str) -> None:
    path = f"{hub.configuration}/properties/extended"
    inner = {"type": "object", "properties": {name: {"type": "string"}}}
    assert hub.admin.put(path, {name: {"type": "string"}, "o": inner}).status == 200
    created = hub.post_customer(extended={name: "v", "o": {name: "v"}})
    refused = hub.admin.put(path, {"o": inner | {"properties": {}}})
    escaped = name.replace("~", "~0").replace("/", "~1")
    assert (refused.status, refused.paths) == (409, {f"/{escaped}", f"/o/properties/{escaped}"})
    assert hub.trusted.patch(f"{hub.path}/customers/{created['id']}", {"extended": None}).status == 200  # fmt: skip
    assert hub.admin.put(path, {}).status == 200


def test_a_use_and_a_removal_at_once_never_both_win(live_hub: Hub) -> None:
    hub = live_hub
    path = f"{hub.configuration}/properties/extended"
    node = f"{hub.configuration}/nodes/entries/{hub.node.id}"
    body = hub.admin.get(node).json
    for _ in range(8):
        assert hub.admin.put(node, body).status == 200
        assert hub.admin.put(path, {"card": {"type": "string"}}).status == 200
        together = threading.Barrier(2)

        def run(what: Any, together: threading.Barrier = together) -> None:
            try:
                together.wait()
                what()
            finally:
                connection.close()

        threads = [
            threading.Thread(target=run, args=(what,))
            for what in (
                lambda: hub.admin.put(node, body | {"mandatoryProperties": ["extended.card"]}),
                lambda: hub.admin.put(path, {}),
            )
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        is_used = bool(Node.objects.get(id=hub.node.id).mandatory_properties)
        is_known = "card" in Workspace.objects.get(id=hub.workspace.id).customer_extended
        assert is_used <= is_known
