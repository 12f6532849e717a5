from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from dateutil.relativedelta import relativedelta
from django.db import connection, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from configuration.queries.rules import latest_rules_of
from contacthub_project.api.pagination import Page
from contacthub_project.api.query import SortKey
from contacthub_project.core.text import WHITESPACE
from customers.actions.property_indexes import reconcile
from customers.queries.search import NEWEST_FIRST, Search, parse_search_query, search_customers
from tests.client import Answer, ApiClient
from tests.customers import queries as model
from tests.customers.queries import BODIES, EXTENDED, QUERIES, finds
from tests.factories import Hub


def searched(hub: Hub, client: ApiClient | None = None, **parameters: Any) -> Answer:
    query = parameters.get("query")
    if query is not None and not isinstance(query, str):
        parameters["query"] = json.dumps({"name": "", "query": query})
    path = f"{hub.path}/customers"
    return (client or hub.trusted).get(path, query={"nodeId": hub.node.id} | parameters)


def atomic(attribute: str, operator: str, *value: Any) -> dict[str, Any]:
    condition = {"type": "atomic", "attribute": attribute, "operator": operator}
    return condition | ({"value": value[0]} if value else {})


def are(attribute: str, operator: str, *value: Any) -> dict[str, Any]:
    return {"type": "simple", "are": {"condition": atomic(attribute, operator, *value)}}


def person(email: str, **base: Any) -> dict[str, Any]:
    return {"contacts": {"email": email}} | base


def with_extended_properties(hub: Hub) -> None:
    path = f"{hub.configuration}/properties/extended"
    answer = hub.operator.put(path, EXTENDED)
    assert answer.status == 200, answer.content


@settings(max_examples=12)
@given(st.lists(BODIES, min_size=1, max_size=8), st.lists(QUERIES, min_size=15, max_size=15))
def test_a_query_finds_what_it_means(
    hub: Hub, bodies: list[dict[str, Any]], queries: list[dict[str, Any]]
) -> None:
    with transaction.atomic():
        with_extended_properties(hub)
        for number, body in enumerate(bodies):
            base = person(f"Person{number}@Example.com") | body.get("base", {})
            created = hub.post_customer(**(body | {"base": base}))
            assert created.status == 201, created.content
        everybody = searched(hub, size=100)["elements"]
        for query in queries:
            answer = searched(hub, query=query, size=100)
            assert answer.status == 200, answer.content
            expected = [
                each["id"]
                for each in everybody
                if finds(query, each, {"base.contacts.email": model.folded})
            ]
            assert [each["id"] for each in answer["elements"]] == expected, query
            assert answer["page"]["totalElements"] == len(expected)
            assert answer["page"]["totalUnfilteredElements"] == len(bodies)
        transaction.set_rollback(True)


def test_case_follows_the_matching_policy(hub: Hub) -> None:
    hub.post_customer(base=person("Anna@Example.com", firstName="Anna"))
    assert searched(hub, query=are("base.contacts.email", "EQUALS", "aNNA@example.COM"))["elements"]
    assert searched(hub, query=are("base.contacts.email", "IN", "@EXAMPLE."))["elements"]
    assert not searched(hub, query=are("base.firstName", "EQUALS", "anna"))["elements"]
    policy = {"properties": ["base.contacts.email"], "caseSensitive": True}
    path = f"{hub.configuration}/nodes/entries/{hub.node.id}/unique-customer-matching-policy"
    hub.admin.put(path, policy)
    wrong = are("base.contacts.email", "EQUALS", "anna@example.com")
    right = are("base.contacts.email", "EQUALS", "Anna@Example.com")
    assert not searched(hub, query=wrong)["elements"]
    assert searched(hub, query=right)["elements"]


def test_the_envelope_is_lenient_where_clients_are(hub: Hub) -> None:
    hub.post_customer(base=person("a@example.com"))
    simple = are("base.contacts.email", "IS_NOT_NULL") | {"name": "inner"}
    simple["are"]["condition"]["value"] = None
    query = {"type": "combined", "name": "x", "conjunction": "And", "queries": [simple]}
    assert searched(hub, query=json.dumps({"query": query}))["page"]["totalElements"] == 1


