"""Events go with their customers and nodes, and are told with their customers."""

from __future__ import annotations

import json
from typing import Any

import psutil
from django.db import connection

from configuration.actions.removal import remove_deleted
from configuration.models import IdempotencyKey
from customers.models import Change
from events.models import Event
from tests.factories import Hub


def post(hub: Hub, customer: str, **given: Any) -> str:
    body = {"customerId": customer, "type": "viewedPage", "context": "WEB", "properties": {}}
    return hub.trusted.post(f"{hub.path}/events", body | given)["id"]


def test_an_export_contains_all_events(hub: Hub) -> None:
    customer, other = hub.post_customer()["id"], hub.post_customer()["id"]
    ids = [post(hub, customer, date=f"2021-01-0{day}") for day in (3, 1, 2)]
    post(hub, other)
    path = f"{hub.path}/data-protection/customers/{customer}/export"
    events = hub.clients["DPO"].get(path)["events"]
    assert [each["id"] for each in events] == [ids[0], ids[2], ids[1]]
    assert events[2]["date"] == "2021-01-01T00:00:00.000Z"


MANY = """
INSERT INTO events_event (id, workspace_id, node_id, customer_id, type, context, properties,
                          context_info, date, origin, version, registered_at, updated_at)
SELECT gen_random_uuid(), %s, %s, %s, 'viewedPage', 'WEB', jsonb_build_object('url', number), '{}',
       now() - number / 10 * interval '1 minute', 'NATIVE', 1, now(), now()
FROM generate_series(1, 100000) AS number
"""


def test_an_export_of_a_hundred_thousand_events_needs_little_memory(hub: Hub) -> None:
    customer = hub.post_customer()["id"]
    with connection.cursor() as cursor:
        cursor.execute(MANY, [hub.workspace.id, hub.node.id, customer])
        cursor.execute("ANALYZE events_event")
    path = f"{hub.path}/data-protection/customers/{customer}/export"
    chunks = hub.clients["DPO"].stream(path)
    size = count = largest = 0
    process = psutil.Process()
    before = process.memory_info().rss
    for chunk in chunks:
        size += len(chunk)
        count += chunk.count(b'"viewedPage"')
        largest = max(largest, process.memory_info().rss)
    assert count == 100_000
    assert size > 40_000_000
    assert largest - before < 30_000_000


def test_events_are_forgotten_with_the_person(hub: Hub) -> None:
    customer = hub.post_customer()["id"]
    event = post(hub, customer, type="searched", properties={"keyword": "zebra-crossing"})
    path = f"{hub.path}/data-protection/customers/{customer}"
    assert hub.clients["DPO"].delete(path).status == 204
    assert not Event.objects.exists()
    last = Change.objects.filter(entity="EVENT").latest("id")
    assert (str(last.entity_id), last.operation) == (event, "DELETE")


def test_events_go_with_their_node(hub: Hub) -> None:
    customer = hub.post_customer()["id"]
    for _ in range(3):
        post(hub, customer)
    path = f"{hub.configuration}/nodes/entries/{hub.node.id}"
    assert hub.admin.delete(path).status == 204
    assert remove_deleted(seconds=10)
    assert not Event.objects.exists()
    assert Change.objects.filter(entity="EVENT", operation="DELETE").count() == 3


def test_a_workspace_leaves_nothing(hub: Hub) -> None:
    customer = hub.post_customer()["id"]
    body = {
        "customerId": customer,
        "type": "viewedProduct",
        "context": "WEB",
        "properties": {"id": "P"},
    }
    hub.trusted.post(f"{hub.path}/events", body, Idempotency_Key="k")
    assert hub.operator.delete(hub.path).status == 204
    assert remove_deleted(seconds=10)
    assert not Event.objects.exists()
    assert not IdempotencyKey.objects.exists()
    assert not Change.objects.exists()


def test_a_property_with_values_cannot_change_its_type(hub: Hub) -> None:
    path = f"{hub.configuration}/events/loggedIn/properties/extended"
    assert hub.operator.put(path, {"till": {"type": "integer"}}).status == 200
    changed = {"till": {"type": "string"}}
    assert hub.operator.put(path, changed).status == 200
    customer = hub.post_customer()["id"]
    post(hub, customer, type="loggedIn", properties={"extended": {"till": "x"}})
    refused = hub.operator.put(path, {"till": {"type": "integer"}})
    assert refused.status == 409, refused.content
    assert json.loads(refused.content)["message"]
