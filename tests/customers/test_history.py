"""Where each value of a customer comes from, what it was, and by what the customer is known."""

from __future__ import annotations

import copy
import itertools
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from customers.actions.history_expiry import remove_old_history
from customers.domain.history import document_before, replaced_values
from customers.domain.merge import EMPTY, for_update
from customers.models import ValueChange
from tests.customers.test_aggregates import activate, make, merge_all_pending, people
from tests.customers.test_erasure import delete, forget, post
from tests.customers.test_merging import get, link, merge, undo
from tests.factories import Hub


@pytest.fixture
def keeping(hub: Hub) -> Hub:
    assert hub.admin.put(hub.configuration, {"historyDays": 30})["historyDays"] == 30
    return hub


def history(hub: Hub, customer: str, **query: Any) -> Any:
    answer = hub.admin.get(f"{hub.path}/customers/{customer}/history", query=query)
    assert answer.status == 200, answer.content
    return answer


def of(hub: Hub, customer: str, path: str) -> Any:
    found = history(hub, customer, property=path)["properties"]
    return next(each for each in found if each["property"] == path)


def patch(hub: Hub, customer: str, role: str = "ADMIN", **body: Any) -> Any:
    answer = hub.clients[role].patch(f"{hub.path}/customers/{customer}", body)
    assert answer.status == 200, answer.content
    return answer


def test_each_value_tells_since_when_by_whom_and_what_was_before(keeping: Hub) -> None:
    hub = keeping
    ada = post(hub, "ada@x.it", base={"firstName": "Ada"})
    patch(hub, ada, base={"firstName": "Adele", "lastName": "Bianchi"})
    hub.post_customer(
        hub.trusted, base={"contacts": {"email": "ada@x.it"}, "firstName": "Adelaide"}
    )
    patch(hub, ada, base={"lastName": None})
    name = of(hub, ada, "base.firstName")
    assert [(each["before"], each["after"], each["cause"]) for each in name["changes"]] == [
        ("Adele", "Adelaide", "POST"), ("Ada", "Adele", "PATCH"),
    ]  # fmt: skip
    assert (name["value"], name["cause"], name["author"]) == (
        "Adelaide", "POST", str(hub.source.id),
    )  # fmt: skip
    email = of(hub, ada, "base.contacts.email")
    assert (email["value"], email["changes"], email["cause"]) == ("ada@x.it", [], None)
    last = of(hub, ada, "base.lastName")
    assert (last["value"], [each["before"] for each in last["changes"]]) == (
        None,
        ["Bianchi", None],
    )
    answer = history(hub, ada)
    assert answer["isKept"] is answer["isComplete"] is True
    assert {
        each["property"] for each in history(hub, ada, property="base.contacts")["properties"]
    } == {"base.contacts.email"}
    assert hub.admin.get(f"{hub.path}/customers/{uuid.uuid4()}/history").status == 404
    assert (
        hub.admin.get(f"{hub.path}/customers/{ada}/history", query={"property": "x" * 301}).status
        == 400
    )


def test_a_customer_is_shown_as_it_was(keeping: Hub) -> None:
    hub = keeping
    ada = post(hub, "ada@x.it", base={"firstName": "Ada"}, tags={"manual": ["a"]})
    seen = [get(hub, ada).json]
    for body in (
        {"base": {"firstName": "Adele"}}, {"tags": {"manual": ["a", "b"]}, "extra": "x"},
        {"base": {"firstName": None, "likes": [{"id": "l", "name": "L", "category": "c"}]}},
        {"enabled": False, "externalId": "A-1"},
    ):  # fmt: skip
        seen.append(patch(hub, ada, **body).json)
    path = f"{hub.path}/customers/{ada}"
    for then in seen:
        was = hub.admin.get(path, query={"at": then["updatedAt"]})
        assert was.json == then
    early = hub.admin.get(path, query={"at": "2020-01-01"})
    assert early.status == 404
    assert hub.admin.get(path, query={"at": "2999-01-01"}).paths == {"/at"}
    assert hub.admin.get(path, query={"at": "yesterday-ish"}).status == 400
    # What is gone of it cannot be guessed.
    ValueChange.objects.filter(version=3).delete()
    assert hub.admin.get(path, query={"at": seen[3]["updatedAt"]}).json == seen[3]
    assert hub.admin.get(path, query={"at": seen[1]["updatedAt"]}).status == 410
    assert history(hub, ada)["isComplete"] is False


def test_it_is_off_unless_wanted_and_kept_for_its_days(hub: Hub) -> None:
    ada = post(hub, "ada@x.it", base={"firstName": "Ada"})
    patch(hub, ada, base={"firstName": "Adele"})
    assert not ValueChange.objects.exists()
    answer = history(hub, ada)
    assert (answer["isKept"], answer["isComplete"]) == (False, False)
    hub.admin.put(hub.configuration, {"historyDays": 2})
    patch(hub, ada, base={"firstName": "Ada"})
    assert remove_old_history(seconds=5)
    assert ValueChange.objects.count() == 1
    ValueChange.objects.update(changed_at=timezone.now() - timedelta(days=3))
    assert remove_old_history(seconds=5)
    assert not ValueChange.objects.exists()
    for wrong in (-1, 3651, "1", None, True):
        assert hub.admin.put(hub.configuration, {"historyDays": wrong}).paths == {"/historyDays"}


def test_passwords_are_never_kept_and_forgetting_takes_the_history(keeping: Hub) -> None:
    hub = keeping
    ada = post(hub, "ada@x.it")
    for word in ("zanzibar-1", "zanzibar-2"):
        patch(hub, ada, base={"credential": {"username": "ada", "password": word}})
    assert "zanzibar" not in str(list(ValueChange.objects.values()))
    credential = of(hub, ada, "base.credential")
    assert credential["value"] == {"username": "ada"}
    assert len(credential["changes"]) == 2
    forget(hub, ada)
    assert not ValueChange.objects.exists()


