"""Deleted customers: found, restored with what was theirs, and erased when their days are over."""

from __future__ import annotations

import threading
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from configuration.actions.removal import remove_deleted
from configuration.queries.rules import configuration_changed
from customers.actions import expiry
from customers.actions.expiry import erase_deleted
from customers.actions.feed import seal
from customers.models import Change, Customer, DeletedSession, ErasureReceipt, Session
from events.models import DeletedEvent, Event
from tests.analytics.test_answers import post_event
from tests.customers.test_aggregates import activate, make, merge_all_pending, people
from tests.customers.test_data_protection import dump
from tests.customers.test_erasure import DAY, delete, forget, post, states, wait_for
from tests.factories import Hub


def restore(hub: Hub, customer: str, role: str = "ADMIN") -> Any:
    return hub.clients[role].post(f"{hub.path}/customers/{customer}/restore")


def found(hub: Hub, **query: Any) -> list[str]:
    path = f"{hub.path}/data-protection/deleted-customers"
    answer = hub.clients["DPO"].get(path, query=query)
    assert answer.status == 200, answer.content
    return [each["customer"]["id"] for each in answer["elements"]]


def age_deletions(days: float) -> None:
    """As if so many days had passed since customers were deleted."""
    with connection.cursor() as cursor:
        cursor.execute(
            # In one zone: a cluster refuses what depends on the session's.
            "UPDATE customers_customer SET updated_at ="
            " (updated_at AT TIME ZONE 'UTC' - %s) AT TIME ZONE 'UTC' WHERE deleted = 1",
            [timedelta(days=days)],
        )


def events_of(hub: Hub, customer: str) -> set[str]:
    answer = hub.admin.get(f"{hub.path}/events", query={"customerId": customer, "size": 50})
    return {each["id"] for each in answer["elements"]} if answer.status == 200 else set()


def test_a_deleted_customer_is_found_and_restored_with_events_and_sessions(hub: Hub) -> None:
    ada = post(hub, "Ada@x.it", externalId="A-1", base={"firstName": "Ada"})
    path = f"{hub.path}/customers/{ada}"
    hub.trusted.post(f"{path}/sessions", {"value": "visit"})
    events = {
        post_event(hub, ada, "searched", "WEB", DAY, keyword=word) for word in ("k", 'ü"\\', "1e5")
    }
    before, stored = hub.admin.get(path).json, list(Event.objects.order_by("id").values())
    delete(hub, ada)
    assert hub.admin.get(path).status == 404
    assert events_of(hub, ada) == set()
    assert not Session.objects.exists()
    assert found(hub) == found(hub, email="ADA@X.IT") == found(hub, externalId="a-1") == [ada]
    assert found(hub, email="else@x.it") == found(hub, nodeId=uuid.uuid4()) == []
    answer = restore(hub, ada)
    assert answer.status == 200, answer.content
    changed = {"version", "updatedAt", "sourceInfo"}
    assert {k: v for k, v in answer.json.items() if k not in changed} == {
        k: v for k, v in before.items() if k not in changed
    }
    assert (answer["version"], answer["deleted"]) == (3, 0)
    assert events_of(hub, ada) == events
    assert list(Event.objects.order_by("id").values()) == stored
    assert list(Session.objects.values_list("value", flat=True)) == ["visit"]
    assert found(hub) == []
    assert not DeletedEvent.objects.exists()
    assert not DeletedSession.objects.exists()
    # Known again by key: a write merges into it.
    assert hub.post_customer(base={"contacts": {"email": "ada@x.it"}})["id"] == ada
    assert restore(hub, ada).status == 200  # again: it is there


def test_the_feed_and_the_counters_follow_a_restoration(hub: Hub) -> None:
    ada = post(hub, "ada@x.it")
    post_event(hub, ada, "searched", "WEB", DAY, keyword="k")
    stats = hub.admin.get(f"{hub.path}/stats/customers", query={"nodeId": str(hub.node.id)})
    delete(hub, ada)
    restore(hub, ada)
    reported = Change.objects.order_by("id").values_list("entity", "operation")
    assert list(reported) == [
        ("CUSTOMER", "CREATE"), ("EVENT", "CREATE"), ("CUSTOMER", "DELETE"), ("EVENT", "DELETE"),
        ("CUSTOMER", "CREATE"), ("EVENT", "CREATE"),
    ]  # fmt: skip
    again = hub.admin.get(f"{hub.path}/stats/customers", query={"nodeId": str(hub.node.id)})
    assert (again.status, again.json) == (stats.status, stats.json)
    seal(hub.workspace.id)


