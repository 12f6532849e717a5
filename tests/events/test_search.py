from __future__ import annotations

import json
import random
import uuid
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.client import Answer, ApiClient
from tests.customers.test_aggregates import activate, make, merge_all_pending, people
from tests.customers.test_aggregates import post as post_person
from tests.factories import Hub, make_node, make_token, make_user


def post(hub: Hub, **given: Any) -> str:
    body = {"type": "viewedPage", "context": "WEB", "properties": {}, "date": "2021-01-01"} | given
    answer = hub.trusted.post(f"{hub.path}/events", body)
    assert answer.status == 202, answer.content
    return answer["id"]


def searched(hub: Hub, **query: Any) -> Answer:
    return hub.trusted.get(f"{hub.path}/events", query=query)


def ids(answer: Answer) -> list[str]:
    return [each["id"] for each in answer["elements"]]


@pytest.fixture
def customer(hub: Hub) -> str:
    return hub.post_customer()["id"]


def test_filters(hub: Hub, customer: str) -> None:
    viewed = post(hub, customerId=customer)
    ordered = post(
        hub, customerId=customer, type="completedOrder", context="ECOMMERCE", date="2021-02-01"
    )
    sent = post(
        hub, customerId=customer, type="campaignSent", context="DIGITAL_CAMPAIGN", date="2021-03-01"
    )
    waiting = post(
        hub, bringBackProperties={"value": "s", "nodeId": str(hub.node.id)}, date="2021-04-01"
    )
    node = {"nodeId": hub.node.id}
    assert ids(searched(hub, **node)) == [waiting, sent, ordered, viewed]
    assert ids(searched(hub, customerId=customer)) == [sent, ordered, viewed]
    assert ids(searched(hub, customerId=customer, nodeId=hub.other_node.id)) == []
    assert ids(searched(hub, **node, type="campaignSent, completedOrder")) == [sent, ordered]
    assert ids(searched(hub, **node, context="ECOMMERCE")) == [ordered]
    assert ids(searched(hub, **node, mode="PASSIVE")) == [sent]
    assert ids(searched(hub, **node, mode="ACTIVE", type="campaignSent")) == []
    assert ids(searched(hub, **node, dateFrom="2021-02-01", dateTo="2021-03-01")) == [sent, ordered]
    assert ids(
        searched(hub, **node, dateFrom="2021-03-01T01:00:00 0100", dateTo="1614556800000")
    ) == [sent]
    assert ids(searched(hub, **node, sort="date")) == [viewed, ordered, sent, waiting]
    assert ids(searched(hub, **node, sort=["context,desc", "date,asc"]))[:2] == [viewed, waiting]
    page = searched(hub, **node, type="viewedPage", size=1, page=1)
    assert ids(page) == [viewed]
    assert page["page"].items() >= {
        "size": 1, "totalElements": 2, "totalUnfilteredElements": 4, "totalPages": 2, "number": 1,
    }.items()  # fmt: skip
    assert searched(hub, **node, page=10**17)["elements"] == []


def test_dates_are_whole_days_by_the_clock_of_the_workspace(hub: Hub, customer: str) -> None:
    moments = ("2021-06-09T21:59:59.999Z", "2021-06-09T22:00:00.000Z", "2021-06-10T21:59:59.999Z",
               "2021-06-10T22:00:00.000Z")  # fmt: skip
    before, first, last, after = (post(hub, customerId=customer, date=each) for each in moments)
    day = "2021-06-10"
    for requested in ({"nodeId": hub.node.id}, {"customerId": customer}, {}):
        assert ids(searched(hub, **requested, dateFrom=day)) == [after, last, first]
        assert ids(searched(hub, **requested, dateTo=day)) == [last, first, before]
        assert ids(searched(hub, **requested, dateFrom=day, dateTo=day)) == [last, first]
        assert ids(searched(hub, **requested, dateTo=moments[0])) == [before]
        assert ids(searched(hub, **requested, dateFrom=moments[3])) == [after]
        assert ids(searched(hub, **requested, dateFrom="now-1d")) == []
        assert len(ids(searched(hub, **requested, dateTo="now/d"))) == 4
        assert ids(searched(hub, **requested, dateTo="-999999999999999999")) == []
        assert ids(searched(hub, **requested, dateFrom=10**17)) == []
        assert len(ids(searched(hub, **requested, dateTo="9999-12-31", dateFrom="0001-01-01"))) == 4
    asia = {"timezone": "Asia/Kolkata"}  # that day lasts from 18:30 to 18:30
    assert hub.admin.put(hub.configuration, asia).status == 200
    assert ids(searched(hub, dateFrom=day, dateTo=day)) == [first, before]
    assert ids(searched(hub, dateFrom="2021-06-11", dateTo="2021-06-11")) == [after, last]


