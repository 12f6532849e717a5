"""Merges, opposite ones too, undoings and writes at once, from several processes."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest

from customers.models import Change, Customer, FormerIdentity, MergedCustomer, Session
from events.models import Event
from tests.client import ApiClient
from tests.customers.test_deleted import events_of
from tests.factories import Hub
from tests.processes import run_in_processes

PROCESSES, STEPS, PEOPLE = 4, 20, 5
ALLOWED = {200, 201, 202, 204, 400, 404, 409}


def email(number: int) -> str:
    return f"person{number}@example.com"


def work(*, number: int, token: str, path: str, node: str, ids: list[str]) -> dict[str, Any]:
    """One process's part: merges of all into all, undoings, POSTs by old keys, events by old ids."""
    chance = random.Random(number)
    client = ApiClient(token)
    statuses: Counter[int] = Counter()
    events = 0
    for step in range(STEPS):
        one, other = chance.sample(ids, 2)
        act = chance.randrange(8)
        if act < 3:
            answer = client.post(f"{path}/customers/{one}/merge", {"customers": [other]})
        elif act < 5:
            merges = client.get(f"{path}/merges", query={"state": "IN_FORCE"})["elements"]
            if not merges:
                continue
            answer = client.post(f"{path}/merges/{chance.choice(merges)['id']}/undo")
        elif act == 5:
            body = {
                "nodeId": node,
                "base": {"contacts": {"email": email(chance.randrange(PEOPLE))}},
            }
            tag = {"tags": {"manual": [f"{number}-{step}"]}}
            answer = client.post(f"{path}/customers", body | tag)
        elif act == 6:
            body = {"customerId": one, "type": "searched", "context": "WEB"}
            answer = client.post(f"{path}/events", body | {"properties": {"keyword": "k"}})
            events += answer.status == 202
        else:
            answer = client.patch(
                f"{path}/customers/{one}", {"base": {"title": f"{number}-{step}"}}
            )
        statuses[answer.status] += 1
    return {"statuses": dict(statuses), "events": events}


@pytest.mark.timeout(200)
def test_a_storm_of_merges(live_hub: Hub) -> None:
    hub = live_hub
    ids = []
    for number in range(PEOPLE):
        base = {"contacts": {"email": email(number)}}
        ids.append(hub.post_customer(base=base, externalId=f"E-{number}")["id"])
        path = f"{hub.path}/customers/{ids[-1]}/sessions"
        assert hub.trusted.post(path, {"value": f"visit-{number}"}).status == 201
    shared = {
        "token": hub.trusted.token, "path": hub.path, "node": str(hub.node.id), "ids": ids,
    }  # fmt: skip
    arguments = [shared | {"number": number} for number in range(PROCESSES)]
    results = run_in_processes("tests.customers.test_merge_storm:work", arguments)
    for result in results:
        assert {int(status) for status in result["statuses"]} <= ALLOWED, result["statuses"]
    # Nobody came up anew, and whoever went is somebody's who is there.
    assert set(map(str, Customer.objects.values_list("id", flat=True))) == set(ids)
    live = {str(each.id) for each in Customer.objects.live()}
    assert live
    gone = MergedCustomer.objects.filter(is_undone=False)
    assert {str(each.customer_id) for each in gone} == set(ids) - live
    assert {str(each.current_id) for each in gone} <= live
    assert {str(each.current_id) for each in FormerIdentity.objects.all()} <= live
    assert not Session.objects.exclude(customer__deleted=0).exists()
    assert Session.objects.count() == PEOPLE
    # No event is lost or doubled.
    assert Event.objects.count() == sum(result["events"] for result in results)
    assert sum(len(events_of(hub, each)) for each in live) == Event.objects.count()
    for customer in Customer.objects.all():
        changes = Change.objects.filter(entity_id=customer.id).order_by("id")
        reported = [change.operation for change in changes]
        assert len(reported) == customer.version
        is_there = False
        for operation in reported:
            assert is_there == (operation != "CREATE")
            is_there = operation != "DELETE"
        assert is_there == (customer.deleted == 0)


@pytest.mark.timeout(200)
def test_of_two_opposite_merges_one_wins(live_hub: Hub) -> None:
    hub = live_hub
    for number in range(2):
        one, other = (
            hub.post_customer(base={"contacts": {"email": f"{name}{number}@x.it"}})["id"]
            for name in "ab"
        )
        common = {"token": hub.trusted.token, "path": hub.path}
        arguments = [common | {"into": one, "gone": other}, common | {"into": other, "gone": one}]
        statuses = run_in_processes("tests.customers.test_merge_storm:opposite", arguments)
        assert sorted(statuses) in ([200, 400], [200, 404]), statuses
        assert Customer.objects.live().filter(id__in=[one, other]).count() == 1


def opposite(*, token: str, path: str, into: str, gone: str) -> int:
    answer = ApiClient(token).post(f"{path}/customers/{into}/merge", {"customers": [gone]})
    return int(answer.status)
