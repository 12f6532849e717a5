"""A changed matching policy re-keys the customers there are: all of them, or none."""

from __future__ import annotations

import os
import random
import signal
import threading
from collections import Counter
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test import TestCase
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from configuration.actions import rekeying
from configuration.actions.removal import remove_deleted
from configuration.domain.matching_policy import MatchingPolicy
from configuration.models import Node, Rekeying
from configuration.queries.rules import rules_of
from contacthub_project.core.identifiers import new_id
from customers.actions.tenant_data import CustomerDataOwner
from customers.domain.matching import match_key
from customers.models import Change, Customer, NewKey
from tests.client import Answer, ApiClient
from tests.factories import Hub, make_node
from tests.processes import run_in_processes

BY_EXTERNAL_ID = {"properties": ["externalId"], "caseSensitive": True}


def node_path(hub: Hub) -> str:
    return f"{hub.configuration}/nodes/entries/{hub.node.id}"


def policy_path(hub: Hub) -> str:
    return f"{node_path(hub)}/unique-customer-matching-policy"


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


def test_deleted_customers_are_found_by_the_new_policy(hub: Hub) -> None:
    """By what they were deleted with: forgetting a person takes them along."""
    phone = {"mobilePhone": "+39 333 1234567"}
    contacts = {"email": "old@example.com"} | phone
    gone = hub.post_customer(base={"lastName": "Rossi", "contacts": contacts})["id"]
    twin = hub.post_customer(base={"contacts": {"email": "twin@example.com"} | phone})["id"]
    for each in (gone, twin):
        assert hub.trusted.delete(f"{hub.path}/customers/{each}").status == 200
    other = hub.post_customer(base={"contacts": {"email": "other@example.com"}})["id"]
    assert hub.trusted.delete(f"{hub.path}/customers/{other}").status == 200
    by_phone = {"properties": ["base.contacts.mobilePhone"], "caseSensitive": True}
    changed = hub.admin.put(policy_path(hub), by_phone, query={"force": "true"})
    assert changed.status == 200, changed.json
    person = hub.post_customer(base={"contacts": {"email": "new@example.com"} | phone})
    assert person.status == 201
    plan = hub.clients["DPO"].get(
        f"{hub.path}/data-protection/customers/{person['id']}/erasure-plan"
    )
    assert {gone, twin, person["id"]} == {each["id"] for each in plan["customers"]}
    node = rules_of(hub.workspace.id).nodes[hub.node.id]
    for customer in Customer.objects.filter(deleted=1):
        document = {"externalId": None, "base": customer.base, "extended": customer.extended}
        former = customer.former_key
        assert (former and bytes(former)) == match_key(node.matching, document)


def test_deleted_customers_keep_their_keys_when_the_policy_does_not_change(hub: Hub) -> None:
    gone = hub.post_customer(base={"contacts": {"email": "old@example.com"}})["id"]
    hub.trusted.delete(f"{hub.path}/customers/{gone}")
    before = bytes(Customer.objects.get(id=gone).former_key)
    ids = {hub.post_customer(externalId="same")["id"] for _ in range(2)}
    assert hub.admin.put(policy_path(hub), BY_EXTERNAL_ID, query={"force": "true"}).status == 409
    assert len(ids) == 2
    assert bytes(Customer.objects.get(id=gone).former_key) == before
    assert not NewKey.objects.exists()


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


def put_node(hub: Hub, **values: Any) -> Answer:
    """PUT the node as it is but for some values; customers who lack one are taken into account."""
    body = hub.admin.get(node_path(hub)).json | values
    return hub.admin.put(node_path(hub), body, query={"force": "true"})


def report(hub: Hub) -> dict[str, Any]:
    answer = hub.admin.get(f"{node_path(hub)}/rekeying")
    assert answer.status == 200, answer.content
    assert set(answer.json) == {
        "state", "uniqueCustomer", "progress", "collisions", "startedAt", "endedAt",
    }  # fmt: skip
    return answer.json


def step(hub: Hub) -> bool:
    with TestCase.captureOnCommitCallbacks(execute=True):
        return rekeying._step(hub.workspace.id, hub.node.id)