@pytest.mark.parametrize(
    ("query", "places"),
    [
        ({"type": "zz", "context": "zz", "mode": "zz"}, {"/type", "/context", "/mode"}),
        ({"nodeId": "x", "dateFrom": "soon", "dateTo": "2020-13-01"}, {"/dateFrom", "/dateTo"}), ({"nodeId": "x", "sort": "properties"}, {"/sort"}), ({"nodeId": "x", "size": 101}, {"/size"}),
    ],
)  # fmt: skip
def test_bad_searches(hub: Hub, query: Any, places: set[str]) -> None:
    answer = searched(hub, **query)
    assert (answer.status, answer.paths) == (400, places)


def test_other_peoples_events(hub: Hub, customer: str) -> None:
    stranger = Hub()
    assert searched(hub, nodeId=stranger.node.id).status == 404
    theirs = stranger.post_customer()["id"]
    post(stranger, customerId=theirs)
    for unknown in (theirs, str(uuid.uuid4()), "x", "a\tb"):
        answer = searched(hub, customerId=unknown)
        assert (answer.status, answer["elements"]) == (200, [])
        assert answer["page"]["totalUnfilteredElements"] == 0
    assert searched(hub)["elements"] == []
    gone = hub.post_customer()["id"]
    post(hub, customerId=gone)
    hub.trusted.delete(f"{hub.path}/customers/{gone}")
    assert searched(hub, customerId=gone)["elements"] == []
    assert hub.untrusted.get(f"{hub.path}/events", query={"nodeId": hub.node.id}).status == 403


def test_without_customer_and_node_all_that_may_be_read(hub: Hub, customer: str) -> None:
    elsewhere = hub.post_customer(nodeId=str(hub.other_node.id))["id"]
    third = make_node(hub.workspace)
    owners = [customer, elsewhere]
    found = [post(hub, customerId=owners[day % 2], date=f"2021-01-0{day}") for day in range(1, 6)]
    found.append(post(hub, bringBackProperties={"value": "s", "nodeId": str(hub.node.id)},
                      date="2021-01-06"))  # fmt: skip
    body = {"nodeId": str(third.id), "base": {"contacts": {"email": "t@x.it"}}}
    stranger = hub.admin.post(f"{hub.path}/customers", body)["id"]
    event = {"type": "loggedIn", "context": "WEB", "customerId": stranger, "date": "2022-01-01"}
    hidden = hub.admin.post(f"{hub.path}/events", event)["id"]
    newest = found[::-1]
    assert ids(searched(hub)) == newest  # the source works in two nodes
    assert ids(hub.admin.get(f"{hub.path}/events")) == [hidden, *newest]
    assert ids(searched(hub, size=2, page=1)) == newest[2:4]
    assert ids(searched(hub, sort="date,asc")) == found
    assert ids(searched(hub, dateFrom="2021-01-02", dateTo="2021-01-03T00:00:00Z")) == newest[3:5]
    assert ids(searched(hub, type="loggedIn")) == []
    assert searched(hub, type="loggedIn")["page"].items() >= {
        "size": 10, "totalElements": 0, "totalUnfilteredElements": 6, "totalPages": 0, "number": 0,
    }.items()  # fmt: skip
    assert searched(hub)["page"]["totalElements"] == 6
    reader = make_user("USER", workspaces=(hub.workspace,), grants={hub.other_node: "R"})
    answer = ApiClient(make_token(reader)).get(f"{hub.path}/events")
    assert ids(answer) == [found[4], found[2], found[0]]
    assert answer["page"]["totalUnfilteredElements"] == 3
    writer = make_user("USER", workspaces=(hub.workspace,), grants={hub.other_node: "W"})
    assert ApiClient(make_token(writer)).get(f"{hub.path}/events")["elements"] == []
    assert hub.untrusted.get(f"{hub.path}/events").status == 403


