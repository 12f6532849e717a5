"""The thirteen operations: parameters, shapes, meanings."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from analytics.actions.folding import fold, fold_all
from analytics.models import Ledger
from contacthub_project.core.text import WHITESPACE
from customers.models import Customer
from events.models import Event
from tests.client import Answer
from tests.customers.test_aggregates import activate, make, merge_all_pending
from tests.factories import Hub, make_user

JANUARY = {"start": "2026-01-01", "end": "2026-01-31"}


def stats(hub: Hub, path: str, **query: str) -> Answer:
    return hub.admin.get(f"{hub.path}/stats{path}", query=query)


def data(hub: Hub, path: str, **query: str) -> Any:
    answer = stats(hub, path, **query)
    assert answer.status == 200, answer.content
    return answer["data"]


def post_event(
    hub: Hub, customer: str, kind: str, context: str, date: str, **properties: Any
) -> str:
    body = {
        "customerId": customer, "type": kind, "context": context, "date": date,
        "properties": properties,
    }  # fmt: skip
    answer = hub.trusted.post(f"{hub.path}/events", body)
    assert answer.status == 202, answer.content
    return answer["id"]


def valued(series: list[dict[str, str]]) -> dict[str, str]:
    """The values that are not nothing."""
    return {
        each["datetime"]: each["value"] for each in series if each["value"] not in {"0", "0.00"}
    }


def figures(hub: Hub, path: str, **query: str) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in data(hub, f"/events/kpi/{path}", **query)}


def test_totals_count_at_once(hub: Hub) -> None:
    assert data(hub, "/customers") == {"customers": "0"}
    first = hub.post_customer()["id"]
    hub.post_customer(nodeId=str(hub.other_node.id))
    assert data(hub, "/customers") == {"customers": "2"}
    fold(hub.workspace.id)
    assert data(hub, "/customers", nodeId=str(hub.node.id)) == {"customers": "1"}
    assert hub.admin.delete(f"{hub.path}/customers/{first}").status == 200
    assert data(hub, "/customers") == {"customers": "1"}
    workspace = stats(hub, "").json
    assert workspace == {
        "id": str(hub.workspace.id), "name": hub.workspace.name, "status": "ENABLED", "customers": 1,
    }  # fmt: skip
    nodes = stats(hub, "/nodes").json
    assert {each["id"]: each["customers"] for each in nodes["elements"]} == {
        str(hub.node.id): 0, str(hub.other_node.id): 1,
    }  # fmt: skip
    assert nodes["page"]["totalElements"] == 2
    assert stats(hub, "/nodes", size="1", page="1")["page"]["number"] == 1


def test_channels(hub: Hub) -> None:
    reached = [{"email": "a@x.it"}, {"email": "b@x.it", "mobilePhone": "333"}]
    for contacts in reached:
        hub.post_customer(base={"contacts": contacts})
    expected = {
        "EMAIL_AND_MOBILE": "1",
        "EMAIL_ONLY": "1",
        "MOBILE_ONLY": "0",
        "NOT_REACHABLE": "0",
    }
    assert data(hub, "/customers/channels") == expected
    policy = {"properties": ["externalId"], "caseSensitive": True}
    where = f"{hub.configuration}/nodes/entries/{hub.other_node.id}/unique-customer-matching-policy"
    assert hub.operator.put(where, policy).status in {200, 204}
    other = str(hub.other_node.id)
    hub.post_customer(nodeId=other, externalId="1", base={"contacts": {"mobilePhone": "333"}})
    hub.post_customer(nodeId=other, externalId="2", base={})
    answer = stats(hub, "/customers/channels", nodeId=other)
    assert answer["data"] == {
        "EMAIL_AND_MOBILE": "0", "EMAIL_ONLY": "0", "MOBILE_ONLY": "1", "NOT_REACHABLE": "1",
    }  # fmt: skip
    assert answer["parameters"] == {"nodeId": other}


@pytest.mark.parametrize("phone", ["", *WHITESPACE, WHITESPACE])
def test_a_blank_number_is_no_channel(hub: Hub, phone: str) -> None:
    hub.post_customer(base={"contacts": {"email": "a@x.it", "mobilePhone": phone}})
    assert data(hub, "/customers/channels")["EMAIL_ONLY"] == "1"


def test_registrations(hub: Hub) -> None:
    ids = [hub.post_customer()["id"] for _ in range(3)]
    # As a day in the past would have left it; the counters follow.
    for customer, day in zip(ids, ("2026-01-04", "2026-01-05", "2026-02-01"), strict=True):
        Customer.objects.filter(id=customer).update(registered_at=f"{day}T10:00:00Z")
    query = {"start": "2026-01-01T00:00:00Z", "end": "2026-02-02T00:00:00Z"}
    answer = stats(hub, "/customers/registrations", **query)
    assert answer["data"] == [
        {"datetime": "2026-01", "value": "2"}, {"datetime": "2026-02", "value": "1"},
    ]  # fmt: skip
    assert answer["parameters"] == {
        "start": "2025-12-31T23:00:00.000Z", "end": "2026-02-02T22:59:59.999Z",
        "timezone": "Europe/Rome", "mode": "MONTHLY", "nodeId": None,
    }  # fmt: skip
    weekly = data(hub, "/customers/registrations", mode="WEEKLY", **query)
    assert [each["datetime"] for each in weekly] == [f"2026-W{week:02d}" for week in range(1, 7)]
    assert valued(weekly) == {"2026-W01": "1", "2026-W02": "1", "2026-W05": "1"}
    daily = data(hub, "/customers/registrations", mode="DAILY", **query)
    assert len(daily) == 33
    assert valued(daily) == {"2026-01-04": "1", "2026-01-05": "1", "2026-02-01": "1"}
    usual = data(hub, "/customers/registrations")
    assert len(usual) == 13
    assert sum(int(each["value"]) for each in usual) == 3


@pytest.mark.parametrize(("mode", "years"), [("DAILY", 1), ("WEEKLY", 5), ("MONTHLY", 10)])
def test_the_start_is_moved_when_the_range_is_too_long(hub: Hub, mode: str, years: int) -> None:
    query = {"start": "1950-01-01", "end": "2026-06-15T12:00:00Z", "mode": mode}
    answer = stats(hub, "/customers/registrations", **query)
    assert answer["parameters"]["start"] == f"{2026 - years}-06-14T22:00:00.000Z"


def test_updates_of_customers(hub: Hub) -> None:
    kept, gone = hub.post_customer()["id"], hub.post_customer()["id"]
    hub.trusted.patch(f"{hub.path}/customers/{kept}", {"base": {"firstName": "Ada"}})
    hub.admin.delete(f"{hub.path}/customers/{gone}")

    def total(kind: str) -> int:
        return sum(int(each["value"]) for each in data(hub, "/customers/updates", type=kind))

    assert (total("ADDED"), total("UPDATED"), total("DELETED")) == (2, 1, 1)
    answer = stats(hub, "/customers/updates", type="DELETED", start="2020-01-01", end="2026-06-15")
    assert answer["parameters"]["start"] == "2026-05-14T22:00:00.000Z"
    assert 28 <= len(data(hub, "/customers/updates")) - 1 <= 31


def test_updates_of_events(hub: Hub) -> None:
    customer = hub.post_customer()["id"]
    today = timezone.now().isoformat()
    events = [post_event(hub, customer, "loggedIn", "WEB", today) for _ in range(3)]
    hub.trusted.patch(f"{hub.path}/events/{events[0]}", {"contextInfo": {}, "date": "2026-01-01"})
    hub.admin.delete(f"{hub.path}/events/{events[1]}")

    def total(kind: str) -> int:
        return sum(int(each["value"]) for each in data(hub, "/events/updates", type=kind))

    assert (total("ADDED"), total("UPDATED"), total("DELETED")) == (2, 1, 1)


def test_types_and_contexts(hub: Hub) -> None:
    customer = hub.post_customer()["id"]
    for context in ("WEB", "WEB", "MOBILE"):
        post_event(hub, customer, "loggedIn", context, "2026-01-10T10:00:00Z")
    post_event(hub, customer, "loggedIn", "WEB", "2026-02-10T10:00:00Z")
    post_event(hub, customer, "loggedOut", "WEB", "2026-01-10T10:00:00Z")
    assert data(hub, "/events/types", **JANUARY) == [
        {"type": "loggedIn", "context": "WEB", "value": "2"},
        {"type": "loggedIn", "context": "MOBILE", "value": "1"},
        {"type": "loggedOut", "context": "WEB", "value": "1"},
    ]
    assert [
        each["context"] for each in data(hub, "/events/types", context="MOBILE", **JANUARY)
    ] == ["MOBILE"]
    assert data(hub, "/events/types", nodeId=str(hub.other_node.id), **JANUARY) == []
    assert stats(hub, "/events/types", **JANUARY)["parameters"]["context"] == "ALL"


def shop(hub: Hub) -> tuple[str, str]:
    """Two people's purchases of January."""
    anna, bruno = hub.post_customer()["id"], hub.post_customer()["id"]
    line = {"id": "p", "quantity": 2}
    amount = {"total": 19.9, "revenue": 15.5}
    post_event(hub, anna, "completedOrder", "ECOMMERCE", "2026-01-10T10:00:00Z",
               amount=amount, products=[line, line | {"type": "return", "quantity": 1}])  # fmt: skip
    post_event(hub, anna, "completedOrder", "RETAIL", "2026-01-10T11:00:00Z", amount={"total": 0.1})
    post_event(hub, bruno, "completedOrder", "RETAIL", "2026-01-11T11:00:00Z",
               type="sale-return", amount={"total": 0.2}, products=[{"id": "p"}])  # fmt: skip
    post_event(hub, bruno, "completedOrder", "ECOMMERCE", "2026-01-12T11:00:00Z",
               type="return", amount={"total": 5.05}, products=[line])  # fmt: skip
    post_event(hub, bruno, "completedOrder", "CONTACT_CENTER", "2026-01-12T11:00:00Z",
               amount={"total": 1000})  # fmt: skip
    return anna, bruno


