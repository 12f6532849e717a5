"""Lists of nodes, emptying, matching policies, aggregate nodes."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import TestCase

from configuration.actions.removal import remove_deleted
from customers.models import Change, Customer
from tests.client import ApiClient
from tests.factories import Hub, make_token, make_user

UNKNOWN = "019aa0c2-0000-7000-8000-000000000000"


def aggregate(hub: Hub, **change: Any) -> dict[str, Any]:
    return {
        "name": "Everybody", "description": None, "imageUrl": None,
        "entryNodes": [str(hub.node.id), str(hub.other_node.id)],
        "matchingProperties": {"properties": ["base.contacts.email"], "caseSensitive": False},
        "exclusionFilters": [{"type": "atomic", "attribute": "tags.manual", "operator": "IN", "value": "test"}],
    } | change  # fmt: skip


def test_both_kinds_are_listed(hub: Hub) -> None:
    made = hub.admin.post(f"{hub.configuration}/nodes/aggregates", aggregate(hub))
    path = f"{hub.configuration}/nodes"
    listed = hub.admin.get(path)
    assert {element["nodeType"] for element in listed["elements"]} == {"ENTRY", "AGGREGATE"}
    only = hub.admin.get(path, query={"nodeType": "AGGREGATE"})
    assert [element["id"] for element in only["elements"]] == [made["id"]]
    assert (only["page"]["totalElements"], only["page"]["totalUnfilteredElements"]) == (1, 3)
    assert hub.admin.get(path, query={"nodeType": "VIEW"}).status == 400
    user = make_user("USER", workspaces=(hub.workspace,), grants={hub.node: "R"})
    seen = ApiClient(make_token(user)).get(path)
    assert [element["id"] for element in seen["elements"]] == [str(hub.node.id)]


def test_a_node_that_is_emptied_is_locked_and_then_open(hub: Hub) -> None:
    for _ in range(3):
        hub.post_customer()
    kept = hub.post_customer(nodeId=str(hub.other_node.id))
    path = f"{hub.configuration}/nodes/entries/{hub.node.id}"
    assert hub.admin.delete(f"{path}/data", query={"eventsOnly": "perhaps"}).status == 400
    assert hub.admin.delete(f"{path}/data").status == 204
    assert hub.post_customer().status == 423
    assert hub.admin.delete(f"{path}/data").status == 423
    with TestCase.captureOnCommitCallbacks(execute=True):
        assert remove_deleted(seconds=60)
    assert [str(customer.id) for customer in Customer.objects.all()] == [kept["id"]]
    assert Change.objects.filter(operation="DELETE").count() == 3
    assert hub.post_customer().status == 201
    assert hub.admin.get(path).status == 200


def test_emptying_events_only_keeps_customers(hub: Hub) -> None:
    hub.post_customer()
    path = f"{hub.configuration}/nodes/entries/{hub.node.id}/data"
    assert hub.admin.delete(path, query={"eventsOnly": "true"}).status == 204
    assert remove_deleted(seconds=60)
    assert Customer.objects.count() == 1


def test_matching_policy_routes(hub: Hub) -> None:
    default = hub.admin.get(f"{hub.configuration}/unique-customer-matching-policy")
    assert default.json == {"properties": ["base.contacts.email"], "caseSensitive": False}
    path = f"{hub.configuration}/nodes/entries/{hub.node.id}/unique-customer-matching-policy"
    assert hub.admin.get(path).json == default.json
    expected = {"properties": ["externalId", "base.lastName"], "caseSensitive": True}
    assert hub.admin.put(path, expected).json == expected
    assert hub.admin.get(path).json == expected
    assert hub.post_customer().paths == {"/externalId", "/base/lastName"}
    assert hub.admin.put(path, {"properties": ["base.x"]}).paths == {"/properties/0"}
    assert hub.admin.put(path, {"properties": []}).paths == {"/properties"}
    assert hub.admin.put(path, {}).paths == {"/properties"}


def test_aggregate_nodes_round_trip(hub: Hub) -> None:
    path = f"{hub.configuration}/nodes/aggregates"
    created = hub.admin.post(path, aggregate(hub))
    assert created.status == 201
    assert created.json == aggregate(hub) | {"id": created["id"], "state": "NEW"}
    one = f"{path}/{created['id']}"
    changed = created.json | {"name": "All", "exclusionFilters": []}
    assert hub.admin.put(one, changed).json == changed
    assert hub.admin.get(one).json == changed
    assert hub.admin.put(one, {"name": "Some"})["exclusionFilters"] == []
    assert hub.admin.get(path)["page"]["totalElements"] == 1
    assert hub.admin.get(f"{hub.configuration}/nodes/entries/{created['id']}").status == 404
    refused = hub.admin.put(
        one,
        changed
        | {
            "entryNodes": [str(hub.node.id)],
            "matchingProperties": {"properties": ["externalId"], "caseSensitive": True},
            "state": "LOCKED",
        },
    )
    assert refused.paths == {
        "/entryNodes",
        "/matchingProperties/properties",
        "/matchingProperties/caseSensitive",
        "/state",
    }


def test_what_an_aggregate_node_is_made_of_has_no_order(hub: Hub) -> None:
    path = f"{hub.configuration}/nodes/aggregates"
    properties = ["base.contacts.email", "externalId"]
    body = aggregate(
        hub,
        entryNodes=[str(hub.node.id), str(hub.other_node.id)],
        matchingProperties={"properties": properties, "caseSensitive": False},
    )
    made = hub.admin.post(path, body)
    one = f"{path}/{made['id']}"
    turned = body | {
        "entryNodes": body["entryNodes"][::-1],
        "matchingProperties": {"properties": properties[::-1], "caseSensitive": False},
    }
    # What is kept keeps its order: keys are made of the values in it.
    assert hub.admin.put(one, turned).json == made.json
    twice = turned | {"entryNodes": [*body["entryNodes"], str(hub.node.id)]}
    assert hub.admin.put(one, twice).paths == {"/entryNodes"}


def test_a_new_aggregate_node_is_activated_by_put(hub: Hub) -> None:
    path = f"{hub.configuration}/nodes/aggregates"
    made = hub.admin.post(path, aggregate(hub))
    hub.post_customer()
    one = f"{path}/{made['id']}"
    active = made.json | {"name": "Active", "state": "ACTIVE"}
    assert hub.admin.put(one, active).json == active
    assert hub.admin.get(one).json == active
    people = hub.admin.get(f"{hub.path}/customers", query={"nodeId": made["id"]})
    assert people["page"]["totalElements"] == 1
    assert hub.admin.put(one, active).json == active
    for state in ("NEW", "LOCKED", "REMOVED"):
        refused = hub.admin.put(one, active | {"name": "X", "state": state})
        assert (refused.status, refused.paths) == (400, {"/state"})
    assert hub.admin.get(one)["name"] == "Active"


def test_the_states_of_an_aggregate_node(hub: Hub) -> None:
    path = f"{hub.configuration}/nodes/aggregates"
    one = f"{path}/{hub.admin.post(path, aggregate(hub))['id']}"
    for state in ("LOCKED", "REMOVED"):
        assert hub.admin.put(f"{one}/state", {"state": state}).status == 409
    assert hub.admin.put(f"{one}/state", {"state": "OLD"}).status == 400
    assert hub.admin.put(f"{one}/state", {"state": "ACTIVE"}).json == {"state": "ACTIVE"}
    assert hub.admin.get(one)["state"] == "ACTIVE"
    assert hub.admin.put(f"{one}/state", {"state": "NEW"}).status == 409
    entry = f"{hub.configuration}/nodes/entries/{hub.node.id}"
    assert hub.admin.delete(entry).status == 409, "an aggregate node is made of it"
    assert hub.admin.delete(one).status == 204
    assert hub.admin.get(one).status == 404
    assert hub.admin.delete(entry).status == 204


def test_aggregate_customers_are_read_only(hub: Hub) -> None:
    made = hub.admin.post(f"{hub.configuration}/nodes/aggregates", aggregate(hub))
    assert hub.post_customer(hub.admin, nodeId=made["id"]).status == 403


@pytest.mark.parametrize(
    ("change", "paths"),
    [
        ({"entryNodes": []}, {"/entryNodes"}), ({"entryNodes": [UNKNOWN]}, {"/entryNodes/0"}), ({"entryNodes": None}, {"/entryNodes"}),
        ({"matchingProperties": {"properties": ["base.x"]}}, {"/matchingProperties/properties/0"}), ({"name": 1, "x": 1}, {"/name", "/x"}),
        ({"exclusionFilters": [{}] * 11}, {"/exclusionFilters"}), ({"exclusionFilters": [5]}, {"/exclusionFilters/0"}),
        ({"exclusionFilters": [{"type": "atomic", "attribute": "base.x", "operator": "HAS", "value": 1}]}, {"/exclusionFilters/0/attribute", "/exclusionFilters/0/operator"}),
        ({"exclusionFilters": [{"type": "atomic", "attribute": "base.dob", "operator": "GT", "value": "now-18y"}]}, {"/exclusionFilters/0"}),
    ],
)  # fmt: skip
def test_wrong_aggregate_nodes(hub: Hub, change: dict[str, Any], paths: set[str]) -> None:
    refused = hub.admin.post(f"{hub.configuration}/nodes/aggregates", aggregate(hub, **change))
    assert (refused.status, refused.paths) == (400, paths)


def test_an_entry_node_of_another_workspace_is_unknown(hub: Hub) -> None:
    body = aggregate(hub, entryNodes=[str(Hub().node.id)])
    refused = hub.admin.post(f"{hub.configuration}/nodes/aggregates", body)
    assert refused.paths == {"/entryNodes/0"}