def test_of_all_nodes_each_event_is_there_once(hub: Hub) -> None:
    """Of an aggregate node only its own events, not again those of its members."""
    aggregate = make(hub)
    member = post_person(hub, "a@x.it")
    assert activate(hub, aggregate) == "ACTIVE"
    (person,) = people(hub, aggregate)
    own = post(hub, customerId=member)
    body = {"type": "loggedIn", "context": "WEB", "customerId": person["id"]}
    native = hub.admin.post(f"{hub.path}/events", body)["id"]
    answer = hub.admin.get(f"{hub.path}/events")
    assert sorted(ids(answer)) == sorted([own, native])
    assert {each["origin"] for each in answer["elements"]} == {"NATIVE"}
    page = answer["page"]
    assert (page["totalElements"], page["totalUnfilteredElements"]) == (2, 2)


def test_by_external_id(hub: Hub, customer: str) -> None:
    one = post(hub, customerId=customer, externalId="E-1")
    two = post(hub, customerId=customer, externalId="E-1", type="loggedIn")
    post(hub, customerId=customer, externalId="E-2"), post(hub, customerId=customer)
    for scope in ({}, {"nodeId": hub.node.id}, {"customerId": customer}):
        assert sorted(ids(searched(hub, **scope, externalId=" E-1"))) == sorted([one, two])
        assert ids(searched(hub, **scope, externalId="E-1", type="loggedIn")) == [two]
        assert ids(searched(hub, **scope, externalId="E-3")) == []
        assert len(ids(searched(hub, **scope, externalId=""))) == 4


def test_a_page_costs_the_same_whatever_it_holds(hub: Hub, customer: str) -> None:
    for _ in range(12):
        post(hub, customerId=customer)
    with CaptureQueriesContext(connection) as captured:
        assert len(searched(hub, nodeId=hub.node.id, size=12)["elements"]) == 12
    assert sum("events_event" in query["sql"] for query in captured) == 1


def test_totals_of_a_customer_are_exact(hub: Hub, customer: str) -> None:
    """Also beyond the 10000 matches that a search goes through."""
    with connection.cursor() as cursor:
        cursor.execute(OF_ONE, [hub.workspace.id, hub.node.id, customer, 12_345])
    other = hub.post_customer()["id"]
    post(hub, customerId=other)
    page = searched(hub, customerId=customer)["page"]
    assert (page["totalElements"], page["totalUnfilteredElements"]) == (10_000, 12_345)
    page = searched(hub, customerId=customer, type="loggedIn")["page"]
    assert (page["totalElements"], page["totalUnfilteredElements"]) == (0, 12_345)
    page = searched(hub, customerId=other, type="loggedIn")["page"]
    assert (page["totalElements"], page["totalUnfilteredElements"]) == (0, 1)


OF_ONE = """
INSERT INTO events_event (id, workspace_id, node_id, customer_id, type, context, properties,
                          context_info, date, origin, version, registered_at, updated_at)
SELECT gen_random_uuid(), %s, %s, %s, 'viewedPage', 'WEB', '{}', '{}',
       now() - number * interval '1 minute', 'NATIVE', 1, now(), now()
FROM generate_series(1, %s) AS number
"""
MANY = """
INSERT INTO events_event (id, workspace_id, node_id, customer_id, type, context, properties,
                          context_info, date, origin, version, registered_at, updated_at)
SELECT gen_random_uuid(), %(workspace)s, %(node)s, customer, kind, 'WEB', '{}', '{}',
       now() - number * interval '1 minute', 'NATIVE', 1, now(), now()
FROM generate_series(1, 20000) AS number,
LATERAL (SELECT CASE WHEN number %% 1000 = 0 THEN %(customer)s::uuid ELSE gen_random_uuid() END AS customer,
         CASE WHEN number %% 500 = 0 THEN 'loggedIn' ELSE 'viewedPage' END AS kind) AS drawn
"""


