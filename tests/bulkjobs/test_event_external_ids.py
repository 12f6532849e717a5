"""Events of files under the client's own ids."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from customers.models import Customer
from events.models import Event
from tests.bulkjobs.test_jobs import done, outcomes, upload
from tests.factories import Hub

FILES = Path(__file__).parent / "files"
EVENTS = {"entity": "EVENT", "eventType": "completedOrder"}
FILE = (
    "customerId,eventExternalId,context,date,properties.orderId\n"
    "{0},A-1,RETAIL,2026-01-05T10:00:00Z,1\n"
    "{0},A-2,RETAIL,,2\n"
    "{0},A-1,RETAIL,2026-01-05T10:00:00Z,1\n"
    "{0},A-1,WEB,2026-01-05T10:00:00Z,1\n"
    "{0},,RETAIL,,3\n"
    "{0}, ,RETAIL,,4\n"
)


def test_a_file_sent_twice_is_stored_once(hub: Hub) -> None:
    customer = hub.post_customer()["id"]
    rows = done(hub, FILE.format(customer), "INSERT", **EVENTS)
    assert outcomes(rows) == ["created", "created", "unchanged", "failed", "created", "failed"]
    assert rows[2]["id"] == rows[0]["id"]
    assert (rows[3]["column"], rows[5]["column"]) == ("eventExternalId", "eventExternalId")
    again = done(hub, FILE.format(customer), "UPSERT", **EVENTS)
    assert outcomes(again) == ["unchanged", "unchanged", "unchanged", "failed", "created", "failed"]
    assert [again[each]["id"] for each in (0, 1)] == [rows[each]["id"] for each in (0, 1)]
    assert Event.objects.filter(external_id__isnull=False).count() == 2


def test_by_id_the_external_id_can_be_given_and_changed(hub: Hub) -> None:
    customer = hub.post_customer()["id"]
    first, second = (row["id"] for row in done(hub, FILE.format(customer), "INSERT", **EVENTS)[:2])
    file = f"id,eventExternalId\n{first},A-3\n{second},A-3\n{second},null\n"
    rows = done(hub, file, "UPSERT", **EVENTS)
    assert outcomes(rows) == ["updated", "failed", "updated"]
    assert rows[1]["column"] == "eventExternalId"
    assert Event.objects.get(id=first).external_id == "A-3"
    assert Event.objects.get(id=second).external_id is None


def test_an_export_taken_in_again_changes_nothing(hub: Hub) -> None:
    """Of known customers and of those who wait; also when the event waited once."""
    customer = hub.post_customer()["id"]
    body: dict[str, Any] = {
        "type": "completedOrder", "context": "RETAIL", "date": "2026-01-05T10:00:00.123Z",
        "properties": {"orderId": "1", "amount": {"total": 12.5, "tax": 2}, "products": [{"id": "P", "quantity": 1}]},
        "contextInfo": {"store": {"id": "S"}, "client": {"ip": "10.0.0.1"}}, "tracking": {"ga": {"utm_source": "x"}},
    }  # fmt: skip
    owners: list[dict[str, Any]] = [
        {"customerId": customer},
        {"bringBackProperties": {"value": "s", "nodeId": str(hub.node.id)}},
        {"bringBackProperties": {"value": "t", "nodeId": str(hub.node.id)}},
        {"bringBackProperties": {"type": "EXTERNAL_ID", "value": "e", "nodeId": str(hub.node.id)}},
    ]
    for number, owner in enumerate(owners):
        answer = hub.trusted.post(
            f"{hub.path}/events", body | owner | {"externalId": f"=A-{number}"}
        )
        assert answer.status == 202, answer.content
    hub.trusted.post(f"{hub.path}/customers/{customer}/sessions", {"value": "s"})
    versions = dict(Event.objects.values_list("id", "version"))
    query = {"entity": "EVENT", "eventType": "completedOrder"}
    exported = hub.trusted.get(f"{hub.path}/nodes/{hub.node.id}/export", query=query)
    rows = done(hub, exported.content.decode(), "INSERT", **EVENTS)
    assert outcomes(rows) == ["unchanged"] * 4
    assert dict(Event.objects.values_list("id", "version")) == versions


def test_the_customers_external_id_is_another_column(hub: Hub) -> None:
    customer = hub.post_customer(externalId="C-1")["id"]
    file = "externalId,eventExternalId,context\nC-1,A-1,WEB\n"
    assert outcomes(done(hub, file, "INSERT", **EVENTS)) == ["created"]
    event = Event.objects.get()
    assert (str(event.customer_id), event.external_id) == (customer, "A-1")


def test_deletion_by_file_needs_ids(hub: Hub) -> None:
    job = upload(hub, "eventExternalId\nA-1\n", "DELETE", **EVENTS)
    assert job["status"] == "FAILED"


def test_external_ids_that_differ_by_case_only_are_two_people(hub: Hub) -> None:
    upper = hub.post_customer(externalId="A-1", base={"contacts": {"email": "u@x.it"}})["id"]
    lower = hub.post_customer(externalId="a-1", base={"contacts": {"email": "l@x.it"}})["id"]
    head = "externalId,context,date,properties.url\n"
    more = {"entity": "EVENT", "eventType": "viewedPage"}
    done(hub, f"{head}a-1,WEB,2026-01-01,https://x.it\nA-1,WEB,2026-01-02,https://x.it\n", **more)
    owners = [str(each.customer_id) for each in Event.objects.order_by("date")]
    assert owners == [lower, upper]
    rows = done(hub, "externalId\na-1\nA-1\nA-1\n", "DELETE")
    assert [(row["outcome"], row["id"]) for row in rows] == [
        ("deleted", lower), ("deleted", upper), ("failed", ""),
    ]  # fmt: skip


def test_where_the_node_ignores_case_they_are_one(hub: Hub) -> None:
    hub.node.unique_properties = ["externalId"]
    hub.node.case_sensitive = False
    hub.node.save()
    known = hub.post_customer(externalId="A-1")["id"]
    assert [row["id"] for row in done(hub, "externalId,base.firstName\na-1,Ada\n")] == [known]
    head = "customerId,externalId,context,date,properties.url\n"
    more = {"entity": "EVENT", "eventType": "viewedPage"}
    rows = done(hub, f"{head}{known},a-1,WEB,2026-01-01,https://x.it\n", **more)
    assert outcomes(rows) == ["created"], rows


@pytest.mark.parametrize(
    ("is_case_sensitive", "owners"),
    [(False, {"o1": "MB7", "o2": "mb8", "o3": None}), (True, {"o1": None, "o2": None, "o3": None})],
)
def test_orders_find_customers_whose_ids_have_spaces_or_another_case(
    hub: Hub, is_case_sensitive: bool, owners: dict[str, str | None]
) -> None:
    """Space around an id never counts; case does where the node says so."""
    hub.node.unique_properties = ["externalId"]
    hub.node.case_sensitive = is_case_sensitive
    hub.node.save()
    people = done(hub, (FILES / "ids-of-customers.csv").read_text())
    assert outcomes(people) == ["created", "created"]
    orders = done(hub, (FILES / "ids-of-orders.csv").read_text(), "INSERT", **EVENTS)
    assert outcomes(orders) == ["created"] * 3
    names = dict(Customer.objects.values_list("id", "external_id"))
    found = {
        each.properties["orderId"]: names.get(each.customer_id) for each in Event.objects.all()
    }
    assert found == owners
