"""An event's own external id: sent again it is one event, with another body a conflict."""

from __future__ import annotations

import itertools
import threading
import uuid
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from customers.models import Change
from events.models import Event
from tests.client import Answer, ApiClient
from tests.factories import Hub

ORDER = {"orderId": "O-1", "amount": {"total": 45.5}}


@pytest.fixture
def customer(hub: Hub) -> str:
    return hub.post_customer()["id"]


def order(customer: str | None, external_id: Any = "O-1", **given: Any) -> dict[str, Any]:
    body = {"type": "completedOrder", "context": "RETAIL", "properties": ORDER}
    owner = {} if customer is None else {"customerId": customer}
    return body | owner | {"externalId": external_id} | given


def post(hub: Hub, body: dict[str, Any], client: ApiClient | None = None, **headers: str) -> Answer:
    return (client or hub.trusted).post(f"{hub.path}/events", body, **headers)


def get(hub: Hub, event_id: str) -> Answer:
    return hub.trusted.get(f"{hub.path}/events/{event_id}")


def by_session(hub: Hub, value: str = "s") -> dict[str, Any]:
    return {"bringBackProperties": {"value": value, "nodeId": str(hub.node.id)}}


def test_sent_again_it_is_the_first_event(hub: Hub, customer: str) -> None:
    first = post(hub, order(customer))
    assert get(hub, first["id"])["externalId"] == "O-1"
    changes = Change.objects.count()
    again = post(hub, order(customer))
    assert (again.status, again.json) == (202, first.json)
    assert (Event.objects.count(), Change.objects.count()) == (1, changes)


@pytest.mark.parametrize(
    "same",
    [
        {"customerId": "upper"}, {"externalId": "  O-1 "}, {"contextInfo": {}}, {"contextInfo": None}, {"tracking": None}, {"tracking": {}}, {"date": None},
        {"properties": {"amount": {"total": 45.50}, "orderId": "O-1"}},
    ],
)  # fmt: skip
def test_what_is_the_same_body(hub: Hub, customer: str, same: dict[str, Any]) -> None:
    first = post(hub, order(customer))
    if same.get("customerId"):
        same = {"customerId": customer.upper()}
    assert post(hub, order(customer) | same).json == first.json


def test_dates_are_compared_as_moments(hub: Hub, customer: str) -> None:
    first = post(hub, order(customer, date="2026-01-05T10:00:00Z"))
    assert post(hub, order(customer, date="2026-01-05T11:00:00+0100")).json == first.json
    assert post(hub, order(customer)).json == first.json  # says nothing of the date
    assert post(hub, order(customer, date="2026-01-05T10:00:01Z")).status == 409


@pytest.mark.parametrize(
    "other",
    [
        {"properties": {"orderId": "O-1"}}, {"properties": {}}, {"context": "ECOMMERCE"}, {"contextInfo": {"user": {"id": "u"}}}, {"tracking": {"ga": {"utm_source": "x"}}},
        {"date": "2020-01-01"}, {"properties": ORDER | {"products": [{"id": "1"}, {"id": "2"}]}},
    ],
)  # fmt: skip
def test_another_body_is_a_conflict(hub: Hub, customer: str, other: dict[str, Any]) -> None:
    first = post(hub, order(customer))
    refused = post(hub, order(customer) | other)
    assert (refused.status, refused.paths) == (409, {"/externalId"})
    assert first["id"] in refused["message"]
    href = f"/hub/v1{hub.path}/events/{first['id']}"
    assert refused["data"]["event"] == {"id": first["id"], "href": refused["data"]["event"]["href"]}
    assert refused["data"]["event"]["href"].endswith(href)
    assert Event.objects.count() == 1


def test_lists_are_compared_in_order(hub: Hub, customer: str) -> None:
    products = [{"id": "1"}, {"id": "2"}]
    post(hub, order(customer, properties={"products": products}))
    assert post(hub, order(customer, properties={"products": products})).status == 202
    assert post(hub, order(customer, properties={"products": products[::-1]})).status == 409


def test_another_customers_event_is_another_body(hub: Hub, customer: str) -> None:
    post(hub, order(customer))
    assert post(hub, order(hub.post_customer()["id"])).status == 409
    assert post(hub, order(None, **by_session(hub))).status == 409