@pytest.mark.parametrize(
    ("query", "places"),
    [
        ("{", {"/query"}), ("[]", {"/query"}), ("{}", {"/query/query"}), ('{"query":{"type":"x"}}', {"/query/query/type"}),
        ('{"query":{"type":"simple"},"sql":1}', {"/query/query", "/query/sql"}),
        ({"type": "combined", "conjunction": "XOR", "queries": []}, {"/query/query/conjunction", "/query/query/queries"}),
        ({"type": "combined", "conjunction": "UNION", "queries": [{"type": "simple", "are": {"condition": atomic("base.shoe", "EQUALS", 1)}}]}, {"/query/query/queries/0/are/condition/attribute"}),
        (are("base.dob", "GT", "soon"), {"/query/query/are/condition/value"}), (are("intId", "MATCHES", 1), {"/query/query/are/condition/operator"}),
        ('{"query":{"type":"simple","type":"simple"}}', {"/query/query/type"}), ('{"query":"\\u0000"}', {"/query/query"}), ('{"query":' * 40 + "1" + "}" * 40, {"/query"}),
        ("x" * 70_000, {"/query"}),
    ],
)  # fmt: skip
def test_bad_queries(hub: Hub, query: Any, places: set[str]) -> None:
    answer = searched(hub, query=query)
    assert answer.status == 400
    assert answer.paths == places


def test_days_by_the_clock_of_the_workspace_and_moments_relative_to_now(hub: Hub) -> None:
    hub.operator.put(
        f"{hub.configuration}/properties/extended",
        {"since": {"type": "string", "format": "date-time", "indexed": True}},
    )
    clock = ZoneInfo("Europe/Rome")
    today = datetime.now(clock)
    midnight = datetime(today.year, today.month, today.day, tzinfo=clock)
    moments = {
        "before": midnight - timedelta(milliseconds=1),
        "first": midnight,
        "last": (midnight + timedelta(days=1, hours=2)).replace(hour=0) - timedelta(milliseconds=1),
    }
    for name, moment in moments.items():
        born = moment.date() - relativedelta(years=18)
        base = person(f"{name}@example.com", dob=born.isoformat())
        extended = {"since": moment.isoformat()}
        assert hub.post_customer(base=base, externalId=name, extended=extended).status == 201

    def found(attribute: str, operator: str, value: Any) -> set[str]:
        answer = searched(hub, query=are(attribute, operator, value))
        assert answer.status == 200, answer.content
        return {each["externalId"] for each in answer["elements"]}

    for day in (f"{today:%Y-%m-%d}", "now/d"):
        assert found("extended.since", "EQUALS", day) == {"first", "last"}
        assert found("extended.since", "NOT_EQUALS", day) == {"before"}
        assert found("extended.since", "LTE", day) == {"before", "first", "last"}
        assert found("extended.since", "GT", day) == set()
        assert found("extended.since", "LT", day) == {"before"}
        assert found("extended.since", "GTE", day) == {"first", "last"}
        assert found("extended.since", "BETWEEN", [day, day]) == {"first", "last"}
        assert found("extended.since", "IN", [day, "2001-01-01"]) == {"first", "last"}
        assert found("registeredAt", "BETWEEN", [day, day]) == {"before", "first", "last"}
        assert found("registeredAt", "GT", day) == set()
    assert found("extended.since", "EQUALS", "now-1d/d") == {"before"}
    assert found("registeredAt", "GTE", "now-5m") == {"before", "first", "last"}
    assert found("registeredAt", "GT", "now+5m") == set()
    assert found("base.dob", "EQUALS", "now-18y") >= {"first", "last"}
    assert found("base.dob", "GT", "now-18y") == set()


def test_bounds_of_a_query(hub: Hub) -> None:
    wide = {"type": "combined", "conjunction": "UNION", "queries": [are("id", "IS_NULL")] * 60}
    assert searched(hub, query=wide).status == 400
    deep = are("id", "IS_NULL")
    for _ in range(9):
        deep = {"type": "combined", "conjunction": "UNION", "queries": [deep]}
    assert searched(hub, query=deep).status == 200
    deeper = {"type": "combined", "conjunction": "UNION", "queries": [deep]}
    assert searched(hub, query=deeper).status == 400


def test_system_properties(hub: Hub) -> None:
    one, two = hub.post_customer(), hub.post_customer()
    for attribute in ("id", "intId", "registeredAt", "version", "sourceInfo.registeredBy"):
        value = one.json
        for part in attribute.split("."):
            value = value[part]
        found = {
            each["id"] for each in searched(hub, query=are(attribute, "EQUALS", value))["elements"]
        }
        assert one["id"] in found
        if attribute in {"id", "intId"}:
            assert two["id"] not in found
    assert searched(hub, query=are("id", "IN", ["x", one["id"]]))["page"]["totalElements"] == 1
    assert searched(hub, query=are("id", "EQUALS", "x"))["page"]["totalElements"] == 0
    assert (
        searched(hub, query=are("nodeId", "EQUALS", str(hub.node.id)))["page"]["totalElements"] == 2
    )
    beyond = searched(hub, query=are("registeredAt", "LT", 10**17))
    assert beyond["page"]["totalElements"] == 2


