"""The register of requests: entered, due, answered by acts, without a word of who is forgotten."""

from __future__ import annotations

import uuid
from datetime import date, timedelta
from typing import Any

import pytest

from configuration.queries.rules import latest_rules_of
from customers.actions.data_subject_requests import today_in
from customers.models import DataSubjectRequest
from tests.client import Answer
from tests.customers.test_aggregates import activate, make, merge_all_pending, people
from tests.customers.test_data_protection import dump
from tests.customers.test_erasure import forget, post, protected
from tests.factories import Hub


def post_request(hub: Hub, **body: Any) -> Answer:
    return hub.clients["DPO"].post(f"{hub.path}/data-protection/requests", body)


def register(hub: Hub, **query: Any) -> list[dict[str, Any]]:
    answer = hub.clients["DPO"].get(f"{hub.path}/data-protection/requests", query=query)
    assert answer.status == 200, answer.content
    return answer["elements"]


def today(hub: Hub) -> date:
    rules = latest_rules_of(hub.workspace.id)
    assert rules is not None
    return today_in(rules)


def test_a_request_is_due_after_thirty_days_and_late_after_that(hub: Hub) -> None:
    now = today(hub)
    made = post_request(hub, type="ACCESS", subject="Ada, by phone")
    assert made.status == 201, made.content
    assert (made["receivedOn"], made["dueOn"]) == (f"{now}", f"{now + timedelta(days=30)}")
    assert made["state"] == "OPEN"
    late = post_request(
        hub, type="ERASURE", subject="Bea", receivedOn=f"{now - timedelta(days=31)}"
    )
    last_day = post_request(
        hub, type="ERASURE", subject="Cleo", receivedOn=f"{now - timedelta(days=30)}"
    )
    assert [each["id"] for each in register(hub, state="OVERDUE")] == [late["id"]]
    assert [each["id"] for each in register(hub, state="OPEN", sort="dueOn,asc")] == [
        late["id"], last_day["id"], made["id"],
    ]  # fmt: skip
    path = f"{hub.path}/data-protection/requests/{late['id']}"
    extended = hub.clients["DPO"].put(path, {"dueOn": f"{now + timedelta(days=61)}"})
    assert extended.status == 200, extended.content
    assert register(hub, state="OVERDUE") == []
    closed = hub.clients["DPO"].put(path, {"state": "REFUSED", "note": "not hers"})
    assert closed["closedAt"] is not None
    assert closed["closedBy"] == closed["createdBy"]
    again = hub.clients["DPO"].put(path, {"state": "OPEN"})
    assert (again["closedAt"], again["closedBy"]) == (None, None)


def test_what_is_no_request_is_refused(hub: Hub) -> None:
    now = today(hub)
    for wrong in (
        {}, {"type": "RETURN", "subject": "x"}, {"type": "ACCESS"}, {"type": "ACCESS", "subject": " "},
        {"type": "ACCESS", "subject": "x", "receivedOn": f"{now + timedelta(days=1)}"},
        {"type": "ACCESS", "subject": "x", "dueOn": f"{now - timedelta(days=1)}"},
        {"type": "ACCESS", "subject": "x", "dueOn": f"{now + timedelta(days=93)}"},
        {"type": "ACCESS", "customerId": str(uuid.uuid4())},
        {"type": "ACCESS", "customerId": post(Hub(), "ada@x.it")},
        {"type": "ACCESS", "subject": "x" * 256}, {"type": "ACCESS", "subject": 5},
        {"type": "ACCESS", "subject": "x", "receivedOn": 5},
        {"type": "ACCESS", "subject": "x", "receivedOn": "9999-99-99"},
        {"type": "ACCESS", "subject": "x", "state": "DONE"},
    ):  # fmt: skip
        assert post_request(hub, **wrong).status == 400, wrong
    known = post_request(hub, type="ACCESS", subject="x")
    path = f"{hub.path}/data-protection/requests/{known['id']}"
    dpo = hub.clients["DPO"]
    assert dpo.put(path, {"id": str(uuid.uuid4())}).status == 400
    assert dpo.put(path, {"state": "LATE"}).status == 400
    assert dpo.put(path, dpo.get(path).json).status == 200
    assert dpo.put(path, {"state": "DONE"}, If_Match='"7"').status == 412
    assert dpo.get(f"{hub.path}/data-protection/requests/{uuid.uuid4()}").status == 404
    assert hub.admin.get(path).status == 403
    stranger = Hub()
    assert stranger.clients["DPO"].get(path).status == 403
    other = f"{stranger.path}/data-protection/requests/{known['id']}"
    assert stranger.clients["DPO"].get(other).status == 404


@pytest.mark.parametrize("kind", ["PORTABILITY", "RESTRICTION", "ERASURE"])
@pytest.mark.parametrize("is_entered", [True, False])
def test_an_act_answers_the_open_request_or_is_entered(
    hub: Hub, kind: str, is_entered: bool
) -> None:
    ada, bea = post(hub, "ada@x.it"), post(hub, "bea@x.it")
    if is_entered:
        post_request(hub, type=kind, customerId=ada, receivedOn=f"{today(hub) - timedelta(days=3)}")
    post_request(hub, type=kind, customerId=bea)
    dpo, receipt = hub.clients["DPO"], None
    if kind == "PORTABILITY":
        assert dpo.get(protected(hub, ada, "/export")).status == 200
    elif kind == "RESTRICTION":
        body = {"isRestricted": True}
        assert dpo.post(protected(hub, ada, "/restriction"), body).status == 200
    else:
        receipt = forget(hub, ada)["id"]
    (done,) = register(hub, customerId=ada)
    received = today(hub) - timedelta(days=3 if is_entered else 0)
    assert (done["type"], done["state"], done["receiptId"]) == (kind, "DONE", receipt)
    assert done["receivedOn"] == f"{received}"
    assert done["closedBy"] is not None
    assert [each["state"] for each in register(hub, customerId=bea)] == ["OPEN"]


def test_nothing_in_words_is_left_of_who_is_forgotten(hub: Hub) -> None:
    aggregate = make(hub)
    activate(hub, aggregate)
    ada = post(hub, "zebra@x.it", externalId="Z-4711")
    merge_all_pending()
    (copy,) = people(hub, aggregate)
    for body in (
        {"customerId": ada, "note": "zebra wrote"}, {"subject": "Mail of ZEBRA@x.it"},
        {"subject": "x", "note": "customer z-4711"}, {"customerId": copy["id"], "note": "zebra"},
    ):  # fmt: skip
        assert post_request(hub, type="OBJECTION", **body).status == 201
    kept = post_request(hub, type="OBJECTION", subject="somebody else")
    plan = hub.clients["DPO"].get(protected(hub, ada, "/erasure-plan"))
    assert plan["tables"]["customers_datasubjectrequest"] == 3  # its own, and two that quote it
    receipt = forget(hub, ada)
    assert receipt["tables"]["customers_datasubjectrequest"] >= 3
    assert "zebra" not in dump()
    assert "z-4711" not in dump()
    assert DataSubjectRequest.objects.get(id=kept["id"]).subject == "somebody else"
