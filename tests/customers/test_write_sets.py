"""Sets of writes do what the same writes do one by one, in a model that shares no code with them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from django.db import connection, transaction
from hypothesis import example, given, settings
from hypothesis import strategies as st

from configuration.domain.matching_policy import MatchingPolicy
from configuration.models import NodeState
from configuration.queries.rules import NodeRules, latest_rules_of
from customers.actions.customer_write import CustomerWrite, Outcome
from customers.actions.writes import WRITE, set_parameters, set_results, write_customers
from customers.domain.merge import EMPTY
from customers.models import Change, ConsentLogEntry, Customer
from customers.models.customer_row import CustomerRow
from tests.factories import Hub

EMAILS = [f"{name}@example.com" for name in ("ann", "bob", "cleo", "dan")]
DONE = ("WRITTEN", None)
REACHED = ("dbname", "host", "port", "user", "password")


@dataclass
class Person:
    email: str
    name: str
    version: int = 1
    log: list[str] = field(default_factory=list)


@dataclass
class NaiveSet:
    """Customers by id, as a list of writes leaves them."""

    people: dict[UUID, Person] = field(default_factory=dict)

    def holder(self, email: str) -> UUID | None:
        return next((id for id, person in self.people.items() if person.email == email), None)

    def create(self, id: UUID, email: str, name: str, consented: bool) -> tuple[str, UUID | None]:
        holder = self.holder(email)
        if holder is not None:
            return "MERGE", holder
        self.people[id] = Person(email, name, 1, ["DISCLAIMER_READ"] if consented else [])
        return DONE

    def change(
        self, id: UUID, email: str, name: str, version: int | None, holders: dict[str, UUID]
    ) -> tuple[str, UUID | None]:
        """An address is free when none of the `holders`, those before the set, has it."""
        person = self.people.get(id)
        if person is None or version not in {None, person.version}:
            return "STALE", None if person is None else id
        holder = holders.get(email)
        if holder is not None and holder != id:
            return "CONFLICT", holder
        person.email, person.name, person.version = email, name, person.version + 1
        return DONE

    def after_set(self, id: UUID, document: Any, reported: Any) -> tuple[str, UUID | None]:
        """Who stands against a change is told as it is after the set: it may be nobody any more."""
        if reported[0] != "CONFLICT":
            return reported
        holder = self.holder(document["base"]["contacts"]["email"])
        return ("STALE", id) if holder in {None, id} else ("CONFLICT", holder)

    def delete(self, id: UUID, version: int | None) -> tuple[str, UUID | None]:
        person = self.people.get(id)
        if person is None or version not in {None, person.version}:
            return "STALE", None if person is None else id
        del self.people[id]
        return DONE


def key_of(email: str) -> bytes:
    return hashlib.sha256(email.encode()).digest()


def write_of(node: NodeRules, *, email: str = "", name: str = "", **values: Any) -> CustomerWrite:
    document = EMPTY | {"base": {"contacts": {"email": email}, "firstName": name}}
    if values.pop("consented", False):
        document["consents"] = {"disclaimer": {"date": "2026-01-01T00:00:00.000Z"}}
    return CustomerWrite(
        **{
            "id": uuid4(), "node_id": node.id, "guard": node, "before": EMPTY,
            "document": document, "match_key": key_of(email), "updated_by": "1",
        } | values
    )  # fmt: skip


def reported(result: Any) -> tuple[str, UUID | None]:
    return result.outcome.value, None if result.known is None else UUID(result.known.id)


def node_rules(hub: Hub) -> NodeRules:
    rules = latest_rules_of(hub.workspace.id)
    assert rules is not None
    return rules.nodes[hub.node.id]


# Each customer is changed once in a set; several changes of one are told of below.
NEW = st.dictionaries(st.integers(0, 3), st.tuples(st.sampled_from(["x", "y"]), st.booleans()))
CHANGED = st.dictionaries(
    st.integers(0, 3),
    st.tuples(
        st.sampled_from(["change", "delete"]),
        st.integers(0, 3),
        st.sampled_from(["x", "y"]),
        st.sampled_from([None, 0, 1]),
    ),
)


@settings(max_examples=60)
@given(st.lists(st.tuples(NEW, CHANGED), min_size=1, max_size=4))
@example([({0: ("x", True), 1: ("x", False)}, {}), ({0: ("y", False)}, {0: ("change", 1, "y", 0)})])
@example([({0: ("x", True)}, {}), ({0: ("y", False)}, {0: ("delete", 0, "x", 0)})])
def test_sets_do_what_the_naive_model_says(hub: Hub, sets: list[Any]) -> None:
    with transaction.atomic():
        node, model, ids = node_rules(hub), NaiveSet(), {}
        for new, changed in sets:
            writes, expected, taken = [], [], set()
            holders = {person.email: id for id, person in model.people.items()}
            # A set changes those that are there before it adds others.
            for number, (kind, needed, name, behind) in changed.items():
                id = ids.get(number, UUID(int=number))
                known = model.people.get(id)
                version = behind if behind is None or known is None else known.version - behind
                if kind == "delete":
                    gone = {"document": None, "match_key": None}
                    writes.append(write_of(node, id=id, version=version, **gone))
                    expected.append(model.delete(id, version))
                    continue
                email = EMAILS[needed]
                if email in taken:
                    continue  # which of two rows gets an address is nobody's promise
                taken.add(email)
                writes.append(write_of(node, id=id, version=version, email=email, name=name))
                expected.append(model.change(id, email, name, version, holders))
            for number, (name, consented) in new.items():
                write = write_of(
                    node, email=EMAILS[number], name=name, consented=consented, before=None
                )
                writes.append(write)
                expected.append(model.create(write.id, EMAILS[number], name, consented))
                if expected[-1] == DONE:
                    ids[number] = write.id
            results = write_customers(hub.workspace.id, writes)
            expected = [
                model.after_set(write.id, write.document, reported)
                for write, reported in zip(writes, expected, strict=True)
            ]
            assert [reported(result) for result in results] == expected
            for write, result in zip(writes, results, strict=True):
                if result.outcome is Outcome.WRITTEN and write.document is not None:
                    assert result.version == model.people[write.id].version
            compare(hub, model)
        transaction.set_rollback(True)


def compare(hub: Hub, model: NaiveSet) -> None:
    live = Customer.objects.in_node(hub.workspace.id, hub.node.id)
    assert {
        each.id: (each.base["contacts"]["email"], each.base["firstName"], each.version)
        for each in live
    } == {id: (each.email, each.name, each.version) for id, each in model.people.items()}
    for customer in Customer.objects.in_workspace(hub.workspace.id):
        operations = list(
            Change.objects.filter(entity_id=customer.id)
            .order_by("id")
            .values_list("operation", flat=True)
        )
        assert len(operations) == customer.version
        assert operations[0] == "CREATE"
        assert ("DELETE" in operations) == (customer.deleted == 1)
        assert bytes(customer.match_key or b"") == (
            b"" if customer.deleted else key_of(customer.base["contacts"]["email"])
        )
    for id, person in model.people.items():
        lines = ConsentLogEntry.objects.filter(customer_id=id).order_by("id")
        assert list(lines.values_list("type", flat=True)) == person.log


def test_changes_of_one_customer_follow_each_other(hub: Hub) -> None:
    node = node_rules(hub)
    id = UUID(hub.post_customer()["id"])
    steps = [
        write_of(node, id=id, email="ann@example.com", name=f"step{number}", version=number)
        for number in (1, 2, 3)
    ]
    late = write_of(node, id=id, email="ann@example.com", name="late", version=2)
    results = write_customers(hub.workspace.id, [*steps, late])
    assert [result.outcome.value for result in results] == ["WRITTEN"] * 3 + ["STALE"]
    assert [result.version for result in results[:3]] == [2, 3, 4]
    assert Customer.objects.get(id=id).base["firstName"] == "step3"
    assert Change.objects.filter(entity_id=id).count() == 4


def test_two_new_customers_of_one_key_are_one(hub: Hub) -> None:
    node = node_rules(hub)
    both = [write_of(node, email="ann@example.com", before=None) for _ in range(2)]
    results = write_customers(hub.workspace.id, both)
    assert sorted(result.outcome.value for result in results) == ["MERGE", "WRITTEN"]
    written = next(
        write for write, result in zip(both, results, strict=True) if result.outcome == "WRITTEN"
    )
    merged = next(result for result in results if result.outcome == "MERGE")
    # What it tells of the other is what a look-up would.
    assert merged.known == Customer.objects.live_row(hub.workspace.id, written.id)
    assert isinstance(merged.known, CustomerRow)


@pytest.mark.parametrize("wrong", ["policy", "locked", "unknown", "another's"])
def test_a_closed_node_hinders_its_own_rows_only(hub: Hub, wrong: str) -> None:
    node = node_rules(hub)
    rules = latest_rules_of(hub.workspace.id)
    assert rules is not None
    other = rules.nodes[hub.other_node.id]
    workspace_id = hub.workspace.id
    if wrong == "policy":
        node = NodeRules(
            node.id, node.type, node.state, MatchingPolicy(("base.lastName",), True), ()
        )
    elif wrong == "locked":
        hub.node.state = NodeState.LOCKED
        hub.node.save()
    elif wrong == "unknown":
        node = NodeRules(uuid4(), node.type, node.state, node.matching, ())
    else:
        node = node_rules(Hub())
    writes = [write_of(each, email="ann@example.com", before=None) for each in (node, other)]
    results = write_customers(workspace_id, writes)
    assert [result.outcome.value for result in results] == ["NOT_OPEN", "WRITTEN"]
    assert Customer.objects.filter(id=writes[0].id).count() == 0


def test_rows_of_another_workspace_are_out_of_reach(hub: Hub) -> None:
    stranger = Hub()
    id = UUID(stranger.post_customer()["id"])
    results = write_customers(
        hub.workspace.id,
        [write_of(node_rules(hub), id=id, email="ann@example.com", version=1)],
    )
    assert reported(results[0]) == ("STALE", None)
    assert Customer.objects.get(id=id).version == 1


def test_an_awaited_external_id_is_reported(hub: Hub) -> None:
    node = node_rules(hub)
    waiting = {"type": "EXTERNAL_ID", "value": "Client 1", "nodeId": str(node.id)}
    event = {"type": "viewedPage", "context": "WEB", "properties": {}}
    event["bringBackProperties"] = waiting
    assert hub.trusted.post(f"{hub.path}/events", event).status == 202
    writes = [
        write_of(node, email=EMAILS[number], before=None, appears=f"Client {number}")
        for number in range(3)
    ]
    results = write_customers(hub.workspace.id, writes)
    assert [each.outcome.value for each in results] == ["WRITTEN", "AWAITED", "WRITTEN"]


def test_a_held_customer_is_left_alone_unless_the_set_may_wait(live_hub: Hub) -> None:
    hub, node = live_hub, node_rules(live_hub)
    held, free = (UUID(hub.post_customer()["id"]) for _ in range(2))
    writes = [
        write_of(node, id=id, email=f"{number}@example.com", version=1)
        for number, id in enumerate((held, free))
    ]
    parameters = connection.get_connection_params()
    needed = {name: parameters[name] for name in REACHED if name in parameters}
    with psycopg.connect(**needed) as other:
        other.execute("SELECT FROM customers_customer WHERE id = %s FOR UPDATE", [held])
        with connection.cursor() as cursor:
            cursor.execute(WRITE, set_parameters(hub.workspace.id, writes, may_wait=False))
            results = set_results(writes, cursor.fetchall())
    assert [each.outcome.value for each in results] == ["STALE", "WRITTEN"]
