"""Users, retention, and what all workspaces have in common."""

from __future__ import annotations

import re
from typing import Any

import pytest

from configuration.models import Membership
from tests.client import ApiClient
from tests.factories import Hub, make_token, make_user


def test_users_are_found(hub: Hub) -> None:
    expected = make_user("USER", workspaces=(hub.workspace,), grants={hub.node: "R"})
    expected.name, expected.email = "Claire", "claire@shoes.example"
    expected.save()
    path = f"{hub.configuration}/users"
    for search in ("CLAIRE", "shoes.ex", expected.username):
        found = hub.admin.get(path, query={"search": search})
        assert [element["id"] for element in found["elements"]] == [expected.id]
        assert (
            found["page"]["totalUnfilteredElements"]
            == Membership.objects.filter(workspace=hub.workspace).count()
        )
    user = found["elements"][0]
    assert user["nodes"] == [{"id": str(hub.node.id), "permission": "R"}]
    assert hub.admin.get(f"{path}/{expected.id}").json == user
    stranger = make_user("USER")
    for unknown in (stranger.id, "x", "9" * 30, "-1"):
        assert hub.admin.get(f"{path}/{unknown}").status == 404


def test_grants_are_changed_and_count_at_once(hub: Hub) -> None:
    elsewhere = Hub()
    user = make_user(
        "USER",
        workspaces=(hub.workspace, elsewhere.workspace),
        grants={hub.node: "R", elsewhere.node: "W"},
    )
    client = ApiClient(make_token(user))
    assert hub.post_customer(client).status == 403
    path = f"{hub.configuration}/users/{user.id}"
    put = hub.admin.put(
        path,
        {"nodes": [{"id": str(hub.node.id), "permission": "RW"}, {"id": str(hub.other_node.id)}]},
    )
    assert put["nodes"] == sorted(
        [
            {"id": str(hub.node.id), "permission": "RW"},
            {"id": str(hub.other_node.id), "permission": "R"},
        ],
        key=lambda grant: grant["id"],
    )
    assert hub.post_customer(client).status == 201
    assert hub.admin.put(path, {"nodes": []})["nodes"] == []
    assert hub.post_customer(client).status == 403
    assert elsewhere.post_customer(client).status == 201, "other workspaces are left alone"


@pytest.mark.parametrize(
    ("nodes", "paths"),
    [
        (None, {"/nodes"}), ([{"id": "x"}], {"/nodes/0/id"}), ([{"id": "019aa0c2-0000-7000-8000-000000000000"}], {"/nodes/0/id"}),
        ([{"permission": "X"}], {"/nodes/0/id", "/nodes/0/permission"}), ("all", {"/nodes"}),
    ],
)  # fmt: skip
def test_wrong_grants(hub: Hub, nodes: Any, paths: set[str]) -> None:
    user = make_user("USER", workspaces=(hub.workspace,))
    refused = hub.admin.put(f"{hub.configuration}/users/{user.id}", {"nodes": nodes})
    assert (refused.status, refused.paths) == (400, paths)


def test_retention_of_workspace_and_nodes(hub: Hub) -> None:
    workspace = f"{hub.configuration}/retention-policy"
    assert len(hub.admin.get(workspace).json) == 48
    put = hub.operator.put(workspace, {"viewedPage": {"months": 6}, "loggedIn": {"months": 0}})
    assert (put["viewedPage"], put["loggedIn"], put["loggedOut"]) == (
        {"months": 6},
        {"months": 0},
        {"months": 12},
    )
    status = hub.admin.get(f"{workspace}/status").json
    assert status["loggedIn"] == {"months": 0, "deletedBefore": None}
    assert status["viewedPage"]["deletedBefore"].endswith("Z")
    entry = f"{hub.configuration}/nodes/entries/{hub.node.id}/retention-policy"
    assert hub.admin.get(entry).json == put.json
    assert hub.operator.put(entry, {"viewedPage": {"months": 1}})["viewedPage"] == {"months": 1}
    assert hub.admin.get(entry)["loggedIn"] == {"months": 0}
    assert hub.operator.put(f"{entry}/enabled", {"enabled": False}).json == {"enabled": False}
    assert hub.admin.get(f"{entry}/enabled").json == {"enabled": False}
    both = f"{hub.configuration}/nodes/{hub.node.id}/retention-policy"
    assert hub.admin.get(both)["enabled"] is False
    assert hub.admin.get(both)["events"]["viewedPage"] == {"months": 1}
    expected = {"enabled": True, "events": {"campaignSent": {"months": 6}}}
    changed = hub.operator.put(both, expected)
    assert changed["enabled"] is True
    assert changed["events"]["campaignSent"] == {"months": 6}
    assert changed["events"]["viewedPage"] == {"months": 6}
    assert hub.operator.put(workspace, {})["viewedPage"] == {"months": 3}
    wrong = {
        "viewedPage": {"months": -1},
        "x": {"months": 1},
        "loggedIn": {"months": "1"},
        "loggedOut": {},
    }
    for path in (workspace, entry):
        assert hub.operator.put(path, wrong).paths == {
            "/viewedPage/months",
            "/x",
            "/loggedIn/months",
            "/loggedOut/months",
        }
    assert hub.operator.put(both, {"events": wrong}).paths == {
        "/events/viewedPage/months",
        "/events/x",
        "/events/loggedIn/months",
        "/events/loggedOut/months",
    }