def test_a_large_node_reports_its_progress(hub: Hub, monkeypatch: Any) -> None:
    monkeypatch.setattr(rekeying, "AT_ONCE", 2)
    monkeypatch.setattr(rekeying, "BATCH", 2)
    assert hub.admin.get(f"{node_path(hub)}/rekeying").status == 404
    customers = [hub.post_customer(externalId=f"c{number}")["id"] for number in range(3)]
    before = hub.admin.get(node_path(hub))
    answer = put_node(hub, name="New", mandatoryProperties=["externalId"], uniqueCustomer=BY_EXTERNAL_ID)  # fmt: skip
    assert (answer.status, answer.json) == (202, report(hub))
    assert answer.headers["Location"].endswith(f"{node_path(hub)}/rekeying")
    assert (answer["state"], answer["uniqueCustomer"]) == ("COMPUTING", BY_EXTERNAL_ID)
    assert hub.post_customer(externalId="c0").status == 423
    assert put_node(hub, name="Other").status == 423
    assert hub.admin.put(policy_path(hub), BY_EXTERNAL_ID).status == 423
    states = []
    while not states or states[-1][0] != "DONE":
        assert hub.admin.get(node_path(hub)).json == before.json
        assert step(hub)
        reported = report(hub)
        states.append(
            (reported["state"], reported["progress"]["done"], reported["endedAt"] is not None)
        )
        assert reported["progress"]["total"] == 3
    assert states == [
        ("COMPUTING", 2, False), ("COMPUTING", 3, False), ("CHECKING", 3, False),
        ("WRITING", 0, False), ("WRITING", 2, False), ("WRITING", 3, False),
        ("WRITING", 3, False), ("DONE", 3, True),
    ]  # fmt: skip
    after = hub.admin.get(node_path(hub))
    assert (after["name"], after["uniqueCustomer"]) == ("New", BY_EXTERNAL_ID)
    assert after["mandatoryProperties"] == ["externalId"]
    assert after.headers["ETag"] == '"2"'
    again = hub.post_customer(externalId="c0", base={})
    assert (again.status, again["id"]) == (200, customers[0])
    assert NewKey.objects.count() == 3
    while step(hub):
        pass
    assert not NewKey.objects.exists()


@pytest.mark.parametrize("at_once", [100, 0])
def test_a_policy_that_collides_saves_nothing_at_all(
    hub: Hub, monkeypatch: Any, at_once: int
) -> None:
    monkeypatch.setattr(rekeying, "AT_ONCE", at_once)
    ids = {hub.post_customer(externalId="same")["id"] for _ in range(2)}
    kept = hub.post_customer(externalId="k", base={"contacts": {"email": "k@example.com"}})["id"]
    before = hub.admin.get(node_path(hub))
    keys = dict(Customer.objects.values_list("id", "match_key"))
    answer = put_node(hub, name="New", description="D", mandatoryProperties=["externalId"], uniqueCustomer=BY_EXTERNAL_ID)  # fmt: skip
    assert answer.status == (409 if at_once else 202)
    while step(hub):
        pass
    reported = report(hub)
    assert reported["state"] == "COLLIDED"
    assert list(map(set, reported["collisions"])) == [ids]
    if at_once:
        assert answer["data"]["collisions"] == reported["collisions"]
    after = hub.admin.get(node_path(hub))
    assert (after.json, after.headers["ETag"]) == (before.json, before.headers["ETag"])
    assert dict(Customer.objects.values_list("id", "match_key")) == keys
    assert not NewKey.objects.exists()
    again = hub.post_customer(base={"contacts": {"email": "K@example.com"}})
    assert (again.status, again["id"]) == (200, kept)
    assert put_node(hub, name="New").status == 200
    # Once nobody is in the way it goes through.
    hub.admin.delete(f"{hub.path}/customers/{ids.pop()}")
    assert put_node(hub, uniqueCustomer=BY_EXTERNAL_ID).status in {200, 202}
    while step(hub):
        pass
    assert (report(hub)["state"], report(hub)["collisions"]) == ("DONE", [])


def test_a_property_under_way_cannot_be_taken_away(hub: Hub, monkeypatch: Any) -> None:
    monkeypatch.setattr(rekeying, "AT_ONCE", 0)
    extended = f"{hub.configuration}/properties/extended"
    code, other = {"code": {"type": "string"}}, {"other": {"type": "string"}}
    hub.operator.put(extended, code | other)
    hub.post_customer(extended={"code": "1", "other": "x"})
    policy = {"properties": ["extended.code"], "caseSensitive": False}
    assert put_node(hub, uniqueCustomer=policy, mandatoryProperties=["extended.other"]).status == 202  # fmt: skip
    for kept in (code, other):
        off = {name: each | {"enabled": False} for name, each in (code | other).items()}
        assert hub.operator.put(extended, off | kept).status == 409
    while step(hub):
        pass
    assert hub.admin.get(node_path(hub))["uniqueCustomer"] == policy