def test_whoever_came_meanwhile_keeps_what_they_have(hub: Hub) -> None:
    ada = post(hub, "ada@x.it", externalId="A-1")
    hub.trusted.post(f"{hub.path}/customers/{ada}/sessions", {"value": "visit"})
    order = {
        "externalId": "O-1",
        "type": "searched",
        "context": "WEB",
        "properties": {"keyword": "k"},
    }
    assert hub.trusted.post(f"{hub.path}/events", order | {"customerId": ada}).status == 202
    delete(hub, ada)
    bea = post(hub, "bea@x.it")
    assert (
        hub.trusted.post(f"{hub.path}/customers/{bea}/sessions", {"value": "visit"}).status == 201
    )
    assert hub.trusted.post(f"{hub.path}/events", order | {"customerId": bea}).status == 202
    waiting = wait_for(hub, "EXTERNAL_ID", "A-1")
    assert restore(hub, ada).status == 200
    assert events_of(hub, ada) == {waiting}
    assert str(Session.objects.get().customer_id) == bea


def test_a_restoration_that_conflicts_names_the_other_customer(hub: Hub) -> None:
    ada = post(hub, "ada@x.it")
    delete(hub, ada)
    again = post(hub, "ADA@x.it")
    refused = restore(hub, ada)
    assert refused.status == 409
    assert refused["data"]["customer"]["id"] == again
    assert refused["data"]["customer"]["href"].endswith(f"/customers/{again}")
    assert states(ada, again) == [1, 0]
    delete(hub, again)
    assert restore(hub, ada, "DPO").status == 200


def test_the_forgotten_and_the_erased_are_not_restored(hub: Hub) -> None:
    ada, bea = post(hub, "ada@x.it"), post(hub, "bea@x.it")
    forget(hub, ada)
    delete(hub, bea)
    age_deletions(30.5)
    assert erase_deleted(seconds=60)
    assert restore(hub, ada).status == restore(hub, bea).status == 404
    for role in ("USER", "GUEST", "TRUSTED_APPLICATION"):
        assert restore(hub, ada, role).status == 403


def test_an_aggregate_customer_follows_its_restored_member(hub: Hub) -> None:
    one, _ = post(hub, "ada@x.it", base={"lastName": "Lace"}), post(hub, "ada@x.it", hub.other_node)
    node = make(hub)
    activate(hub, node)
    delete(hub, one)
    merge_all_pending()
    assert people(hub, node)[0]["base"]["lastName"] is None
    restore(hub, one)
    merge_all_pending()
    assert [each["base"]["lastName"] for each in people(hub, node)] == ["Lace"]


def test_what_is_kept_is_erased_after_the_days_and_not_before(hub: Hub) -> None:
    ada = post(hub, "zebra@x.it", externalId="zebra-1", base={"firstName": "Zebra"})
    hub.trusted.post(f"{hub.path}/customers/{ada}/sessions", {"value": "zebra-visit"})
    post_event(hub, ada, "searched", "WEB", DAY, keyword="zebra")
    kept = post(hub, "kept@x.it")
    delete(hub, ada)
    age_deletions(29.9)
    assert erase_deleted(seconds=60)
    assert states(ada) == [1]
    age_deletions(0.2)
    assert erase_deleted(seconds=60)
    assert states(ada, kept) == [-1, 0]
    assert "zebra" not in dump()
    receipt = ErasureReceipt.objects.get()
    assert (receipt.cause, receipt.user_id, receipt.source_id) == ("DELETED_DAYS", None, None)
    assert receipt.tables == {
        "customers_customer": 1, "customers_deletedsession": 1, "events_deletedevent": 1,
    }  # fmt: skip
    # It may come back: nobody asked for it to be forgotten.
    assert hub.post_customer(base={"contacts": {"email": "zebra@x.it"}}).status == 201


