"""What is kept of requests with an Idempotency-Key: nothing to read, and no longer than the person."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from django.db import connection

from configuration.models import IdempotencyKey
from events.models import Event
from tests.client import Answer
from tests.events.test_batch import batch, event
from tests.factories import Hub

KEY = "order of zebedee@quillfeather.example, 2026-11-20"
BODY_TEXT = "zebra crossing"


def post(hub: Hub, body: Any, key: str = KEY) -> Answer:
    return hub.trusted.post(f"{hub.path}/events", body, Idempotency_Key=key)


def records() -> str:
    """The whole table as text, with its bytes in hexadecimal."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(each)::text FROM configuration_idempotencykey AS each")
        return "\n".join(row for (row,) in cursor.fetchall()).lower()


def waiting(hub: Hub, value: str) -> dict[str, Any]:
    return event(bringBackProperties={"value": value, "nodeId": str(hub.node.id)})


def forget(hub: Hub, customer: str) -> None:
    path = f"{hub.path}/data-protection/customers/{customer}"
    assert hub.clients["DPO"].delete(path).status == 204


def test_neither_key_nor_body_can_be_read_or_tried(hub: Hub) -> None:
    customer = hub.post_customer()["id"]
    body = event(customerId=customer, type="searched", properties={"keyword": BODY_TEXT})
    first = post(hub, body)
    assert first.status == 202
    kept = records()
    assert kept
    for secret in (KEY, BODY_TEXT):
        assert secret.lower() not in kept
        assert secret.lower().encode().hex() not in kept
    # Whoever has the table alone cannot try keys that the person may have had.
    for algorithm in ("md5", "sha1", "sha256", "sha512"):
        for value in (KEY, f"{hub.workspace.id}{KEY}"):
            assert hashlib.new(algorithm, value.encode()).hexdigest() not in kept
    assert post(hub, body).json == first.json
    assert post(hub, body | {"context": "OTHER"}).status == 409
    assert Event.objects.count() == 1


def test_one_key_has_a_hash_of_its_own_for_each_client(hub: Hub) -> None:
    other = Hub()
    for each in (hub, other):
        customer = each.post_customer()["id"]
        post(each, event(customerId=customer))
        each.admin.post(f"{each.path}/events", event(customerId=customer), Idempotency_Key=KEY)
    hashes = {bytes(each) for each in IdempotencyKey.objects.values_list("key_hash", flat=True)}
    assert len(hashes) == 4
    assert {len(each) for each in hashes} == {32}


def test_keys_outlast_a_change_of_the_installations_key(hub: Hub, settings: Any) -> None:
    customer = hub.post_customer()["id"]
    body = event(customerId=customer)
    settings.ENCRYPTION_KEYS = ["old"]
    first = post(hub, body)
    before = records()
    settings.ENCRYPTION_KEYS = ["new", "old"]
    assert post(hub, body).json == first.json
    assert post(hub, event(customerId=customer, context="OTHER")).status == 409
    assert records() == before
    post(hub, body, "another")
    settings.ENCRYPTION_KEYS = ["new"]
    post(hub, body, "another")
    assert Event.objects.count() == 2
    # The old key is gone, and with it what was hashed under it.
    assert post(hub, body).json != first.json


@pytest.mark.parametrize("key", ["\u00e9", "order 7, part 2", "x" * 255])
def test_keys_are_any_printable_text(hub: Hub, key: str) -> None:
    body = event(customerId=hub.post_customer()["id"])
    first = post(hub, body, key)
    assert first.status == 202
    assert post(hub, body, key).json == first.json
    assert Event.objects.count() == 1


def test_records_go_with_the_person(hub: Hub) -> None:
    customer, other = hub.post_customer()["id"], hub.post_customer()["id"]
    post(hub, event(customerId=customer), "1")
    kept = post(hub, event(customerId=other), "2")
    batch(hub, [event(customerId=customer)] * 3, Idempotency_Key="3")
    assert IdempotencyKey.objects.count() == 3
    forget(hub, customer)
    assert IdempotencyKey.objects.count() == 1
    assert post(hub, event(customerId=other), "2").json == kept.json
    # What is sent again is judged anew, and finds nobody.
    assert post(hub, event(customerId=customer), "1").status == 404
    assert Event.objects.count() == 1


def test_records_of_a_person_who_was_deleted_first(hub: Hub) -> None:
    customer = hub.post_customer()["id"]
    post(hub, event(customerId=customer))
    assert hub.trusted.delete(f"{hub.path}/customers/{customer}").status == 200
    forget(hub, customer)
    assert not IdempotencyKey.objects.exists()


def test_records_of_events_that_waited_for_their_customer(hub: Hub) -> None:
    post(hub, waiting(hub, "visit"))
    customer = hub.post_customer()["id"]
    hub.trusted.post(f"{hub.path}/customers/{customer}/sessions", {"value": "visit"})
    assert str(Event.objects.get().customer_id) == customer
    forget(hub, customer)
    assert not IdempotencyKey.objects.exists()


def test_records_that_name_an_older_event(hub: Hub) -> None:
    """Sent again with its external id, an event is named by later requests, too."""
    customer = hub.post_customer()["id"]
    body = event(customerId=customer, externalId="e-1")
    first = hub.trusted.post(f"{hub.path}/events", body)
    Event.objects.update(registered_at="2026-01-01T00:00:00Z")
    assert post(hub, body).json == first.json
    forget(hub, customer)
    assert not IdempotencyKey.objects.exists()


def test_a_batch_of_several_people_goes_with_the_last(hub: Hub) -> None:
    one, two = hub.post_customer()["id"], hub.post_customer()["id"]
    events = [
        event(customerId=one), event(customerId=two), event(customerId=one, type="zz"),
        waiting(hub, "s"), event(customerId=one),
    ]  # fmt: skip
    first = batch(hub, events, Idempotency_Key=KEY)["elements"]
    forget(hub, one)
    # Who sends it again hears what became of the others' events, and none is taken twice.
    again = batch(hub, events, Idempotency_Key=KEY)["elements"]
    assert again == [{"status": 202}, first[1], first[2], first[3], {"status": 202}]
    assert Event.objects.count() == 2
    kept = records()
    assert not [each["id"] for each in (first[0], first[4]) if each["id"] in kept]
    forget(hub, two)
    assert IdempotencyKey.objects.get().entities == [Event.objects.get().id]
    owner = hub.post_customer()["id"]
    hub.trusted.post(f"{hub.path}/customers/{owner}/sessions", {"value": "s"})
    forget(hub, owner)
    assert not IdempotencyKey.objects.exists()


def test_records_of_another_workspace_stay(hub: Hub) -> None:
    other = Hub()
    customer, theirs = hub.post_customer()["id"], other.post_customer()["id"]
    post(hub, event(customerId=customer))
    post(other, event(customerId=theirs))
    forget(hub, customer)
    assert IdempotencyKey.objects.get().workspace_id == other.workspace.id


@pytest.mark.parametrize("key", ["à", "Bestellung Ä 1", "заказ 1", "注文"])
def test_keys_may_be_in_letters_of_every_script(hub: Hub, key: str) -> None:
    body = event(customerId=hub.post_customer()["id"])
    first, again = post(hub, body, key), post(hub, body, key)
    assert first.status == again.status == 202, first.content
    assert first["id"] == again["id"]
    assert post(hub, body, f"{key}\u0085").status == 400
