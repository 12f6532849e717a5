"""A changed matching policy re-keys the customers there are: all of them, or none."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connection
from django.test import TestCase

from configuration.actions import rekeying
from configuration.actions.rekeying import finish_all_rekeying
from configuration.models import Node
from customers.models import Change, Customer
from tests.factories import Hub

BY_EXTERNAL_ID = {"properties": ["externalId"], "caseSensitive": True}


def policy_path(hub: Hub) -> str:
    return f"{hub.configuration}/nodes/entries/{hub.node.id}/unique-customer-matching-policy"


def test_customers_are_recognised_by_the_new_policy(hub: Hub) -> None:
    first = hub.post_customer(externalId="1")
    hub.post_customer(externalId="2")
    lacking = hub.post_customer()
    refused = hub.admin.put(policy_path(hub), BY_EXTERNAL_ID)
    assert (refused.status, refused["data"]["customers"]) == (409, 1), "one would lack a value"
    changed = hub.admin.put(policy_path(hub), BY_EXTERNAL_ID, query={"force": "true"})
    assert changed.json == BY_EXTERNAL_ID
    again = hub.post_customer(externalId="1", base={"firstName": "Ada"})
    assert (again.status, again["id"]) == (200, first["id"])
    assert again["version"] == 2, "re-keying itself is no change of a customer"
    assert Customer.objects.get(id=lacking["id"]).match_key is None
    assert Change.objects.count() == 4


def test_collisions_are_named_and_nothing_changes(hub: Hub) -> None:
    ids = {hub.post_customer(externalId="same")["id"] for _ in range(2)}
    kept = hub.post_customer(externalId="other", base={"contacts": {"email": "k@example.com"}})
    before = hub.admin.get(policy_path(hub)).json
    refused = hub.admin.put(policy_path(hub), BY_EXTERNAL_ID)
    assert refused.status == 409
    [group] = refused["data"]["collisions"]
    assert set(group) == ids
    assert hub.admin.get(policy_path(hub)).json == before
    again = hub.post_customer(base={"contacts": {"email": "K@example.com"}})
    assert (again.status, again["id"]) == (200, kept["id"])


def test_keys_may_change_places(hub: Hub) -> None:
    hub.admin.put(policy_path(hub), BY_EXTERNAL_ID)
    hub.post_customer(externalId="a", base={"lastName": "b"})
    hub.post_customer(externalId="b", base={"lastName": "a"})
    by_name = {"properties": ["base.lastName"], "caseSensitive": True}
    assert hub.admin.put(policy_path(hub), by_name).status == 200
    assert hub.post_customer(externalId="x", base={"lastName": "a"}).status == 200


def test_a_large_node_is_locked_until_a_task_is_through(hub: Hub, monkeypatch: Any) -> None:
    monkeypatch.setattr(rekeying, "AT_ONCE", 1)
    hub.post_customer(externalId="1")
    assert hub.admin.put(policy_path(hub), BY_EXTERNAL_ID).status == 200
    assert hub.post_customer(externalId="1").status == 423
    assert hub.admin.put(policy_path(hub), BY_EXTERNAL_ID).status == 423
    with TestCase.captureOnCommitCallbacks(execute=True):
        finish_all_rekeying()
    assert hub.admin.get(policy_path(hub)).json == BY_EXTERNAL_ID
    assert hub.post_customer(externalId="1", base={}).status == 200


@pytest.mark.parametrize("writers", [4])
def test_writers_under_way_lose_nothing(live_hub: Hub, writers: int) -> None:
    """POSTs that race with the change end up in one customer for each external id."""
    stopping = threading.Event()
    statuses: list[int] = []

    def write(number: int) -> None:
        try:
            count = 0
            while not stopping.is_set() or count < 10:
                count += 1
                email = {"contacts": {"email": f"w{number}-{count}@example.com"}}
                answer = live_hub.post_customer(externalId=f"{number}-{count}", base=email)
                statuses.append(answer.status)
        finally:
            connection.close()

    threads = [threading.Thread(target=write, args=(number,)) for number in range(writers)]
    for thread in threads:
        thread.start()
    assert live_hub.admin.put(policy_path(live_hub), BY_EXTERNAL_ID).status == 200
    stopping.set()
    for thread in threads:
        thread.join()
    assert set(statuses) <= {201, 423}
    assert Node.objects.get(id=live_hub.node.id).unique_properties == ["externalId"]
    for customer in Customer.objects.all():
        again = live_hub.post_customer(externalId=customer.external_id, base={})
        assert (again.status, again["id"]) == (200, str(customer.id))