@pytest.mark.parametrize("is_folded", [False, True])
def test_purchases(hub: Hub, is_folded: bool) -> None:
    shop(hub)
    if is_folded:
        fold_all(seconds=60)
    everywhere = figures(hub, "purchases", **JANUARY)
    assert {name: each["value"] for name, each in everywhere.items()} == {
        "orders": "3", "totalSpending": "15.15", "revenue": "10.75", "averageOrderValue": "5.05",
        "items": "0", "returns": "2", "buyers": None,
    }  # fmt: skip
    assert valued(everywhere["totalSpending"]["values"]) == {
        "2026-01-10": "20.00", "2026-01-11": "0.20", "2026-01-12": "-5.05",
    }  # fmt: skip
    assert valued(everywhere["buyers"]["values"]) == {"2026-01-10": "1", "2026-01-11": "1"}
    assert len(everywhere["orders"]["values"]) == 31
    assert everywhere["revenue"]["currency"] == "EUR"
    assert everywhere["orders"]["type"] == "number"
    online = figures(hub, "purchases", type="ECOMMERCE", **JANUARY)
    assert (online["orders"]["value"], online["totalSpending"]["value"]) == ("1", "14.85")
    assert (online["items"]["value"], online["returns"]["value"]) == ("-1", "1")
    tills = figures(hub, "purchases", type="RETAIL", **JANUARY)
    assert (tills["orders"]["value"], tills["totalSpending"]["value"]) == ("2", "0.30")
    assert (
        figures(hub, "purchases", nodeId=str(hub.other_node.id), **JANUARY)["orders"]["value"]
        == "0"
    )