def test_types_and_nodes_are_apart(hub: Hub, customer: str) -> None:
    elsewhere = hub.post_customer(nodeId=str(hub.other_node.id))["id"]
    bodies = [
        order(customer),
        order(customer, type="orderShipped", properties={"orderId": "O-1"}),
        order(elsewhere),
    ]
    assert len({post(hub, body)["id"] for body in bodies}) == 3
    stranger = Hub()
    assert post(stranger, order(stranger.post_customer()["id"])).status == 202
    assert Event.objects.filter(external_id="O-1").count() == 4


@pytest.mark.parametrize("wrong", ["", " ", 7, [], {}, "x" * 256, True])
def test_bad_external_ids(hub: Hub, customer: str, wrong: Any) -> None:
    answer = post(hub, order(customer, wrong))
    assert (answer.status, answer.paths) == (400, {"/externalId"})


def test_long_and_accented_external_ids(hub: Hub, customer: str) -> None:
    longest = post(hub, order(customer, "ü" * 255))
    assert longest.status == 202
    assert post(hub, order(customer, " " + "u\u0308" * 255 + "\t")).json == longest.json
    assert get(hub, longest["id"])["externalId"] == "ü" * 255


def test_without_external_id_nothing_is_compared(hub: Hub, customer: str) -> None:
    ids = {post(hub, order(customer, None))["id"] for _ in range(3)}
    assert len(ids) == 3
    assert get(hub, ids.pop())["externalId"] is None


def test_an_untrusted_source_does_not_learn_of_the_other_event(hub: Hub, customer: str) -> None:
    first = post(hub, order(customer))
    assert post(hub, order(customer), hub.untrusted).json == first.json
    refused = post(hub, order(customer, context="WEB"), hub.untrusted)
    assert (refused.status, refused["data"]) == (409, None)
    assert first["id"] not in refused["message"]


def test_events_that_wait(hub: Hub, customer: str) -> None:
    first = post(hub, order(None, **by_session(hub)))
    assert post(hub, order(None, **by_session(hub))).json == first.json
    assert post(hub, order(None, **by_session(hub, "other"))).status == 409
    hub.trusted.post(f"{hub.path}/customers/{customer}/sessions", {"value": "s"})
    assert post(hub, order(None, **by_session(hub))).json == first.json
    assert post(hub, order(customer)).json == first.json  # whose it is by now


def test_what_was_taken_in_is_not_judged_again(hub: Hub) -> None:
    given = {"profiling": {"online": {"status": True}}}
    customer = hub.post_customer(consents=given)["id"]
    hub.admin.put(f"{hub.configuration}/consent-policy", {"completedOrder": ["profiling.online"]})
    first = post(hub, order(customer))
    withdrawn = {"profiling": {"online": {"status": False}}}
    hub.trusted.patch(f"{hub.path}/customers/{customer}", {"consents": withdrawn, "enabled": False})
    assert post(hub, order(customer)).json == first.json
    assert post(hub, order(customer, "O-2")).status == 403


def test_in_a_batch(hub: Hub, customer: str) -> None:
    first = post(hub, order(customer))
    events = [
        order(customer), order(customer, context="WEB"), order(customer, "O-2"),
        order(customer, "O-2", context="WEB"), order(customer, "O-2"), order(customer, None),
    ]  # fmt: skip
    answer = hub.trusted.post(f"{hub.path}/events/batch", {"events": events})
    outcomes = answer["elements"]
    assert [each["status"] for each in outcomes] == [202, 409, 202, 409, 202, 202]
    assert outcomes[0]["id"] == first["id"]
    assert outcomes[4]["id"] == outcomes[2]["id"]
    assert outcomes[1]["data"]["event"]["id"] == first["id"]
    assert outcomes[3]["errors"][0]["path"] == "/externalId"
    assert Event.objects.count() == 3


