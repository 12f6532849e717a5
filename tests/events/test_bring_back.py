"""Anonymous events find their customer: in both orders, and when both happen at once."""

from __future__ import annotations

import threading
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from configuration.queries.rules import latest_rules_of
from contacthub_project.core.principal import Principal
from contacthub_project.runtime.metrics import REGISTRY
from customers.actions.bulk_upsert import Upserted, upsert_many
from customers.models import Change
from events.actions.attachment import attach_waiting_events, sum_up_dropped_events
from events.models import DroppedEvents, Event
from tests.client import Answer
from tests.factories import Hub


def post(hub: Hub, value: str, kind: str | None = None, **given: Any) -> Answer:
    bring_back = {"value": value, "nodeId": str(hub.node.id)} | ({"type": kind} if kind else {})
    body = {"type": "viewedPage", "context": "WEB", "properties": {}} | given
    return hub.trusted.post(f"{hub.path}/events", body | {"bringBackProperties": bring_back})


def owner(event: Answer) -> str | None:
    customer_id = Event.objects.get(id=event["id"]).customer_id
    return None if customer_id is None else str(customer_id)


def test_by_a_session_that_comes_later(hub: Hub) -> None:
    first, second = post(hub, "s"), post(hub, "s", "SESSION_ID")
    other = post(hub, "other")
    found = hub.trusted.get(f"{hub.path}/events/{first['id']}")
    assert found["customerId"] is None
    assert found["bringBackProperties"] == {
        "type": "SESSION_ID", "value": "s", "nodeId": str(hub.node.id),
    }  # fmt: skip
    customer = hub.post_customer()["id"]
    hub.trusted.post(f"{hub.path}/customers/{customer}/sessions", {"value": "s"})
    assert [owner(each) for each in (first, second, other)] == [customer, customer, None]
    found = hub.trusted.get(f"{hub.path}/events/{first['id']}")
    assert (found["version"], found["bringBackProperties"]["value"]) == (2, "s")
    assert Change.objects.filter(entity="EVENT", operation="UPDATE").count() == 2


def test_by_a_session_that_is_known(hub: Hub) -> None:
    customer = hub.post_customer()["id"]
    hub.trusted.post(f"{hub.path}/customers/{customer}/sessions", {"value": "s"})
    assert owner(post(hub, "s")) == customer


def test_a_session_given_along_with_the_customer(hub: Hub) -> None:
    event = post(hub, "s")
    body = {"nodeId": str(hub.node.id), "base": {"contacts": {"email": "a@b.it"}}}
    answer = hub.trusted.post(f"{hub.path}/customers", body, query={"sessionId": "s"})
    assert owner(event) == answer["id"]


@pytest.mark.parametrize("how", ["POST", "POST merged", "PATCH", "PUT"])
def test_by_an_external_id_that_comes_later(hub: Hub, how: str) -> None:
    event = post(hub, "e-1", "EXTERNAL_ID")
    body = {"nodeId": str(hub.node.id), "base": {"contacts": {"email": "a@b.it"}}}
    if how != "POST":
        hub.trusted.post(f"{hub.path}/customers", body)
    assert owner(event) is None
    with_id = body | {"externalId": "e-1"}
    if how.startswith("POST"):
        customer = hub.trusted.post(f"{hub.path}/customers", with_id)
    else:
        known = hub.trusted.get(f"{hub.path}/customers", query={"nodeId": hub.node.id})
        path = f"{hub.path}/customers/{known['elements'][0]['id']}"
        customer = hub.trusted.request(how, path, with_id)
    assert customer.status in {200, 201}
    assert owner(event) == customer["id"]


def test_by_an_external_id_that_is_known(hub: Hub) -> None:
    oldest = hub.post_customer(externalId="e")["id"]
    hub.post_customer(externalId="e")
    assert owner(post(hub, "e", "EXTERNAL_ID")) == oldest
    assert owner(post(hub, "e")) is None  # as a session it is nobody's


def test_nodes_are_apart(hub: Hub) -> None:
    event = post(hub, "s")
    elsewhere = hub.post_customer(nodeId=str(hub.other_node.id), externalId="e")["id"]
    hub.trusted.post(f"{hub.path}/customers/{elsewhere}/sessions", {"value": "s"})
    assert owner(event) is None
    assert owner(post(hub, "e", "EXTERNAL_ID")) is None


def test_whose_it_becomes_must_be_enabled(hub: Hub) -> None:
    customer = hub.post_customer(enabled=False, externalId="e")["id"]
    assert customer
    assert post(hub, "e", "EXTERNAL_ID").status == 403


