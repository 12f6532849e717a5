"""Workspaces, entry nodes and sources over the API."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, transaction

from configuration.actions.removal import remove_deleted
from configuration.models import Node, Source, SourceProvider, Workspace
from contacthub_project.core.errors import Invalid
from customers.models import Change, ConsentLogEntry, Customer
from tests.client import Answer, ApiClient
from tests.factories import Hub, make_source, make_workspace

NEW_WORKSPACE = {"name": "Shoes", "slug": "shoes", "groupPk": 4, "shard": "default"}


def test_workspaces_come_and_are_found(hub: Hub) -> None:
    created = hub.operator.post("/workspaces", NEW_WORKSPACE)
    assert created.status == 201
    assert created.json == {**NEW_WORKSPACE, "id": created["id"], "status": "ENABLED"}
    assert hub.operator.get(f"/workspaces/{created['id']}").json == created.json
    make_workspace(group_pk=4)
    found = hub.operator.get("/workspaces", query={"name": "HOE", "groupPk": 4})
    assert [element["id"] for element in found["elements"]] == [created["id"]]
    assert found["page"]["totalElements"] == 1
    assert found["page"]["totalUnfilteredElements"] == Workspace.objects.count()
    assert hub.operator.get("/workspaces", query={"groupPk": "x"}).status == 400
    assert hub.operator.get("/shards").json == {"elements": ["default"]}


@pytest.mark.parametrize(
    ("change", "paths"),
    [
        ({"name": ""}, {"/name"}), ({"name": 5}, {"/name"}), ({"name": "x" * 256}, {"/name"}),
        ({"slug": "No Slug"}, {"/slug"}), ({"slug": None}, {"/slug"}), ({"groupPk": "1"}, {"/groupPk"}),
        ({"groupPk": -1}, {"/groupPk"}), ({"groupPk": True}, {"/groupPk"}), ({"groupPk": 1.5}, {"/groupPk"}),
        ({"shard": "moon"}, {"/shard"}), ({"more": 1, "name": []}, {"/more", "/name"}),
    ],
)  # fmt: skip
def test_wrong_workspaces(hub: Hub, change: dict[str, Any], paths: set[str]) -> None:
    refused = hub.operator.post("/workspaces", NEW_WORKSPACE | change)
    assert (refused.status, refused.paths) == (400, paths)


def test_a_slug_is_taken_until_the_workspace_goes(hub: Hub) -> None:
    first = hub.operator.post("/workspaces", NEW_WORKSPACE)
    assert hub.operator.post("/workspaces", NEW_WORKSPACE).status == 409
    assert hub.operator.delete(f"/workspaces/{first['id']}").status == 204
    assert hub.operator.post("/workspaces", NEW_WORKSPACE).status == 201


def test_a_deleted_workspace_is_gone_at_once_and_its_data_soon(hub: Hub) -> None:
    hub.post_customer(consents={"profiling": {"online": {"status": True}}})
    assert hub.operator.delete(hub.path).status == 204
    assert hub.operator.get(hub.path).status == 403
    assert hub.admin.get(f"{hub.configuration}/sources").status == 403
    assert hub.post_customer().status == 401
    assert remove_deleted(seconds=60)
    for model in (Workspace, Node, Source, Customer, Change, ConsentLogEntry):
        assert not model.objects.exists(), model


def test_removal_goes_on_where_it_stopped(hub: Hub) -> None:
    for _ in range(3):
        hub.post_customer()
    path = f"{hub.configuration}/nodes/entries/{hub.node.id}"
    assert hub.admin.delete(path).status == 204
    assert not remove_deleted(seconds=-1)
    assert Node.objects.removed().exists()
    assert remove_deleted(seconds=60)
    assert not Node.objects.removed().exists()
    deletions = Change.objects.filter(operation="DELETE", node_id=hub.node.id)
    assert deletions.count() == 3


def test_a_deleted_node_is_gone_at_once(hub: Hub) -> None:
    created = hub.post_customer()
    path = f"{hub.configuration}/nodes/entries/{hub.node.id}"
    assert hub.admin.delete(path).status == 204
    assert hub.admin.get(path).status == 404
    assert hub.admin.delete(path).status == 404
    assert hub.post_customer().status == 404
    assert hub.admin.get(f"{hub.path}/customers/{created['id']}").status == 404
    listed = hub.admin.get(f"{hub.configuration}/nodes/entries")
    assert str(hub.node.id) not in [element["id"] for element in listed["elements"]]


def test_entry_nodes_round_trip(hub: Hub) -> None:
    path = f"{hub.configuration}/nodes/entries"
    body = {
        "name": "Till", "description": None, "imageUrl": "https://example.com/a.png",
        "uniqueCustomer": {"properties": ["externalId"], "caseSensitive": True},
        "sourcePriority": [str(hub.source.id)], "mandatoryProperties": ["base.firstName"],
    }  # fmt: skip
    created = hub.admin.post(path, body)
    assert created.status == 201
    assert created.json == {"id": created["id"], **body}
    changed = {**created.json, "name": "Counter", "description": "By the door"}
    modified = hub.admin.put(f"{path}/{created['id']}", changed)
    assert (modified.status, modified.json) == (200, changed)
    assert hub.admin.get(f"{path}/{created['id']}").json == changed
    assert modified.headers["ETag"] == '"2"'
    smallest = hub.admin.post(path, {"name": "Small"})
    assert smallest["uniqueCustomer"] == {
        "properties": ["base.contacts.email"],
        "caseSensitive": False,
    }


@pytest.mark.parametrize(
    ("change", "paths"),
    [
        ({"name": None}, {"/name"}), ({"name": "  "}, {"/name"}), ({"nope": 1}, {"/nope"}),
        ({"imageUrl": "javascript:alert(1)"}, {"/imageUrl"}), ({"description": 1}, {"/description"}),
        ({"uniqueCustomer": None}, {"/uniqueCustomer"}), ({"uniqueCustomer": {}}, {"/uniqueCustomer/properties"}),
        ({"uniqueCustomer": {"properties": []}}, {"/uniqueCustomer/properties"}),
        ({"uniqueCustomer": {"properties": ["base.nope", "base.jobs", "externalId"]}}, {"/uniqueCustomer/properties/0", "/uniqueCustomer/properties/1"}),
        ({"uniqueCustomer": {"properties": ["externalId", "externalId"]}}, {"/uniqueCustomer/properties"}),
        ({"uniqueCustomer": {"properties": ["externalId"], "caseSensitive": 1, "x": 1}}, {"/uniqueCustomer/caseSensitive", "/uniqueCustomer/x"}),
        ({"sourcePriority": ["x"]}, {"/sourcePriority/0"}), ({"sourcePriority": ["019aa0c2-0000-7000-8000-000000000000"]}, {"/sourcePriority/0"}),
        ({"mandatoryProperties": ["base.firstName", "base.nope"]}, {"/mandatoryProperties/1"}), ({"mandatoryProperties": "base"}, {"/mandatoryProperties"}),
    ],
)  # fmt: skip
def test_wrong_entry_nodes(hub: Hub, change: dict[str, Any], paths: set[str]) -> None:
    path = f"{hub.configuration}/nodes/entries"
    refused = hub.admin.post(path, {"name": "N"} | change)
    assert (refused.status, refused.paths) == (400, paths)
    body = hub.admin.get(f"{path}/{hub.node.id}").json
    refused = hub.admin.put(f"{path}/{hub.node.id}", body | change)
    assert (refused.status, refused.paths) == (400, paths)
    assert hub.admin.get(f"{path}/{hub.node.id}").json == body


def test_a_policy_changes_at_once_without_customers(hub: Hub) -> None:
    path = f"{hub.configuration}/nodes/entries/{hub.node.id}"
    body = hub.admin.get(path).json
    other = body | {"uniqueCustomer": {"properties": ["externalId"], "caseSensitive": False}}
    assert hub.admin.put(path, other).status == 200
    assert hub.admin.put(path, body).status == 200
    assert hub.admin.put(path, body | {"name": "Renamed"}).status == 200
    wrong = hub.admin.put(path, body | {"id": str(hub.other_node.id)})
    assert (wrong.status, wrong.paths) == (400, {"/id"})


def test_sources_round_trip(hub: Hub) -> None:
    path = f"{hub.configuration}/sources"
    body = {
        "provider": "API", "name": "Till", "description": "At the door", "enabled": True,
        "properties": {"allowedIPs": ["10.0.0.0/8"]}, "nodes": [str(hub.node.id)],
    }  # fmt: skip
    created = hub.admin.post(path, body)
    assert created["trusted"] is True
    assert created.status == 201
    assert created["token"].startswith("chs_")
    read = hub.admin.get(f"{path}/{created['id']}").json
    assert read == {**created.json, "token": None}
    changed = {**read, "name": "Counter", "nodes": [str(hub.other_node.id)]}
    modified = hub.admin.put(f"{path}/{created['id']}", changed)
    assert (modified.status, modified.json) == (200, changed)
    assert hub.admin.put(f"{path}/{created['id']}", {"name": "Again"})["nodes"] == changed["nodes"]
    assert (
        hub.admin.put(f"{path}/{created['id']}", changed | {"token": created["token"]}).status
        == 200
    )
    for immutable in (
        {"token": "chs_another"}, {"token": ""}, {"provider": "MAGENTO"}, {"id": str(hub.node.id)},
        {"trusted": False},
    ):  # fmt: skip
        refused = hub.admin.put(f"{path}/{created['id']}", {"name": "No"} | immutable)
        assert (refused.status, refused.paths) == (400, {f"/{name}" for name in immutable})
    assert hub.admin.get(f"{path}/{created['id']}").json == changed


@pytest.mark.parametrize(
    ("change", "paths"),
    [
        ({"provider": "JAVA_SDK"}, {"/provider"}), ({"provider": "JavaScript"}, {"/provider"}),
        ({"provider": "X"}, {"/provider"}), ({"nodes": []}, {"/nodes"}), ({"nodes": None}, {"/nodes"}),
        ({"nodes": ["019aa0c2-0000-7000-8000-000000000000"]}, {"/nodes/0"}), ({"enabled": "true"}, {"/enabled"}),
        ({"properties": {"allowedIPs": ["300.1.1.1", "::1", 5]}}, {"/properties/allowedIPs/0", "/properties/allowedIPs/2"}),
        ({"properties": {"allowedIPs": "127.0.0.1"}}, {"/properties/allowedIPs"}),
        ({"properties": {"allowedURLs": []}}, {"/properties/allowedURLs"}), ({"properties": ["x"]}, {"/properties"}),
        ({"name": "", "x": 1}, {"/name", "/x"}), ({"trusted": "false"}, {"/trusted"}), ({"trusted": None}, {"/trusted"}),
        ({"trusted": False, "properties": {"allowedURLs": ["shop"], "x": 1}}, {"/properties/allowedURLs/0", "/properties/x"}),
        ({"provider": "CONTACTPLAN", "trusted": False}, {"/trusted"}),
    ],
)  # fmt: skip
def test_wrong_sources(hub: Hub, change: dict[str, Any], paths: set[str]) -> None:
    body = {"provider": "API", "name": "S", "nodes": [str(hub.node.id)]}
    refused = hub.admin.post(f"{hub.configuration}/sources", body | change)
    assert (refused.status, refused.paths) == (400, paths)
    if "enabled" not in change and "nodes" not in change:
        source = f"{hub.configuration}/sources/{hub.source.id}"
        assert hub.admin.put(source, change).status == 400


def test_a_source_for_web_pages(hub: Hub) -> None:
    path = f"{hub.configuration}/sources"
    properties = {"allowedURLs": ["https://shop.example"], "allowedIPs": ["127.0.0.1"]}
    body = {
        "provider": "API", "name": "Shop pages", "nodes": [str(hub.node.id)], "trusted": False,
        "properties": properties,
    }  # fmt: skip
    created = hub.admin.post(path, body)
    assert (created.status, created["trusted"]) == (201, False)
    client = ApiClient(created["token"])
    assert client.get("/me", Origin="https://shop.example")["roles"] == ["UNTRUSTED_APPLICATION"]
    assert client.get("/me", Origin="https://other.example").status == 403
    address = f"{path}/{created['id']}"
    read = hub.admin.get(address).json
    assert hub.admin.put(address, read).json == read
    refused = hub.admin.put(address, read | {"trusted": True})
    assert (refused.status, refused.paths) == (400, {"/trusted"})
    assert hub.admin.put(address, {"properties": {"allowedURLs": ["x"]}}).status == 400
    # What the provider says of itself may be said, nothing else.
    plan = {"provider": "CONTACTPLAN", "name": "Plan", "nodes": body["nodes"]}
    assert hub.admin.post(path, plan | {"trusted": True})["trusted"] is True


def test_how_a_source_reads_moments(hub: Hub) -> None:
    path = f"{hub.configuration}/sources"
    body = {"provider": "API", "name": "Tills", "nodes": [str(hub.node.id)]}
    usual = hub.admin.post(path, body)
    assert usual["dateFormat"] == "Z"
    created = hub.admin.post(path, body | {"dateFormat": "+0000"})
    assert (created.status, created["dateFormat"]) == (201, "+0000")
    person = hub.post_customer()["id"]
    customer = f"{hub.path}/customers/{person}"

    def end(source: Answer, **header: str) -> str:
        return ApiClient(source["token"]).get(customer, **header)["registeredAt"][23:]

    assert (end(usual), end(created)) == ("Z", "+0000")
    assert end(created, X_Date_Format="Z") == "Z"
    assert end(usual, X_Date_Format="+0000") == "+0000"
    # It may change at any time, at once; what is not named stays.
    address = f"{path}/{created['id']}"
    read = hub.admin.get(address).json
    assert read["dateFormat"] == "+0000"
    assert hub.admin.put(address, {"name": "Till"})["dateFormat"] == "+0000"
    assert end(created) == "+0000"
    assert hub.admin.put(address, {"dateFormat": "Z"})["dateFormat"] == "Z"
    assert end(created) == "Z"
    version = hub.admin.get(address).headers["ETag"]
    assert hub.admin.put(address, {"dateFormat": "Z"}).headers["ETag"] == version
    for wrong in ("", None, "+00:00", "z", 0, [], {}, "+0000 ", "\0", "x" * 9999):
        for answer in (
            hub.admin.put(address, {"dateFormat": wrong}),
            hub.admin.post(path, body | {"dateFormat": wrong}),
        ):
            assert (answer.status, answer.paths) == (400, {"/dateFormat"}), wrong
    with pytest.raises(IntegrityError), transaction.atomic():
        Source.objects.filter(id=created["id"]).update(date_format="ISO")


@pytest.mark.parametrize("provider", SourceProvider.values)
@pytest.mark.parametrize("trusted", [True, False, None])
def test_trust_follows_from_the_provider(hub: Hub, provider: str, trusted: bool | None) -> None:
    is_possible = trusted is None or provider == "API" or trusted == (provider != "JavaScript")
    if provider == "CONTACTSEND" and is_possible:
        return  # needs a user database; tests/configuration/test_send_sources.py makes them
    if not is_possible:
        with pytest.raises(Invalid):
            make_source(hub.workspace, [hub.node], provider, trusted=trusted)
        with pytest.raises(IntegrityError), transaction.atomic():
            Source.objects.create(
                workspace=hub.workspace, provider=provider, name="S", token_hash=b"x",
                trusted=trusted,
            )  # fmt: skip
        return
    source, token = make_source(hub.workspace, [hub.node], provider, trusted=trusted)
    assert source.trusted == (provider != "JavaScript" if trusted is None else trusted)
    role = "TRUSTED_APPLICATION" if source.trusted else "UNTRUSTED_APPLICATION"
    assert ApiClient(token).get("/me")["roles"] == [role]


def test_nodes_of_another_workspace_cannot_be_given_to_a_source(hub: Hub) -> None:
    foreign = str(Hub().node.id)
    body = {"provider": "API", "name": "S", "nodes": [foreign]}
    assert hub.admin.post(f"{hub.configuration}/sources", body).paths == {"/nodes/0"}