SORTED = ["base.lastName", "base.dob", "extended.size", "externalId", "enabled", "registeredAt", "extended.club.since", "intId"]  # fmt: skip


@settings(max_examples=15)
@given(
    st.lists(BODIES, min_size=2, max_size=8),
    st.lists(st.tuples(st.sampled_from(SORTED), st.booleans()), min_size=1, max_size=3),
)
def test_any_order_is_total_with_absent_values_last(
    hub: Hub, bodies: list[dict[str, Any]], keys: list[tuple[str, bool]]
) -> None:
    with transaction.atomic():
        with_extended_properties(hub)
        for number, body in enumerate(bodies):
            base = person(f"person{number}@example.com") | body.get("base", {})
            hub.post_customer(**(body | {"base": base}))
        sort = [f"{field},{'desc' if down else 'asc'}" for field, down in keys]
        found = searched(hub, sort=sort, size=100)["elements"]
        expected = list(found)
        expected.sort(key=lambda each: each["id"], reverse=keys[-1][1])
        for field, down in reversed(keys):
            present = [each for each in expected if at(each, field) is not None]
            absent = [each for each in expected if at(each, field) is None]
            present.sort(key=lambda each: folded(at(each, field)), reverse=down)
            if down:  # a reversed sort reverses nothing that is equal, so ties stay as they are
                pass
            expected = present + absent
        assert [each["id"] for each in found] == [each["id"] for each in expected]
        pages = [
            each["id"]
            for page in range(len(bodies))
            for each in searched(hub, sort=sort, size=1, page=page)["elements"]
        ]
        assert pages == [each["id"] for each in found]
        transaction.set_rollback(True)


def at(customer: Any, path: str) -> Any:
    for name in path.split("."):
        customer = customer.get(name) if isinstance(customer, dict) else None
    return customer


def folded(value: Any) -> Any:
    return model.folded(value) if isinstance(value, str) else value


def test_sorting_by_what_is_no_single_value(hub: Hub) -> None:
    for sort in ("base", "base.subscriptions", "tags.manual", "nope", ",asc", "intId,up", "a'b"):
        assert searched(hub, sort=sort).paths == {"/sort"}
    assert searched(hub, sort=["intId"] * 6).status == 400


def test_fields(hub: Hub) -> None:
    subscription = {"id": "news", "subscribed": True}
    created = hub.post_customer(
        base=person("a@b.it", firstName="Anna", subscriptions=[subscription])
    )
    requested = "base.firstName, base.subscriptions.id,extra,tags"
    (found,) = searched(hub, fields=requested)["elements"]
    assert found == {
        "id": created["id"],
        "base": {"firstName": "Anna", "subscriptions": [{"id": "news"}]},
        "extra": None,
        "tags": {"auto": [], "manual": []},
    }
    (whole,) = searched(hub, fields="base,base.firstName")["elements"]
    assert whole["base"]["contacts"]["email"] == "a@b.it"
    assert searched(hub, fields="base.shoe").paths == {"/fields"}


def test_an_untrusted_application_can_look_up_whom_it_knows(hub: Hub) -> None:
    created = hub.post_customer(base=person("a@b.it", firstName="Anna"))
    known = searched(hub, hub.untrusted, query=are("base.contacts.email", "EQUALS", "a@b.it"))
    assert [each["id"] for each in known["elements"]] == [created["id"]]
    assert known["elements"][0]["base"]["firstName"] is None
    for query in (
        are("base.contacts.email", "GT", "a"),
        are("base.contacts.email", "IN", "@"),
        are("base.firstName", "EQUALS", "Anna"),
        {"type": "combined", "conjunction": "UNION", "queries": [are("base.dob", "IS_NULL")]},
        are("base.contacts.email", "NOT_EQUALS", "a@b.it"),
        {
            "type": "combined",
            "conjunction": "EXCEPT",
            "queries": [
                are("externalId", "EQUALS", "1"),
                are("base.contacts.email", "EQUALS", "c@d.it"),
            ],
        },
    ):
        assert searched(hub, hub.untrusted, query=query).status == 403
    assert searched(hub, hub.untrusted, sort="base.lastName").status == 403