def test_the_purge_of_a_node_is_switched_by_either_name(hub: Hub) -> None:
    path = f"{hub.configuration}/nodes/entries/{hub.node.id}/retention-policy/enabled"
    assert hub.admin.get(path).json == {"enabled": True}
    for body, enabled in (
        ({"enabled": False}, False),
        ({"value": True}, True),
        ({"enabled": False, "value": False}, False),
    ):
        assert hub.operator.put(path, body).json == {"enabled": enabled}
        assert hub.admin.get(path).json == {"enabled": enabled}
    for body, place in (
        ({}, "/enabled"),
        ({"enabled": None}, "/enabled"),
        ({"enabled": "true"}, "/enabled"),
        ({"value": 1}, "/value"),
        ({"enabled": True, "value": False}, "/value"),
    ):
        refused = hub.operator.put(path, body)
        assert (refused.status, refused.paths) == (400, {place})
    assert hub.admin.get(path).json == {"enabled": False}


def test_moments_of_users_have_milliseconds_and_what_is_sent_back_is_taken(hub: Hub) -> None:
    user = make_user("USER", workspaces=(hub.workspace,), grants={hub.node: "R"})
    path = f"{hub.configuration}/users/{user.id}"
    read = hub.admin.get(path).json
    for name in ("registeredAt", "updatedAt"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", read[name])
    put = hub.admin.put(path, read)
    assert put.status == 200
    assert put.json == read | {"updatedAt": put["updatedAt"]}
    other_spelling = read["registeredAt"].replace("Z", "+0000")
    assert hub.admin.put(path, read | {"registeredAt": other_spelling}).status == 200
    changes = {
        "id": user.id + 1, "username": "x", "name": None, "surname": "x", "email": "x@example.com",
        "roles": ["ADMIN"], "registeredAt": "2020-01-01T00:00:00Z",
    }  # fmt: skip
    refused = hub.admin.put(path, read | changes | {"nodes": []})
    assert (refused.status, refused.paths) == (400, {f"/{name}" for name in changes})
    assert hub.admin.get(path)["nodes"] == read["nodes"]


def test_vocabulary(hub: Hub) -> None:
    models = f"{hub.path}/models"
    policies = hub.trusted.get(f"{models}/merge-policies")["elements"]
    assert [policy["id"] for policy in policies][:2] == ["OBJ_PRIORITY", "OBJ_CONCATENATE"]
    assert len(policies) == 9
    providers = {entry["id"]: entry for entry in hub.trusted.get(f"{models}/providers")["elements"]}
    assert providers["API"]["propertiesSchema"]["properties"]["allowedIPs"]
    assert len(providers) == 11
    contexts = hub.trusted.get(f"{models}/contexts")
    assert contexts["elements"][0]["id"] == "WEB"
    assert b"$ref" in contexts.content
    assert (
        b"$ref"
        not in hub.trusted.get(f"{models}/contexts", query={"resolveReferences": "true"}).content
    )
    schema = hub.trusted.get(f"{models}/properties/base")["schema"]
    assert schema["properties"]["contacts"]["properties"]["email"]["format"] == "email"
    categories = ApiClient().get("/models/analytics/event-categories")
    assert categories.status == 200
    assert {"id": "campaign", "label": "Digital campaigns"} in categories["elements"]
