"""Who goes when somebody is forgotten, what the plan says before, and what the receipt proves after."""

from __future__ import annotations

import hashlib
import io
import json
import threading
import uuid
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.db.utils import DatabaseError

from configuration.models import StaffChange
from customers.models import Customer, ErasureReceipt
from tests.analytics.test_answers import post_event
from tests.customers.test_aggregates import activate, make, people
from tests.factories import Hub, make_node

DAY = "2026-01-02T03:04:05.000Z"


def protected(hub: Hub, customer: str, rest: str = "") -> str:
    return f"{hub.path}/data-protection/customers/{customer}{rest}"


def post(hub: Hub, email: str, node: Any = None, **values: Any) -> str:
    base = {"contacts": {"email": email}} | values.pop("base", {})
    answer = hub.post_customer(hub.admin, nodeId=str((node or hub.node).id), base=base, **values)
    assert answer.status == 201, answer.content
    return str(answer["id"])


def forget(hub: Hub, customer: str, **query: Any) -> Any:
    answer = hub.clients["DPO"].delete(protected(hub, customer), query={"receipt": "true"} | query)
    assert answer.status == 200, answer.content
    return answer.json


def ids_of(answer: Any) -> set[str]:
    return {each["id"] for each in answer["customers"]}


def states(*customers: str) -> list[int]:
    known = dict(Customer.objects.values_list("id", "deleted"))
    return [known[uuid.UUID(each)] for each in customers]


def delete(hub: Hub, customer: str) -> None:
    assert hub.admin.delete(f"{hub.path}/customers/{customer}").status == 200


def wait_for(hub: Hub, kind: str, value: str) -> str:
    body = {
        "type": "searched", "context": "WEB", "properties": {"keyword": "boots"},
        "bringBackProperties": {"type": kind, "value": value, "nodeId": str(hub.node.id)},
    }  # fmt: skip
    answer = hub.trusted.post(f"{hub.path}/events", body)
    assert answer.status == 202, answer.content
    return str(answer["id"])


def test_forgetting_takes_those_who_were_deleted_before_with_the_same_key_or_external_id(
    hub: Hub,
) -> None:
    first = post(hub, "Ada@x.it", externalId="old")
    delete(hub, first)
    second = post(hub, "other@x.it", externalId="A-1")
    delete(hub, second)
    stranger = post(hub, "stranger@x.it", externalId="S")
    delete(hub, stranger)
    elsewhere = post(hub, "ada@x.it", hub.other_node, externalId="A-1")
    ada = post(hub, "ada@x.it", externalId="A-1")
    receipt = forget(hub, ada)
    assert ids_of(receipt) == {first, second, ada}
    assert states(first, second, ada, stranger, elsewhere) == [-1, -1, -1, 1, 0]
    assert receipt["tables"]["customers_customer"] == 3


def test_a_live_customer_stays_when_one_who_was_deleted_is_forgotten(hub: Hub) -> None:
    before = post(hub, "ada@x.it")
    delete(hub, before)
    again = post(hub, "ada@x.it")
    assert ids_of(forget(hub, before)) == {before}
    assert states(again) == [0]


def test_forgetting_takes_the_events_that_wait_for_the_person(hub: Hub) -> None:
    ada = post(hub, "ada@x.it", externalId="A-1")
    hub.trusted.post(f"{hub.path}/customers/{ada}/sessions", {"value": "visit"})
    post_event(hub, ada, "searched", "WEB", DAY, keyword="k")
    delete(hub, ada)
    waiting = wait_for(hub, "EXTERNAL_ID", "A-1")
    others = wait_for(hub, "EXTERNAL_ID", "A-2")
    receipt = forget(hub, ada)
    assert hub.admin.get(f"{hub.path}/events/{waiting}").status == 404
    assert hub.admin.get(f"{hub.path}/events/{others}").status == 200
    assert receipt["tables"]["events_event"] >= 1


def test_the_scope_workspace_takes_the_same_person_in_every_node(hub: Hub) -> None:
    ada = post(hub, "ada@x.it", externalId="1")
    there = post(hub, "ADA@x.it", hub.other_node, externalId="7")
    gone = post(hub, "ada2@x.it", hub.other_node, externalId="8")
    delete(hub, gone)
    # Another shop has given somebody else the same number.
    bruno = post(hub, "bruno@x.it", hub.other_node, externalId="1")
    assert ids_of(forget(hub, ada, scope="workspace")) == {ada, there}
    assert states(ada, there, bruno, gone) == [-1, -1, 0, 1]


