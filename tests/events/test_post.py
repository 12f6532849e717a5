from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from configuration.domain.vocabulary import CONTEXTS, EVENT_TYPES
from contacthub_project.core.timestamps import format_timestamp
from customers.models import Change
from events.models import Event
from tests.client import Answer, ApiClient
from tests.events.examples import EXAMPLES, PRODUCT
from tests.factories import Hub


def event(**given: Any) -> dict[str, Any]:
    return {"type": "viewedPage", "context": "WEB", "properties": {}} | given


def post(hub: Hub, client: ApiClient | None = None, **given: Any) -> Answer:
    return (client or hub.trusted).post(f"{hub.path}/events", event(**given))


def get(hub: Hub, event_id: str, **query: Any) -> Answer:
    return hub.trusted.get(f"{hub.path}/events/{event_id}", query=query)


@pytest.fixture
def customer(hub: Hub) -> str:
    return hub.post_customer()["id"]


def test_an_event_is_readable_at_once_with_every_key(hub: Hub, customer: str) -> None:
    answer = post(hub, customerId=customer, date="2021-05-06T07:08:09+0200",
                  properties={"url": "https://a.example"}, tracking={"ga": {"utm_source": "x"}},
                  contextInfo={"client": {"ip": "10.1.2.3", "userAgent": "x"}})  # fmt: skip
    assert answer.status == 202
    assert answer.json == {"id": answer["id"]}
    found = get(hub, answer["id"])
    assert found.headers["ETag"] == '"1"'
    assert found.json == {
        "id": answer["id"], "externalId": None, "customerId": customer, "nodeId": str(hub.node.id),
        "bringBackProperties": None, "type": "viewedPage", "context": "WEB",
        "properties": {"url": "https://a.example"}, "tracking": {"ga": {"utm_source": "x"}},
        "contextInfo": {"client": {"ip": "10.1.2.3", "userAgent": "x"}},
        "date": "2021-05-06T05:08:09.000Z", "origin": "NATIVE", "prev": None, "next": None,
        "registeredAt": found["registeredAt"], "updatedAt": found["registeredAt"], "version": 1,
    }  # fmt: skip
    change = Change.objects.latest("id")
    assert (change.entity, change.operation, str(change.entity_id)) == (
        "EVENT", "CREATE", answer["id"],
    )  # fmt: skip


def test_an_event_without_a_date_happens_now(hub: Hub, customer: str) -> None:
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    found = get(hub, post(hub, customerId=customer)["id"])
    assert format_timestamp(before) <= found["date"] <= format_timestamp(datetime.now(UTC))
    assert found["contextInfo"] == {}
    assert found["tracking"] is None


@pytest.mark.parametrize("absent", [{}, {"properties": None, "contextInfo": None}])
def test_absent_properties_and_context_info_are_empty(
    hub: Hub, customer: str, absent: dict[str, Any]
) -> None:
    body = {"type": "loggedIn", "context": "WEB"} | absent
    answer = hub.trusted.post(f"{hub.path}/events", {"customerId": customer} | body)
    assert answer.status == 202, answer.content
    found = get(hub, answer["id"])
    assert (found["properties"], found["contextInfo"]) == ({}, {})
    path = f"{hub.path}/events/{answer['id']}"
    hub.trusted.patch(path, {"contextInfo": {"user": {"id": "u"}}})
    assert hub.trusted.put(path, body).status == 202
    assert get(hub, answer["id"])["contextInfo"] == {}


REQUIRED = {
    "addedReward": {"/properties/rewardAmount", "/properties/rewardTypeId"},
    "removedReward": {"/properties/rewardAmount", "/properties/rewardTypeId"},
    "grantedCoupon": {"/properties/totalAmount", "/properties/startValidityDate"},
}


@pytest.mark.parametrize("event_type", REQUIRED)
def test_what_a_type_requires_is_demanded_of_absent_properties(
    hub: Hub, customer: str, event_type: str
) -> None:
    body = {"type": event_type, "context": "WEB"}
    answer = hub.trusted.post(f"{hub.path}/events", {"customerId": customer} | body)
    assert (answer.status, answer.paths) == (400, REQUIRED[event_type])
    assert {error["code"] for error in answer.json["errors"]} == {"required"}
    batch = hub.trusted.post(
        f"{hub.path}/events/batch", {"events": [{"customerId": customer} | body]}
    )
    assert batch["elements"][0]["status"] == 400
    known = post(hub, customerId=customer, type=event_type, properties=EXAMPLES[event_type])
    assert hub.trusted.put(f"{hub.path}/events/{known['id']}", body).paths == REQUIRED[event_type]