def test_a_node_that_is_deleted_meanwhile(hub: Hub, monkeypatch: Any) -> None:
    monkeypatch.setattr(rekeying, "AT_ONCE", 0)
    hub.post_customer(externalId="1")
    assert put_node(hub, uniqueCustomer=BY_EXTERNAL_ID).status == 202
    assert step(hub)
    assert hub.admin.delete(node_path(hub)).status == 204
    assert not step(hub)
    assert remove_deleted(seconds=60)
    assert not Node.objects.filter(id=hub.node.id).exists()
    assert not Rekeying.objects.exists()
    assert not NewKey.objects.exists()


def test_the_report_is_for_those_who_reach_the_node(hub: Hub) -> None:
    hub.post_customer(externalId="1")
    put_node(hub, uniqueCustomer=BY_EXTERNAL_ID)
    path = f"{node_path(hub)}/rekeying"
    for role, status in (("GUEST", 200), ("UNTRUSTED_APPLICATION", 403), ("DPO", 403)):
        assert hub.clients[role].get(path).status == status
    assert Hub().admin.get(path).status == 403


SMALL = st.sampled_from(["a", "A", "b", " a ", "null", "", None])
PEOPLE = st.lists(st.tuples(SMALL, SMALL), max_size=5)
POLICIES = st.tuples(
    st.lists(st.sampled_from(["externalId", "base.lastName"]), min_size=1, max_size=2, unique=True),
    st.booleans(),
)


@settings(max_examples=25)
@given(PEOPLE, st.lists(POLICIES, min_size=1, max_size=3))
def test_people_are_recognised_as_a_naive_model_says(
    hub: Hub, people: list[tuple[str | None, str | None]], policies: list[Any]
) -> None:
    node = make_node(hub.workspace)
    path = f"{hub.configuration}/nodes/entries/{node.id}"
    known: dict[str, dict[str, str | None]] = {}
    for number, (external_id, last_name) in enumerate(people):
        customer = Customer.objects.create(
            id=new_id(), workspace=hub.workspace, node=node,
            external_id=external_id and external_id.strip(),
            base={"contacts": {"email": f"p{number}@x.it"}} | ({"lastName": last_name} if last_name is not None else {}),
            registered_at=timezone.now(), updated_at=timezone.now(),
            match_key=bytes([number] * 32),
        )  # fmt: skip
        known[str(customer.id)] = {"externalId": external_id, "base.lastName": last_name}
    in_force: tuple[list[str], bool] | None = None

    def key(values: dict[str, str | None], properties: list[str], exact: bool) -> Any:
        """What a policy makes of somebody; None for nobody."""
        texts = [(values[each] or "").strip() for each in sorted(properties)]
        if any(text == "" or text.lower() == "null" for text in texts):
            return None
        return tuple(text if exact else text.lower() for text in texts)

    for properties, exact in policies:
        groups: dict[Any, list[str]] = {}
        for person, values in known.items():
            groups.setdefault(key(values, properties, exact), []).append(person)
        colliding = [set(ids) for each, ids in groups.items() if each is not None and len(ids) > 1]
        body = hub.admin.get(path).json | {
            "uniqueCustomer": {"properties": properties, "caseSensitive": exact}
        }
        answer = hub.admin.put(path, body, query={"force": "true"})
        if colliding:
            assert answer.status == 409
            found = list(map(set, answer["data"]["collisions"]))
            assert sorted(map(sorted, found)) == sorted(map(sorted, colliding))
            continue
        assert answer.status == 200, answer.content
        in_force = properties, exact
    if in_force is None:
        return
    for person, values in known.items():
        expected = {each for each in known if key(known[each], *in_force) == key(values, *in_force)}
        stored = bytes(Customer.objects.get(id=person).match_key or b"")
        same = {str(each.id) for each in Customer.objects.filter(node=node) if bytes(each.match_key or b"") == stored}  # fmt: skip
        assert bool(stored) == (key(values, *in_force) is not None)
        if stored:
            assert same == expected == {person}


def rekey_until_killed(*, node: str, steps: int, at: str) -> None:
    """A worker that is killed in the middle of a batch's transaction."""
    rekeying.BATCH = 2
    workspace_id = Node.objects.get(id=node).workspace_id
    for _ in range(steps):
        assert rekeying._step(workspace_id, UUID(node))
    original = getattr(CustomerDataOwner, at)

    def killed(self: Any, **arguments: Any) -> Any:
        original(self, **arguments)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(CustomerDataOwner, at, killed)
    rekeying._step(workspace_id, UUID(node))


