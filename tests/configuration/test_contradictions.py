"""Changes that values of customers contradict are refused with their number, unless forced."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from configuration.actions import contradictions
from configuration.models import Node, Workspace
from customers.models import Customer
from tests.client import Answer
from tests.customers.test_aggregates import activate, make, merge_all_pending
from tests.factories import Hub, make_node

FORCE = {"force": "true"}


def define(hub: Hub, force: bool = False, **definitions: Any) -> Answer:
    path = f"{hub.configuration}/properties/extended"
    return hub.operator.put(path, definitions, query=FORCE if force else ())


def put_node(hub: Hub, query: Any = (), **values: Any) -> Answer:
    path = f"{hub.configuration}/nodes/entries/{hub.node.id}"
    return hub.admin.put(path, hub.admin.get(path).json | values, query=query)


def counts(answer: Answer) -> dict[str, int]:
    """How many customers contradict, by pointer; `*` for all together."""
    assert answer.status == 409, answer.content
    assert {error["code"] for error in answer["errors"]} == {"contradicted"}
    by_path = {error["path"]: error["data"]["customers"] for error in answer["errors"]}
    return by_path | {"*": answer["data"]["customers"]}


def test_narrower_definitions(hub: Hub) -> None:
    text, number = {"type": "string"}, {"type": "number"}
    define(hub, size=number, colour=text, club={"type": "object", "properties": {"name": text}})
    hub.post_customer(extended={"size": 40, "colour": "red"})
    hub.post_customer(extended={"size": 50, "colour": "green", "club": {"name": "sailing"}})
    hub.post_customer(nodeId=str(hub.other_node.id), extended={"size": 50})
    hub.post_customer()
    gone = hub.post_customer(extended={"size": 99})["id"]
    hub.admin.delete(f"{hub.path}/customers/{gone}")
    before = Workspace.objects.get(id=hub.workspace.id)
    narrow = {
        "size": number | {"maximum": 45}, "colour": text | {"enum": ["red"]},
        "club": {"type": "object", "properties": {"name": text | {"maxLength": 3}}},
    }  # fmt: skip
    refused = define(hub, **narrow)
    assert counts(refused) == {"/size": 2, "/colour": 1, "/club": 1, "*": 2}
    assert refused["data"] == {"customers": 2, "isBounded": False}
    assert "force=true" in refused["message"]
    after = Workspace.objects.get(id=hub.workspace.id)
    assert after.customer_extended == before.customer_extended
    assert after.configuration_version == before.configuration_version
    assert define(hub, force=True, **narrow).status == 200
    # What does not concern values is not asked about again.
    relabelled = {name: each | {"label": name} for name, each in narrow.items()}
    assert define(hub, **relabelled | {"new": {"type": "string", "maxLength": 1}}).status == 200


def test_a_property_that_comes_back_with_other_limits(hub: Hub) -> None:
    text = {"type": "string"}
    define(hub, code=text)
    hub.post_customer(extended={"code": "long"})
    off = text | {"enabled": False, "maxLength": 2}
    assert define(hub, code=off).status == 200, "nobody sees it"
    on = off | {"enabled": True}
    assert counts(define(hub, code=on)) == {"/code": 1, "*": 1}
    assert define(hub, force=True, code=on).status == 200


def test_a_base_property_that_comes_back(hub: Hub) -> None:
    path = f"{hub.configuration}/properties/base/firstName/enabled"
    customer = hub.post_customer(base={"firstName": "Ada", "contacts": {"email": "a@x.it"}})["id"]
    assert hub.admin.put(path, {"value": False}).status == 200
    assert hub.admin.put(path, {"value": True}).status == 200
    assert hub.admin.put(path, {"value": False}).status == 200
    Customer.objects.filter(id=customer).update(base={"firstName": "x" * 256})
    assert counts(hub.admin.put(path, {"value": True})) == {"": 1, "*": 1}
    assert hub.admin.put(path, {"value": True}, query=FORCE).status == 200


@pytest.mark.parametrize("blank", [None, "", " \u3000"])
def test_a_property_made_mandatory(hub: Hub, blank: str | None) -> None:
    for number, first in enumerate(["Ada", blank, blank]):
        contacts = {"email": f"{number}@x.it"} | ({"phone": "1"} if number == 1 else {})
        base = {"contacts": contacts, "firstName": first}
        assert hub.post_customer(base=base).status == 201
    hub.post_customer(nodeId=str(hub.other_node.id))
    needed = ["base.contacts.email", "base.firstName", "base.contacts.phone"]
    refused = put_node(hub, name="New", mandatoryProperties=needed)
    assert counts(refused) == {"/mandatoryProperties/1": 2, "/mandatoryProperties/2": 2, "*": 3}
    assert Node.objects.get(id=hub.node.id).name == hub.node.name
    assert put_node(hub, FORCE, mandatoryProperties=needed).status == 200
    assert put_node(hub, name="New").status == 200, "these are demanded already"
    assert put_node(hub, mandatoryProperties=[]).status == 200


def test_a_property_that_people_are_recognised_by(hub: Hub) -> None:
    hub.post_customer(externalId="1")
    hub.post_customer()
    policy = {"properties": ["base.contacts.email", "externalId"], "caseSensitive": False}
    assert counts(put_node(hub, uniqueCustomer=policy)) == {
        "/uniqueCustomer/properties/1": 1, "*": 1,
    }  # fmt: skip
    assert put_node(hub, FORCE, uniqueCustomer=policy).status == 200


def test_copies_in_aggregate_nodes_are_not_counted(hub: Hub) -> None:
    define(hub, code={"type": "string"})
    hub.post_customer(extended={"code": "long"})
    activate(hub, make(hub))
    merge_all_pending()
    assert counts(define(hub, code={"type": "string", "maxLength": 2}))["*"] == 1


def test_nobody_is_counted_beyond_a_bound(hub: Hub, monkeypatch: Any) -> None:
    monkeypatch.setattr(contradictions, "MOST_COUNTED", 3)
    define(hub, code={"type": "string"})
    for number in range(5):
        hub.post_customer(extended={"code": f"long {number}"})
    refused = define(hub, code={"type": "string", "maxLength": 2})
    assert counts(refused) == {"/code": 3, "*": 3}
    assert refused["data"]["isBounded"]
    assert "3 customers or more" in refused["message"]
    refused = put_node(hub, mandatoryProperties=["base.lastName"])
    assert counts(refused) == {"/mandatoryProperties/0": 3, "*": 3}


@pytest.mark.parametrize("wrong", ["yes", "1"])
def test_force_is_true_or_false(hub: Hub, wrong: str) -> None:
    assert put_node(hub, {"force": wrong}).paths == {"/force"}


def test_other_workspaces_are_not_checked(hub: Hub) -> None:
    other = Hub()
    define(other, code={"type": "string"})
    other.post_customer(extended={"code": "long"})
    define(hub, code={"type": "string"})
    assert define(hub, code={"type": "string", "maxLength": 2}).status == 200


LIMITS = st.fixed_dictionaries({}, optional={"minLength": st.integers(0, 3), "maxLength": st.integers(3, 5)})  # fmt: skip
BOUNDS = st.fixed_dictionaries({}, optional={"minimum": st.integers(-2, 0), "maximum": st.integers(0, 2)})  # fmt: skip
PEOPLE = st.lists(
    st.fixed_dictionaries({}, optional={"text": st.text("ab", max_size=6), "number": st.integers(-3, 3)}),
    max_size=6,
)  # fmt: skip


@settings(max_examples=20)
@given(PEOPLE, LIMITS, BOUNDS)
def test_everybody_who_contradicts_is_counted(
    hub: Hub, people: list[dict[str, Any]], limits: dict[str, int], bounds: dict[str, int]
) -> None:
    node = str(make_node(hub.workspace).id)
    Customer.objects.filter(workspace_id=hub.workspace.id).update(extended={})
    assert define(hub, text={"type": "string"}, number={"type": "number"}).status == 200
    for number, extended in enumerate(people):
        base = {"contacts": {"email": f"p{number}@x.it"}}
        assert hub.admin.post(f"{hub.path}/customers", {"nodeId": node, "base": base, "extended": extended}).status == 201  # fmt: skip
    wrong_text = [
        "text" in each
        and not limits.get("minLength", 0) <= len(each["text"]) <= limits.get("maxLength", 255)
        for each in people
    ]
    wrong_number = [
        "number" in each
        and not bounds.get("minimum", -9) <= each["number"] <= bounds.get("maximum", 9)
        for each in people
    ]
    answer = define(hub, text={"type": "string"} | limits, number={"type": "number"} | bounds)
    expected = {"/text": sum(wrong_text), "/number": sum(wrong_number)}
    expected = {path: count for path, count in expected.items() if count}
    if not expected:
        assert answer.status == 200, answer.content
        return
    either = sum(map(max, wrong_text, wrong_number))
    assert counts(answer) == expected | {"*": either}