def test_each_workspace_has_its_own_days(hub: Hub) -> None:
    assert hub.admin.get(hub.configuration)["deletedDays"] == 30
    assert hub.admin.put(hub.configuration, {"deletedDays": 2})["deletedDays"] == 2
    for wrong in (-1, 3651, "x", None, 1.5, True):
        refused = hub.admin.put(hub.configuration, {"deletedDays": wrong})
        assert (refused.status, refused.paths) == (400, {"/deletedDays"})
    ada = post(hub, "ada@x.it")
    delete(hub, ada)
    age_deletions(2.1)
    assert erase_deleted(seconds=60)
    assert states(ada) == [-1]
    assert hub.admin.put(hub.configuration, {"deletedDays": 0}).status == 200
    bea = post(hub, "bea@x.it")
    delete(hub, bea)
    assert erase_deleted(seconds=60)
    assert states(bea) == [-1]


def test_an_erasure_that_is_killed_goes_on_where_it_stopped(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    customers = [post(hub, f"p{number}@x.it") for number in range(5)]
    for each in customers:
        delete(hub, each)
    age_deletions(31)
    monkeypatch.setattr(expiry, "BATCH", 2)
    assert not erase_deleted(seconds=0)
    assert sorted(states(*customers)) == [-1, -1, 1, 1, 1]
    assert erase_deleted(seconds=60)
    assert states(*customers) == [-1] * 5
    assert [len(each.customers) for each in ErasureReceipt.objects.order_by("number")] == [2, 2, 1]


def test_nothing_of_a_removed_node_is_left_aside(hub: Hub) -> None:
    ada = post(hub, "ada@x.it")
    hub.trusted.post(f"{hub.path}/customers/{ada}/sessions", {"value": "visit"})
    post_event(hub, ada, "searched", "WEB", DAY, keyword="k")
    delete(hub, ada)
    path = f"{hub.configuration}/nodes/entries/{hub.node.id}/data"
    assert hub.admin.delete(path, query={"type": "ALL"}).status in {200, 202, 204}
    while not remove_deleted(seconds=60):
        pass
    assert not DeletedEvent.objects.exists()
    assert not DeletedSession.objects.exists()


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(
        st.tuples(st.sampled_from(["delete", "restore", "event", "session"]), st.integers(0, 2)),
        max_size=14,
    )
)
def test_any_history_of_deletions_and_restorations_ends_as_the_model_says(
    hub: Hub, history: list[tuple[str, int]]
) -> None:
    """The model: a customer is a set of events and sessions that is there or is not."""
    configuration_changed(hub.workspace.id)
    tag = uuid.uuid4().hex[:8]
    customers = [post(hub, f"{number}@{tag}.it") for number in range(3)]
    there = dict.fromkeys(customers, True)
    events: dict[str, set[str]] = {each: set() for each in customers}
    sessions: dict[str, set[str]] = {each: set() for each in customers}
    for act, number in history:
        customer = customers[number]
        path = f"{hub.path}/customers/{customer}"
        if act == "delete":
            assert hub.admin.delete(path).status == (200 if there[customer] else 404)
            there[customer] = False
        elif act == "restore":
            assert restore(hub, customer).status == 200
            there[customer] = True
        elif there[customer] and act == "event":
            events[customer].add(post_event(hub, customer, "searched", "WEB", DAY, keyword="k"))
        elif there[customer]:
            value = uuid.uuid4().hex
            assert hub.trusted.post(f"{path}/sessions", {"value": value}).status == 201
            sessions[customer].add(value)
    for customer in customers:
        known = Session.objects.filter(customer_id=customer).values_list("value", flat=True)
        kept = events[customer] if there[customer] else set()
        assert events_of(hub, customer) == kept
        assert set(known) == (sessions[customer] if there[customer] else set())


def test_restoring_races_with_creating_and_leaves_one(live_hub: Hub) -> None:
    hub = live_hub
    for number in range(4):
        email = f"p{number}@x.it"
        ada = post(hub, email)
        delete(hub, ada)
        ready = threading.Barrier(2)
        statuses = {}

        def run(name: str, act: Any, ready: Any = ready, statuses: Any = statuses) -> None:
            ready.wait()
            statuses[name] = act().status
            connection.close()

        acts = {
            "restore": lambda ada=ada: restore(hub, ada),
            "create": lambda email=email: hub.post_customer(base={"contacts": {"email": email}}),
        }
        threads = [threading.Thread(target=run, args=each) for each in acts.items()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert statuses in (
            {"restore": 200, "create": 200}, {"restore": 409, "create": 201},
        )  # fmt: skip
        live = Customer.objects.live().filter(base__contacts__email=email)
        assert live.count() == 1