# With five customers in batches of two: four steps compute, one checks, four write, one applies.
@pytest.mark.parametrize(
    ("steps", "at", "collides"),
    [
        (1, "compute_keys", False), (4, "key_collisions", False), (6, "write_keys", False),
        (10, "clear_keys", False), (1, "compute_keys", True), (5, "clear_keys", True),
    ],
)  # fmt: skip
def test_a_killed_worker_leaves_one_policy_in_force(
    live_hub: Hub, monkeypatch: Any, steps: int, at: str, collides: bool
) -> None:
    monkeypatch.setattr(rekeying, "AT_ONCE", 0)
    for number in range(5):
        live_hub.post_customer(externalId="same" if collides and number > 2 else f"c{number}")
    before = live_hub.admin.get(node_path(live_hub)).json
    keys = dict(Customer.objects.values_list("id", "match_key"))
    assert put_node(live_hub, name="New", uniqueCustomer=BY_EXTERNAL_ID).status == 202
    given = {"node": str(live_hub.node.id), "steps": steps, "at": at}
    run_in_processes(
        "tests.configuration.test_rekeying:rekey_until_killed", [given], returncode=-signal.SIGKILL
    )
    state = Rekeying.objects.get(node=live_hub.node).state
    if state not in {"DONE", "COLLIDED"}:
        assert live_hub.admin.get(node_path(live_hub)).json == before
        assert live_hub.post_customer(externalId="9").status == 423
    if state in {"COMPUTING", "CHECKING"}:
        assert dict(Customer.objects.values_list("id", "match_key")) == keys
    assert rekeying.rekey_all(seconds=60)
    after = live_hub.admin.get(node_path(live_hub)).json
    assert not NewKey.objects.exists()
    if collides:
        assert after == before
        assert dict(Customer.objects.values_list("id", "match_key")) == keys
        return
    assert (after["name"], after["uniqueCustomer"]) == ("New", BY_EXTERNAL_ID)
    for customer in Customer.objects.all():
        again = live_hub.post_customer(externalId=customer.external_id, base={})
        assert (again.status, again["id"]) == (200, str(customer.id))


def take_part(*, number: int, token: str, operator: str, path: str, node: str) -> dict[str, int]:
    """One of several processes: writes customers, or changes the configuration, or re-keys."""
    rekeying.BATCH, rekeying.AT_ONCE = 3, 10 if number % 2 else 0
    chance, client, office = random.Random(number), ApiClient(token), ApiClient(operator)
    statuses: Counter[int] = Counter()
    configuration = f"{path}/configuration"
    for step in range(12):
        if number == 0:
            rekeying.rekey_all(seconds=60)
            continue
        if number < 3:
            policy = {"properties": chance.choice([["externalId"], ["base.contacts.email"], ["base.lastName"]]), "caseSensitive": chance.random() < 0.5}  # fmt: skip
            at = f"{configuration}/nodes/entries/{node}"
            body = office.get(at).json | {"uniqueCustomer": policy, "name": f"{number}-{step}"}
            answer = office.put(at, body, query={"force": "true"})
        elif number == 3:
            answer = office.put(configuration, {"name": f"Workspace {step}", "placeholderValues": [f"p{step}"]})  # fmt: skip
        else:
            who = chance.randrange(12)
            base = {"contacts": {"email": f"p{who}@x.it"}, "lastName": f"L{who}"}
            body = {"nodeId": node, "externalId": f"c{who}", "base": base}
            answer = client.post(f"{path}/customers", body)
        statuses[answer.status] += 1
    return dict(statuses)


def deadlocks() -> int:
    """How many deadlocks the database has resolved so far."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return int(cursor.fetchone()[0])


@pytest.mark.timeout(200)
def test_processes_that_rekey_write_and_configure_at_once(live_hub: Hub) -> None:
    """Nobody is doubled, nothing ends in a deadlock, and the last word is one whole policy."""
    hub = live_hub
    given = [
        {"number": number, "token": hub.trusted.token, "operator": hub.operator.token, "path": hub.path,
         "node": str(hub.node.id)}
        for number in range(6)
    ]  # fmt: skip
    before = deadlocks()
    reported = run_in_processes("tests.configuration.test_rekeying:take_part", given)
    statuses = [{int(status) for status in each} for each in reported]
    # 503: a busy machine makes somebody wait too long for the others.
    assert statuses[1] | statuses[2] <= {200, 202, 409, 423, 503}, statuses
    assert deadlocks() == before
    assert statuses[3] == {200}
    assert statuses[4] | statuses[5] <= {200, 201, 423}, statuses
    assert rekeying.rekey_all(seconds=60)
    node = Node.objects.get(id=hub.node.id)
    assert node.state == "ACTIVE"
    policy = MatchingPolicy(tuple(node.unique_properties), node.case_sensitive)
    customers = list(Customer.objects.filter(deleted=0))
    assert len(customers) == len({each.external_id for each in customers}) == len({each.base["lastName"] for each in customers})  # fmt: skip
    for customer in customers:
        document = {"externalId": customer.external_id, "base": customer.base}
        assert bytes(customer.match_key or b"") == match_key(policy, document)


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
