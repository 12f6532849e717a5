from __future__ import annotations

from typing import Any

import pytest

from customers.models import Change
from tests.factories import Hub

NEWS = {"id": "news", "subscribed": True}


def test_a_subscription_from_birth_to_end(hub: Hub) -> None:
    customer = hub.post_customer()["id"]
    path = f"{hub.path}/customers/{customer}/subscriptions"
    created = hub.trusted.post(path, NEWS | {"name": "News", "startDate": "2020-01-01"})
    assert created.status == 201
    assert created["startDate"] == "2020-01-01T00:00:00.000Z"
    assert created["registeredAt"] == created["updatedAt"] is not None
    assert created["endDate"] is None and created["preferences"] == []  # noqa: PT018
    assert hub.trusted.get(f"{path}/news").json == created.json
    displayed = hub.trusted.get(f"{hub.path}/customers/{customer}")
    assert displayed["base"]["subscriptions"] == [created.json]
    assert displayed["version"] == 2

    assert hub.trusted.post(path, NEWS).status == 409
    changed = hub.trusted.put(f"{path}/news", {"subscribed": False, "name": None})
    assert changed.status == 200
    assert (changed["subscribed"], changed["name"]) == (False, None)
    assert changed["startDate"] == created["startDate"]
    assert changed["registeredAt"] == created["registeredAt"]
    assert changed["updatedAt"] >= created["updatedAt"]
    changes = Change.objects.count()
    again = hub.trusted.put(f"{path}/news", {"subscribed": False, "id": "news"})
    assert again.json == changed.json
    assert Change.objects.count() == changes

    assert hub.trusted.delete(f"{path}/news").status == 204
    for answer in (
        hub.trusted.get(f"{path}/news"),
        hub.trusted.put(f"{path}/news", NEWS),
        hub.trusted.delete(f"{path}/news"),
    ):
        assert answer.status == 404


@pytest.mark.parametrize(
    ("body", "places"),
    [
        ({}, {"/id", "/subscribed"}), (NEWS | {"id": "½"}, {"/id"}), (NEWS | {"id": "a/b"}, {"/id"}), ({"id": "news"}, {"/subscribed"}), (NEWS | {"id": " x"}, {"/id"}), (NEWS | {"id": "x "}, {"/id"}), (NEWS | {"id": "-x"}, {"/id"}),
        (NEWS | {"id": "a.b"}, {"/id"}), (NEWS | {"id": ""}, {"/id"}), (NEWS | {"id": 7}, {"/id"}), (NEWS | {"kind": "X", "shoe": 1}, {"/kind", "/shoe"}),
        (NEWS | {"startDate": "soon"}, {"/startDate"}), (NEWS | {"name": "x" * 256}, {"/name"}), (NEWS | {"subscribed": None}, {"/subscribed"}),
    ],
)  # fmt: skip
def test_what_a_subscription_cannot_be(hub: Hub, body: Any, places: set[str]) -> None:
    customer = hub.post_customer()["id"]
    answer = hub.trusted.post(f"{hub.path}/customers/{customer}/subscriptions", body)
    assert answer.status == 400
    assert answer.paths == places


def test_ids_of_subscriptions(hub: Hub) -> None:
    customer = hub.post_customer()["id"]
    path = f"{hub.path}/customers/{customer}/subscriptions"
    for good in ("a", "7", "a b-c_d", "Novità", "日本", "हिन्दी", "٣", "ab"):
        assert hub.trusted.post(path, {"id": good, "subscribed": True}).status == 201
        assert hub.trusted.get(f"{path}/{good}").status == 200
    moved = hub.trusted.put(f"{path}/a", {"id": "b", "subscribed": True})
    assert (moved.status, moved.paths) == (400, {"/id"})


def test_what_is_subscribed_to_already_need_not_say_so_again(hub: Hub) -> None:
    base = {"contacts": {"email": "a@b.it"}, "subscriptions": [NEWS]}
    customer = hub.post_customer(base=base)["id"]
    path = f"{hub.path}/customers/{customer}"

    def named(subscription: str, name: str) -> dict[str, Any]:
        return base | {"subscriptions": [{"id": subscription, "name": name}]}

    node = str(hub.node.id)
    for name, send in {
        "patched": lambda body: hub.trusted.patch(path, {"base": body}),
        "put": lambda body: hub.trusted.put(path, {"nodeId": node, "base": body}),
        "posted": lambda body: hub.post_customer(base=body),
    }.items():
        answer = send(named("news", name))
        assert answer.status == 200
        (kept,) = answer["base"]["subscriptions"]
        assert (kept["subscribed"], kept["name"]) == (True, name)
        refused = send(named("other", name))
        assert (refused.status, refused.paths) == (400, {"/base/subscriptions/0/subscribed"})


def test_the_whole_customer_and_a_subscription_agree(hub: Hub) -> None:
    """Subscriptions that come with the customer get their dates too, and keep them."""
    created = hub.post_customer(base={"contacts": {"email": "a@b.it"}, "subscriptions": [NEWS]})
    (first,) = created["base"]["subscriptions"]
    assert first["registeredAt"] is not None
    again = hub.post_customer(base={"contacts": {"email": "a@b.it"}, "subscriptions": [NEWS]})
    assert again["version"] == 1
    path = f"{hub.path}/customers/{created['id']}"
    strict = hub.trusted.patch(path, {"base": {"subscriptions": [NEWS]}}, query={"mode": "STRICT"})
    assert strict["base"]["subscriptions"] == [first]
    assert strict["version"] == 1


def test_an_untrusted_application_sees_what_it_wrote(hub: Hub) -> None:
    customer = hub.post_customer(hub.untrusted)["id"]
    path = f"{hub.path}/customers/{customer}/subscriptions"
    hub.trusted.post(path, NEWS | {"name": "Secret"})
    changed = hub.untrusted.put(f"{path}/news", {"subscribed": False})
    assert (changed["subscribed"], changed["name"]) == (False, None)
    assert hub.untrusted.get(f"{path}/news").status == 403


def test_a_workspace_can_be_without_subscriptions(hub: Hub) -> None:
    customer = hub.post_customer(base={"contacts": {"email": "a@b.it"}, "subscriptions": [NEWS]})
    switch = f"{hub.configuration}/properties/base/subscriptions/enabled"
    assert hub.admin.put(switch, {"value": False}).status == 200
    path = f"{hub.path}/customers/{customer['id']}/subscriptions"
    assert hub.trusted.post(path, NEWS).status == 403
    assert hub.trusted.get(f"{path}/news").status == 404