def test_with_an_idempotency_key_too(hub: Hub, customer: str) -> None:
    first = post(hub, order(customer), Idempotency_Key="k")
    assert post(hub, order(customer), Idempotency_Key="k").json == first.json
    assert post(hub, order(customer), Idempotency_Key="l").json == first.json
    assert post(hub, order(customer, context="WEB"), Idempotency_Key="m").status == 409


def test_what_it_said_first_and_what_it_says_now_are_both_the_same(hub: Hub, customer: str) -> None:
    first = post(hub, order(customer))
    path = f"{hub.path}/events/{first['id']}"
    changed = {"properties": ORDER | {"storeCode": "S"}}
    assert hub.trusted.patch(path, changed).status == 202
    assert post(hub, order(customer)).json == first.json
    assert post(hub, order(customer) | changed).json == first.json
    assert post(hub, order(customer, properties=ORDER | {"storeCode": "T"})).status == 409


def test_put_and_patch(hub: Hub, customer: str) -> None:
    one, two = (post(hub, order(customer, external_id))["id"] for external_id in ("O-1", "O-2"))
    path = f"{hub.path}/events/{one}"
    sent = {"type": "completedOrder", "context": "RETAIL", "properties": ORDER}
    assert hub.trusted.put(path, sent).status == 202
    assert hub.trusted.put(path, get(hub, one).json).status == 202
    assert (get(hub, one)["externalId"], get(hub, one)["version"]) == ("O-1", 1)
    for refused in (
        hub.trusted.patch(path, {"externalId": " O-2"}),
        hub.trusted.put(path, sent | {"externalId": "O-2"}),
    ):
        assert (refused.status, refused.paths) == (409, {"/externalId"})
        assert refused["data"]["event"]["id"] == two
    assert hub.untrusted.put(path, sent | {"externalId": "O-2"})["data"] is None
    assert hub.trusted.patch(path, {"externalId": ""}).status == 400
    assert hub.trusted.patch(path, {"externalId": "O-3"}).status == 202
    assert get(hub, one)["externalId"] == "O-3"
    assert post(hub, order(customer))["id"] not in {one, two}  # O-1 was free again
    assert hub.trusted.put(path, sent | {"externalId": None}).status == 202
    assert get(hub, one)["externalId"] is None
    assert post(hub, order(customer, "O-3"))["id"] != one


def test_an_external_id_that_came_later_counts_like_any(hub: Hub, customer: str) -> None:
    event = post(hub, order(customer, None))["id"]
    hub.trusted.patch(f"{hub.path}/events/{event}", {"externalId": "O-1"})
    assert post(hub, order(customer))["id"] == event
    assert post(hub, order(customer, context="WEB")).status == 409


def test_deletion_releases_it(hub: Hub, customer: str) -> None:
    first = post(hub, order(customer))["id"]
    hub.trusted.delete(f"{hub.path}/events/{first}")
    second = post(hub, order(customer, context="WEB"))
    assert second.status == 202
    hub.trusted.delete(f"{hub.path}/customers/{customer}")
    other = hub.post_customer()["id"]
    assert post(hub, order(other)).status == 202


def test_in_answers_exports_and_the_feed(hub: Hub, customer: str) -> None:
    event = post(hub, order(customer))["id"]
    found = hub.trusted.get(f"{hub.path}/events", query={"customerId": customer})
    assert found["elements"][0]["externalId"] == "O-1"
    exported = hub.clients["DPO"].get(f"{hub.path}/data-protection/customers/{customer}/export")
    assert [each["externalId"] for each in exported["events"]] == ["O-1"]
    updates = hub.trusted.get(f"{hub.path}/updates")["updates"]
    reported = {each["entity"]["data"]["id"]: each["entity"]["data"] for each in updates}
    assert reported[event]["externalId"] == "O-1"


def test_the_database_holds_it(hub: Hub, customer: str) -> None:
    event = Event.objects.get(id=post(hub, order(customer))["id"])
    event.id = uuid.uuid4()
    with pytest.raises(IntegrityError, match="event_external_id_once"), transaction.atomic():
        event.save(force_insert=True)
    event.external_id = ""
    with pytest.raises(IntegrityError, match="event_external_id_not_empty"), transaction.atomic():
        event.save(force_insert=True)