def test_other_nodes_and_deleted_customers_are_not_found(hub: Hub) -> None:
    hub.post_customer(nodeId=str(hub.other_node.id))
    gone = hub.post_customer()
    hub.trusted.delete(f"{hub.path}/customers/{gone['id']}")
    everybody = are("id", "IS_NOT_NULL")
    assert searched(hub, query=everybody)["page"]["totalUnfilteredElements"] == 0
    assert searched(hub, query=everybody)["elements"] == []


MANY = """
INSERT INTO customers_customer
    (id, workspace_id, node_id, external_id, enabled, version, deleted, registered_at,
     updated_at, match_key, base, consents, extended, tags)
SELECT gen_random_uuid(), %s, %s, number::text, true, 1, 0, now(),
       now() + number * interval '1 second', sha256(('[["base.contacts.email"],false,["p' || number || '@x.it"]]')::bytea),
       jsonb_build_object('lastName', 'L' || number, 'firstName', 'F' || number,
                          'contacts', jsonb_build_object('email', 'P' || number || '@x.it')),
       '{}', jsonb_build_object('card', number), '{}'
FROM generate_series(1, 20000) AS number
"""


def test_indexes_are_used(live_hub: Hub) -> None:
    hub = live_hub
    path = f"{hub.configuration}/properties/extended"
    assert hub.operator.put(path, {"card": {"type": "number", "indexed": True}}).status == 200
    with connection.cursor() as cursor:
        cursor.execute(MANY, [hub.workspace.id, hub.node.id])
    reconcile()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE customers_customer")
    by_value = {
        "customer_email": are("base.contacts.email", "EQUALS", "p77@X.it"),
        "customer_last_name": are("base.lastName", "EQUALS", "L77"),
        "customer_first_name": are("base.firstName", "IN", ["F77", "F78"]),
        "extended_": are("extended.card", "EQUALS", 77),
        "customer_external_id": are("externalId", "EQUALS", "77"),
    }
    for index, query in by_value.items():
        plan = explained(hub, query)
        assert index in plan.split("page")[0], plan
        total = searched(hub, query=query)["page"]["totalElements"]
        assert total == (2 if "first" in index else 1), index
    assert "customer_newest_in_node" in explained(hub, None)
    by_name = explained(hub, None, [SortKey("base.lastName", descending=False)])
    assert "customer_last_name" in by_name
    assert "Sort Key: (lower" not in by_name
    page = searched(hub, page=999, size=10)["page"]
    assert page.pop("next")
    assert page == {
        "size": 10, "totalElements": 10_000, "totalUnfilteredElements": 20_000,
        "totalPages": 1000, "number": 999,
    }  # fmt: skip
    assert len(searched(hub, page=999, size=10)["elements"]) == 10
    assert searched(hub, page=1000, size=10)["elements"] == []
    assert searched(hub, page=10**17, query=are("id", "IS_NOT_NULL"))["elements"] == []
    # No transaction undoes an index.
    assert hub.operator.put(path, {"card": {"type": "number"}}).status == 200
    reconcile()


def explained(hub: Hub, query: Any, sort: Any = NEWEST_FIRST, after: Any = None) -> str:
    """The plan of a search, caught on its way to the database."""
    workspace = latest_rules_of(hub.workspace.id)
    assert workspace is not None
    plans = []

    def explain(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if "AS page JOIN" in sql or "FROM page JOIN" in sql:
            with connection.connection.cursor() as cursor:
                cursor.execute("EXPLAIN " + sql, params)
                plans.append("\n".join(line for (line,) in cursor.fetchall()))
        return execute(sql, params, many, context)

    if query is not None:
        query, faults = parse_search_query({"query": query}, workspace)
        assert faults == []
    with connection.execute_wrapper(explain):
        search = Search(None, query, sort, Page(0, 10), after)
        search_customers(workspace, workspace.nodes[hub.node.id], search)
    return plans[0]


@pytest.mark.parametrize("blank", ["", *WHITESPACE, WHITESPACE])
def test_blank_text_is_no_value(hub: Hub, blank: str) -> None:
    blank_tags = {"tags": {"manual": [blank]}, "externalId": "blank"}
    spoken_tags = {"tags": {"manual": [blank, f"{blank}x"]}, "externalId": "spoken"}
    hub.post_customer(base=person("a@x.it", lastName=blank), **blank_tags)
    hub.post_customer(base=person("b@x.it", lastName=f"{blank}x{blank}"), **spoken_tags)
    for attribute in ("base.lastName", "tags.manual"):
        for operator, needed in (("IS_NULL", "blank"), ("IS_NOT_NULL", "spoken")):
            found = searched(hub, query=are(attribute, operator))["elements"]
            assert [each["externalId"] for each in found] == [needed], (attribute, operator)
