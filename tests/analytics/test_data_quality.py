"""Data quality: filled, distinct and invalid values by property, refused shares by source."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.domain import data_quality as rules
from analytics.domain.data_quality import SECTIONS, PropertyCounter
from analytics.queries import data_quality
from configuration.domain.customer_schema import CustomerSchema
from configuration.models import Workspace
from configuration.queries.rules import configuration_changed
from contacthub_project.core.text import is_blank
from customers.actions.refusals import recorder
from customers.domain.merge import EMPTY, for_create
from tests.client import Answer, ApiClient
from tests.configuration.test_matching_rules import EMAIL, path_of, rule
from tests.factories import Hub, make_token, make_user
from tests.strategies import bodies

FORCE = {"force": "true"}
EXTENDED = {
    "card": {"type": "string", "maxLength": 9},
    "old": {"type": "object", "properties": {"inner": {"type": "string"}}},
    "off": {"type": "string"},
    "colours": {"type": "array", "items": {"type": "string"}},
}


@pytest.fixture(autouse=True)
def _no_refusals_of_others() -> None:
    recorder.drop()


def quality(hub: Hub, client: ApiClient | None = None, **query: Any) -> Answer:
    recorder.write()
    answer = (client or hub.admin).get(f"{hub.path}/data-quality", query=query)
    assert answer.status == 200, answer.content
    return answer


def counted(answer: Answer) -> dict[str, tuple[str, int, int | None, int]]:
    return {
        each["path"]: (each["state"], each["filled"], each["distinct"], each["invalid"])
        for each in answer["properties"]
        if each["filled"] or each["invalid"]
    }


def define(hub: Hub, definitions: dict[str, Any]) -> None:
    path = f"{hub.configuration}/properties/extended"
    assert hub.operator.put(path, definitions, query=FORCE).status == 200


def test_properties_are_counted_against_the_schema_of_today(hub: Hub) -> None:
    define(hub, EXTENDED)
    hub.post_customer(
        externalId="zebra-1",
        base={
            "firstName": "Zebedee", "contacts": {"email": "z@quill.example"},
            "credential": {"username": "zebedee", "password": "zanzibar"},
            "subscriptions": [{"id": "a", "subscribed": True}, {"id": "b", "subscribed": False}],
        },
        consents={"profiling": {"online": {"status": True}}}, tags={"manual": ["x", "y"]},
        extended={"card": "123456789", "old": {"inner": "zulu"}, "off": "zoo", "colours": ["vermilion", "blue"]},
    )  # fmt: skip
    hub.post_customer(
        base={"firstName": "Zebedee", "contacts": {"email": "a@quill.example"}},
        extended={"card": "12", "off": "zoo", "colours": ["vermilion"]},
    )
    define(
        hub,
        EXTENDED
        | {
            "card": EXTENDED["card"] | {"maxLength": 5},
            "off": EXTENDED["off"] | {"enabled": False},
        },
    )
    # The API does not remove a property with values.
    workspace = Workspace.objects.get(id=hub.workspace.id)
    del workspace.customer_extended["old"]
    workspace.save()
    configuration_changed(workspace.id)
    answer = quality(hub)
    assert (answer["customers"], answer["sampled"], answer["sampleSize"]) == (2, False, 2)
    found = counted(answer)
    subscribed = {path for path in found if path.startswith("base.subscriptions.")}
    assert {"base.subscriptions.id", "base.subscriptions.subscribed"} <= subscribed
    assert found["base.subscriptions.id"] == ("ENABLED", 1, 2, 0)
    assert {path: each for path, each in found.items() if path not in subscribed} == {
        "externalId": ("ENABLED", 1, 1, 0),
        "base.firstName": ("ENABLED", 2, 1, 0),
        "base.contacts.email": ("ENABLED", 2, 2, 0),
        "base.credential.username": ("ENABLED", 1, 1, 0),
        "base.credential.password": ("ENABLED", 1, None, 0),
        "consents.profiling.online.status": ("ENABLED", 1, 1, 0),
        "tags.manual": ("ENABLED", 1, 2, 0),
        "extended.card": ("ENABLED", 2, 2, 1),
        "extended.off": ("DISABLED", 2, 1, 0),
        "extended.colours": ("ENABLED", 2, 2, 0),
        "extended.old": ("UNKNOWN", 1, 1, 0),
    }
    assert "base.lastName" in {each["path"] for each in answer["properties"]}
    for value in (b"Zebedee", b"zebra", b"quill", b"zulu", b"zoo", b"zanzibar", b"vermilion"):
        assert value not in answer.content
    some = quality(hub, properties="base.contacts,extended.card")
    assert {path.rpartition(".")[0] for path in counted(some)} == {"base.contacts", "extended"}
    assert counted(some)["extended.card"] == found["extended.card"]


def test_of_the_nodes_that_the_caller_reads(hub: Hub) -> None:
    hub.post_customer()
    hub.post_customer(nodeId=str(hub.other_node.id))
    grants = {hub.node: "R"}
    reader = ApiClient(make_token(make_user("USER", workspaces=(hub.workspace,), grants=grants)))
    assert quality(hub)["customers"] == 2
    assert quality(hub, nodeId=hub.other_node.id)["customers"] == 1
    mine = quality(hub, reader)
    assert (mine["customers"], mine["sampleSize"]) == (1, 1)
    path = f"{hub.path}/data-quality"
    assert reader.get(path, query={"nodeId": hub.other_node.id}).status == 403
    assert hub.admin.get(path, query={"nodeId": "nothing"}).status == 404
    assert hub.admin.get(path, query={"dateFrom": "never"}).paths == {"/dateFrom"}
    assert hub.trusted.get(path).status == hub.clients["GUEST"].get(path).status == 403


def sources(answer: Answer) -> dict[tuple[str | None, str], tuple[int, int, float]]:
    return {
        (each["sourceId"], each["entity"]): (
            each["accepted"], each["refused"], each["refusedShare"]
        )
        for each in answer["sources"]["elements"]
    }  # fmt: skip


def test_what_is_refused_of_each_source(hub: Hub) -> None:
    source = str(hub.source.id)
    customer = hub.post_customer()["id"]
    hub.trusted.patch(f"{hub.path}/customers/{customer}", {"extra": "x"})
    hub.post_customer(hub.admin)
    hub.post_customer(base={"contacts": {"email": "wrong"}})
    event = {"customerId": customer, "type": "loggedIn", "context": "WEB", "properties": {}}
    hub.trusted.post(f"{hub.path}/events", event)
    for _ in range(3):
        assert hub.trusted.post(f"{hub.path}/events", event | {"type": "x"}).status == 400
    answer = quality(hub)
    assert sources(answer) == {
        (source, "CUSTOMER"): (2, 1, 0.3333),
        (source, "EVENT"): (1, 3, 0.75),
        (None, "CUSTOMER"): (1, 0, 0.0),
    }
    assert not answer["sources"]["sampled"]
    assert answer["sources"]["changes"] == answer["sources"]["sampleSize"] == 4
    later = quality(hub, dateFrom="now+1d")
    assert later["sources"]["elements"] == []
    for extreme in ("0002-01-01", "9999-12-30"):
        quality(hub, dateFrom=extreme)


def test_many_customers_are_sampled(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(60):
        hub.post_customer()
    monkeypatch.setattr(data_quality, "MOST_CUSTOMERS", 30)
    answer = quality(hub)
    read = answer["sampleSize"]
    assert (answer["customers"], answer["sampled"]) == (60, True)
    assert 8 <= read <= 52, "of a binomial distribution with 30 of 60, all but one in a billion"
    assert counted(answer) == {"base.contacts.email": ("ENABLED", read, read, 0)}


def test_samples_have_people_whom_a_further_rule_recognises(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = [
        rule({"property": "externalId", "normalizer": "EXACT"}),
        rule({"property": EMAIL, "normalizer": "EMAIL"}),
        rule({"property": "base.contacts.phone", "normalizer": "PHONE", "country": "IT"}),
    ]
    assert hub.admin.put(path_of(hub), {"rules": both}, query=FORCE).status == 200
    for number in range(20):
        contacts = {"email": f"p{number}@x.it", "phone": f"+39 051 12345{number:02}"}
        known = {"externalId": f"e{number}"} if number % 2 else {}
        assert hub.post_customer(base={"contacts": contacts}, **known).status == 201
    # Of this share a key lies outside once in a trillion.
    monkeypatch.setattr(data_quality, "MOST_CUSTOMERS", 20 - 1e-11)
    answer = quality(hub)
    assert (answer["sampled"], answer["sampleSize"]) == (True, 20)
    found = counted(answer)
    assert found["externalId"] == ("ENABLED", 10, 10, 0)
    assert found["base.contacts.email"] == ("ENABLED", 20, 20, 0)


def test_many_changes_are_sampled(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(12):
        hub.post_customer()
    hub.post_customer(base={"contacts": {"email": "wrong"}})
    monkeypatch.setattr(data_quality, "MOST_CHANGES", 4)
    answer = quality(hub)
    found = answer["sources"]
    assert (found["sampled"], found["sampleSize"], found["changes"]) == (True, 4, 12)
    assert sources(answer) == {(str(hub.source.id), "CUSTOMER"): (12, 1, 0.0769)}


def test_reading_ends_in_time(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.post_customer()
    monkeypatch.setattr(data_quality, "MOST_SECONDS", -1.0)
    answer = quality(hub)
    assert (answer["customers"], answer["sampled"], answer["sampleSize"]) == (1, True, 0)
    monkeypatch.setattr(data_quality, "MOST_SECONDS", 60.0)
    monkeypatch.setattr(rules, "MOST_VALUES", 1)
    hub.post_customer()
    answer = quality(hub)
    assert (answer["customers"], answer["sampled"], answer["sampleSize"]) == (2, True, 1)


def test_unknown_properties_are_bounded_and_nothing_below_them_is_named() -> None:
    counter = PropertyCounter(CustomerSchema(), CustomerSchema())
    extended = {f"p{number}": {"ada@x.it": number} for number in range(rules.MOST_UNKNOWN + 5)}
    counter.add({**dict.fromkeys(SECTIONS), **EMPTY, "extended": extended})
    unknown = [each for each in counter.results() if each.state == "UNKNOWN"]
    assert [each.path for each in unknown] == [f"extended.p{n}" for n in range(rules.MOST_UNKNOWN)]
    assert all((each.filled, each.distinct) == (1, 1) for each in unknown)


KINDS = CustomerSchema().kinds()
# Objects of which the schema does not say what is in them: each is one value.
OPEN = {path for path in KINDS if not any(each.startswith(f"{path}.") for each in KINDS)}


def leaves(value: Any, path: str) -> list[tuple[str, str]]:
    """The values that are no objects and lists, by the path without places in lists."""
    if isinstance(value, dict) and path in OPEN:
        return [(path, json.dumps(value, sort_keys=True))] if value else []
    if isinstance(value, dict):
        return [each for name, child in value.items() for each in leaves(child, f"{path}.{name}")]
    if isinstance(value, list):
        return [each for child in value for each in leaves(child, path)]
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return (
        []
        if value is None or is_blank(value)
        else [(path, repr(float(value) if is_number else value))]
    )


@given(st.lists(bodies(), max_size=5))
def test_counts_are_those_of_a_simple_count(given_bodies: list[dict[str, Any]]) -> None:
    schema = CustomerSchema()
    counter = PropertyCounter(schema, schema)
    filled: dict[str, int] = defaultdict(int)
    distinct: dict[str, set[str]] = defaultdict(set)
    for body in given_bodies:
        document = {**dict.fromkeys(SECTIONS), **for_create(EMPTY, schema.canonical(body))}
        document = {section: document[section] for section in SECTIONS}
        counter.add(document)
        found = [each for name, part in document.items() for each in leaves(part, name)]
        for path in {path for path, _ in found}:
            filled[path] += 1
        for path, value in found:
            distinct[path].add(value)
    results = {each.path: each for each in counter.results() if each.filled}
    assert {path: each.filled for path, each in results.items()} == dict(filled)
    for path, each in results.items():
        assert each.distinct in {None, len(distinct[path])}
        assert each.invalid == 0


def test_fewer_are_read_when_fewer_are_asked_for(hub: Hub) -> None:
    for _ in range(12):
        hub.post_customer()
    path = f"{hub.path}/data-quality"
    whole = hub.admin.get(path)
    assert (whole["sampled"], whole["sampleSize"], whole["sources"]["sampled"]) == (
        False,
        12,
        False,
    )
    few = hub.admin.get(path, query={"sampleSize": 6})
    assert few["sampled"]
    assert few["customers"] == 12
    assert few["sources"]["sampled"]
    assert few["sources"]["sampleSize"] == 6
    for wrong in ("0", "10001", "many", "-1"):
        assert hub.admin.get(path, query={"sampleSize": wrong}).status == 400, wrong