def test_what_was_found_stays_when_the_session_goes(hub: Hub) -> None:
    customer = hub.post_customer()["id"]
    path = f"{hub.path}/customers/{customer}/sessions"
    session = hub.trusted.post(path, {"value": "s"})
    event = post(hub, "s")
    assert hub.trusted.delete(f"{path}/{session['id']}").status == 204
    assert owner(event) == customer
    assert owner(post(hub, "s")) is None


GIVEN = {"profiling": {"online": {"status": True}}}
OBJECTED = {"profiling": {"online": {"status": True, "objection": True}}}
LIMITED = {"profiling": {"online": {"status": True, "limitation": True}}}


def policy(hub: Hub, event_type: str = "viewedPage") -> None:
    path = f"{hub.configuration}/consent-policy"
    assert hub.admin.put(path, {event_type: ["profiling.online"]}).status == 200


def disable(hub: Hub, event_type: str = "viewedPage") -> None:
    path = f"{hub.configuration}/events/{event_type}/enabled"
    assert hub.admin.put(path, {"value": False}).status == 200


def dropped(hub: Hub) -> dict[tuple[str, str], int]:
    rows = DroppedEvents.objects.totals_since(hub.workspace.id, date(2000, 1, 1))
    return {(row["type"], row["reason"]): row["total"] for row in rows}


@pytest.mark.parametrize(
    ("consents", "is_taken"), [({}, False), (GIVEN, True), (OBJECTED, False), (LIMITED, False)]
)
@pytest.mark.parametrize("how", ["session", "sessionId", "external id", "bulk"])
def test_the_consent_policy_holds_for_what_waited(
    hub: Hub, how: str, consents: dict[str, Any], is_taken: bool
) -> None:
    policy(hub)
    kind = "EXTERNAL_ID" if how in {"external id", "bulk"} else "SESSION_ID"
    event, other = post(hub, "v", kind), post(hub, "v", kind, type="loggedIn")
    base = {"contacts": {"email": "a@b.it"}}
    body = {"nodeId": str(hub.node.id), "base": base, "consents": consents}
    if how == "session":
        customer = hub.trusted.post(f"{hub.path}/customers", body)["id"]
        hub.trusted.post(f"{hub.path}/customers/{customer}/sessions", {"value": "v"})
    elif how == "sessionId":
        query = {"sessionId": "v"}
        customer = hub.trusted.post(f"{hub.path}/customers", body, query=query)["id"]
    elif how == "bulk":
        rules = latest_rules_of(hub.workspace.id)
        assert rules is not None
        by = Principal(
            roles=frozenset({"TRUSTED_APPLICATION"}), workspaces=frozenset({hub.workspace.id}),
            nodes={hub.node.id: "RW"}, user_id=None, source_id=None,
        )  # fmt: skip
        (done,) = upsert_many(
            rules, hub.node.id, [body | {"externalId": "v"}], inserts_only=True, by=by
        )
        assert isinstance(done, Upserted)
        customer = str(done.customer_id)
    else:
        customer = hub.trusted.post(f"{hub.path}/customers", body | {"externalId": "v"})["id"]
    assert owner(other) == customer
    if is_taken:
        assert owner(event) == customer
        assert dropped(hub) == {}
    else:
        assert hub.trusted.get(f"{hub.path}/events/{event['id']}").status == 404
        assert dropped(hub) == {("viewedPage", "CONSENT_MISSING"): 1}


def test_a_type_that_was_disabled_meanwhile(hub: Hub) -> None:
    event, other = post(hub, "s"), post(hub, "s", type="loggedIn")
    disable(hub)
    customer = hub.post_customer()["id"]
    hub.trusted.post(f"{hub.path}/customers/{customer}/sessions", {"value": "s"})
    assert not Event.objects.filter(id=event["id"]).exists()
    assert owner(other) == customer
    assert dropped(hub) == {("viewedPage", "TYPE_DISABLED"): 1}
    changes = Change.objects.filter(entity="EVENT", entity_id=event["id"]).order_by("id")
    assert [change.operation for change in changes] == ["CREATE", "DELETE"]


def test_a_disabled_customer_is_given_nothing_that_waited(hub: Hub) -> None:
    post(hub, "s")
    customer = hub.post_customer(enabled=False)["id"]
    hub.trusted.post(f"{hub.path}/customers/{customer}/sessions", {"value": "s"})
    assert Event.objects.count() == 0
    assert dropped(hub) == {("viewedPage", "CUSTOMER_DISABLED"): 1}


