"""What is refused is counted, kept for a while, mended and sent again."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contacthub_project.runtime import metrics
from customers.actions import quarantine, refusal_writes
from customers.actions.refusals import recorder
from customers.models import Customer, QuarantinedRequest, RefusalCount
from events.models import Event
from tests.bulkjobs.test_jobs import process, upload
from tests.client import Answer, ApiClient
from tests.factories import Hub, make_token, make_user

NOBODY = str(UUID(int=0))
EVENT = {"type": "loggedIn", "context": "WEB", "properties": {}}


@pytest.fixture(autouse=True)
def _no_notes_of_others() -> None:
    recorder.drop()


def refuse(hub: Hub, body: Any = None, client: ApiClient | None = None, **values: Any) -> Answer:
    body = EVENT | {"customerId": NOBODY} | values if body is None else body
    answer = (client or hub.trusted).post(f"{hub.path}/events", body)
    assert answer.status >= 400
    return answer


def kept(hub: Hub, **query: str) -> list[dict[str, Any]]:
    recorder.write()
    answer = hub.admin.get(f"{hub.path}/quarantine", query=query)
    assert answer.status == 200, answer.content
    elements: list[dict[str, Any]] = answer["elements"]
    return elements


def counted(hub: Hub, **query: str) -> dict[tuple[str, str | None, str], int]:
    recorder.write()
    answer = hub.admin.get(f"{hub.path}/refusals", query=query)
    assert answer.status == 200, answer.content
    return {
        (each["entity"], each["type"], each["reason"]): each["count"] for each in answer["elements"]
    }


def replay(hub: Hub, request_id: str, client: ApiClient | None = None, **body: Any) -> Answer:
    return (client or hub.admin).post(f"{hub.path}/quarantine/{request_id}/replay", body)


def test_refusals_are_counted_by_their_reason(hub: Hub) -> None:
    customer = hub.post_customer(enabled=False)["id"]
    off = f"{hub.configuration}/events/loggedOut/enabled"
    assert hub.operator.put(off, {"value": False}).status < 300
    refuse(hub)
    refuse(hub)
    refuse(hub, customerId=customer)
    refuse(hub, customerId=None)
    refuse(hub, type="nothing")
    refuse(hub, type="loggedOut", customerId=customer)
    refuse(hub, customerId=None, bringBackProperties={"value": "null", "nodeId": str(hub.node.id)})
    refuse(hub, customerId=None, bringBackProperties={"value": "v", "nodeId": NOBODY})
    hub.trusted.post(f"{hub.path}/events", raw=b"{")
    wrong = hub.post_customer(base={"contacts": {"email": "wrong"}})
    junk = hub.post_customer(externalId="null")
    assert (wrong.status, junk.status) == (400, 400)
    assert counted(hub) == {
        ("EVENT", "loggedIn", "UNKNOWN_CUSTOMER"): 2,
        ("EVENT", "loggedIn", "CUSTOMER_DISABLED"): 1,
        ("EVENT", "loggedIn", "VALIDATION"): 1,
        ("EVENT", None, "VALIDATION"): 2,
        ("EVENT", "loggedOut", "TYPE_DISABLED"): 1,
        ("EVENT", "loggedIn", "JUNK_IDENTIFIER"): 1,
        ("EVENT", "loggedIn", "UNKNOWN_NODE"): 1,
        ("CUSTOMER", None, "VALIDATION"): 1,
        ("CUSTOMER", None, "JUNK_IDENTIFIER"): 1,
    }
    assert counted(hub, reason="JUNK_IDENTIFIER", entity="CUSTOMER") == {
        ("CUSTOMER", None, "JUNK_IDENTIFIER"): 1
    }
    assert counted(hub, sourceId=NOBODY) == counted(hub, dateTo="2020-01-01") == {}
    assert sum(counted(hub, sourceId=str(hub.source.id), interval="HOUR").values()) == 11
    exposed = metrics.REGISTRY.get_sample_value(
        "contacthub_refused_data_total",
        {
            "workspace": str(hub.workspace.id), "source": str(hub.source.id), "entity": "EVENT",
            "type": "loggedIn", "reason": "UNKNOWN_CUSTOMER",
        },
    )  # fmt: skip
    assert exposed == 2


def test_refused_changes_are_counted_and_not_kept(hub: Hub) -> None:
    customer = hub.post_customer()["id"]
    event = hub.trusted.post(f"{hub.path}/events", EVENT | {"customerId": customer})["id"]
    path = f"{hub.path}/customers/{customer}"
    wrong = {"nodeId": str(hub.node.id), "base": {"contacts": {"email": 7}}}
    for send in (hub.trusted.patch, hub.trusted.put):
        assert send(path, wrong).status == 400
    assert hub.trusted.patch(f"{hub.path}/events/{event}", {"properties": 7}).status == 400
    assert hub.trusted.patch(f"{hub.path}/customers/{NOBODY}", wrong).status == 404
    assert counted(hub) == {
        ("CUSTOMER", None, "VALIDATION"): 2,
        ("EVENT", None, "VALIDATION"): 1,
    }
    assert kept(hub) == []


def test_what_is_not_about_the_data_is_not_counted(hub: Hub) -> None:
    hub.clients["GUEST"].post(f"{hub.path}/events", EVENT)
    hub.trusted.post(f"{hub.path}/events", EVENT, Idempotency_Key="")  # counted: a wrong request
    hub.operator.put(f"{hub.configuration}/throttling", {"maxRequestsPerMinute": 1})
    for _ in range(3):
        hub.trusted.post(f"{hub.path}/events", EVENT | {"customerId": NOBODY})
    hub.operator.put(f"{hub.configuration}/throttling", {"maxRequestsPerMinute": 0})
    assert sum(counted(hub).values()) <= 2


def test_an_example_says_what_was_sent_and_why_not(hub: Hub) -> None:
    customer = hub.post_customer()["id"]
    refused = refuse(
        hub, customerId=customer, type="searched", properties={"keyword": 5, "x": "\0"}
    )
    (example,) = kept(hub)
    assert example["errors"] == refused["errors"]
    assert example | {"id": 0, "refusedAt": 0, "errors": 0} == {
        "id": 0, "entity": "EVENT", "type": "searched", "reason": "VALIDATION", "origin": "REQUEST",
        "nodeId": str(hub.node.id), "sourceId": str(hub.source.id), "refusedAt": 0,
        "message": refused["message"], "errors": 0, "text": None, "replayedAt": None, "entityId": None,
        "body": EVENT | {"customerId": customer, "type": "searched", "properties": {"keyword": 5, "x": "\0"}},
    }  # fmt: skip
    assert hub.admin.get(f"{hub.path}/quarantine/{example['id']}").json == example
    assert hub.admin.delete(f"{hub.path}/quarantine/{example['id']}").status == 204
    assert kept(hub) == []


def test_passwords_are_not_kept(hub: Hub) -> None:
    base = {
        "contacts": {"email": "wrong"},
        "credential": {"username": "ada", "password": "zanzibar"},
    }
    hub.post_customer(hub.admin, base=base)
    hub.trusted.post(f"{hub.path}/customers", raw=b'{"password": "zanzibar"')
    first, second = kept(hub)
    assert second["body"]["base"]["credential"] == {"username": "ada", "password": None}
    assert first["text"] == ""
    assert not QuarantinedRequest.objects.filter(body__contains="zanzibar").exists()


def test_batches_and_rows_of_files(hub: Hub, settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT = tmp_path
    (tmp_path / "bulk-jobs").mkdir()
    customer = hub.post_customer()["id"]
    good = EVENT | {"customerId": customer}
    batch = [good, EVENT | {"customerId": NOBODY}, 5, good | {"type": "x"}]
    assert hub.trusted.post(f"{hub.path}/events/batch", {"events": batch}).status == 202
    upload(hub, "base.contacts.email,base.firstName\nwrong,Zoe\nright@example.com,Bea\n")
    while not process(seconds=60):
        pass
    assert counted(hub) == {
        ("EVENT", "loggedIn", "UNKNOWN_CUSTOMER"): 1, ("EVENT", None, "VALIDATION"): 2,
        ("CUSTOMER", None, "VALIDATION"): 1,
    }  # fmt: skip
    row, *rest = kept(hub)
    assert [each["origin"] for each in (row, *rest)] == ["BULK_JOB", "BATCH", "BATCH", "BATCH"]
    assert row["body"] == {
        "nodeId": str(hub.node.id), "base": {"contacts": {"email": "wrong"}, "firstName": "Zoe"}
    }  # fmt: skip
    mended = {"base": {"contacts": {"email": "zoe@example.com"}}}
    assert replay(hub, row["id"], patch=mended)["outcome"] == "ACCEPTED"
    assert Customer.objects.filter(base__firstName="Zoe").count() == 1


def test_mended_and_sent_again_once(hub: Hub) -> None:
    customer = hub.post_customer()["id"]
    refuse(hub)
    (example,) = kept(hub)
    again = replay(hub, example["id"])
    assert (again["outcome"], again["status"]) == ("REFUSED", 404)
    patch = {"customerId": customer}
    tried = replay(hub, example["id"], patch=patch, dryRun=True)
    assert (tried["outcome"], tried["dryRun"], tried["entityId"]) == ("ACCEPTED", True, None)
    assert not Event.objects.exists()
    done = replay(hub, example["id"], patch=patch)
    assert done["outcome"] == "ACCEPTED"
    event = Event.objects.get()
    assert (str(event.id), str(event.customer_id)) == (done["entityId"], customer)
    assert event.registered_by == str(hub.source.id)
    assert replay(hub, example["id"], patch=patch).json == done.json
    assert replay(hub, example["id"], dryRun=True)["entityId"] == done["entityId"]
    assert Event.objects.count() == 1
    assert kept(hub, state="REFUSED") == []
    assert kept(hub, state="REPLAYED")[0]["entityId"] == done["entityId"]


def test_many_are_sent_again(hub: Hub) -> None:
    customer = hub.post_customer()["id"]
    refuse(hub)
    refuse(hub, type="nothing")
    ids = [each["id"] for each in kept(hub)]
    path = f"{hub.path}/quarantine/replay"
    done = hub.admin.post(path, {"ids": ids, "patch": {"customerId": customer}})
    assert {each["outcome"] for each in done["elements"]} == {"ACCEPTED", "REFUSED"}
    assert [each["id"] for each in done["elements"]] == ids
    for wrong in ({"ids": []}, {"ids": [*ids, NOBODY]}, {"ids": ids, "patch": 5}, {"ids": [5]}):
        assert hub.admin.post(path, wrong).status == 400
    assert replay(hub, ids[0], unknown=1).status == 400


def test_the_same_example_from_many_at_once(live_hub: Hub) -> None:
    hub = live_hub
    customer = hub.post_customer()["id"]
    refuse(hub)
    (example,) = kept(hub)
    answers: list[Answer] = []

    def send() -> None:
        try:
            answers.append(replay(hub, example["id"], patch={"customerId": customer}))
        finally:
            connection.close()

    threads = [threading.Thread(target=send) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({each["entityId"] for each in answers}) == 1
    assert Event.objects.count() == 1


def test_examples_are_those_of_the_callers_nodes(hub: Hub) -> None:
    refuse(hub)
    hub.post_customer(base={"contacts": {"email": "wrong"}})
    (one, _) = kept(hub)
    grants = {hub.node: "R"}
    reader = ApiClient(make_token(make_user("USER", workspaces=(hub.workspace,), grants=grants)))
    other = {hub.other_node: "RW"}
    stranger = ApiClient(make_token(make_user("USER", workspaces=(hub.workspace,), grants=other)))
    assert [each["id"] for each in reader.get(f"{hub.path}/quarantine")["elements"]] == [one["id"]]
    assert stranger.get(f"{hub.path}/quarantine")["elements"] == []
    assert replay(hub, one["id"], stranger).status == 404
    mended = {"base": {"contacts": {"email": "right@example.com"}}}
    assert replay(hub, one["id"], reader, patch=mended)["status"] == 403
    assert not Customer.objects.exists()


def test_only_the_latest_are_kept_and_for_a_week(hub: Hub, monkeypatch: Any) -> None:
    monkeypatch.setattr(refusal_writes, "MOST_QUARANTINED", 3)
    for number in range(5):
        refuse(hub, context=f"C{number}")
    assert [each["body"]["context"] for each in kept(hub)] == ["C4", "C3", "C2"]
    old = timezone.now() - timedelta(days=8)
    QuarantinedRequest.objects.filter(body__contains="C3").update(refused_at=old)
    RefusalCount.objects.create(
        workspace_id=hub.workspace.id, hour=old - timedelta(days=30), entity="EVENT", type="",
        reason="VALIDATION", count=1,
    )  # fmt: skip
    quarantine.remove_old()
    assert [each["body"]["context"] for each in kept(hub)] == ["C4", "C2"]
    assert RefusalCount.objects.count() == 1


def test_switched_off(hub: Hub) -> None:
    refuse(hub)
    assert len(kept(hub)) == 1
    assert hub.admin.put(hub.configuration, {"quarantine": False}).status == 200
    refuse(hub)
    assert len(kept(hub)) == 1
    assert sum(counted(hub).values()) == 2
    quarantine.remove_old()
    assert kept(hub) == []


def test_examples_go_with_the_person(hub: Hub) -> None:
    person = hub.post_customer(
        externalId="zebra", base={"firstName": "Zebedee", "lastName": "O'Quill \"Z\"",
        "contacts": {"email": "Zebedee@quill.example", "mobilePhone": "+39055123"}},
    )["id"]  # fmt: skip
    hub.trusted.post(f"{hub.path}/customers/{person}/sessions", {"value": "visit"})
    names = {"firstName": "ZEBEDEE", "lastName": 'o\'quill "z"'}
    for wrong in (
        EVENT | {"customerId": person, "type": "x"},
        EVENT | {"type": "x", "bringBackProperties": {"value": "visit", "nodeId": NOBODY}},
        EVENT | {"type": "searched", "properties": {"keyword": ["for zebedee@QUILL.example"]}},
    ):
        refuse(hub, wrong)
    for base in (names, {"contacts": {"mobilePhone": "+39055123", "email": "x"}}):
        assert hub.post_customer(base=base).status == 400
    refuse(
        hub, EVENT | {"customerId": NOBODY, "properties": {"keyword": "visitor", "a": "Zebedee"}}
    )
    assert len(kept(hub)) == 6
    dpo, path = hub.clients["DPO"], f"{hub.path}/data-protection/customers/{person}"
    plan = dpo.get(f"{path}/erasure-plan")
    assert plan["tables"]["customers_quarantinedrequest"] == 5
    refuse(hub, EVENT | {"customerId": person, "type": "y"})  # noted, and not written yet
    receipt = dpo.delete(path, query={"receipt": "true"})
    assert receipt["tables"]["customers_quarantinedrequest"] == 5
    (left,) = kept(hub)
    assert left["body"]["customerId"] == NOBODY


def test_the_export_has_the_examples_that_quote_the_person(hub: Hub) -> None:
    base = {"contacts": {"email": "ada@quill.example"}}
    person = hub.post_customer(base=base)["id"]
    exporting = f"{hub.path}/data-protection/customers/{person}/export"
    dpo = hub.clients["DPO"]
    assert "quarantinedRequests" not in dpo.get(exporting).json
    nowhere = {"value": "v", "nodeId": NOBODY}
    refuse(hub, EVENT | {"customerId": person, "type": "searched", "properties": {"keyword": 5}})
    keyword = {"keyword": "for ada@QUILL.example"}
    refuse(hub, EVENT | {"type": "searched", "bringBackProperties": nowhere, "properties": keyword})
    wrong = hub.post_customer(nodeId=str(hub.other_node.id), base=base | {"firstname": "Ada"})
    assert wrong.status == 400
    everything = kept(hub)[::-1]
    refuse(hub)
    hub.post_customer(base={"contacts": {"email": "wrong"}})
    assert len(kept(hub)) == 5
    assert dpo.get(exporting)["quarantinedRequests"] == everything
    page = dpo.get(exporting, query={"format": "html"}).content.decode()
    assert "Quarantined requests" in page
    assert "for ada@QUILL.example" in page
    held = dpo.get(exporting.removesuffix("/export"))
    assert held["lists"]["quarantinedRequests"] == everything


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(body=JSON)
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_whatever_is_sent_is_kept_as_it_was(hub: Hub, body: Any) -> None:
    QuarantinedRequest.objects.all().delete()
    answer = hub.trusted.post(f"{hub.path}/events", body)
    assert answer.status == 400
    (example,) = kept(hub)
    assert (example["body"] if isinstance(body, dict) else example["text"]) is not None
    if isinstance(body, dict):
        assert example["body"] == body
    replay(hub, example["id"], patch={"customerId": NOBODY})
