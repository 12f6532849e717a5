"""Rules that have become stricter than what is stored: only what a request sets itself counts."""

from __future__ import annotations

from typing import Any

import pytest

from contacthub_project.core.errors import FieldError
from customers.domain.faults import new_faults
from tests.client import Answer
from tests.factories import Hub

EMAIL = {"contacts": {"email": "ada@example.com"}}
NEWS = {"id": "news", "subscribed": True}
FORCE = {"force": "true"}
CODE = {"type": "string", "maxLength": 10}


def define(hub: Hub, **extended: Any) -> None:
    path = f"{hub.configuration}/properties/extended"
    answer = hub.operator.put(path, extended, query=FORCE)
    assert answer.status == 200, answer.content


def modify_node(hub: Hub, **changes: Any) -> Answer:
    path = f"{hub.configuration}/nodes/entries/{hub.node.id}"
    return hub.admin.put(path, hub.admin.get(path).json | changes, query=FORCE)


@pytest.fixture
def ada(hub: Hub) -> dict[str, Any]:
    """A customer with a value that has become too long, and without one that is now mandatory."""
    define(
        hub, code=CODE, kind={"type": "string"}, list={"type": "array", "items": {"type": "string"}}
    )
    created = hub.post_customer(
        base={**EMAIL, "subscriptions": [NEWS]},
        extended={"code": "1234567890", "kind": "old", "list": ["a" * 20]},
        consents={"profiling": {"online": {"status": True}}},
    )
    assert created.status == 201, created.content
    define(
        hub,
        code={"type": "string", "maxLength": 5},
        kind={"type": "string", "enum": ["new"]},
        list={"type": "array", "items": {"type": "string"}, "maxLength": 10},
    )
    assert modify_node(hub, mandatoryProperties=["base.lastName"]).status == 200
    return created.json


def path(hub: Hub, customer: dict[str, Any]) -> str:
    return f"{hub.path}/customers/{customer['id']}"


@pytest.mark.parametrize(
    "body",
    [
        {"base": {"firstName": "Ada"}},
        {"enabled": False},
        {"consents": {"profiling": {"online": {"status": False}}}},
        {"consents": None},
        {"base": {"subscriptions": [{"id": "news", "subscribed": False}]}},
        {"extended": {"code": "12345"}},
        {"extended": {"code": None}},
        {"extended": {"kind": "new", "list": []}},
        {"tags": {"manual": ["a"]}},
        {"externalId": "7"},
    ],
)
def test_what_was_not_sent_blocks_no_patch(
    hub: Hub, ada: dict[str, Any], body: dict[str, Any]
) -> None:
    for mode in ({}, {"mode": "STRICT"}):
        answer = hub.trusted.patch(path(hub, ada), body, query=mode)
        assert answer.status == 200, answer.content


def test_what_was_not_sent_blocks_no_part_of_a_customer(hub: Hub, ada: dict[str, Any]) -> None:
    subscriptions = f"{path(hub, ada)}/subscriptions"
    assert hub.trusted.put(f"{subscriptions}/news", {"subscribed": False}).status == 200
    assert hub.trusted.post(subscriptions, NEWS | {"id": "sms"}).status == 201
    assert hub.trusted.delete(f"{subscriptions}/news").status == 204
    assert hub.trusted.post(f"{path(hub, ada)}/sessions", {"value": "s"}).status == 201


def test_a_post_and_a_put_demand_what_is_mandatory_and_nothing_else(
    hub: Hub, ada: dict[str, Any]
) -> None:
    body = {"nodeId": str(hub.node.id), "base": EMAIL}
    for refused in (
        hub.trusted.post(f"{hub.path}/customers", body),
        hub.trusted.put(path(hub, ada), body),
    ):
        assert (refused.status, refused.paths) == (400, {"/base/lastName"})
    body = {"nodeId": str(hub.node.id), "base": EMAIL | {"lastName": "L"}}
    assert hub.trusted.post(f"{hub.path}/customers", body).status == 200
    put = hub.trusted.put(path(hub, ada), body | {"extra": "x"})
    assert (put.status, put["extended"]["kind"]) == (200, "old")