def test_time_lines_and_lists_are_index_scans(hub: Hub, customer: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            MANY, {"workspace": hub.workspace.id, "node": hub.node.id, "customer": customer}
        )
        cursor.execute("ANALYZE events_event")
    plans: list[str] = []

    def explain(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if "AS counted" in sql:
            with connection.connection.cursor() as cursor:
                cursor.execute("EXPLAIN " + sql, params)
                plans.append("\n".join(line for (line,) in cursor.fetchall()))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explain):
        assert searched(hub, customerId=customer)["page"]["totalElements"] == 20
        assert searched(hub, nodeId=hub.node.id)["page"]["totalElements"] == 10_000
        assert searched(hub, nodeId=hub.node.id, type="loggedIn")["page"]["totalElements"] == 40
        assert searched(hub)["page"]["totalElements"] == 10_000
        assert searched(hub, externalId="x")["page"]["totalElements"] == 0
    of_customer, in_node, of_type, of_all, of_id = plans
    page_of_all = of_all.split("WindowAgg")[1].split("InitPlan")[0]
    assert page_of_all.count("event_in_node") == 2
    assert "Seq Scan on events_event" not in page_of_all
    assert "event_external_id_once" in of_id
    assert "event_of_customer" in of_customer
    assert "event_in_node" in in_node
    assert "event_of_type_in_node" in of_type
    assert "Seq Scan on events_event" not in of_customer


def did(name: str, condition: Any = None, timeframe: Any = None) -> str:
    did_part = {"event": {"name": name}, "condition": condition, "timeframe": timeframe}
    query = {"type": "simple", "did": {key: part for key, part in did_part.items() if part}}
    return json.dumps({"query": query})


def atomic(attribute: str, operator: str, value: Any) -> dict[str, Any]:
    return {"type": "atomic", "attribute": attribute, "operator": operator, "value": value}


def test_customers_by_what_they_did(hub: Hub) -> None:
    buyer, visitor = hub.post_customer()["id"], hub.post_customer()["id"]
    order = {"amount": {"total": 120.5}, "products": [{"id": "P", "type": "sale", "name": "Scarf"}]}
    post(
        hub,
        customerId=buyer,
        type="completedOrder",
        context="RETAIL",
        properties=order,
        date="2021-03-01",
    )
    post(hub, customerId=visitor, tracking={"ga": {"utm_source": "news"}})

    def found(query: str) -> set[str]:
        answer = hub.trusted.get(
            f"{hub.path}/customers", query={"nodeId": hub.node.id, "query": query}
        )
        assert answer.status == 200, answer.content
        return set(ids(answer))

    assert found(did("completedOrder")) == {buyer}
    assert found(did("completedOrder", atomic("properties.amount.total", "GT", 100))) == {buyer}
    assert found(did("completedOrder", atomic("properties.amount.total", "GT", 121))) == set()
    assert found(did("completedOrder", atomic("properties.products.name", "EQUALS", "Scarf"))) == {
        buyer
    }
    assert found(did("viewedPage", atomic("tracking.ga.utm_source", "EQUALS", "news"))) == {visitor}
    march = [1614556800000, 1617235200000]
    assert found(did("completedOrder", None, atomic("date", "BETWEEN", march))) == {buyer}
    assert (
        found(
            did(
                "completedOrder",
                atomic("context", "EQUALS", "WEB"),
                atomic("date", "GT", "2021-01-01"),
            )
        )
        == set()
    )
    both = {"type": "combined", "conjunction": "EXCEPT", "queries": [
        {"type": "simple", "are": {"condition": {"type": "atomic", "attribute": "id", "operator": "IS_NOT_NULL"}}},
        json.loads(did("completedOrder"))["query"],
    ]}  # fmt: skip
    assert found(json.dumps({"query": both})) == {visitor}