def test_ecommerce(hub: Hub) -> None:
    shop(hub)
    customer = hub.post_customer()["id"]
    for kind, times in (("viewedProduct", 3), ("addedProduct", 2), ("abandonedCart", 1)):
        for _ in range(times):
            properties = {"id": "p"} if kind != "abandonedCart" else {"orderId": "1"}
            post_event(hub, customer, kind, "ECOMMERCE", "2026-01-05T10:00:00Z", **properties)
    post_event(hub, customer, "viewedProduct", "MOBILE", "2026-01-05T10:00:00Z", id="p")
    found = figures(hub, "ecommerce", **JANUARY)
    assert {name: each["value"] for name, each in found.items()} == {
        "productViews": "3", "addedToCart": "2", "abandonedCarts": "1", "orders": "1",
        "conversion": "33.33",
    }  # fmt: skip
    assert found["conversion"]["type"] == "percentage"


def test_web(hub: Hub) -> None:
    customer = hub.post_customer()["id"]
    at = "2026-01-05T10:00:00Z"
    for kind, properties in (
        ("viewedPage", {"path": "/"}), ("viewedPage", {"path": "/"}), ("searched", {"keyword": "k"}),
        ("formCompiled", {"formName": "f"}), ("loggedIn", {}),
    ):  # fmt: skip
        post_event(hub, customer, kind, "WEB", at, **properties)
    for value in ("s1", "s1", "s2"):
        back = {"type": "SESSION_ID", "value": value, "nodeId": str(hub.node.id)}
        body = {"bringBackProperties": back, "type": "viewedPage", "context": "WEB", "date": at,
                "properties": {}}  # fmt: skip
        assert hub.trusted.post(f"{hub.path}/events", body).status == 202
    found = figures(hub, "web", **JANUARY)
    assert {name: each["value"] for name, each in found.items()} == {
        "pageViews": "5", "sessions": None, "visitors": None, "searches": "1", "forms": "1",
        "logins": "1",
    }  # fmt: skip
    assert valued(found["sessions"]["values"]) == {"2026-01-05": "2"}
    assert valued(found["visitors"]["values"]) == {"2026-01-05": "3"}
    # The session turns out to be the customer's: one visitor less, as many sessions.
    hub.trusted.post(f"{hub.path}/customers/{customer}/sessions", {"value": "s1"})
    found = figures(hub, "web", **JANUARY)
    assert valued(found["visitors"]["values"]) == {"2026-01-05": "2"}
    assert valued(found["sessions"]["values"]) == {"2026-01-05": "2"}