def test_what_was_read_can_be_sent_back(hub: Hub, ada: dict[str, Any]) -> None:
    read = hub.trusted.patch(path(hub, ada), {"base": {"lastName": "L"}}).json
    for mode in ({}, {"mode": "STRICT"}):
        for send in (hub.trusted.patch, hub.trusted.put):
            answer = send(path(hub, ada), read, query=mode)
            assert (answer.status, answer.json) == (200, read)


@pytest.mark.parametrize(
    ("body", "places"),
    [
        ({"extended": {"code": "123456"}}, {"/extended/code"}),
        ({"extended": {"kind": "older"}}, {"/extended/kind"}),
        ({"extended": {"list": ["a" * 11]}}, {"/extended/list"}),
        ({"base": {"contacts": None}}, {"/base/contacts/email"}),
    ],
)
def test_what_a_request_sets_wrongly_or_removes_is_refused(
    hub: Hub, ada: dict[str, Any], body: dict[str, Any], places: set[str]
) -> None:
    refused = hub.trusted.patch(path(hub, ada), body)
    assert (refused.status, refused.paths) == (400, places)


def test_a_mandatory_value_cannot_be_removed(hub: Hub, ada: dict[str, Any]) -> None:
    assert hub.trusted.patch(path(hub, ada), {"base": {"lastName": "L"}}).status == 200
    refused = hub.trusted.patch(path(hub, ada), {"base": {"lastName": None}})
    assert (refused.status, refused.paths) == (400, {"/base/lastName"})


def test_a_list_that_is_too_long_already_takes_no_more(hub: Hub, ada: dict[str, Any]) -> None:
    body = {"base": EMAIL | {"lastName": "L"}, "extended": {"list": ["b"]}}
    refused = hub.post_customer(**body)
    assert (refused.status, refused.paths) == (400, {"/extended/list"})


def test_an_odd_value_of_a_property_that_is_enabled_again(hub: Hub) -> None:
    define(hub, code=CODE)
    ada = hub.post_customer(base=EMAIL, extended={"code": "1234567890"}).json
    define(hub, code=CODE | {"enabled": False})
    define(hub, code={"type": "string", "maxLength": 5})
    patched = hub.trusted.patch(path(hub, ada), {"base": {"firstName": "Ada"}})
    assert (patched.status, patched["extended"]) == (200, {"code": "1234567890"})


def test_disabled_values_outlive_what_is_said_without_them(hub: Hub) -> None:
    define(hub, code=CODE)
    ada = hub.post_customer(
        base=EMAIL | {"address": {"street": "S", "city": "C"}}, extended={"code": "1"}
    ).json
    define(hub, code=CODE | {"enabled": False})
    switch = f"{hub.configuration}/properties/base/address.city/enabled"
    assert hub.admin.put(switch, {"value": False}).status == 200
    read = hub.trusted.get(path(hub, ada)).json
    assert read["extended"] == {}
    put = hub.trusted.put(path(hub, ada), read, query={"mode": "STRICT"})
    assert (put.status, put["version"]) == (200, 1)
    hub.trusted.patch(path(hub, ada), {"base": {"address": None}, "extended": None})
    define(hub, code=CODE)
    assert hub.admin.put(switch, {"value": True}).status == 200
    after = hub.trusted.get(path(hub, ada)).json
    assert (after["extended"], after["base"]["address"]["city"]) == ({"code": "1"}, "C")
    assert after["base"]["address"]["street"] is None


def test_faults_are_distinguished_by_place_kind_and_value() -> None:
    def odd(document: Any) -> list[FieldError]:
        return [
            FieldError(f"/list/{index}/a~1b", "is odd", "odd")
            for index, each in enumerate(document["list"])
            if each["a/b"] % 2
        ]

    before = {"list": [{"a/b": 1}, {"a/b": 3}]}
    assert new_faults(odd, {"list": [{"a/b": 2}, {"a/b": 3}, {"a/b": 1}]}, before=before) == []
    (fault,) = new_faults(odd, {"list": [{"a/b": 1}, {"a/b": 5}]}, before=before)
    assert fault.path == "/list/1/a~1b"
