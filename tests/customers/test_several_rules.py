"""Nodes with several matching rules: the first rule wins, and nobody is merged silently."""

from __future__ import annotations

from typing import Any

import pytest

from configuration.queries.rules import configuration_changed
from customers.models import Customer, DuplicatePair, MatchingKey
from tests.bulkjobs.test_jobs import done
from tests.client import ApiClient
from tests.configuration.test_matching_rules import EMAIL, PHONE, path_of, rule
from tests.customers.test_erasure import forget, ids_of
from tests.factories import Hub
from tests.processes import run_in_processes

RULES = [
    rule({"property": "externalId", "normalizer": "EXACT"}),
    rule({"property": EMAIL, "normalizer": "EMAIL"}),
    rule({"property": PHONE, "normalizer": "PHONE", "country": "IT"}),
]
ONE, OTHER = "333 1234501", "333 1234502"


def with_rules(hub: Hub) -> Hub:
    set_up = hub.admin.put(path_of(hub), {"rules": RULES}, query={"force": "true"})
    assert set_up.status == 200, set_up.content
    return hub


@pytest.fixture
def hub_with_rules(hub: Hub) -> Hub:
    return with_rules(hub)


def person(ext: str | None = None, email: str | None = None, phone: str | None = None) -> Any:
    contacts = {"email": email, "mobilePhone": phone}
    return {
        **({} if ext is None else {"externalId": ext}),
        "base": {"contacts": {name: value for name, value in contacts.items() if value}},
    }


def open_pairs(hub: Hub) -> list[set[str]]:
    found = hub.admin.get(f"{hub.path}/nodes/{hub.node.id}/duplicates")["elements"]
    assert all(each["reasons"] == ["SAME_IDENTITY"] for each in found)
    return [{each["id"] for each in pair["customers"]} for pair in found]


def test_each_rule_recognises_by_itself(hub_with_rules: Hub) -> None:
    first = hub_with_rules.post_customer(**person("A", "ada@x.it", ONE))
    assert first.status == 201
    for body in (person("A"), person(email="ADA@x.it"), person(phone="+39" + ONE)):
        again = hub_with_rules.post_customer(**body)
        assert (again.status, again["id"]) == (200, first["id"]), body
    assert open_pairs(hub_with_rules) == []


def test_who_is_known_by_one_rule_only_gets_the_other_keys(hub_with_rules: Hub) -> None:
    first = hub_with_rules.post_customer(**person(phone=ONE))
    again = hub_with_rules.post_customer(**person("A", "ada@x.it", ONE))
    assert (again.status, again["id"]) == (200, first["id"])
    assert hub_with_rules.post_customer(**person("A"))["id"] == first["id"]
    assert hub_with_rules.post_customer(**person(email="ada@x.it"))["id"] == first["id"]


def test_of_two_customers_the_first_rule_wins_and_the_pair_is_a_candidate(
    hub_with_rules: Hub,
) -> None:
    ada = hub_with_rules.post_customer(**person("A", "ada@x.it"))["id"]
    bea = hub_with_rules.post_customer(**person(phone=ONE))["id"]
    both = hub_with_rules.post_customer(**person("A", phone=ONE))
    assert (both.status, both["id"]) == (200, ada)
    assert both["base"]["contacts"]["mobilePhone"] == ONE
    assert hub_with_rules.post_customer(**person(phone=ONE))["id"] == bea, (
        "who had it first keeps it"
    )
    assert open_pairs(hub_with_rules) == [{ada, bea}]
    assert (
        hub_with_rules.trusted.patch(
            f"{hub_with_rules.path}/customers/{ada}", person(phone=OTHER)
        ).status
        == 200
    )
    assert open_pairs(hub_with_rules) == [], "they share nothing any more"


def test_an_earlier_rule_tells_people_apart(hub_with_rules: Hub) -> None:
    ada = hub_with_rules.post_customer(**person("A", phone=ONE))["id"]
    eve = hub_with_rules.post_customer(**person("E", phone=ONE))
    assert eve.status == 201
    assert open_pairs(hub_with_rules) == [{ada, eve["id"]}]
    assert hub_with_rules.post_customer(**person("E", phone=ONE))["id"] == eve["id"]


