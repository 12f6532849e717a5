"""The page of an aggregate node: whom it leaves out by rules, how far it is, what it would be made of."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.utils.timezone import now
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from playwright.sync_api import Browser, expect

from configuration.actions.aggregates import filter_faults
from configuration.models import Node
from configuration.queries.rules import configuration_changed, latest_rules_of
from customers.admin.rule_trees import DAYS, conditions_of, read_tree, tree_of_conditions
from customers.models import AggregateBuild, AggregateMember, Customer
from customers.queries import aggregate_preview
from tests.back_office.office import Staff
from tests.back_office.test_browser import BrowserSession, browser  # noqa: F401
from tests.back_office.test_rule_builder import SCHEMA, comparisons, groups, usual_value
from tests.customers.test_aggregates import activate, make, people
from tests.factories import Hub

MOST = 10
ADA = {"property": "base.firstName", "operator": "EQUALS", "value": "Ada"}


def preview(hub: Hub, node: str, *filters: Any) -> aggregate_preview.AggregatePreview:
    rules = latest_rules_of(hub.workspace.id)
    assert rules is not None
    return aggregate_preview.preview_aggregate(
        rules, rules.nodes[Node.objects.get(id=node).id], filters
    )


lasting = comparisons().filter(lambda rule: rule["operator"] not in DAYS)


@given(groups(lasting | groups(lasting)))
def test_rules_become_filters_and_are_shown_again(tree: dict[str, Any]) -> None:
    filters = conditions_of(read_tree(json.dumps(tree)), most=MOST)
    assert 0 < len(filters) <= MOST
    shown = tree_of_conditions(filters)
    assert shown is not None
    assert conditions_of(shown, most=MOST) == filters
    assert tree["match"] == shown["match"]


def test_more_rules_than_filters_are_one_filter() -> None:
    tree = {"match": "any", "rules": [ADA] * (MOST + 1)}
    [whole] = conditions_of(tree, most=MOST)
    assert whole["conjunction"] == "or"
    assert tree_of_conditions([whole]) == tree
    assert conditions_of({"match": "all", "rules": []}, most=MOST) == []


def test_every_rule_that_is_offered_is_a_filter() -> None:
    from customers.admin.rule_properties import OPERATORS, properties_of

    for each in properties_of(SCHEMA):
        for operator, _ in OPERATORS[each.kind]:
            if operator not in DAYS:
                rule = {
                    "property": each.path,
                    "operator": operator,
                    "value": usual_value(each, operator),
                }
                tree = read_tree(json.dumps({"match": "any", "rules": [rule]}))
                assert filter_faults(conditions_of(tree, most=MOST), SCHEMA) == [], rule


NAMES = st.sampled_from(["Ada", " ada", "ADA ", "Bea", "", None])
EMAILS = st.sampled_from(["a@x.it", "A@X.it", "b@x.it", "c@x.it"])
WORLDS = st.lists(st.tuples(EMAILS, NAMES, st.booleans()), min_size=1, max_size=5)


@settings(
    max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(WORLDS, st.booleans(), st.booleans())
def test_the_preview_is_what_building_makes(
    hub: Hub, world: list[Any], by_name: bool, has_filter: bool
) -> None:
    """By the keys that are there, and by keys that are made for it."""
    AggregateMember.objects.filter(workspace_id=hub.workspace.id).delete()
    Customer.objects.filter(workspace=hub.workspace).delete()
    known: dict[tuple[str, bool], str] = {}
    for email, name, other in world:
        base = {"contacts": {"email": email}, "firstName": name}
        node = hub.other_node if other else hub.node
        hub.post_customer(nodeId=str(node.id), base=base)
        before = known.get((email.lower(), other), "")
        known[email.lower(), other] = before if name is None else name.strip().lower()
    properties = ["base.firstName"] if by_name else ["base.contacts.email"]
    bea = {"type": "atomic", "attribute": "base.firstName", "operator": "EQUALS", "value": "Bea"}
    filters = [bea] if has_filter else []
    kept = {key: name for key, name in known.items() if not (has_filter and name == "bea")}
    persons = {name for name in kept.values() if name} if by_name else {key for key, _ in kept}
    node_id = make(hub, properties=properties, exclusionFilters=filters)
    found = preview(hub, node_id, *filters)
    assert found.customers == len(known)
    assert found.left_out == len(known) - len(kept)
    assert found.unrecognised == (sum(not name for name in kept.values()) if by_name else 0)
    assert found.persons == len(persons)
    assert activate(hub, node_id) == "ACTIVE"
    assert len(people(hub, node_id)) == found.persons
    hub.admin.delete(f"{hub.configuration}/nodes/aggregates/{node_id}")


def test_a_preview_ends_in_time(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        hub.post_customer(base={"firstName": "Ada", "contacts": {"email": f"{_}@x.it"}})
    node = make(hub, properties=["base.firstName"])
    monkeypatch.setattr(aggregate_preview, "BATCH", 2)
    whole = preview(hub, node)
    assert (whole.customers, whole.persons, whole.is_complete) == (3, 1, True)
    monkeypatch.setattr(aggregate_preview, "MOST_SECONDS", -1.0)
    assert not preview(hub, node).is_complete
    text = Staff(hub, "ADMIN").open("aggregate-preview", node_id=node).html
    assert "The first customers in the entry nodes: 0, customers left out: 0" in text


def test_rules_of_the_page_are_filters_of_the_node(hub: Hub) -> None:
    for name, other in (("Ada", False), ("Ada", True), ("Bea", True)):
        node = hub.other_node if other else hub.node
        email = f"{name}@x.it".lower()
        hub.post_customer(
            nodeId=str(node.id), base={"firstName": name, "contacts": {"email": email}}
        )
    node, staff = make(hub), Staff(hub, "ADMIN")
    page = staff.open("aggregate-node", node_id=node)
    assert "not built" in page
    assert "rule-options" in page.html
    assert "LAST_DAYS" not in page.html
    assert "loggedIn" not in page.html
    rules = json.dumps({"match": "any", "rules": [ADA]})
    shown = staff.open("aggregate-preview", {"rules": rules}, node_id=node).html
    assert shown == json.dumps(
        {
            "text": (
                "Customers in the entry nodes: 3, customers left out: 2, without what people are recognised by: 0, "
                "persons of the others: 1"
            )
        }
    )
    form = {"act": "save", "name": "Everybody", "rules": rules}
    assert "The node is changed." in staff.submit("aggregate-node", form, node_id=node)
    path = f"{hub.configuration}/nodes/aggregates/{node}"
    [condition] = hub.admin.get(path)["exclusionFilters"]
    assert condition == {
        "type": "atomic", "attribute": "base.firstName", "operator": "EQUALS", "value": "Ada",
    }  # fmt: skip
    assert "base.firstName" in staff.open("aggregate-node", node_id=node).html
    for text in ('{"match": "any", "rules": [{"event": "loggedIn"}]}', "[[[", "x" * 30_000):
        page = staff.submit("aggregate-node", form | {"rules": text}, node_id=node)
        assert page.status == 200
        assert "Who is left out" in page
        assert "Only properties" in page or "rules" in page
        assert staff.open("aggregate-preview", {"rules": text}, node_id=node).status == 200
    relative = {"property": "registeredAt", "operator": "LAST_DAYS", "value": "3"}
    text = json.dumps({"match": "any", "rules": [relative]})
    assert "relative to now" in staff.open("aggregate-preview", {"rules": text}, node_id=node).html
    assert hub.admin.get(path)["exclusionFilters"] == [condition]
    staff.submit("aggregate-node", form | {"rules": ""}, node_id=node)
    assert hub.admin.get(path)["exclusionFilters"] == []


def test_filters_beyond_the_builder_stay_json(hub: Hub) -> None:
    deep: Any = {
        "type": "atomic",
        "attribute": "base.firstName",
        "operator": "EQUALS",
        "value": "x",
    }
    other = deep | {"value": "y"}
    for conjunction in ("or", "and", "or", "and"):
        deep = {"type": "composite", "conditions": [deep, other], "conjunction": conjunction}
    node, staff = make(hub, exclusionFilters=[deep]), Staff(hub, "ADMIN")
    page = staff.open("aggregate-node", node_id=node)
    assert 'name="exclusionFilters"' in page.html
    form = {"act": "save", "name": "Some", "exclusionFilters": json.dumps([other])}
    staff.submit("aggregate-node", form, node_id=node)
    changed = hub.admin.get(f"{hub.configuration}/nodes/aggregates/{node}")
    assert (changed["name"], changed["exclusionFilters"]) == ("Some", [other])
    assert 'name="exclusionFilters"' not in staff.open("aggregate-node", node_id=node).html


def lock(hub: Hub, node: str, *, done: int, total: int) -> None:
    """As a large node is while a task builds it."""
    Node.objects.filter(id=node).update(state="LOCKED")
    AggregateBuild.objects.create(
        workspace_id=hub.workspace.id, node_id=node, done=done, total=total, started_at=now()
    )


def test_progress_is_in_words(hub: Hub) -> None:
    node, staff = make(hub), Staff(hub, "ADMIN")

    def progress() -> dict[str, Any]:
        answer = staff.open("aggregate-progress", node_id=node).answer
        found: dict[str, Any] = answer.json()[node]
        return found

    assert (progress()["label"], progress()["moves"]) == ("not built", False)
    lock(hub, node, done=1200, total=3000)
    found = progress()
    assert (found["label"], found["moves"], found["has_ended"]) == ("being built", True, False)
    assert (found["done"], found["total"]) == (1200, 3000)
    assert found["parts"] == {"counts": "1,200 of 3,000 customers"}
    page = staff.open("aggregate-node", node_id=node)
    assert "being built" in page
    assert 'value="1200" max="3000"' in page.html
    Node.objects.filter(id=node).update(state="ACTIVE")
    assert progress()["parts"] == {"counts": "0 persons"}
    stranger = Staff(Hub(), "ADMIN")
    for name in ("aggregate-node", "aggregate-progress", "aggregate-preview"):
        assert stranger.open(name, node_id=node).status == 404
        assert Staff(hub, "GUEST", grants={}).open(name, node_id=node).status in {403, 404}


def test_who_may_not_read_all_of_its_nodes_sees_no_preview(hub: Hub) -> None:
    node = make(hub)
    aggregate = Node.objects.get(id=node)
    staff = Staff(hub, "USER", grants={hub.node: "RW", aggregate: "RW"})
    page = staff.open("aggregate-preview", node_id=node)
    assert page.status == 200
    assert "may not read all of its entry nodes" in page.html


def test_the_page_moves_by_itself(
    live_hub: Hub,
    live_server: Any,
    browser: Browser,  # noqa: F811
) -> None:
    live_hub.post_customer(base={"firstName": "Ada", "contacts": {"email": "ada@x.it"}})
    node = make(live_hub)
    lock(live_hub, node, done=1, total=2)
    session = BrowserSession(live_hub, live_server, browser)
    page = session.open(f"settings/aggregates/{node}/")
    shown = page.locator("dd[data-job]")
    expect(shown).to_contain_text("being built")
    expect(shown).to_contain_text("1 of 2 customers")
    counted = page.locator("[data-count]")
    expect(counted).to_contain_text("Customers in the entry nodes: 1, customers left out: 0")
    page.get_by_role("button", name="Add a rule").click()
    page.get_by_label("Value").fill("x")
    page.get_by_label("Comparison").select_option("IS_NULL")
    expect(counted).to_contain_text("customers left out: 1")
    expect(page.get_by_role("button", name="Add what they did")).to_have_count(0)
    AggregateBuild.objects.filter(node_id=node).update(done=2)
    expect(shown).to_contain_text("2 of 2 customers")
    Node.objects.filter(id=node).update(state="ACTIVE")
    configuration_changed(live_hub.workspace.id)
    expect(shown).to_contain_text("active")
    expect(shown.locator("progress")).to_be_hidden()
    assert session.failures == []
    page.context.close()