def test_there_is_an_example_of_every_type() -> None:
    assert EXAMPLES.keys() == EVENT_TYPES.keys()


@pytest.mark.parametrize("event_type", EXAMPLES)
def test_every_type_is_taken_and_knows_its_properties(
    hub: Hub, customer: str, event_type: str
) -> None:
    properties = EXAMPLES[event_type]
    answer = post(hub, customerId=customer, type=event_type, properties=properties)
    assert answer.status == 202, answer.content
    assert get(hub, answer["id"])["properties"].keys() == properties.keys()
    unknown = post(hub, customerId=customer, type=event_type, properties=properties | {"zz": 1})
    assert unknown.paths == {"/properties/zz"}


@pytest.mark.parametrize("context", CONTEXTS)
def test_every_context_is_taken(hub: Hub, customer: str, context: str) -> None:
    info = {"client": {"localization": {"city": "Milan"}}, "user": {"id": "u"}}
    answer = post(hub, customerId=customer, context=context, contextInfo=info)
    assert answer.status == 202, answer.content
    refused = post(hub, customerId=customer, context=context, contextInfo={"zz": 1})
    assert refused.paths == {"/contextInfo/zz"}


@pytest.mark.parametrize(
    ("given", "places"),
    [
        ({"type": None, "context": None, "properties": None}, {"/type", "/context"}), ({"type": "zz", "context": "zz"}, {"/type", "/context"}),
        ({"type": 7, "context": [], "properties": 1}, {"/type", "/context"}), ({"properties": ["x"]}, {"/properties"}), ({"zz": 1}, {"/zz"}), ({"id": str(uuid.uuid4())}, {"/id"}),
        ({"date": "soon"}, {"/date"}), ({"date": 7.5}, {"/date"}), ({"date": True}, {"/date"}), ({"date": "1899-12-31"}, {"/date"}), ({"date": "9999-01-01"}, {"/date"}), ({"tracking": {"zz": {}}}, {"/tracking/zz"}),
        ({"type": "completedOrder", "properties": {"orderId": 1, "type": "x", "amount": {"total": "1,0"}}}, {"/properties/orderId", "/properties/type", "/properties/amount/total"}),
        ({"customerId": 7}, {"/customerId"}), ({"customerId": None}, {"/customerId"}), ({"bringBackProperties": {"value": "x", "nodeId": "y"}}, {"/bringBackProperties"}),
        ({"customerId": None, "bringBackProperties": {}}, {"/bringBackProperties/value", "/bringBackProperties/nodeId"}), ({"customerId": None, "bringBackProperties": []}, {"/bringBackProperties"}),
        ({"customerId": None, "bringBackProperties": {"type": "x", "value": " ", "nodeId": 7, "zz": 1}}, {f"/bringBackProperties/{name}" for name in ("type", "value", "nodeId", "zz")}),
        ({"customerId": None, "bringBackProperties": {"value": "x" * 256, "nodeId": "x"}}, {"/bringBackProperties/value"}),
    ],
)  # fmt: skip
def test_every_fault_is_named(hub: Hub, customer: str, given: Any, places: set[str]) -> None:
    answer = post(hub, **({"customerId": customer} | given))
    assert (answer.status, answer.paths) == (400, places)
    assert not Event.objects.exists()


def test_a_clock_may_be_a_little_ahead(hub: Hub, customer: str) -> None:
    soon = format_timestamp(datetime.now(UTC) + timedelta(hours=23))
    assert post(hub, customerId=customer, date=soon).status == 202
    later = format_timestamp(datetime.now(UTC) + timedelta(hours=25))
    assert post(hub, customerId=customer, date=later).status == 400


