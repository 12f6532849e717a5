"""Events of files under the client's own ids."""

from __future__ import annotations

from typing import Any

from events.models import Event
from tests.bulkjobs.test_jobs import done, outcomes, upload
from tests.factories import Hub

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
