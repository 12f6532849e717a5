"""Retention of people: who has been silent for longer than the workspace keeps people is deleted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from customers.models import Change, Customer
from events.actions import inactivity
from events.actions.inactivity import delete_inactive
from events.models import Event
from tests.analytics.test_answers import post_event
from tests.customers.test_aggregates import activate, make, merge_all_pending, people
from tests.customers.test_erasure import post, states
from tests.factories import Hub


def set_customer_retention(hub: Hub, months: int) -> None:
    answer = hub.admin.put(hub.configuration, {"customerRetentionMonths": months})
    assert answer.status == 200, answer.content


def changed(customer: str, *, months_ago: float) -> None:
    moment = timezone.now() - timedelta(days=30.5 * months_ago)
    Customer.objects.filter(id=customer).update(updated_at=moment, registered_at=moment)


def event(hub: Hub, customer: str, *, months_ago: float, came_in: float | None = None) -> None:
    moment = datetime.now(UTC) - timedelta(days=30.5 * months_ago)
    event_id = post_event(
        hub, customer, "searched", "WEB", moment.strftime("%Y-%m-%dT%H:%M:%SZ"), keyword="k"
    )
    came = months_ago if came_in is None else came_in
    registered = timezone.now() - timedelta(days=30.5 * came)
    Event.objects.filter(id=event_id).update(registered_at=registered)


def preview(hub: Hub, **query: Any) -> tuple[int, set[str]]:
    path = f"{hub.path}/data-protection/inactive-customers"
    answer = hub.clients["DPO"].get(path, query={"size": 50} | query)
    assert answer.status == 200, answer.content
    return answer["page"]["totalElements"], {each["id"] for each in answer["elements"]}


def test_it_is_off_unless_the_workspace_says_so(hub: Hub) -> None:
    ada = post(hub, "ada@x.it")
    changed(ada, months_ago=600)
    assert delete_inactive(seconds=60)
    assert states(ada) == [0]
    assert preview(hub) == (0, set())
    assert preview(hub, months=12) == (1, {ada})
    path = f"{hub.path}/data-protection/inactive-customers"
    for wrong in ("0", "1201", "x", "-1"):
        assert hub.admin.get(path, query={"months": wrong}).status == 400


def test_inactive_customers_are_deleted_with_a_change_in_the_feed(hub: Hub) -> None:
    silent, heard, changed_lately, late = (post(hub, f"{name}@x.it") for name in "abcd")
    for each in (silent, heard, late):
        event(hub, each, months_ago=30)
        changed(each, months_ago=25)
    event(hub, heard, months_ago=1)
    # What came in lately says that somebody has heard of them, however old it is.
    event(hub, late, months_ago=30, came_in=2)
    changed(heard, months_ago=25)
    changed(late, months_ago=25)
    changed(changed_lately, months_ago=23)
    set_customer_retention(hub, 24)
    assert preview(hub) == (1, {silent})
    before = Change.objects.count()
    assert delete_inactive(seconds=60)
    assert states(silent, heard, changed_lately, late) == [1, 0, 0, 0]
    reported = Change.objects.order_by("id")[before:].values_list(
        "entity", "operation", "entity_id"
    )
    assert [each[:2] for each in reported] == [("CUSTOMER", "DELETE"), ("EVENT", "DELETE")]
    assert preview(hub) == (0, set())
    assert hub.admin.post(f"{hub.path}/customers/{silent}/restore").status == 200


def test_aggregate_customers_follow(hub: Hub) -> None:
    ada = post(hub, "ada@x.it")
    node = make(hub)
    activate(hub, node)
    changed(ada, months_ago=25)
    set_customer_retention(hub, 24)
    assert delete_inactive(seconds=60)
    merge_all_pending()
    assert people(hub, node) == []


def test_a_run_that_is_killed_is_made_up_for(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    customers = [post(hub, f"p{number}@x.it") for number in range(5)]
    for each in customers:
        changed(each, months_ago=25)
    set_customer_retention(hub, 24)
    monkeypatch.setattr(inactivity, "BATCH", 2)
    assert not delete_inactive(seconds=0)
    assert sum(states(*customers)) == 2
    assert delete_inactive(seconds=60)
    assert states(*customers) == [1] * 5


def test_who_is_heard_of_meanwhile_stays(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    ada = post(hub, "ada@x.it")
    changed(ada, months_ago=25)
    set_customer_retention(hub, 24)
    real = inactivity.inactive_customers

    def and_then_an_event(*given: Any, **named: Any) -> Any:
        found = real(*given, **named)
        if found:
            event(hub, ada, months_ago=0)
        return found

    monkeypatch.setattr(inactivity, "inactive_customers", and_then_an_event)
    assert delete_inactive(seconds=60)
    assert states(ada) == [0]


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(
        st.tuples(st.integers(0, 40), st.lists(st.integers(0, 40), max_size=2)),
        min_size=1, max_size=6,
    ),
    st.integers(1, 40),
)  # fmt: skip
def test_the_purge_deletes_whom_the_model_says(
    hub: Hub, histories: list[tuple[int, list[int]]], months: int
) -> None:
    """The model: the last thing that was heard of somebody, in months and a half, against n."""
    expected = []
    customers = []
    Customer.objects.filter(deleted=0).update(deleted=-1, match_key=None)
    for number, (last_change, events) in enumerate(histories):
        customer = post(hub, f"{number}@x.it")
        for each in events:
            event(hub, customer, months_ago=each + 0.5)
        changed(customer, months_ago=last_change + 0.5)
        customers.append(customer)
        expected.append(int(min([last_change, *events]) + 0.5 > months))
    set_customer_retention(hub, months)
    assert preview(hub)[0] == sum(expected)
    assert delete_inactive(seconds=60)
    assert states(*customers) == expected
