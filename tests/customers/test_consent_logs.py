from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import DatabaseError, connection, transaction

from customers.models import ConsentLogEntry
from tests.client import Answer
from tests.factories import Hub


def consents(**leaf: bool) -> dict[str, Any]:
    return {"marketing": {"automatic": {"email": leaf}}}


def listed(hub: Hub, **parameters: Any) -> Answer:
    return hub.clients["DPO"].get(f"{hub.path}/consent-logs", query=parameters)


def lines(answer: Answer) -> list[tuple[str, str]]:
    return [(each["type"], each["value"]) for each in answer["elements"]]


def test_one_line_for_each_changed_leaf(hub: Hub) -> None:
    created = hub.post_customer(consents=consents(status=True, limitation=False))
    path = f"{hub.path}/customers/{created['id']}"
    hub.admin.patch(path, {"consents": consents(objection=True)})
    hub.admin.patch(path, {"consents": {"disclaimer": {"version": "v2"}}})
    hub.admin.patch(path, {"consents": {"disclaimer": {"version": "v2"}}})
    answer = listed(hub)
    assert lines(answer) == [
        ("DISCLAIMER_READ", "v2"), ("CONSENT_OBJECTED", "true"),
        ("CONSENT_CHANGED", "true"), ("CONSENT_RESTRICTED", "false"),
    ]  # fmt: skip
    newest, objected, *_, first = answer["elements"]
    assert objected["property"] == "consents.marketing.automatic.email.objection"
    assert (objected["customerId"], objected["sourceId"]) == (created["id"], None)
    assert objected["userId"] is not None
    assert (first["sourceId"], first["userId"]) == (str(hub.source.id), None)
    one = hub.clients["DPO"].get(f"{hub.path}/consent-logs/{newest['id']}")
    assert one.json == newest
    for unknown in (0, "x", 10**30, -1):
        assert hub.clients["DPO"].get(f"{hub.path}/consent-logs/{unknown}").status == 404


def test_filters(hub: Hub) -> None:
    one = hub.post_customer(
        base={"contacts": {"email": "One@x.it"}}, consents=consents(status=True)
    )
    two = hub.post_customer(nodeId=str(hub.other_node.id), consents=consents(limitation=True))
    assert listed(hub, customerId=two["id"])["page"]["totalElements"] == 1
    assert listed(hub, customerId="x")["elements"] == []
    assert lines(listed(hub, type="CONSENT_CHANGED")) == [("CONSENT_CHANGED", "true")]
    assert listed(hub, nodes=f"{hub.node.id},")["elements"][0]["customerId"] == one["id"]
    both = f"{hub.node.id},{hub.other_node.id}"
    assert listed(hub, nodes=both)["page"]["totalElements"] == 2
    path = "consents.marketing.automatic.email.limitation"
    assert listed(hub, property=path)["elements"][0]["customerId"] == two["id"]
    for key in ({"base": {"contacts": {"email": "ONE@x.it"}}}, {"base.contacts.email": "one@x.it"}):
        assert listed(hub, uniqueKey=json.dumps(key))["elements"][0]["customerId"] == one["id"]
    assert listed(hub, uniqueKey='{"base.contacts.email":"x"}')["elements"] == []
    registered = datetime.fromisoformat(one["registeredAt"])
    day = registered.astimezone(ZoneInfo(hub.workspace.timezone)).date()  # by the workspace's clock
    assert listed(hub, startDate=day, endDate=day)["page"]["totalElements"] == 2
    assert listed(hub, endDate="2020-01-01")["elements"] == []
    assert listed(hub, startDate="9999-12-31", endDate="9999-12-31")["elements"] == []
    assert listed(hub, startDate="now/d", endDate="now/d")["page"]["totalElements"] == 2
    assert listed(hub, endDate="now-1d")["elements"] == []
    assert listed(hub, startDate=10**17)["elements"] == []
    assert listed(hub, endDate=10**17, startDate=-(10**17))["page"]["totalElements"] == 2
    assert listed(hub, startDate="2020-01-01T00:00:00 0100")["page"]["totalElements"] == 2
    oldest = [each["customerId"] for each in listed(hub, sort="date")["elements"]]
    assert oldest == [one["id"], two["id"]]
    assert listed(hub, sort="property,desc", size=1)["page"]["totalPages"] == 2


@pytest.mark.parametrize(
    ("parameters", "places"),
    [
        ({"type": "X"}, {"/type"}), ({"startDate": "soon", "endDate": "2020-13-01"}, {"/startDate", "/endDate"}), ({"sort": "value"}, {"/sort"}),
        ({"uniqueKey": "{"}, {"/uniqueKey"}), ({"uniqueKey": "[]"}, {"/uniqueKey"}), ({"property": "a\0"}, {"/property"}), ({"size": 101}, {"/size"}),
        ({"uniqueKey": '{"a":"\\ud800"}'}, {"/uniqueKey"}),
    ],
)  # fmt: skip
def test_bad_filters(hub: Hub, parameters: Any, places: set[str]) -> None:
    answer = listed(hub, **parameters)
    assert (answer.status, answer.paths) == (400, places)


def test_all_faults_of_a_query_are_reported_at_once(hub: Hub) -> None:
    wrong = {
        "page": -1, "size": 101, "uniqueKey": "[]", "startDate": "soon", "endDate": "x",
        "type": "X", "property": "a\0", "sort": "value", "customerId": "a\0",
    }  # fmt: skip
    answer = listed(hub, **wrong)
    assert (answer.status, answer.paths) == (400, {f"/{name}" for name in wrong})


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE customers_consentlogentry SET value = 'false'",
        "UPDATE customers_consentlogentry SET value = NULL",
        "UPDATE customers_consentlogentry SET date = now()",
        "DELETE FROM customers_consentlogentry",
    ],
)
def test_the_database_refuses_to_rewrite_history(hub: Hub, statement: str) -> None:
    hub.post_customer(consents=consents(status=True))
    with (
        pytest.raises(DatabaseError, match="neither"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)
    assert ConsentLogEntry.objects.count() == 1
