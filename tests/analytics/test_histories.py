"""After any history the counters are what the rows add up to, folded or not."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.actions.folding import fold
from analytics.actions.recounting import recount
from analytics.domain.periods import EVER, Period
from analytics.models import Counter, Delta, Presence
from analytics.queries import measures
from analytics.queries.counters import Counts
from configuration.actions.removal import remove_deleted
from configuration.models import Workspace
from contacthub_project.db.sql import fetch_one
from customers.actions.pending_merges import merge_pending
from events.actions import purge
from tests.analytics.naive import counted
from tests.customers.test_aggregates import activate, make
from tests.factories import Hub

ZONES = ("Europe/Rome", "Europe/Paris", "Europe/London")
CONTEXTS = ("WEB", "ECOMMERCE", "RETAIL", "MOBILE")
METRICS = [value for name, value in vars(measures).items() if name.isupper() and " " not in name
           and isinstance(value, str) and len(value) < 32 and name not in {"EVER"}]  # fmt: skip
# Around the ends of days and months in all zones, the days of both clock changes among them.
MOMENTS = [
    "2026-03-28T22:59:59.999Z", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z",
    "2026-10-24T21:59:59Z", "2026-10-25T00:30:00Z", "2026-10-25T23:00:00Z", "2025-12-31T23:30:00Z",
    "2026-01-01T12:00:00Z", "1905-01-01T00:10:00Z", "2026-07-31T22:30:00Z",
]  # fmt: skip
ACTS = (
    "customer", "again", "contacts", "delete", "forget", "event", "event", "event", "anonymous",
    "session", "patch", "patch", "unmake", "purge", "fold", "fold", "merge_aggregates", "zone", "empty",
)  # fmt: skip


class History:
    """Random acts through the API, each from the numbers that hypothesis draws."""

    def __init__(self, hub: Hub, aggregate: str) -> None:
        self.hub, self.aggregate = hub, aggregate
        self.nodes = [hub.node, hub.other_node]

    def act(self, act: str, seed: int) -> None:
        chance = random.Random(seed)
        getattr(self, act)(chance)

    def one(self, chance: random.Random, entity: str) -> str | None:
        node = chance.choice(self.nodes)
        found = self.hub.admin.get(
            f"{self.hub.path}/{entity}", query={"nodeId": str(node.id), "size": 100, "sort": "id"}
        )
        ids = [each["id"] for each in found["elements"]]
        return chance.choice(ids) if ids else None

    def customer(self, chance: random.Random) -> None:
        contacts = {"email": f"p{chance.randrange(6)}@x.it"}
        if chance.random() < 0.5:
            contacts["mobilePhone"] = "333"
        answer = self.hub.post_customer(
            nodeId=str(chance.choice(self.nodes).id), base={"contacts": contacts},
            externalId=f"e{chance.randrange(4)}",
        )  # fmt: skip
        assert answer.status in {200, 201}, answer.content

    again = customer

    def contacts(self, chance: random.Random) -> None:
        if customer := self.one(chance, "customers"):
            phone = chance.choice([None, "", " \u3000", "333"])
            body = {"base": {"contacts": {"mobilePhone": phone}}}
            if chance.random() < 0.3:
                body["base"]["contacts"]["email"] = f"q{chance.randrange(6)}@x.it"
            answer = self.hub.trusted.patch(f"{self.hub.path}/customers/{customer}", body)
            assert answer.status in {200, 409, 423}, answer.content

    def delete(self, chance: random.Random) -> None:
        if customer := self.one(chance, "customers"):
            assert self.hub.admin.delete(f"{self.hub.path}/customers/{customer}").status == 200

    def forget(self, chance: random.Random) -> None:
        if customer := self.one(chance, "customers"):
            path = f"{self.hub.path}/data-protection/customers/{customer}"
            assert self.hub.clients["DPO"].delete(path).status in {200, 204}

    def event(self, chance: random.Random) -> None:
        if customer := self.one(chance, "customers"):
            self.post({"customerId": customer}, chance)

    def anonymous(self, chance: random.Random) -> None:
        kind, value = chance.choice([("SESSION_ID", f"s{chance.randrange(3)}"),
                                     ("EXTERNAL_ID", f"e{chance.randrange(4)}")])  # fmt: skip
        node = str(chance.choice(self.nodes).id)
        back = {"type": kind, "value": value, "nodeId": node}
        self.post({"bringBackProperties": back}, chance)

    def post(self, whose: dict[str, Any], chance: random.Random) -> None:
        event_type = chance.choice(["viewedPage", "completedOrder", "completedOrder", "loggedIn"])
        body = whose | {
            "type": event_type, "context": chance.choice(CONTEXTS), "date": chance.choice(MOMENTS),
            "properties": self.order(chance) if event_type == "completedOrder" else {},
        }  # fmt: skip
        answer = self.hub.trusted.post(f"{self.hub.path}/events", body)
        assert answer.status == 202, answer.content

    def order(self, chance: random.Random) -> dict[str, Any]:
        order: dict[str, Any] = {}
        if chance.random() < 0.7:
            order["type"] = chance.choice(["sale", "return", "sale-return"])
        if chance.random() < 0.8:
            order["amount"] = {"total": chance.choice([19.9, 0.1, 100, -3.35, 1e21, 0.000001])}
            if chance.random() < 0.5:
                order["amount"]["revenue"] = chance.choice([10.05, 7, 0])
        if chance.random() < 0.6:
            order["products"] = [
                {"id": "p", "quantity": chance.choice([1, 2.5, -1])} | chance.choice(
                    [{}, {"type": "sale"}, {"type": "return"}]
                )
                for _ in range(chance.randrange(3))
            ]  # fmt: skip
        return order

    def session(self, chance: random.Random) -> None:
        if customer := self.one(chance, "customers"):
            answer = self.hub.trusted.post(
                f"{self.hub.path}/customers/{customer}/sessions",
                {"value": f"s{chance.randrange(3)}"},
            )
            assert answer.status in {200, 201, 409}, answer.content

    def patch(self, chance: random.Random) -> None:
        if event := self.one(chance, "events"):
            path = f"{self.hub.path}/events/{event}"
            body: dict[str, Any] = {"date": chance.choice(MOMENTS)}
            if self.hub.admin.get(path)["type"] == "completedOrder":
                body["properties"] = self.order(chance)
            answer = self.hub.trusted.patch(path, body)
            assert answer.status in {200, 202}, answer.content

    def unmake(self, chance: random.Random) -> None:
        if event := self.one(chance, "events"):
            assert self.hub.admin.delete(f"{self.hub.path}/events/{event}").status in {200, 204}

    def purge(self, chance: random.Random) -> None:
        purge.start_runs()
        while not purge.go_on(seconds=60):
            pass

    def fold(self, chance: random.Random) -> None:
        fold(self.hub.workspace.id)

    def merge_aggregates(self, chance: random.Random) -> None:
        while not merge_pending(seconds=60):
            pass

    def zone(self, chance: random.Random) -> None:
        answer = self.hub.operator.put(
            self.hub.configuration, {"name": "W", "timezone": chance.choice(ZONES)}
        )
        assert answer.status == 200, answer.content

    def empty(self, chance: random.Random) -> None:
        if chance.random() < 0.2:
            path = f"{self.hub.configuration}/nodes/entries/{self.hub.other_node.id}/data"
            assert self.hub.operator.delete(path).status == 204
            remove_deleted(seconds=60)


def read(hub: Hub, nodes: list[UUID]) -> dict[Any, Decimal]:
    """Everything as readers see it."""
    found = {}
    always = Period(EVER, date(9999, 1, 1), ZoneInfo("UTC"))
    for node in nodes:
        counts = Counts(hub.workspace.id, [node]).by_day(METRICS, lambda _: always)[1]
        for (metric, key), days in counts.items():
            found |= {(node, metric, key, day): value for day, value in days.items() if value}
    return found


def counted_zone(hub: Hub) -> str:
    statement = (
        "SELECT coalesce((SELECT time_zone FROM analytics_ledger WHERE workspace_id = %s), %s)"
    )
    now = Workspace.objects.get(id=hub.workspace.id).timezone
    return fetch_one(statement, [hub.workspace.id, now])[0]


def test_the_suite_reads_every_metric() -> None:
    assert len(METRICS) == 18


@settings(max_examples=25)
@given(st.lists(st.tuples(st.sampled_from(ACTS), st.integers(0, 10**6)), min_size=5, max_size=40))
def test_after_any_history_counters_are_exact(hub: Hub, acts: list[tuple[str, int]]) -> None:
    with transaction.atomic():
        aggregate = make(hub)
        activate(hub, aggregate)
        history = History(hub, aggregate)
        nodes = [hub.node.id, hub.other_node.id, UUID(aggregate)]
        for act, seed in acts:
            history.act(act, seed)
        truth = counted(hub.workspace.id, zone=counted_zone(hub))
        assert read(hub, nodes) == truth
        assert recount(hub.workspace.id, repair=False) == []
        while fold(hub.workspace.id):
            pass
        assert not Delta.objects.exists()
        assert read(hub, nodes) == truth
        assert recount(hub.workspace.id, repair=True) == []
        # In the zone of now.
        assert read(hub, nodes) == counted(hub.workspace.id)
        transaction.set_rollback(True)


def test_a_recount_finds_and_mends(hub: Hub) -> None:
    history = History(hub, "")
    for seed in range(20):
        history.customer(random.Random(seed))
        history.event(random.Random(seed))
    fold(hub.workspace.id)
    truth = read(hub, [hub.node.id, hub.other_node.id])
    spoilt = Counter.objects.filter(metric=measures.EVENT_TYPES).first()
    Counter.objects.filter(pk=spoilt.pk).update(value=77)
    Presence.objects.filter(pk=Presence.objects.first().pk).update(times=0)
    found = {(each.metric, each.counted) for each in recount(hub.workspace.id, repair=False)}
    assert (measures.EVENT_TYPES, Decimal(77)) in found
    assert any(metric in {"visitors", "buyers", "sessions"} for metric, _ in found)
    assert recount(hub.workspace.id, repair=True)
    assert recount(hub.workspace.id, repair=False) == []
    assert read(hub, [hub.node.id, hub.other_node.id]) == truth


def test_nothing_remains_of_a_node_that_is_gone(hub: Hub) -> None:
    history = History(hub, "")
    for seed in range(30):
        history.customer(random.Random(seed))
        history.event(random.Random(seed))
        history.anonymous(random.Random(seed))
    fold(hub.workspace.id)
    for node in (hub.node, hub.other_node):
        path = f"{hub.configuration}/nodes/entries/{node.id}"
        assert hub.operator.delete(path).status in {200, 202, 204}
    for _ in range(3):
        remove_deleted(seconds=60)
    fold(hub.workspace.id)
    recount(hub.workspace.id, repair=True)
    left = set(Counter.objects.values_list("metric", flat=True))
    # That they went is told as long as the feed tells it.
    assert left <= {measures.CUSTOMERS_DELETED, measures.EVENTS_DELETED}
    assert not Presence.objects.exists()


@pytest.mark.parametrize("moment", MOMENTS)
def test_days_are_those_of_the_workspace(hub: Hub, moment: str) -> None:
    at = datetime.fromisoformat(moment.replace("Z", "+00:00"))
    customer = hub.post_customer()["id"]
    body = {
        "customerId": customer,
        "type": "loggedIn",
        "context": "WEB",
        "date": moment,
        "properties": {},
    }
    assert hub.trusted.post(f"{hub.path}/events", body).status == 202
    query = {
        "start": (at - timedelta(days=2)).isoformat(),
        "end": (at + timedelta(days=2)).isoformat(),
    }
    answer = hub.admin.get(f"{hub.path}/stats/events/kpi/web", query=query)
    logins = next(each for each in answer["data"] if each["name"] == "logins")
    days = {each["datetime"] for each in logins["values"] if each["value"] == "1"}
    assert days == {at.astimezone(ZoneInfo("Europe/Rome")).date().isoformat()}
    assert logins["value"] == "1"
