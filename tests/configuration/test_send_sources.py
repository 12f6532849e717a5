"""Sources that connect a node to a user database of Contactsend."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from configuration.models import SendSource, SendUserDatabase, Source, User
from contacthub_project.db.encryption import decrypt
from tests.client import Answer
from tests.factories import Hub

PROPERTIES = {
    "userKey": "user", "apiKey": "top secret", "userdbId": "db7",
    "fieldMappings": [{"hubProperty": "base.contacts.email", "sendField": "EMAIL", "key": True},
                      {"hubProperty": "base.firstName", "sendField": "NAME"}],
    "subscriptionMappings": [{"hubSubscriptionId": "news", "sendSystem": "mail", "webformCode": None}],
}  # fmt: skip


def create(hub: Hub, **change: Any) -> Answer:
    nodes = change.pop("nodes", [str(hub.node.id)])
    body = {
        "provider": "CONTACTSEND",
        "name": "Send",
        "nodes": nodes,
        "properties": PROPERTIES | change,
    }
    return hub.admin.post(f"{hub.configuration}/sources", body)


def test_a_send_source_keeps_its_key_to_itself(hub: Hub) -> None:
    created = create(hub)
    assert created.status == 201
    assert b"top secret" not in created.content
    send = SendSource.objects.get(source_id=created["id"])
    assert b"top secret" not in bytes(send.api_key)
    assert decrypt(send.api_key) == "top secret"
    assert "apiKey" not in Source.objects.get(id=created["id"]).properties
    path = f"{hub.configuration}/sources/{created['id']}"
    read = hub.admin.get(path).json
    assert "apiKey" not in read["properties"]
    assert hub.admin.put(path, read).status == 200
    send.refresh_from_db()
    assert decrypt(send.api_key) == "top secret", "a key that is not sent stays"
    changed = {**read, "properties": read["properties"] | {"apiKey": "another"}}
    assert hub.admin.put(path, changed).status == 200
    send.refresh_from_db()
    assert decrypt(send.api_key) == "another"


def test_one_source_one_node_one_user_database(hub: Hub) -> None:
    assert create(hub, nodes=[str(hub.node.id), str(hub.other_node.id)]).paths == {"/nodes"}
    assert create(hub).status == 201
    assert create(hub, userdbId="other").status == 409
    assert create(hub, nodes=[str(hub.other_node.id)]).status == 409
    assert create(hub, nodes=[str(hub.other_node.id)], userdbId="other").status == 201


@pytest.mark.parametrize(
    ("change", "paths"),
    [
        ({"apiKey": None}, {"/properties/apiKey"}), ({"userKey": ""}, {"/properties/userKey"}), ({"userdbId": 7}, {"/properties/userdbId"}),
        ({"fieldMappings": []}, {"/properties/fieldMappings"}), ({"x": 1}, {"/properties/x"}), ({"groupPk": -1}, {"/properties/groupPk"}),
        ({"fieldMappings": [{"hubProperty": "base.firstName", "sendField": "N"}]}, {"/properties/fieldMappings"}),
        ({"fieldMappings": [{"hubProperty": "base.jobs", "sendField": "N", "key": True}]}, {"/properties/fieldMappings/0/hubProperty"}),
        ({"subscriptionMappings": [{}]}, {"/properties/subscriptionMappings/0/hubSubscriptionId", "/properties/subscriptionMappings/0/sendSystem"}),
    ],
)  # fmt: skip
def test_wrong_send_sources(hub: Hub, change: dict[str, Any], paths: set[str]) -> None:
    refused = create(hub, **change)
    assert (refused.status, refused.paths) == (400, paths)
    assert not SendSource.objects.exists()


def test_operators_see_all_and_a_workspace_its_own(hub: Hub) -> None:
    source = create(hub).json
    expected = {
        "portfolio": hub.workspace.group_pk, "id": str(hub.workspace.id), "name": hub.workspace.name,
        "industry": "NotDefined", "workspaceStatus": "ENABLED", "nodeId": str(hub.node.id),
        "nodeName": hub.node.name, "nodeType": "ENTRY", "contactSendSource": {**source, "token": None},
    }  # fmt: skip
    group = hub.workspace.group_pk
    assert hub.operator.get("/send-sources").json == {"elements": [expected]}
    assert hub.operator.get(f"/send-sources/{group}").json == {"elements": [expected]}
    assert hub.operator.get(f"/send-sources/{group}/db7").json == expected
    assert hub.admin.get(f"{hub.path}/nodes/{hub.node.id}/send-source").json == expected
    assert hub.admin.get(f"{hub.path}/nodes/{hub.other_node.id}/send-source").status == 404
    assert hub.operator.get(f"/send-sources/{group}/other").status == 404


def test_the_registry_of_user_databases(hub: Hub) -> None:
    fields, subscriptions = [{"id": "EMAIL", "type": "string"}], [{"id": "mail", "name": "Mail"}]
    for group in (hub.workspace.group_pk, 99):
        SendUserDatabase.objects.create(
            group_pk=group, userdb_id="db7", name="All", fields=fields, subscriptions=subscriptions
        )
    path = f"{hub.path}/models/send-sources/db7"
    assert hub.trusted.get(f"{path}/fields").json == {"elements": fields}
    assert hub.trusted.get(f"{path}/subscriptions").json == {"elements": subscriptions}
    assert hub.trusted.get(f"{path}/fields", query={"groupPk": 99}).status == 404, "not its group"
    assert hub.operator.get(f"{path}/fields", query={"groupPk": 99}).status == 200
    assert hub.operator.get(f"{path}/fields", query={"groupPk": "x"}).status == 400


def test_subscriptions_of_an_aggregate_node(hub: Hub) -> None:
    source = create(hub).json
    body = {
        "name": "All", "entryNodes": [str(hub.node.id), str(hub.other_node.id)],
        "matchingProperties": {"properties": ["externalId"], "caseSensitive": False},
    }  # fmt: skip
    node = hub.admin.post(f"{hub.configuration}/nodes/aggregates", body).json
    path = f"{hub.configuration}/nodes/aggregates/{node['id']}/send-source-subscriptions"
    assert hub.admin.get(path).json == [
        {
            **PROPERTIES["subscriptionMappings"][0],
            "nodeId": str(hub.node.id),
            "sourceId": source["id"],
        }  # type: ignore[index]
    ]
    refused = create(hub, nodes=[node["id"]], userdbId="db8")
    assert refused.paths == {"/properties/subscriptionMappings"}
    assert create(hub, nodes=[node["id"]], userdbId="db8", subscriptionMappings=[]).status == 201


def test_staff_keep_the_registry(hub: Hub) -> None:
    browser = Client()
    browser.force_login(User.objects.create_superuser("root"))
    form = {
        "group_pk": 1,
        "userdb_id": "db1",
        "name": "First",
        "fields": '[{"id": "E"}]',
        "subscriptions": "[]",
    }
    path = "/admin/configuration/senduserdatabase"
    assert browser.post(f"{path}/add/", form).status_code == 302
    assert SendUserDatabase.objects.get().fields == [{"id": "E"}]
    assert b"First" in browser.get(f"{path}/").content