@pytest.mark.parametrize(
    ("did_part", "places"),
    [
        ([], {""}), ({}, {"/event/name"}), ({"event": {"name": "zz"}}, {"/event/name"}), ({"event": {"name": "loggedIn"}, "sql": 1}, {"/sql"}),
        ({"event": {"name": "loggedIn"}, "condition": {"type": "atomic", "attribute": "properties.zz", "operator": "EQUALS", "value": 1}}, {"/condition/attribute"}),
        ({"event": {"name": "loggedIn"}, "timeframe": {"type": "atomic", "attribute": "date", "operator": "GT", "value": "soon"}}, {"/timeframe/value"}),
    ],
)  # fmt: skip
def test_bad_behaviour_conditions(hub: Hub, did_part: Any, places: set[str]) -> None:
    query = json.dumps({"query": {"type": "simple", "did": did_part}})
    answer = hub.trusted.get(f"{hub.path}/customers", query={"nodeId": hub.node.id, "query": query})
    assert answer.status == 400
    assert answer.paths == {f"/query/query/did{place}" for place in places}
    refused = hub.untrusted.get(
        f"{hub.path}/customers", query={"nodeId": hub.node.id, "query": did("loggedIn")}
    )
    assert refused.status == 403


def ids_of_all_pages(hub: Hub, **query: Any) -> list[str]:
    """The ids of all pages, from the first on, by each one's `next`."""
    answer = searched(hub, **query)
    listed = ids(answer)
    while (cursor := answer["page"]["next"]) is not None:
        answer = searched(hub, **query, cursor=cursor)
        listed += ids(answer)
    return listed


def test_walks_by_cursor(hub: Hub, customer: str) -> None:
    chance = random.Random(7)
    for number in range(24):
        body = {"customerId": customer} if number % 2 else {
            "bringBackProperties": {"value": "s", "nodeId": str((hub.node, hub.other_node)[number % 4 // 2].id)}
        }  # fmt: skip
        event = chance.choice(
            [("viewedPage", "WEB"), ("searched", "WEB"), ("viewedPage", "MOBILE")]
        )
        post(
            hub, **body, type=event[0], context=event[1], date=f"2021-01-0{chance.randrange(1, 5)}"
        )
    everywhere: list[dict[str, Any]] = [
        {"customerId": customer}, {"nodeId": hub.node.id}, {}, {"type": "searched"},
        {"nodeId": hub.node.id, "dateFrom": "2021-01-02"},
    ]  # fmt: skip
    for requested in everywhere:
        for sort in (
            [],
            ["date"],
            ["type", "date,desc"],
            ["context,desc", "registeredAt"],
            ["id,desc"],
        ):
            whole = ids(searched(hub, **requested, sort=sort, size=100))
            assert ids_of_all_pages(hub, **requested, sort=sort, size=5) == whole, (requested, sort)
            assert len(set(whole)) == len(whole) > 5
    cursor = searched(hub, size=3)["page"]["next"]
    for wrong in ({"nodeId": hub.node.id}, {"type": "searched"}, {"sort": "date"}, {"page": 1}):
        assert searched(hub, **wrong, cursor=cursor).paths == {"/cursor"}
    # What comes and goes meanwhile moves nobody else.
    first = searched(hub, size=10)
    gone = searched(hub, size=10, page=1)["elements"][0]["id"]
    rest = [each for each in ids(searched(hub, size=100))[10:] if each != gone]
    post(hub, customerId=customer, date="2021-05-01")
    assert hub.trusted.delete(f"{hub.path}/events/{gone}").status in {200, 204}
    assert ids(searched(hub, size=100, cursor=first["page"]["next"])) == rest


def test_a_walk_over_an_aggregate_node(hub: Hub) -> None:
    node = make(hub)
    activate(hub, node)
    mine, theirs = post_person(hub, "a@x.it"), post_person(hub, "a@x.it", other=True)
    merge_all_pending()
    sent = [
        post(hub, customerId=each, date=f"2021-01-{day:02}")
        for day in range(1, 8)
        for each in (mine, theirs)
    ]
    (person,) = people(hub, node)
    for requested in ({"nodeId": node}, {"customerId": person["id"]}):
        listed = []
        answer = hub.admin.get(f"{hub.path}/events", query={**requested, "size": 4})
        listed += ids(answer)
        while (cursor := answer["page"]["next"]) is not None:
            answer = hub.admin.get(
                f"{hub.path}/events", query={**requested, "size": 4, "cursor": cursor}
            )
            listed += ids(answer)
        assert (sorted(listed), len(listed)) == (sorted(sent), 14)