def test_many_at_the_same_moment(live_hub: Hub) -> None:
    """Of each external id one event is kept, whatever comes in parallel and in whatever order."""
    hub, rounds, workers = live_hub, 15, 4
    customer = hub.post_customer()["id"]
    barrier = threading.Barrier(workers)
    answers: list[tuple[str, int, str | None]] = []

    def work(worker: int) -> None:
        try:
            for number in range(rounds):
                names = [f"{number}-{each}" for each in range(3)]
                barrier.wait()
                if worker % 2:
                    bodies = [order(customer, name) for name in names][:: 1 if worker == 1 else -1]
                    answer = hub.trusted.post(f"{hub.path}/events/batch", {"events": bodies})
                    assert answer.status == 202, answer.content
                    reported = zip(bodies, answer["elements"], strict=True)
                    answers.extend(
                        (body["externalId"], each["status"], each.get("id"))
                        for body, each in reported
                    )
                else:
                    context = "RETAIL" if worker else "WEB"
                    for name in names:
                        answer = post(hub, order(customer, name, context=context))
                        answers.append((name, answer.status, answer.json.get("id")))
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == workers * rounds * 3
    assert {status for _, status, _ in answers} <= {202, 409}
    kept = {event.external_id: event for event in Event.objects.all()}
    assert len(kept) == rounds * 3 == Event.objects.count()
    for name, status, event_id in answers:
        if status == 202:
            assert event_id == str(kept[name].id)
    for name, group in itertools.groupby(sorted(answers, key=lambda each: each[0]), lambda e: e[0]):
        statuses = sorted(status for _, status, _ in group)
        alike = 3 if kept[name].context == "RETAIL" else 1
        assert statuses == [202] * alike + [409] * (4 - alike)


NAMES = st.sampled_from(["a", "b"])
BODIES = st.sampled_from([{"title": "1"}, {"title": "2"}])
STEPS = st.one_of(
    st.tuples(st.just("post"), NAMES, BODIES),
    st.tuples(st.just("batch"), NAMES, BODIES),
    st.tuples(st.just("patch"), NAMES, BODIES),
    st.tuples(st.just("rename"), NAMES, NAMES),
    st.tuples(st.just("delete"), NAMES, st.none()),
)


@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(steps=st.lists(STEPS, max_size=12))
def test_any_history_agrees_with_a_naive_model(
    hub: Hub, customer: str, steps: list[tuple[str, str, Any]]
) -> None:
    """The model: of each name, the event's id, what it was sent with and what it says."""
    Event.objects.all().delete()
    known: dict[str, dict[str, Any]] = {}

    def accepted(name: str, body: Any, status: int, event_id: str | None) -> None:
        event = known.get(name)
        if event is None:
            assert status == 202
            assert event_id not in {each["id"] for each in known.values()}
            known[name] = {"id": event_id, "sent": body, "says": body}
        elif body in (event["sent"], event["says"]):
            assert (status, event_id) == (202, event["id"])
        else:
            assert status == 409

    for act, name, new in steps:
        sent = {"customerId": customer, "type": "viewedPage", "context": "WEB", "externalId": name}
        if act == "post":
            answer = post(hub, sent | {"properties": new})
            accepted(name, new, answer.status, answer.json.get("id"))
        elif act == "batch":
            other = {"title": "3"}
            bodies = [sent | {"properties": each} for each in (new, new, other)]
            answer = hub.trusted.post(f"{hub.path}/events/batch", {"events": bodies})
            for body, each in zip((new, new, other), answer["elements"], strict=True):
                accepted(name, body, each["status"], each.get("id"))
        elif name in known:
            event = known[name]
            path = f"{hub.path}/events/{event['id']}"
            if act == "patch":
                assert hub.trusted.patch(path, {"properties": new}).status == 202
                event["says"] = new
            elif act == "delete":
                assert hub.trusted.delete(path).status == 204
                del known[name]
            elif new != name:
                status = hub.trusted.patch(path, {"externalId": new}).status
                assert status == (409 if new in known else 202)
                if status == 202:
                    known[new] = known.pop(name)
    stored = {event.external_id: event.properties for event in Event.objects.all()}
    assert stored == {name: event["says"] for name, event in known.items()}