def test_one_customer_may_and_another_may_not(hub: Hub) -> None:
    """Events of several customers that appear at once are judged by each one's consents."""
    policy(hub)
    customers = {value: hub.post_customer(consents=given)["id"]
                 for value, given in (("yes", GIVEN), ("no", {}))}  # fmt: skip
    events = {value: [post(hub, value) for _ in range(3)] for value in customers}
    elsewhere = post(hub, "somebody else")
    attach_waiting_events(
        hub.workspace.id,
        hub.node.id,
        [(UUID(customer), "SESSION_ID", value) for value, customer in customers.items()],
    )
    assert [owner(each) for each in events["yes"]] == [customers["yes"]] * 3
    assert not Event.objects.filter(id__in=[each["id"] for each in events["no"]]).exists()
    assert owner(elsewhere) is None
    assert dropped(hub) == {("viewedPage", "CONSENT_MISSING"): 3}


def test_a_refused_customer_write_drops_nothing(hub: Hub) -> None:
    """What is undone with the write stays waiting, and is not counted."""
    policy(hub)
    event = post(hub, "s")
    customer = hub.post_customer()["id"]
    with transaction.atomic():
        attach_waiting_events(hub.workspace.id, hub.node.id, [(UUID(customer), "SESSION_ID", "s")])
        assert not Event.objects.filter(id=event["id"]).exists()
        transaction.set_rollback(True)
    assert owner(event) is None
    assert dropped(hub) == {}


def test_what_was_dropped_releases_its_external_id(hub: Hub) -> None:
    policy(hub)
    post(hub, "s", externalId="E-1")
    customer = hub.post_customer()["id"]
    hub.trusted.post(f"{hub.path}/customers/{customer}/sessions", {"value": "s"})
    hub.trusted.patch(f"{hub.path}/customers/{customer}", {"consents": GIVEN})
    assert owner(post(hub, "s", externalId="E-1")) == customer


def test_when_nothing_waits_it_costs_one_statement(hub: Hub) -> None:
    customer = hub.post_customer()["id"]
    with CaptureQueriesContext(connection) as captured:
        hub.trusted.post(f"{hub.path}/customers/{customer}/sessions", {"value": "s"})
    assert sum("events_event" in query["sql"] for query in captured) == 1


def test_counts_of_dropped_events_are_summed_up(hub: Hub) -> None:
    stranger = Hub()
    for number in range(6):
        for each in (hub, stranger):
            DroppedEvents.objects.create(
                workspace_id=each.workspace.id, node_id=each.node.id, type="viewedPage",
                reason="CONSENT_MISSING", day=date(2026, 1, 1 + number % 2), count=number + 1,
            )  # fmt: skip
    before = dropped(hub)
    sum_up_dropped_events()
    assert dropped(hub) == before == {("viewedPage", "CONSENT_MISSING"): 21}
    rows = DroppedEvents.objects.filter(workspace_id=hub.workspace.id).order_by("day")
    assert list(rows.values_list("count", flat=True)) == [9, 12]
    sum_up_dropped_events()
    assert rows.count() == 2


def test_dropped_events_are_counted_for_prometheus(hub: Hub) -> None:
    def counted() -> float:
        labels = {"reason": "CONSENT_MISSING"}
        return REGISTRY.get_sample_value("contacthub_dropped_events_total", labels) or 0.0

    before = counted()
    policy(hub)
    post(hub, "s"), post(hub, "s")
    customer = hub.post_customer()["id"]
    hub.trusted.post(f"{hub.path}/customers/{customer}/sessions", {"value": "s"})
    assert counted() == before + 2


def test_both_at_the_same_moment(live_hub: Hub) -> None:
    """Events and what they wait for come from many threads; none may be left alone."""
    hub = live_hub
    rounds, failures = 40, []
    customers = [hub.post_customer()["id"] for _ in range(rounds)]
    barrier = threading.Barrier(3)

    def each(act: Any) -> None:
        try:
            for number in range(rounds):
                barrier.wait()
                answer = act(number)
                if answer.status not in {200, 201, 202}:
                    failures.append(answer)
        except Exception as failure:
            failures.append(failure)
            barrier.abort()
        finally:
            connection.close()

    def identify_customer(number: int) -> Answer:
        path = f"{hub.path}/customers/{customers[number]}"
        if number % 2:
            return hub.trusted.post(f"{path}/sessions", {"value": f"v{number}"})
        return hub.trusted.patch(path, {"externalId": f"v{number}"})

    def post_anonymous(number: int) -> Answer:
        return post(hub, f"v{number}", "SESSION_ID" if number % 2 else "EXTERNAL_ID")

    threads = [
        threading.Thread(target=each, args=(act,))
        for act in (identify_customer, post_anonymous, post_anonymous)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert Event.objects.count() == 2 * rounds
    assert not Event.objects.filter(customer_id=None).exists()
    for event in Event.objects.all():
        assert event.bring_back_value == f"v{customers.index(str(event.customer_id))}"