def test_unknown_customers_and_nodes(hub: Hub) -> None:
    for unknown in (str(uuid.uuid4()), "x", "a\0b"[:1]):
        assert post(hub, customerId=unknown).status == 404
        bring_back = {"value": "s", "nodeId": unknown}
        assert post(hub, bringBackProperties=bring_back).status == 404
    stranger = Hub()
    assert post(hub, customerId=stranger.post_customer()["id"]).status == 404
    bring_back = {"value": "s", "nodeId": str(stranger.node.id)}
    assert post(hub, bringBackProperties=bring_back).status == 404
    gone = hub.post_customer()["id"]
    hub.trusted.delete(f"{hub.path}/customers/{gone}")
    assert post(hub, customerId=gone).status == 404


def test_disabled_types_are_refused(hub: Hub, customer: str) -> None:
    path = f"{hub.configuration}/events/viewedPage/enabled"
    assert hub.admin.put(path, {"value": False}).status == 200
    refused = post(hub, customerId=customer)
    assert (refused.status, refused.paths) == (403, {"/type"})
    assert refused.json["errors"][0]["code"] == "disabled"
    assert post(hub, customerId=customer, type="loggedIn").status == 202


def test_disabled_customers_are_refused(hub: Hub) -> None:
    customer = hub.post_customer(enabled=False)["id"]
    refused = post(hub, customerId=customer)
    assert (refused.status, refused.paths) == (403, {"/customerId"})


def test_the_consent_policy(hub: Hub) -> None:
    policy = {"viewedPage": ["profiling.online", "consents.profiling.classic"]}
    path = f"{hub.configuration}/consent-policy"
    answer = hub.admin.put(path, policy)
    assert answer.status == 200, answer.content
    customer = hub.post_customer(consents={"profiling": {"online": {"status": True}}})["id"]
    refused = post(hub, customerId=customer)
    assert refused.status == 403
    assert "profiling.classic" in refused["message"]
    assert post(hub, customerId=customer, type="loggedIn").status == 202
    given = {"profiling": {"classic": {"status": True}}}
    hub.trusted.patch(f"{hub.path}/customers/{customer}", {"consents": given})
    assert post(hub, customerId=customer).status == 202
    given["profiling"]["classic"]["objection"] = True
    hub.trusted.patch(f"{hub.path}/customers/{customer}", {"consents": given})
    assert post(hub, customerId=customer).status == 403


def test_payload_limits_are_those_of_the_type(hub: Hub, customer: str) -> None:
    big = {"formName": "F", "data": {"text": "x" * 70_000}}
    refused = post(hub, customerId=customer, type="formCompiled", properties=big)
    assert refused.status == 413
    path = f"{hub.configuration}/payload-size"
    answer = hub.operator.put(path, {"formCompiled": {"maxBytes": 100_000}})
    assert answer.status == 200, answer.content
    assert post(hub, customerId=customer, type="formCompiled", properties=big).status == 202
    huge = {"formName": "F", "data": {"text": "x" * 400_000}}
    assert post(hub, customerId=customer, type="formCompiled", properties=huge).status == 413


def test_extended_properties_of_events_and_products(hub: Hub, customer: str) -> None:
    product = {"colour": {"type": "string"}}
    answer = hub.operator.put(f"{hub.configuration}/products/properties/extended", product)
    assert answer.status == 200, answer.content
    path = f"{hub.configuration}/events/completedOrder/properties/extended"
    assert hub.operator.put(path, {"till": {"type": "integer"}}).status == 200
    order = {"products": [{"id": "P", "type": "sale", "extended": {"colour": "red"}}],
             "extended": {"till": 3}}  # fmt: skip
    taken = post(hub, customerId=customer, type="completedOrder", properties=order)
    assert taken.status == 202, taken.content
    order = {"products": [{"id": "P", "extended": {"till": 3}}], "extended": {"colour": "red"}}
    refused = post(hub, customerId=customer, type="completedOrder", properties=order)
    assert refused.paths == {"/properties/products/0/extended/till", "/properties/extended/colour"}
    viewed = PRODUCT | {"extended": {"colour": "red"}}
    assert post(hub, customerId=customer, type="viewedProduct", properties=viewed).status == 202


def test_an_untrusted_application_writes_and_does_not_read(hub: Hub, customer: str) -> None:
    answer = post(hub, hub.untrusted, customerId=customer)
    assert answer.status == 202
    assert hub.untrusted.get(f"{hub.path}/events/{answer['id']}").status == 403


def test_who_may_not_write_in_the_node(hub: Hub, customer: str) -> None:
    assert post(hub, hub.clients["GUEST"], customerId=customer).status == 403
    assert Event.objects.count() == 0