def test_a_node_that_knows_people_by_their_external_ids_has_another_person_with_one(
    hub: Hub,
) -> None:
    shop = make_node(hub.workspace, unique_properties=["externalId"], case_sensitive=False)
    ada = post(hub, "ada@x.it", externalId="1")
    same_number = post(hub, "bruno@x.it", shop, externalId="1")
    same_address = post(hub, "ada@x.it", shop, externalId="2")
    assert ids_of(forget(hub, ada, scope="workspace")) == {ada, same_address}
    assert states(same_number) == [0]


def test_forgetting_an_aggregate_customer_forgets_all_its_members(hub: Hub) -> None:
    one, two = post(hub, "ada@x.it"), post(hub, "ada@x.it", hub.other_node)
    before = post(hub, "bruno@x.it", externalId="b")
    node = make(hub)
    activate(hub, node)
    ada = next(
        each["id"] for each in people(hub, node)
        if each["base"]["contacts"]["email"] == "ada@x.it"
    )  # fmt: skip
    plan = hub.clients["DPO"].get(protected(hub, ada, "/erasure-plan"))
    assert {each["reason"] for each in plan["customers"]} == {"MEMBER"}
    receipt = forget(hub, ada)
    assert ids_of(receipt) == ids_of(plan) == {one, two}
    assert states(one, two, before) == [-1, -1, 0]
    assert [each["base"]["contacts"]["email"] for each in people(hub, node)] == ["bruno@x.it"]
    assert hub.clients["DPO"].delete(protected(hub, ada)).status == 404


def test_the_plan_counts_what_the_receipt_then_has(hub: Hub) -> None:
    ada = post(
        hub, "ada@x.it", externalId="A-1",
        consents={"disclaimer": {"version": "terms"}, "profiling": {"online": {"status": True}}},
    )  # fmt: skip
    there = post(hub, "ada@x.it", hub.other_node)
    hub.trusted.post(f"{hub.path}/customers/{ada}/sessions", {"value": "visit"})
    for each in (ada, ada, there):
        post_event(hub, each, "searched", "WEB", DAY, keyword="k")
    StaffChange.objects.create(
        workspace_id=hub.workspace.id, customer_id=ada, method="POST", path="/", summary="Edit",
        before={"base": {"firstName": "Ada"}},
    )  # fmt: skip
    activate(hub, make(hub))
    for scope in ("node", "workspace"):
        plan = hub.clients["DPO"].get(protected(hub, ada, "/erasure-plan"), query={"scope": scope})
        assert plan.status == 200, plan.content
        assert plan["scope"] == scope.upper()
    assert plan["tables"] == {
        "configuration_staffchange": 1, "customers_aggregatemember": 2,
        "customers_consentlogentry": 2, "customers_customer": 2, "customers_session": 1,
        "events_event": 3,
    }  # fmt: skip
    assert {each["id"]: each["reason"] for each in plan["customers"]} == {
        ada: "ASKED_FOR", there: "SAME_PERSON",
    }  # fmt: skip
    receipt = forget(hub, ada, scope="workspace")
    assert receipt["tables"] == plan["tables"]
    assert receipt["files"] == plan["files"]
    entry = StaffChange.objects.get(customer_id=ada, summary="Edit")
    assert entry.before is None


def test_a_plan_changes_nothing_and_is_refused_for_the_unknown(hub: Hub) -> None:
    ada = post(hub, "ada@x.it")
    dpo = hub.clients["DPO"]
    assert dpo.get(protected(hub, ada, "/erasure-plan")).status == 200
    assert states(ada) == [0]
    assert dpo.get(protected(hub, ada, "/erasure-plan"), query={"scope": "galaxy"}).status == 400
    assert dpo.delete(protected(hub, ada), query={"scope": "galaxy"}).status == 400
    assert dpo.get(protected(hub, str(uuid.uuid4()), "/erasure-plan")).status == 404
    assert dpo.get(protected(Hub(), ada, "/erasure-plan")).status == 403