def test_a_customers_categories(hub: Hub) -> None:
    anna, _ = shop(hub)
    post_event(hub, anna, "loggedIn", "WEB", "2026-01-10T10:00:00Z")
    path = f"{hub.path}/customers/{anna}/stats/event-category-distribution"
    answer = hub.admin.get(path, query=JANUARY | {"mode": "MONTHLY"})
    assert answer["data"] == [
        {"category": "commerce", "type": "completedOrder", "values": [{"datetime": "2026-01", "value": "2"}]},
        {"category": "web", "type": "loggedIn", "values": [{"datetime": "2026-01", "value": "1"}]},
    ]  # fmt: skip
    assert answer["parameters"]["mode"] == "MONTHLY"
    daily = hub.admin.get(path, query=JANUARY)["data"][0]["values"]
    assert len(daily) == 31
    assert valued(daily) == {"2026-01-10": "2"}


def test_a_customers_buying(hub: Hub) -> None:
    _, bruno = shop(hub)
    path = f"{hub.path}/customers/{bruno}/stats/buying-behaviors"
    answer = hub.admin.get(path, query=JANUARY)
    assert answer["data"] == [
        {"name": "totalSpending", "type": "currency", "currency": "EUR", "value": "995.15",
         "total": "995.15", "revenue": "995.15"},
        {"name": "orders", "type": "number", "value": "2"},
        {"name": "averageOrderValue", "type": "currency", "currency": "EUR", "value": "497.58"},
        {"name": "items", "type": "number", "value": "-1"},
        {"name": "returns", "type": "number", "value": "2"},
        {"name": "lastPurchase", "type": "datetime", "value": "2026-01-12T11:00:00.000Z"},
    ]  # fmt: skip
    nobody = hub.admin.get(
        f"{hub.path}/customers/{hub.post_customer()['id']}/stats/buying-behaviors"
    )
    assert nobody["data"][0]["value"] == "0.00"
    assert nobody["data"][-1]["value"] is None


