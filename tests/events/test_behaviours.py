"""Customers by how often they did something and how much it came to (`did` with `having`)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.client import Answer
from tests.customers.queries import DEEDS, EVENTS, finds
from tests.customers.test_aggregates import activate, make, people
from tests.customers.test_aggregates import post as post_person
from tests.factories import Hub


def searched(hub: Hub, query: Any, node: str | None = None) -> Answer:
    """The answer to a search, newest first, all on one page."""
    parameters = {"nodeId": node or hub.node.id, "size": 100, "query": json.dumps({"query": query})}
    return hub.admin.get(f"{hub.path}/customers", query=parameters)


def did(*having: Any, event: str = "completedOrder", **parts: Any) -> dict[str, Any]:
    behaviour: dict[str, Any] = {"event": {"name": event}} | parts
    return {"type": "simple", "did": behaviour | ({"having": list(having)} if having else {})}


def count(operator: str, value: Any) -> dict[str, Any]:
    return {"function": "COUNT", "operator": operator, "value": value}


def measure(function: str, attribute: str, operator: str, value: Any) -> dict[str, Any]:
    path = f"properties.{attribute}"
    return {"function": function, "attribute": path, "operator": operator, "value": value}


def order(hub: Hub, customer: str, total: float, date: str, *, quantities: Any = (1,)) -> None:
    lines = [{"id": "P", "name": "Scarf", "type": "sale", "quantity": each} for each in quantities]
    body = {
        "customerId": customer, "type": "completedOrder", "context": "ECOMMERCE", "date": date,
        "properties": {"orderId": "O", "amount": {"total": total}, "products": lines},
    }  # fmt: skip
    answer = hub.admin.post(f"{hub.path}/events", body)
    assert answer.status == 202, answer.content


def test_how_often_and_how_much(hub: Hub) -> None:
    names = ["never", "once", "thrice"]
    ids = {name: hub.post_customer(base={"contacts": {"email": f"{name}@x.it"}})["id"] for name in names}  # fmt: skip
    order(hub, ids["once"], 100, "2026-01-05", quantities=[5])
    for total, date in ((0.1, "2026-01-10"), (0.2, "2026-02-10"), (30, "2026-03-10")):
        order(hub, ids["thrice"], total, date, quantities=[1, 2])

    def found(query: Any) -> list[str]:
        answer = searched(hub, query)
        assert answer.status == 200, answer.content
        owners = {owner: name for name, owner in ids.items()}
        return sorted(owners[each["id"]] for each in answer["elements"])

    assert found(did(count("GTE", 1))) == ["once", "thrice"] == found(did())
    assert found(did(count("GTE", 2))) == ["thrice"]
    assert found(did(count("LTE", 1))) == ["never", "once"]
    assert found(did(count("EQUALS", 0))) == ["never"]
    assert found(did(count("EQUALS", "3"))) == ["thrice"]
    assert found(did(count("NOT_EQUALS", 1))) == ["never", "thrice"]
    assert found(did(count("BETWEEN", [1, 2]))) == ["once"]
    assert found(did(count("LT", 10**18))) == names
    winter = {"type": "atomic", "attribute": "date", "operator": "LT", "value": "2026-03-01"}
    assert found(did(count("EQUALS", 2), timeframe=winter)) == ["thrice"]
    small = {"type": "atomic", "attribute": "properties.amount.total", "operator": "LT", "value": 1}
    assert found(did(count("EQUALS", 0), condition=small)) == ["never", "once"]

    assert found(did(measure("SUM", "amount.total", "EQUALS", 0.3), timeframe=winter)) == ["thrice"]
    assert found(did(measure("SUM", "amount.total", "GT", 30.3))) == ["once"]
    assert found(did(measure("SUM", "amount.total", "LTE", 30.3))) == ["never", "thrice"]
    assert found(did(measure("AVG", "amount.total", "EQUALS", 10.1))) == ["thrice"]
    assert found(did(measure("MIN", "amount.total", "LTE", 100))) == ["once", "thrice"]
    assert found(did(measure("MAX", "amount.total", "EQUALS", 30))) == ["thrice"]
    assert found(did(measure("MAX", "amount.tax", "LTE", 0))) == []
    assert found(did(measure("MAX", "amount.tax", "NOT_EQUALS", 0))) == names
    assert found(did(measure("SUM", "products.quantity", "EQUALS", 9))) == ["thrice"]
    assert found(did(measure("AVG", "products.quantity", "EQUALS", 1.5))) == ["thrice"]
    assert found(did(measure("MAX", "products.quantity", "GTE", 5))) == ["once"]
    both = did(count("LTE", 3), measure("SUM", "amount.total", "LT", 50))
    assert found(both) == ["never", "thrice"]
    everybody = did(count("GTE", 0))
    without = {"type": "combined", "conjunction": "EXCEPT", "queries": [everybody, both]}
    assert found(without) == ["once"]


PLACES = [
    ([], {""}), ({}, {""}), ("x", {""}), ([count("GTE", 1)] * 11, {""}), ([7], {"/0"}),
    ([{}], {"/0/function"}), ([count("GTE", 1) | {"function": ["SUM"]}], {"/0/function"}),
    ([count("GTE", -1)], {"/0/value"}), ([count("GTE", 1.5)], {"/0/value"}),
    ([count("GTE", None)], {"/0/value"}), ([count("GTE", True)], {"/0/value"}),
    ([count("GTE", "many")], {"/0/value"}), ([count("BETWEEN", [1])], {"/0/value"}),
    ([count("BETWEEN", [1, "x"])], {"/0/value/1"}), ([count("EQUALS", [1])], {"/0/value"}),
    ([count("IN", [1])], {"/0/operator"}), ([count("IS_NULL", 1)], {"/0/operator"}),
    ([count("GTE", 1) | {"attribute": "properties.amount.total"}], {"/0/attribute"}),
    ([measure("SUM", "amount.zz", "GTE", 1)], {"/0/attribute"}),
    ([measure("SUM", "orderId", "GTE", 1)], {"/0/attribute"}),
    ([{"function": "SUM", "attribute": {}, "operator": {}, "value": []}], {"/0/attribute", "/0/operator"}),
    ([count("GTE", 1), count("GTE", 1) | {"sql": 1}], {"/1/sql"}),
]  # fmt: skip


@pytest.mark.parametrize(("having", "places"), PLACES)
def test_bad_measures(hub: Hub, having: Any, places: set[str]) -> None:
    query = did()
    query["did"]["having"] = having
    answer = searched(hub, query)
    assert (answer.status, answer.paths) == (
        400,
        {f"/query/query/did/having{each}" for each in places},
    )


def test_values_of_other_types_are_no_numbers(hub: Hub) -> None:
    """As they are left by former definitions of a property."""
    customer = hub.post_customer()["id"]
    order(hub, customer, 5, "2026-01-05")
    order(hub, customer, 7, "2026-01-06")
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE events_event SET properties = jsonb_set(properties, '{amount,total}', '\"much\"')"
            " WHERE properties #> '{amount,total}' = '7'"
        )
    for function in ("SUM", "AVG", "MIN", "MAX"):
        found = searched(hub, did(measure(function, "amount.total", "EQUALS", 5)))
        assert [each["id"] for each in found["elements"]] == [customer]


@settings(max_examples=15)
@given(
    st.lists(st.tuples(st.integers(0, 3), EVENTS), max_size=12),
    st.lists(DEEDS, min_size=12, max_size=12),
)
def test_a_behaviour_finds_what_it_means(hub: Hub, events: list[Any], queries: list[Any]) -> None:
    """In an entry node, and in an aggregate node, where members' events are the person's."""
    with transaction.atomic():
        owners = [
            post_person(hub, "a@x.it"), post_person(hub, "b@x.it"), post_person(hub, "none@x.it"),
            post_person(hub, "a@x.it", other=True),
        ]  # fmt: skip
        node = make(hub)
        activate(hub, node)
        person = next(each["id"] for each in people(hub, node) if each["base"]["contacts"]["email"] == "a@x.it")  # fmt: skip
        owners[2] = person  # an event of the aggregate customer's own
        for owner, event in events:
            answer = hub.admin.post(f"{hub.path}/events", event | {"customerId": owners[owner]})
            assert answer.status == 202, answer.content
        for place in (str(hub.node.id), node):
            everybody = hub.admin.get(f"{hub.path}/customers", query={"nodeId": place, "size": 50})
            has = {each["id"]: events_of(hub, each["id"]) for each in everybody["elements"]}
            for query in queries:
                answer = searched(hub, query, place)
                assert answer.status == 200, answer.content
                expected = [
                    each["id"] for each in everybody["elements"]
                    if finds(query, each, {}, has[each["id"]])
                ]  # fmt: skip
                assert [each["id"] for each in answer["elements"]] == expected, query
        transaction.set_rollback(True)


MANY = """
INSERT INTO events_event (id, workspace_id, node_id, customer_id, type, context, properties,
                          context_info, date, origin, version, registered_at, updated_at)