def test_the_next_one_is_recognised_when_the_first_goes(hub_with_rules: Hub) -> None:
    ada = hub_with_rules.post_customer(**person("A", phone=ONE))["id"]
    eve = hub_with_rules.post_customer(**person("E", phone=ONE))["id"]
    assert hub_with_rules.trusted.delete(f"{hub_with_rules.path}/customers/{ada}").status == 200
    again = hub_with_rules.post_customer(**person(phone=ONE))
    assert (again.status, again["id"]) == (200, eve)
    restored = hub_with_rules.admin.post(f"{hub_with_rules.path}/customers/{ada}/restore")
    assert restored.status == 200, restored.content
    assert hub_with_rules.post_customer(**person(phone=ONE))["id"] == eve
    assert hub_with_rules.post_customer(**person("A"))["id"] == ada


def test_a_change_to_the_key_of_another_is_a_conflict(hub_with_rules: Hub) -> None:
    ada = hub_with_rules.post_customer(**person("A", phone=ONE))["id"]
    bea = hub_with_rules.post_customer(**person("B", phone=OTHER))["id"]
    refused = hub_with_rules.trusted.patch(
        f"{hub_with_rules.path}/customers/{bea}", person(phone=ONE)
    )
    assert (refused.status, refused["data"]["customer"]["id"]) == (409, ada)
    refused = hub_with_rules.trusted.patch(f"{hub_with_rules.path}/customers/{bea}", person("A"))
    assert (refused.status, refused["data"]["customer"]["id"]) == (409, ada)


def test_one_whole_rule_is_enough_and_necessary(hub_with_rules: Hub) -> None:
    refused = hub_with_rules.post_customer(base={"firstName": "Nobody"})
    assert refused.status == 400
    assert [each["path"] for each in refused["errors"]] == [
        "/externalId", "/base/contacts/email", "/base/contacts/mobilePhone",
    ]  # fmt: skip
    ada = hub_with_rules.post_customer(**person("A", phone=ONE))["id"]
    path = f"{hub_with_rules.path}/customers/{ada}"
    assert hub_with_rules.trusted.patch(path, {"externalId": None}).status == 200
    assert (
        hub_with_rules.trusted.patch(path, {"base": {"contacts": {"mobilePhone": None}}}).status
        == 400
    )


def test_merged_keys_lead_to_the_survivor_and_back_when_it_is_undone(hub_with_rules: Hub) -> None:
    ada = hub_with_rules.post_customer(**person("A", "ada@x.it", ONE))["id"]
    bea = hub_with_rules.post_customer(**person("B", "bea@x.it", OTHER))["id"]
    merge = hub_with_rules.admin.post(
        f"{hub_with_rules.path}/customers/{ada}/merge", {"customers": [bea]}
    )
    assert merge.status == 200, merge.content
    for body in (person("B"), person(email="bea@x.it"), person(phone=OTHER)):
        again = hub_with_rules.post_customer(**body)
        assert (again.status, again["id"]) == (200, ada), body
    undone = hub_with_rules.admin.post(f"{hub_with_rules.path}/merges/{merge['id']}/undo")
    assert undone.status == 200, undone.content
    for body in (person("B"), person(email="bea@x.it"), person(phone=OTHER)):
        assert hub_with_rules.post_customer(**body)["id"] == bea, body
    assert hub_with_rules.post_customer(**person(phone=ONE))["id"] == ada


def test_bulk_rows_are_recognised_like_requests(hub_with_rules: Hub) -> None:
    ada = hub_with_rules.post_customer(**person("A", phone=ONE))["id"]
    content = (
        "externalId,base.contacts.email,base.contacts.mobilePhone\n"
        f"A,ada@x.it,{OTHER}\n"  # Ada lets her number go
        f",,{ONE}\n"  # so this is somebody new
        ",ADA@x.it,\n"
        f"E,,{OTHER}\n"  # told apart from Ada by the external id
        "E,eve@x.it,\n"
    )
    rows = done(hub_with_rules, content)
    assert Customer.objects.count() == 3, rows
    eve = Customer.objects.get(external_id="E")
    assert eve.base["contacts"]["email"] == "eve@x.it"
    assert open_pairs(hub_with_rules) == [{ada, str(eve.id)}]
    assert hub_with_rules.post_customer(**person(phone=ONE))["id"] not in {ada, str(eve.id)}