@pytest.mark.parametrize("is_folded", [False, True])
def test_figures_reach_back_to_the_first_event(hub: Hub, is_folded: bool) -> None:
    customer = hub.post_customer()["id"]
    for day, total in (
        ("1900-01-01T12:00:00Z", 0.1), ("1999-07-01T10:00:00Z", 0.2), ("2010-03-01T10:00:00Z", 19.9),
        ("2026-01-10T10:00:00Z", 1),
    ):  # fmt: skip
        post_event(hub, customer, "completedOrder", "RETAIL", day, amount={"total": total})
    if is_folded:
        fold_all(seconds=60)
    query = {"start": "1990-01-01", "end": "2026-01-31T12:00:00Z"}
    answer = stats(hub, "/events/kpi/purchases", **query)
    assert answer["parameters"]["start"] == "1989-12-31T23:00:00.000Z"
    found = {each["name"]: each for each in answer["data"]}
    assert (found["orders"]["value"], found["totalSpending"]["value"]) == ("3", "21.10")
    values = found["totalSpending"]["values"]
    assert (values[0]["datetime"], values[-1]["datetime"]) == ("1999-07-01", "2026-01-10")
    assert len(values) == (date(2026, 1, 10) - date(1999, 7, 1)).days + 1
    everything = figures(hub, "purchases", start="0001-01-01", end="9999-12-31")
    assert everything["totalSpending"]["value"] == "21.20"
    for kind in ("ecommerce", "web"):
        empty = figures(hub, kind, start="1900-01-01", end="9999-12-31")
        assert {each["value"] for each in empty.values()} <= {"0", None}

    path = f"{hub.path}/customers/{customer}/stats/buying-behaviors"
    lifetime = hub.admin.get(path, query={"start": "1900-01-01"})
    assert lifetime["parameters"]["start"] == "1899-12-31T23:00:00.000Z"
    assert (lifetime["data"][0]["value"], lifetime["data"][1]["value"]) == ("21.20", "4")
    later = hub.admin.get(path, query={"start": "2010-01-01", "end": "2020-01-01"})
    assert (later["data"][0]["value"], later["data"][1]["value"]) == ("19.90", "1")


def test_aggregate_nodes_count_their_members_events(hub: Hub) -> None:
    base = {"contacts": {"email": "anna@x.it"}}
    one = hub.post_customer(base=base)["id"]
    two = hub.post_customer(nodeId=str(hub.other_node.id), base=base)["id"]
    aggregate = make(hub)
    activate(hub, aggregate)
    for customer in (one, two):
        post_event(
            hub, customer, "completedOrder", "RETAIL", "2026-01-10T10:00:00Z", amount={"total": 1}
        )
    found = figures(hub, "purchases", nodeId=aggregate, **JANUARY)
    assert found["orders"]["value"] == "2"
    assert valued(found["buyers"]["values"]) == {"2026-01-10": "1"}
    assert data(hub, "/customers", nodeId=aggregate) == {"customers": "1"}
    # The same people again are not more people.
    assert data(hub, "/customers") == {"customers": "2"}
    hub.trusted.patch(f"{hub.path}/customers/{two}", {"base": {"contacts": {"email": "b@x.it"}}})
    merge_all_pending()
    found = figures(hub, "purchases", nodeId=aggregate, **JANUARY)
    assert valued(found["buyers"]["values"]) == {"2026-01-10": "2"}
    person = hub.admin.get(f"{hub.path}/customers", query={"nodeId": aggregate})["elements"][0][
        "id"
    ]
    path = f"{hub.path}/customers/{person}/stats/buying-behaviors"
    assert hub.admin.get(path, query=JANUARY)["data"][1]["value"] == "1"


def test_another_time_zone(hub: Hub) -> None:
    customer = hub.post_customer()["id"]
    post_event(hub, customer, "loggedIn", "WEB", "2026-01-10T23:30:00Z")
    fold_all(seconds=60)
    assert valued(figures(hub, "web", **JANUARY)["logins"]["values"]) == {"2026-01-11": "1"}
    change = {"name": "W", "timezone": "Europe/London"}
    assert hub.operator.put(hub.configuration, change).status == 200
    # Until they are counted anew, days are those of before, and the answer says so.
    answer = stats(hub, "/events/kpi/web", **JANUARY)
    assert answer["parameters"]["timezone"] == "Europe/Rome"
    fold_all(seconds=60)
    answer = stats(hub, "/events/kpi/web", **JANUARY)
    assert answer["parameters"]["timezone"] == "Europe/London"
    assert valued(figures(hub, "web", **JANUARY)["logins"]["values"]) == {"2026-01-10": "1"}
    assert Ledger.objects.get(workspace_id=hub.workspace.id).time_zone == "Europe/London"