def test_merging_tells_whose_a_value_was_and_restoring_breaks_nothing(keeping: Hub) -> None:
    hub = keeping
    ada = post(hub, "ada@x.it", base={"firstName": "Ada"})
    other = post(hub, "bea@x.it", base={"lastName": "Bianchi"})
    before = get(hub, ada).json
    made = merge(hub, ada, other)
    name = of(hub, ada, "base.lastName")
    assert (name["rule"], name["customerId"], name["cause"]) == ("FILLED", other, "MERGE")
    assert name["changes"][0]["mergeId"] == made["id"]
    undo(hub, made["id"])
    patch(hub, other, base={"lastName": "Verdi"})
    assert [each["cause"] for each in of(hub, other, "base.lastName")["changes"]] == ["PATCH"]
    assert history(hub, other)["isComplete"] is True
    delete(hub, ada)
    assert hub.admin.post(f"{hub.path}/customers/{ada}/restore").status == 200
    was = hub.admin.get(f"{hub.path}/customers/{ada}", query={"at": before["updatedAt"]})
    assert was.json == before
    causes = [each["cause"] for each in of(hub, ada, "base.lastName")["changes"]]
    assert causes == ["UNDO", "MERGE"]


def test_an_aggregate_customer_tells_which_member_gives_each_value(hub: Hub) -> None:
    node = make(hub)
    activate(hub, node)
    one = post(hub, "ada@x.it", base={"firstName": "Ada"}, tags={"manual": ["a"]})
    two = post(hub, "ada@x.it", node=hub.other_node, base={"firstName": "Adele", "title": "Dr"})
    merge_all_pending()
    (person,) = people(hub, node)
    reported = {each["property"]: each for each in history(hub, person["id"])["properties"]}
    assert reported["base.title"]["customerId"] == two
    assert reported["base.firstName"]["customerId"] in {one, two}
    assert reported["base.firstName"]["rule"] == "OBJ_PRIORITY"
    assert reported["tags.manual"]["rule"] == "UNITED"


def test_identities_list_all_that_leads_to_a_customer(hub: Hub) -> None:
    ada = post(hub, "ada@x.it", externalId="A-1")
    other = post(hub, "bea@x.it", externalId="B-1")
    link(hub, ada, "one")
    link(hub, other, "two")
    made = merge(hub, ada, other)
    answer = hub.admin.get(f"{hub.path}/customers/{ada}/identities")
    assert answer.status == 200, answer.content
    (key,) = answer["key"]
    assert (key["property"], key["value"]) == ("base.contacts.email", "ada@x.it")
    assert (key["since"], key["source"]) == (None, None), "its history is not kept"
    assert [(each["value"], each["mergeId"]) for each in answer["externalIds"]] == [
        ("A-1", None), ("B-1", made["id"]),
    ]  # fmt: skip
    assert [each["value"] for each in answer["sessions"]] == ["two", "one"]
    assert all(each["since"] and each["source"] for each in answer["sessions"])
    (gone,) = answer["merged"]
    assert (gone["customerId"], gone["intoId"], gone["mergeId"]) == (other, ada, made["id"])
    assert hub.admin.get(f"{hub.path}/customers/{other}/identities").status == 404


def test_identities_tell_since_when_and_from_whom(hub: Hub) -> None:
    assert hub.admin.put(hub.configuration, {"historyDays": 30}).status == 200
    made = hub.post_customer(externalId="A-1", base={"contacts": {"email": "ada@x.it"}})
    path = f"{hub.path}/customers/{made['id']}"
    info = made["sourceInfo"]
    known = hub.admin.get(f"{path}/identities")
    assert known["key"][0]["since"] == made["registeredAt"]
    assert known["key"][0]["source"] == info["registeredBy"]
    changed = hub.admin.patch(path, {"externalId": "A-2"})
    assert changed["sourceInfo"]["updatedBy"] != info["registeredBy"]
    again = hub.admin.get(f"{path}/identities")
    assert again["key"] == known["key"]
    (own,) = again["externalIds"]
    assert (own["value"], own["since"]) == ("A-2", changed["updatedAt"])
    assert own["source"] == changed["sourceInfo"]["updatedBy"]


leaf = st.one_of(st.none(), st.sampled_from(["a", "b"]), st.booleans(), st.integers(0, 2))
bodies = st.fixed_dictionaries(
    {},
    optional={
        "base": st.dictionaries(
            st.sampled_from(["firstName", "title"]), leaf, max_size=2
        ) | st.builds(lambda value: {"address": {"city": value}}, leaf),
        "tags": st.dictionaries(st.just("manual"), st.lists(st.sampled_from("xyz"), max_size=3)),
        "extended": st.dictionaries(st.sampled_from("pq"), leaf | st.dictionaries(st.just("r"), leaf)),
        "enabled": st.booleans(), "extra": leaf.filter(lambda each: not isinstance(each, bool)),
    },
)  # fmt: skip


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(bodies, max_size=6))
def test_going_backwards_leads_through_every_document(changes: list[dict[str, Any]]) -> None:
    documents = [copy.deepcopy(EMPTY)]
    for body in changes:
        documents.append(for_update(documents[-1], body, strict=False))
    replaced = [
        replaced_values(before, after)[0] for before, after in itertools.pairwise(documents)
    ]
    for number, document in enumerate(documents):
        undone = list(reversed(replaced[number:]))
        assert document_before(documents[-1], undone) == document
