"""A change of a customer or an event evaluates only the segments that look at what changed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st

from customers.models import Change
from events.models import Event
from segments.actions import refreshing
from segments.models import Member, PendingCustomer, Segment, SegmentState
from segments.queries.evaluation import evaluate
from tests.factories import Hub
from tests.segments.test_histories import without
from tests.segments.test_segments import are, did, event, make, members, named, refresh

PEOPLE = 3
NAMES = ["Ada", "Bob", "Carl"]
QUERIES: dict[str, Any] = {
    "first": are("base.firstName", "EQUALS", "Ada"),
    "last": are("base.lastName", "IN", ["Ada", "Bob"]),
    "city": are("base.address.city", "EQUALS", "Ada"),
    "phone": are("base.contacts.mobilePhone", "IS_NOT_NULL"),
    "tag": are("tags.manual", "IN", ["Ada", "Bob"]),
    "off": are("enabled", "EQUALS", False),
    "version": are("version", "GTE", 4),
    "did": did("searched"),
}


@pytest.fixture
def evaluated(monkeypatch: pytest.MonkeyPatch) -> list[tuple[set[UUID], set[UUID]]]:
    """The segments and customers of each evaluation."""
    found: list[tuple[set[UUID], set[UUID]]] = []

    def noted(
        workspace: Any, node: Any, definitions: Sequence[Any], ids: Sequence[UUID], now: Any
    ) -> Any:
        found.append(({each.id for each in definitions}, set(ids)))
        return evaluate(workspace, node, definitions, ids, now)

    monkeypatch.setattr(refreshing, "evaluate", noted)
    return found


def made(hub: Hub) -> dict[str, UUID]:
    return {name: UUID(make(hub, query)["id"]) for name, query in QUERIES.items()}


def test_only_segments_that_look_at_the_change_are_evaluated(
    hub: Hub, evaluated: list[tuple[set[UUID], set[UUID]]]
) -> None:
    ada, bob = named(hub, "Ada"), named(hub, "Bob")
    segments = made(hub)
    refresh(hub)

    def after(*names: str, customer: str = ada) -> None:
        refresh(hub)
        expected = {segments[name] for name in names}
        assert evaluated == ([(expected, {UUID(customer)})] if names else [])
        evaluated.clear()

    path = f"{hub.path}/customers/{ada}"
    hub.trusted.patch(path, {"base": {"firstName": "Adele"}})
    after("first", "version")
    hub.trusted.patch(path, {"base": {"address": {"city": "Ada"}, "dob": "1990-01-01"}})
    after("city", "version")
    hub.trusted.patch(path, {"tags": {"manual": ["Bob"]}})
    after("tag", "version")
    hub.trusted.patch(path, {"base": {"contacts": {"phone": "1"}}})
    after("version")
    hub.post_customer(base={"lastName": "Ada", "contacts": {"email": "bob@example.com"}})
    after("last", "version", customer=bob)
    event(hub, bob)
    after("did", customer=bob)
    hub.admin.delete(f"{hub.path}/segments/{segments.pop('version')}")
    refresh(hub)
    hub.trusted.patch(path, {"base": {"dob": "1990-01-02"}})
    after()
    carl = named(hub, "Carl")
    after(*(segments.keys() - {"did"}), customer=carl)


def test_a_change_of_unknown_paths_evaluates_all_that_look_at_customers(
    hub: Hub, evaluated: list[tuple[set[UUID], set[UUID]]]
) -> None:
    ada = named(hub, "Ada")
    segments = made(hub)
    refresh(hub)
    hub.trusted.patch(f"{hub.path}/customers/{ada}", {"base": {"lastName": "Ada"}})
    Change.objects.filter(feed_offset=None).update(changed_paths=None)
    refresh(hub)
    assert evaluated == [({*segments.values()} - {segments["did"]}, {UUID(ada)})]


def test_customers_with_different_changes_are_evaluated_apart(
    hub: Hub, evaluated: list[tuple[set[UUID], set[UUID]]]
) -> None:
    ada, bob = named(hub, "Ada"), named(hub, "Bob")
    segments = made(hub)
    refresh(hub)
    event(hub, ada)
    carl = named(hub, "Carl")
    event(hub, bob)
    refresh(hub)
    assert sorted(evaluated, key=lambda each: len(each[0])) == [
        ({segments["did"]}, {UUID(ada), UUID(bob)}),
        (set(segments.values()) - {segments["did"]}, {UUID(carl)}),
    ]


def test_deleted_events_evaluate_only_segments_that_look_at_their_types(
    hub: Hub, evaluated: list[tuple[set[UUID], set[UUID]]]
) -> None:
    ada, bob = named(hub, "Ada"), named(hub, "Bob")
    segments = made(hub)
    searched = event(hub, ada)
    event(hub, bob)
    body = {"customerId": ada, "type": "loggedIn", "context": "WEB", "properties": {}}
    other = hub.trusted.post(f"{hub.path}/events", body)["id"]
    refresh(hub)
    assert members(hub, {"id": str(segments["did"])}) == {ada, bob}
    evaluated.clear()
    hub.trusted.delete(f"{hub.path}/events/{other}")
    refresh(hub)
    assert evaluated == []
    hub.trusted.delete(f"{hub.path}/events/{searched}")
    refresh(hub)
    assert evaluated == [({segments["did"]}, {UUID(ada)})]
    assert members(hub, {"id": str(segments["did"])}) == {bob}


def test_a_new_customer_who_has_events_is_evaluated_for_all(
    hub: Hub, evaluated: list[tuple[set[UUID], set[UUID]]]
) -> None:
    segments = made(hub)
    refresh(hub)
    ada = named(hub, "Ada")
    event(hub, ada)
    refresh(hub)
    assert evaluated == [({*segments.values()}, {UUID(ada)})]
    evaluated.clear()
    hub.trusted.delete(f"{hub.path}/customers/{ada}")
    refresh(hub)
    assert members(hub, {"id": str(segments["did"])}) == set()
    hub.admin.post(f"{hub.path}/customers/{ada}/restore")
    refresh(hub)
    assert members(hub, {"id": str(segments["did"])}) == {ada}


def test_a_waiting_event_counts_as_soon_as_its_customer_is_there(hub: Hub) -> None:
    segment = make(hub, did("searched"))
    never = make(hub, without(are("enabled", "EQUALS", True), did("searched")))
    refresh(hub)
    body = {
        "type": "searched", "context": "WEB", "properties": {"keyword": "x"},
        "bringBackProperties": {
            "type": "EXTERNAL_ID", "value": "E1", "nodeId": str(hub.node.id),
        },
    }  # fmt: skip
    assert hub.trusted.post(f"{hub.path}/events", body).status == 202
    customer = hub.post_customer(externalId="E1")["id"]
    other = hub.post_customer(externalId="E2")["id"]
    refresh(hub)
    assert members(hub, segment) == {customer}
    assert members(hub, never) == {other}


def test_a_moved_event_evaluates_whom_it_was_of(
    hub: Hub, evaluated: list[tuple[set[UUID], set[UUID]]]
) -> None:
    ada, bob = named(hub, "Ada"), named(hub, "Bob")
    segments = made(hub)
    moved = event(hub, ada)
    refresh(hub)
    evaluated.clear()
    Event.objects.filter(id=moved).update(customer_id=UUID(bob))
    refresh(hub)
    assert evaluated == [({segments["did"]}, {UUID(ada)})]
    assert ada not in members(hub, {"id": str(segments["did"])})


def test_pending_customers_of_the_release_before_are_evaluated_for_all(
    hub: Hub, evaluated: list[tuple[set[UUID], set[UUID]]]
) -> None:
    ada = named(hub, "Ada")
    segments = made(hub)
    refresh(hub)
    evaluated.clear()
    PendingCustomer.objects.create(workspace_id=hub.workspace.id, customer_id=UUID(ada))
    refresh(hub)
    assert evaluated == [({*segments.values()}, {UUID(ada)})]


def test_a_customer_that_others_hold_is_evaluated_later(live_hub: Hub) -> None:
    segment = make(live_hub, are("base.firstName", "EQUALS", "Ada"))
    refresh(live_hub)
    held, free = (
        live_hub.post_customer(base={"firstName": "Ada", "contacts": {"email": f"{each}@x.it"}})
        for each in ("held", "free")
    )
    workspace_id = live_hub.workspace.id
    other = connection.copy()
    try:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute("SELECT FROM customers_customer WHERE id = %s FOR UPDATE", [held["id"]])
        refreshing.step(workspace_id, datetime.now(UTC))
        assert members(live_hub, segment) == {free["id"]}
    finally:
        other.rollback()
        other.close()
    refresh(live_hub)
    assert members(live_hub, segment) == {held["id"], free["id"]}


def test_a_segment_that_is_broken_is_not_evaluated(
    hub: Hub, evaluated: list[tuple[set[UUID], set[UUID]]]
) -> None:
    ada = named(hub, "Ada")
    costly = make(hub, are("base.firstName", "EQUALS", "Ada"))
    refresh(hub)
    Segment.objects.filter(id=costly["id"]).update(state=SegmentState.BROKEN, broken_reason="slow")
    hub.trusted.patch(f"{hub.path}/customers/{ada}", {"base": {"firstName": "Bob"}})
    refresh(hub)
    assert evaluated == []
    assert members(hub, costly) == {ada}


Fact = tuple[int, str, int]
FACTS = st.lists(
    st.tuples(st.integers(0, PEOPLE - 1), st.sampled_from(sorted(QUERIES)), st.integers(0, 2)),
    min_size=1,
    max_size=10,
)


@settings(max_examples=6)
@given(FACTS, st.integers(1, 4))
def test_members_are_as_a_naive_evaluation_says(db: None, facts: list[Fact], together: int) -> None:
    hub = Hub()
    ids = [named(hub, f"P{number}") for number in range(PEOPLE)]
    people: list[dict[str, Any]] = [{"version": 1} for _ in ids]
    segments = made(hub)
    try:
        for number, (who, what, value) in enumerate(facts):
            change(hub, ids[who], people[who], what, value)
            if number % together == 0:
                check(hub, ids, people, segments)
        check(hub, ids, people, segments)
    finally:
        Segment.objects.all().delete()
        Member.objects.all().delete()


def change(hub: Hub, customer: str, person: dict[str, Any], what: str, value: int) -> None:
    name = NAMES[value]
    bodies: dict[str, dict[str, Any]] = {
        "first": {"base": {"firstName": name}},
        "last": {"base": {"lastName": name, "firstName": None}},
        "city": {"base": {"address": {"city": name}}},
        "phone": {"base": {"contacts": {"mobilePhone": None if value == 0 else str(value)}}},
        "tag": {"tags": {"manual": [name]}},
        "off": {"enabled": value > 0},
        "version": {"extra": name},
    }
    if what == "did":
        if person.get("off") == 0:  # a disabled customer's events are refused
            return
        event(hub, customer)
        person["did"] = True
        return
    answer = hub.trusted.patch(f"{hub.path}/customers/{customer}", bodies[what])
    assert answer.status == 200, answer.json
    person |= {what: value, "version": answer["version"]}
    if what == "last":
        person["first"] = None


def check(
    hub: Hub, ids: list[str], people: list[dict[str, Any]], segments: dict[str, UUID]
) -> None:
    refresh(hub)
    naive: dict[str, Any] = {
        "first": lambda p: p.get("first") == 0,
        "last": lambda p: p.get("last") in {0, 1},
        "city": lambda p: p.get("city") == 0,
        "phone": lambda p: bool(p.get("phone")),
        "tag": lambda p: p.get("tag") in {0, 1},
        "off": lambda p: p.get("off") == 0,
        "version": lambda p: p["version"] >= 4,
        "did": lambda p: p.get("did", False),
    }
    found: dict[UUID, set[str]] = {each: set() for each in segments.values()}
    for segment_id, customer_id in Member.objects.values_list("segment_id", "customer_id"):
        found[segment_id].add(str(customer_id))
    for name, fits in naive.items():
        expected = {key for key, person in zip(ids, people, strict=True) if fits(person)}
        assert found[segments[name]] == expected, name