def test_people_count_what_they_may_read(hub: Hub) -> None:
    hub.post_customer()
    hub.post_customer(nodeId=str(hub.other_node.id))
    from tests.client import ApiClient
    from tests.factories import make_token

    reader = make_user("USER", workspaces=(hub.workspace,), grants={hub.node: "R"})
    client = ApiClient(make_token(reader))
    assert client.get(f"{hub.path}/stats/customers")["data"] == {"customers": "1"}
    assert client.get(f"{hub.path}/stats")["customers"] == 1
    assert len(client.get(f"{hub.path}/stats/nodes")["elements"]) == 1
    other = {"nodeId": str(hub.other_node.id)}
    assert client.get(f"{hub.path}/stats/customers", query=other).status == 403


@pytest.mark.parametrize(
    ("path", "query", "places"),
    [
        ("/customers/registrations", {"mode": "HOURLY"}, {"/mode"}),
        ("/customers/registrations", {"start": "soon", "mode": "x"}, {"/start", "/mode"}),
        ("/customers/registrations", {"start": "2026-02-01", "end": "2026-01-01"}, {"/start"}),
        ("/customers/updates", {"type": "MOVED"}, {"/type"}),
        ("/events/types", {"context": "SPACE"}, {"/context"}),
        ("/events/kpi/purchases", {"type": "WEB"}, {"/type"}),
        ("/customers", {"nodeId": "a\0b"}, {"/nodeId"}),
        ("/nodes", {"size": "-1"}, {"/size"}),
    ],
)
def test_wrong_parameters(hub: Hub, path: str, query: dict[str, str], places: set[str]) -> None:
    answer = stats(hub, path, **query)
    assert answer.status == 400
    assert answer.paths == places


@pytest.mark.parametrize("end", ["0001-01-01", "9999-12-31", "-99999999999", "999999999999999999"])
@pytest.mark.parametrize("path", ["/customers/registrations", "/events/kpi/web", "/events/types"])
def test_the_ends_of_time(hub: Hub, path: str, end: str) -> None:
    assert stats(hub, path, end=end).status in {200, 400}
    assert stats(hub, path, start=end).status in {200, 400}
    assert stats(hub, path, start="0001-01-01", end=end).status in {200, 400}


def test_unknown_nodes(hub: Hub) -> None:
    for path in ("/customers", "/events/kpi/web", "/events/types", "/customers/updates"):
        assert stats(hub, path, nodeId="no-such-node").status == 404


def test_lists_have_exact_totals(hub: Hub) -> None:
    customer = hub.post_customer()["id"]
    for _ in range(3):
        post_event(hub, customer, "loggedIn", "WEB", datetime.now(UTC).isoformat())
    fold_all(seconds=60)
    post_event(hub, customer, "loggedOut", "WEB", datetime.now(UTC).isoformat())
    node = {"nodeId": str(hub.node.id)}
    found = hub.admin.get(f"{hub.path}/events", query=node | {"type": "loggedOut"})["page"]
    assert (found["totalElements"], found["totalUnfilteredElements"]) == (1, 4)
    found = hub.admin.get(f"{hub.path}/events", query={"customerId": customer, "size": 1})["page"]
    assert (found["totalElements"], found["totalUnfilteredElements"]) == (4, 4)
    found = hub.admin.get(f"{hub.path}/customers", query=node)["page"]
    assert (found["totalElements"], found["totalUnfilteredElements"]) == (1, 1)
    Event.objects.filter(type="loggedIn").delete()
    found = hub.admin.get(f"{hub.path}/events", query=node)["page"]
    assert (found["totalElements"], found["totalUnfilteredElements"]) == (1, 1)


def test_a_year_of_days_takes_a_bounded_number_of_queries(
    hub: Hub, django_assert_max_num_queries: Any
) -> None:
    shop(hub)
    with django_assert_max_num_queries(6):
        figures(hub, "purchases", start=str(datetime.now(UTC) - timedelta(days=365)))
