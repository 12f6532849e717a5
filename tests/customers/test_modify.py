"""PATCH, PUT and DELETE of a customer."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connection

from customers.models import Change, ConsentLogEntry, Customer
from tests.client import ApiClient
from tests.factories import Hub, make_token, make_user

EMAIL = {"contacts": {"email": "ada@example.com"}}


@pytest.fixture
def ada(hub: Hub) -> dict[str, Any]:
    return hub.post_customer(
        externalId="7",
        base={**EMAIL, "firstName": "Ada", "jobs": [{"id": "1", "companyName": "A"}],
              "subscriptions": [{"id": "news", "subscribed": True, "name": "News"}]},
        tags={"manual": ["a", "b"]},
        extra="x",
    ).json  # fmt: skip


def path(hub: Hub, customer: dict[str, Any]) -> str:
    return f"{hub.path}/customers/{customer['id']}"


def test_patch_changes_what_is_given(hub: Hub, ada: dict[str, Any]) -> None:
    body = {
        "base": {"lastName": "L", "firstName": None, "jobs": [], "contacts": {"phone": "1"},
                 "subscriptions": [{"id": "sms", "subscribed": False}]},
        "tags": {"manual": ["b"]}, "extra": None,
    }  # fmt: skip
    patched = hub.trusted.patch(path(hub, ada), body)
    assert patched.status == 200
    base = patched["base"]
    assert (base["firstName"], base["lastName"], base["jobs"]) == (None, "L", [])
    assert (base["contacts"]["email"], base["contacts"]["phone"]) == ("ada@example.com", "1")
    assert [each["id"] for each in base["subscriptions"]] == ["news", "sms"]
    assert patched["tags"]["manual"] == ["b"]
    assert (patched["extra"], patched["externalId"], patched["version"]) == (None, "7", 2)
    assert hub.trusted.get(path(hub, ada)).json == patched.json
    strict = {"base": {"subscriptions": [{"id": "sms", "subscribed": True}]}}
    strictly = hub.trusted.patch(path(hub, ada), strict, query={"mode": "STRICT"})
    assert [each["id"] for each in strictly["base"]["subscriptions"]] == ["sms"]


def test_what_was_read_can_be_sent_back(hub: Hub, ada: dict[str, Any]) -> None:
    for send in (hub.trusted.patch, hub.trusted.put):
        for query in ({}, {"mode": "STRICT"}):
            answer = send(path(hub, ada), ada, query=query)
            assert (answer.status, answer.json) == (200, ada)
    assert Change.objects.count() == 1, "nothing was changed"


def test_put_needs_what_a_new_customer_needs(hub: Hub, ada: dict[str, Any]) -> None:
    assert hub.trusted.put(path(hub, ada), {}).paths == {"/nodeId", "/base/contacts/email"}
    body = {"nodeId": str(hub.node.id), "base": {**EMAIL, "lastName": "L"}}
    usual = hub.trusted.put(path(hub, ada), body)
    assert (usual["base"]["firstName"], usual["base"]["lastName"], usual["extra"]) == (
        "Ada",
        "L",
        "x",
    )
    strict = hub.trusted.put(path(hub, ada), body, query={"mode": "STRICT"})
    assert (strict["base"]["firstName"], strict["base"]["lastName"], strict["extra"]) == (
        None,
        "L",
        None,
    )
    assert strict["tags"] == {"auto": [], "manual": []}


def test_what_the_system_keeps_cannot_be_changed(hub: Hub, ada: dict[str, Any]) -> None:
    changed = {
        "id": str(hub.node.id), "intId": 0, "nodeId": str(hub.other_node.id), "deleted": 1,
        "registeredAt": "2020-01-01T00:00:00.000Z", "sourceInfo": {"registeredBy": "me"},
        "version": 99, "updatedAt": "2020-01-01T00:00:00.000Z",
    }  # fmt: skip
    refused = hub.trusted.patch(path(hub, ada), changed)
    assert refused.paths == {"/id", "/intId", "/nodeId", "/deleted", "/registeredAt", "/sourceInfo"}
    assert hub.trusted.patch(path(hub, ada), {"version": 99, "updatedAt": "soon"}).status == 200
    wrong = hub.trusted.patch(path(hub, ada), {"x": 1, "base": {"dob": "soon", "firstName": 3}})
    assert wrong.paths == {"/x", "/base/dob", "/base/firstName"}
    assert hub.trusted.patch(path(hub, ada), {}, query={"mode": "LOOSE"}).paths == {"/mode"}
    assert hub.trusted.get(path(hub, ada)).json == ada


def test_unique_properties_cannot_be_taken_away_or_over(hub: Hub, ada: dict[str, Any]) -> None:
    grace = hub.post_customer(base={"contacts": {"email": "grace@example.com"}}).json
    removed = hub.trusted.patch(path(hub, ada), {"base": {"contacts": None}})
    assert (removed.status, removed.paths) == (400, {"/base/contacts/email"})
    taken = hub.trusted.patch(
        path(hub, ada), {"base": {"contacts": {"email": "GRACE@example.com"}}}
    )
    assert taken.status == 409
    assert taken["message"] == f"Conflict with existing customer {grace['id']}"
    assert taken["data"]["customer"]["id"] == grace["id"]
    href = taken["data"]["customer"]["href"]
    assert href == f"http://testserver/hub/v1{hub.path}/customers/{grace['id']}"
    untrusted = hub.untrusted.patch(
        path(hub, ada), {"base": {"contacts": {"email": "grace@example.com"}}}
    )
    assert (untrusted.status, untrusted["data"]) == (403, None)
    assert grace["id"].encode() not in untrusted.content
    moved = hub.trusted.patch(path(hub, ada), {"base": {"contacts": {"email": "new@example.com"}}})
    assert moved.status == 200
    assert hub.post_customer(base=EMAIL).status == 201, "the address is free again"


def test_if_match(hub: Hub, ada: dict[str, Any]) -> None:
    body = {"extra": "y"}
    assert hub.trusted.patch(path(hub, ada), body, If_Match='"7"').status == 412
    assert hub.trusted.patch(path(hub, ada), body, If_Match='"1"').headers["ETag"] == '"2"'
    assert hub.trusted.delete(path(hub, ada), If_Match='"1"').status == 412
    assert hub.trusted.delete(path(hub, ada), If_Match='"2"').status == 200


def test_consents_are_logged_and_the_feed_goes_on(hub: Hub, ada: dict[str, Any]) -> None:
    given = {"consents": {"profiling": {"online": {"status": True}}}}
    hub.trusted.patch(path(hub, ada), given)
    hub.trusted.patch(path(hub, ada), given)
    hub.trusted.patch(path(hub, ada), {"consents": None})
    assert list(ConsentLogEntry.objects.order_by("id").values_list("value", flat=True)) == [
        "true",
        None,
    ]
    assert Change.objects.count() == 3


def test_an_untrusted_source_changes_without_reading(hub: Hub, ada: dict[str, Any]) -> None:
    patched = hub.untrusted.patch(path(hub, ada), {"base": {**EMAIL, "lastName": "L"}})
    assert patched["base"]["lastName"] == "L"
    assert b"Ada" not in patched.content
    assert hub.trusted.get(path(hub, ada))["base"]["firstName"] == "Ada"


@pytest.mark.parametrize(("node", "content"), [("x", b""), ("", b"{}")])
def test_clients_that_name_the_node_read_no_answer_to_a_delete(
    hub: Hub, ada: dict[str, Any], node: str, content: bytes
) -> None:
    deleted = hub.trusted.delete(path(hub, ada), query={"nodeId": node})
    assert (deleted.status, deleted.content) == (200, content)
    assert deleted.headers["Content-Length"] == str(len(content))
    assert hub.trusted.get(path(hub, ada)).status == 404


def test_delete(hub: Hub, ada: dict[str, Any]) -> None:
    deleted = hub.trusted.delete(path(hub, ada))
    assert (deleted.status, deleted.json) == (200, {})
    for answer in (
        hub.trusted.get(path(hub, ada)),
        hub.trusted.patch(path(hub, ada), {}),
        hub.trusted.delete(path(hub, ada)),
    ):
        assert answer.status == 404
    listed = hub.trusted.get(f"{hub.path}/customers", query={"nodeId": hub.node.id})
    assert listed["elements"] == []
    assert Change.objects.order_by("id").last().operation == "DELETE"  # type: ignore[union-attr]
    assert Customer.objects.get().match_key is None
    again = hub.post_customer(base=EMAIL)
    assert again.status == 201
    assert again["id"] != ada["id"]


def test_grants_count(hub: Hub, ada: dict[str, Any]) -> None:
    reader = ApiClient(
        make_token(make_user("USER", workspaces=(hub.workspace,), grants={hub.node: "R"}))
    )
    assert reader.patch(path(hub, ada), {}).status == 403
    assert reader.delete(path(hub, ada)).status == 403


def test_concurrent_patches_of_different_properties_all_survive(live_hub: Hub) -> None:
    customer = live_hub.post_customer(base=EMAIL).json
    names = ["firstName", "lastName", "middleName", "title", "prefix", "gender"]
    statuses = []

    def patch(name: str) -> None:
        try:
            statuses.append(
                live_hub.trusted.patch(path(live_hub, customer), {"base": {name: name}}).status
            )
        finally:
            connection.close()

    threads = [threading.Thread(target=patch, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 6
    after = live_hub.trusted.get(path(live_hub, customer)).json
    assert [after["base"][name] for name in names] == names
    assert after["version"] == 7


def test_two_that_become_one_person_at_the_same_moment(live_hub: Hub) -> None:
    """Of two PATCHes to one new address, one wins and the other is told."""
    customers = [live_hub.post_customer().json for _ in range(2)]
    statuses = []

    def patch(customer: dict[str, Any]) -> None:
        try:
            statuses.append(
                live_hub.trusted.patch(path(live_hub, customer), {"base": EMAIL}).status
            )
        finally:
            connection.close()

    threads = [threading.Thread(target=patch, args=(customer,)) for customer in customers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200, 409]