def test_the_answer_leads_to_a_receipt_without_personal_data(hub: Hub) -> None:
    ada = post(hub, "ada@x.it", externalId="A-1", base={"firstName": "Adalgisa"})
    dpo = hub.clients["DPO"]
    answer = dpo.delete(protected(hub, ada))
    assert (answer.status, answer.content) == (204, b"")
    address = answer.headers["Location"]
    receipt = dpo.get(address[address.index("/workspaces") :])
    assert receipt.status == 200
    assert receipt["customers"] == [{"id": ada, "nodeId": str(hub.node.id)}]
    assert receipt["requestedBy"]["userId"] is not None
    assert (receipt["cause"], receipt["scope"]) == ("REQUEST", "NODE")
    text = receipt.content.decode().lower()
    assert not [trace for trace in ("ada@", "adalgisa", "a-1") if trace in text]
    listed = dpo.get(f"{hub.path}/data-protection/receipts", query={"customerId": ada})
    assert listed["elements"] == [receipt.json]
    nobody = dpo.get(f"{hub.path}/data-protection/receipts", query={"customerId": uuid.uuid4()})
    assert nobody["elements"] == []
    other = Hub()
    elsewhere = f"{other.path}/data-protection/receipts/{receipt['id']}"
    assert other.clients["DPO"].get(elsewhere).status == 404


def independent_hash(receipt: dict[str, Any]) -> str:
    """As the documentation says that anybody can reckon it."""
    content = {name: value for name, value in receipt.items() if name != "hash"}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def test_receipts_are_a_chain_that_anybody_can_reckon(hub: Hub) -> None:
    for number in range(3):
        forget(hub, post(hub, f"p{number}@x.it"))
    query = {"sort": "number,asc"}
    listed = hub.clients["DPO"].get(f"{hub.path}/data-protection/receipts", query=query)
    previous = "0" * 64
    for number, receipt in enumerate(listed["elements"], 1):
        assert receipt["number"] == number
        assert receipt["previousHash"] == previous
        assert receipt["hash"] == independent_hash(receipt)
        previous = receipt["hash"]
    assert len(listed["elements"]) == 3


def verified() -> str:
    out = io.StringIO()
    call_command("verify_receipts", stdout=out, stderr=out)
    return out.getvalue()


def without_trigger(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE customers_erasurereceipt DISABLE TRIGGER USER")
        cursor.execute(statement)
        cursor.execute("ALTER TABLE customers_erasurereceipt ENABLE TRIGGER USER")


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE customers_erasurereceipt SET moment = moment - interval '1 day' WHERE number = 2",
        "UPDATE customers_erasurereceipt SET tables = '{}' WHERE number = 3",
        "UPDATE customers_erasurereceipt SET hash = previous_hash WHERE number = 3",
        "DELETE FROM customers_erasurereceipt WHERE number = 2",
        "DELETE FROM customers_erasurereceipt WHERE number = 1",
    ],
)
def test_a_receipt_that_was_changed_or_taken_away_is_found(hub: Hub, tampering: str) -> None:
    for number in range(3):
        forget(hub, post(hub, f"p{number}@x.it"))
    assert "receipts 1 to 3, unbroken" in verified()
    without_trigger(tampering)
    with pytest.raises(CommandError):
        verified()


@pytest.mark.parametrize("change", ["DELETE FROM customers_erasurereceipt",
    "UPDATE customers_erasurereceipt SET user_id = NULL"])  # fmt: skip
def test_the_database_refuses_to_change_receipts(hub: Hub, change: str) -> None:
    forget(hub, post(hub, "ada@x.it"))
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(change)


def test_erasures_at_the_same_time_do_not_fork_the_chain(live_hub: Hub) -> None:
    hub = live_hub
    customers = [post(hub, f"p{number}@x.it") for number in range(8)]
    ready = threading.Barrier(len(customers))
    statuses = []

    def forget_at_once(customer: str) -> None:
        ready.wait()
        statuses.append(hub.clients["DPO"].delete(protected(hub, customer)).status)
        connection.close()

    threads = [threading.Thread(target=forget_at_once, args=[each]) for each in customers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert statuses == [204] * len(customers)
    numbers = ErasureReceipt.objects.order_by("number").values_list("number", flat=True)
    assert list(numbers) == list(range(1, len(customers) + 1))
    assert "unbroken" in verified()