def test_rules_that_come_and_go(hub: Hub) -> None:
    ada = hub.post_customer(**person("A", "ada@x.it", ONE))["id"]
    bea = hub.post_customer(**person("B", "bea@x.it", ONE))["id"]
    with_rules(hub)
    assert hub.post_customer(**person(phone=ONE))["id"] == ada, "the earlier one has it"
    assert open_pairs(hub) == [{ada, bea}]
    entry = f"{hub.configuration}/nodes/entries/{hub.node.id}"
    plain = {"uniqueCustomer": {"properties": [EMAIL], "caseSensitive": False}}
    changed = hub.admin.put(entry, hub.admin.get(entry).json | plain)
    assert changed.status == 200, changed.content
    assert not MatchingKey.objects.exists()
    assert hub.post_customer(**person(phone=ONE)).status == 400


def test_forgetting_takes_the_keys(hub_with_rules: Hub) -> None:
    ada = hub_with_rules.post_customer(**person("A", "ada@x.it", ONE))["id"]
    hub_with_rules.post_customer(**person("E", phone=ONE))
    forget(hub_with_rules, ada)
    assert not MatchingKey.objects.filter(customer_id=ada).exists()
    assert not DuplicatePair.objects.exists()


PROCESSES, STEPS = 4, 25


def work(*, number: int, token: str, path: str, node: str) -> dict[str, int]:
    """One process's part: POSTs of the same people by whichever of their keys, and changes."""
    client = ApiClient(token)
    statuses: dict[str, int] = {}
    for step in range(STEPS):
        who = step % 5
        ext, email, phone = f"P{who}", f"p{who}@x.it", f"333 123450{who}"
        body = [
            person(ext, email), person(email=email, phone=phone), person(ext, phone=phone),
            person(ext, email, phone),
        ][(step + number) % 4]  # fmt: skip
        made = client.post(f"{path}/customers", body | {"nodeId": node})
        statuses[str(made.status)] = statuses.get(str(made.status), 0) + 1
        if made.status in {200, 201} and step % 3 == 0:
            client.patch(f"{path}/customers/{made['id']}", person(phone=f"333 99{step:05}"))
            changed = client.patch(f"{path}/customers/{made['id']}", person(phone=phone))
            statuses[str(changed.status)] = statuses.get(str(changed.status), 0) + 1
    return statuses


@pytest.mark.timeout(200)
def test_parallel_writes_keep_keys_unique(live_hub: Hub) -> None:
    hub = with_rules(live_hub)
    configuration_changed(hub.workspace.id)
    shared = {"token": hub.trusted.token, "path": hub.path, "node": str(hub.node.id)}
    results = run_in_processes(
        "tests.customers.test_several_rules:work",
        [shared | {"number": number} for number in range(PROCESSES)],
    )
    assert {status for each in results for status in each} <= {"200", "201", "409"}, results
    live = list(Customer.objects.live())
    held = list(MatchingKey.objects.filter(holds=True).values_list("key", flat=True))
    assert len(set(map(bytes, held))) == len(held)
    external_ids = [each.external_id for each in live if each.external_id]
    assert sorted(external_ids) == [f"P{who}" for who in range(5)], "one customer of each id"
    ids = {each.id for each in live}
    assert set(MatchingKey.objects.values_list("customer_id", flat=True)) <= ids
    # Whoever shares a key with another is listed as a candidate.
    for pair in DuplicatePair.objects.all():
        assert {pair.first_id, pair.second_id} <= ids


def test_who_was_deleted_is_forgotten_with_the_person_by_any_rule(hub_with_rules: Hub) -> None:
    hub = hub_with_rules
    gone = hub.post_customer(**person(email="old@x.it", phone=ONE))["id"]
    other = hub.post_customer(**person(email="other@x.it", phone=OTHER))["id"]
    for each in (gone, other):
        assert hub.admin.delete(f"{hub.path}/customers/{each}").status == 200
    assert Customer.objects.get(id=gone).former_keys is not None
    ada = hub.post_customer(**person("A-1", "new@x.it", ONE))["id"]
    receipt = forget(hub, ada)
    assert ids_of(receipt) == {ada, gone}
    assert Customer.objects.get(id=gone).former_keys is None
    assert hub.admin.post(f"{hub.path}/customers/{other}/restore").status == 200
    assert Customer.objects.get(id=other).former_keys is None