SELECT gen_random_uuid(), %s, %s, gen_random_uuid(), 'viewedPage', 'WEB', '{}', '{}',
       now() - number * interval '1 minute', 'NATIVE', 1, now(), now()
FROM generate_series(1, 20000) AS number
"""


def test_events_are_gone_through_once_not_for_each_customer(hub: Hub) -> None:
    """Whatever is asked: they are joined, also those of `EXCEPT` and of "never"."""
    with connection.cursor() as cursor:
        cursor.execute(MANY, [hub.workspace.id, hub.node.id])
        cursor.execute("ANALYZE events_event")
    node = make(hub)
    activate(hub, node)
    plans: list[str] = []

    def explain(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if "AS matched" in sql or "matched AS" in sql:
            with connection.connection.cursor() as cursor:
                cursor.execute("EXPLAIN " + sql, params)
                plans.append("\n".join(line for (line,) in cursor.fetchall()))
        return execute(sql, params, many, context)

    often = did(count("GTE", 2), event="viewedPage")
    never = did(count("EQUALS", 0), event="viewedPage")
    once = {"type": "combined", "conjunction": "EXCEPT", "queries": [did(), often]}
    with connection.execute_wrapper(explain):
        for place in (str(hub.node.id), node):
            for query in (often, never, once):
                assert searched(hub, query, place).status == 200
    assert len(plans) == 6
    assert not [plan for plan in plans if "SubPlan" in plan]


def events_of(hub: Hub, customer: str) -> list[dict[str, Any]]:
    answer = hub.admin.get(f"{hub.path}/events", query={"customerId": customer, "size": 50})
    return answer["elements"]
