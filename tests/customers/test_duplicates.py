"""Customers that may be one person are found, kept up to date, and dismissed for good."""

from __future__ import annotations

import random
import uuid
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from configuration.queries.rules import latest_rules_of
from customers.actions import duplicates
from customers.actions.duplicates import MOST_OF_BLOCK, find_duplicates
from customers.domain.duplicates import Features, likeness
from customers.models import BlockingKey, DuplicatePair, DuplicateSearch
from tests.customers.test_erasure import delete, forget, post
from tests.customers.test_merging import merge, undo
from tests.factories import Hub


@pytest.fixture
def searching(hub: Hub) -> Hub:
    assert hub.admin.put(hub.configuration, {"findDuplicates": True}).status == 200
    return hub


def listed(hub: Hub, **query: Any) -> Any:
    answer = hub.admin.get(f"{hub.path}/nodes/{hub.node.id}/duplicates", query=query)
    assert answer.status == 200, answer.content
    return answer


def pairs(hub: Hub, **query: Any) -> set[frozenset[str]]:
    assert find_duplicates(seconds=30)
    found = listed(hub, **query)["elements"]
    return {frozenset(each["id"] for each in pair["customers"]) for pair in found}


def person(hub: Hub, email: str, **base: Any) -> str:
    return post(hub, email, base=base)


def test_pairs_are_found_with_score_and_reasons(searching: Hub) -> None:
    hub = searching
    ada = person(hub, "ada.bianchi@x.it", firstName="Ada", lastName="Bianchi", dob="1990-02-01")
    again = person(
        hub, "adabianchi+shop@gmail.com", firstName="ADA", lastName="Biànchi", dob="1990-02-01"
    )
    person(hub, "ada.bianchi@y.it", firstName="Carlo", lastName="Verdi", dob="1960-01-01")
    person(hub, "info@x.it", firstName="Ugo", lastName="Neri")
    person(hub, "info@y.it", firstName="Ivo", lastName="Rossi")
    assert listed(hub)["search"] == "BUILDING"
    assert pairs(hub) == {frozenset([ada, again])}
    (pair,) = listed(hub)["elements"]
    assert pair["reasons"] == ["SAME_MAILBOX_NAME", "SAME_NAME", "SAME_BIRTHDAY"]
    assert pair["score"] == 0.95
    assert pair["group"] == sorted([ada, again])
    assert listed(hub)["search"] == "READY"


def test_phones_are_compared_in_e164(searching: Hub) -> None:
    hub = searching
    names = {"firstName": "Ada", "lastName": "Bianchi"}

    def with_phone(email: str, phone: str) -> str:
        return person(hub, email, **names, contacts={"email": email, "mobilePhone": phone})

    ada = with_phone("one@x.it", "333 123 4567")
    again = with_phone("two@y.it", "+39 3331234567")
    with_phone("three@z.de", "+49 3331234567")
    assert len(pairs(hub)) == 3, "without a country the last digits are compared"
    assert hub.admin.put(hub.configuration, {"country": "IT"}).status == 200
    assert pairs(hub) == {frozenset([ada, again])}


def test_writes_keep_the_list_up_to_date(searching: Hub) -> None:
    hub = searching
    ada = person(hub, "ada@x.it", firstName="Ada", lastName="Bianchi")
    other = person(hub, "bea@y.it", firstName="Ada", lastName="Bianchi")
    assert pairs(hub) == set()
    path = f"{hub.path}/customers/{other}"
    phones = {"contacts": {"mobilePhone": "+39 (333) 123-4567"}}
    hub.admin.patch(f"{hub.path}/customers/{ada}", {"base": {"contacts": {"phone": "3331234567"}}})
    hub.admin.patch(path, {"base": phones})
    assert pairs(hub) == {frozenset([ada, other])}
    hub.admin.patch(path, {"base": {"contacts": {"mobilePhone": None}}})
    assert pairs(hub) == set()
    hub.admin.patch(path, {"base": phones})
    assert pairs(hub) == {frozenset([ada, other])}
    made = merge(hub, ada, other)
    assert listed(hub)["elements"] == []  # at once
    assert pairs(hub) == set()
    undo(hub, made["id"])
    assert pairs(hub) == {frozenset([ada, other])}
    delete(hub, other)
    assert pairs(hub) == set()
    hub.admin.post(f"{path}/restore")
    assert pairs(hub) == {frozenset([ada, other])}
    forget(hub, other)
    assert not DuplicatePair.objects.exists()
    assert not BlockingKey.objects.filter(customer_id=other).exists()
    assert pairs(hub) == set()


def test_a_pair_is_dismissed_for_good_until_it_is_opened_again(searching: Hub) -> None:
    hub = searching
    names = {"firstName": "Ada", "lastName": "Bianchi", "dob": "1990-02-01"}
    ada, other = person(hub, "a@x.it", **names), person(hub, "b@x.it", **names)
    assert len(pairs(hub)) == 1
    pair = listed(hub)["elements"][0]["id"]
    path = f"{hub.path}/nodes/{hub.node.id}/duplicates/{pair}"
    dismissed = hub.admin.post(f"{path}/dismiss")
    assert (dismissed.status, dismissed["state"]) == (200, "DISMISSED")
    assert dismissed["dismissedAt"]
    hub.admin.patch(f"{hub.path}/customers/{ada}", {"base": {"address": {"zip": "20100"}}})
    hub.admin.patch(f"{hub.path}/customers/{other}", {"base": {"address": {"zip": "20100"}}})
    assert pairs(hub) == set()
    call_command("find_duplicates", rebuild=hub.workspace.id, stdout=StringIO())
    assert pairs(hub) == set()
    assert pairs(hub, state="DISMISSED") == pairs(hub, state="DISMISSED", customerId=ada)
    assert len(pairs(hub, state="DISMISSED")) == 1
    assert hub.admin.post(f"{path}/reopen")["state"] == "OPEN"
    assert pairs(hub) == {frozenset([ada, other])}
    other_node = path.replace(str(hub.node.id), str(hub.other_node.id))
    assert hub.admin.post(f"{other_node}/dismiss").status == 404
    unknown = f"{hub.path}/nodes/{hub.node.id}/duplicates/{uuid.uuid4()}/dismiss"
    assert hub.admin.post(unknown).status == 404


def test_pairs_are_of_one_node_and_groups_connect_them(searching: Hub) -> None:
    hub = searching
    names = {"firstName": "Ada", "lastName": "Bianchi", "dob": "1990-02-01"}
    three = [person(hub, f"{name}@x.it", **names) for name in "abc"]
    post(hub, "d@x.it", node=hub.other_node, base=names)
    assert len(pairs(hub)) == 3
    assert all(each["group"] == sorted(three) for each in listed(hub)["elements"])
    assert pairs(hub, size=2, sort="foundAt,asc")
    assert listed(hub, size=2)["page"]["totalPages"] == 2


def test_it_is_off_unless_wanted_and_leaves_nothing_behind(hub: Hub) -> None:
    names = {"firstName": "Ada", "lastName": "Bianchi", "dob": "1990-02-01"}
    person(hub, "a@x.it", **names)
    person(hub, "b@x.it", **names)
    assert pairs(hub) == set()
    assert listed(hub)["search"] == "OFF"
    assert not DuplicateSearch.objects.exists()
    hub.admin.put(hub.configuration, {"findDuplicates": True})
    assert len(pairs(hub)) == 1
    hub.admin.put(hub.configuration, {"findDuplicates": False})
    assert pairs(hub) == set()
    for model in (DuplicateSearch, DuplicatePair, BlockingKey):
        assert not model.objects.exists()


def test_a_crowded_block_costs_no_more_and_a_killed_search_goes_on(
    searching: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = searching
    monkeypatch.setattr(duplicates, "BATCH", 10)
    office = {"contacts": {"phone": "02123456"}}
    for number in range(MOST_OF_BLOCK + 5):
        email = f"p{number}@x.it"
        contacts = {"contacts": office["contacts"] | {"email": email}}
        hub.post_customer(base={"firstName": "Ada", "lastName": "Bianchi", **contacts})
    workspace = latest_rules_of(hub.workspace.id)
    assert workspace is not None
    duplicates._search_batch(workspace)
    search = DuplicateSearch.objects.get()
    assert (search.is_building, search.customers) == (True, 10)
    assert find_duplicates(seconds=30)
    search = DuplicateSearch.objects.get()
    assert (search.is_building, search.customers) == (False, MOST_OF_BLOCK + 5)
    # Nobody is compared in a block of so many: a change costs what it costs among few.
    hub.post_customer(base={"contacts": {"email": "new@x.it", **office["contacts"]}})
    with CaptureQueriesContext(
        connection,
    ) as statements:
        find_duplicates(seconds=30)
    assert len(statements) < 40
    assert DuplicatePair.objects.count() <= MOST_OF_BLOCK * (MOST_OF_BLOCK - 1) / 2


def invented(chance: random.Random, number: int) -> dict[str, Any]:
    first = ["Ada", "Bruno", "Carla", "Dino", "Elena", "Fabio", "Gina", "Hugo", "Ines", "Luca"]
    letters = "abcdefghilmnoprstuvz"
    last = "".join(chance.choice(letters) for _ in range(7)).title()
    phone = f"+39 3{chance.randrange(10**8, 10**9)}"
    dob = (
        f"{chance.randrange(1940, 2005)}-{chance.randrange(1, 13):02}-{chance.randrange(1, 29):02}"
    )
    name = chance.choice(first)
    return {
        "externalId": f"id-{number}",
        "base": {
            "firstName": name, "lastName": last, "dob": dob,
            "contacts": {"email": f"{name}.{last}{number}@x.it".lower(), "mobilePhone": phone},
            "address": {"zip": f"{chance.randrange(10000, 99999)}"},
        },
    }  # fmt: skip


def altered_copy(chance: random.Random, person: dict[str, Any], number: int) -> dict[str, Any]:
    """The same person as another source knows them: two of the values are lost or mistyped."""
    base = person["base"]
    copy = {**base, "contacts": dict(base["contacts"]), "address": dict(base["address"])}
    copy["contacts"]["email"] = f"other{number}@y.it"
    for act in chance.sample(["phone", "dob", "zip", "name"], 2):
        if act == "phone":
            copy["contacts"].pop("mobilePhone")
        elif act == "dob":
            copy.pop("dob")
        elif act == "zip":
            copy["address"] = {}
        else:
            place = chance.randrange(1, 6)
            copy["lastName"] = copy["lastName"][:place] + copy["lastName"][place + 1 :]
    return {"externalId": f"copy-{number}", "base": copy}


def test_most_planted_duplicates_are_found_and_few_others() -> None:
    chance = random.Random(7)
    people = [invented(chance, number) for number in range(1500)]
    copies = [altered_copy(chance, person, number) for number, person in enumerate(people[:60])]
    blocks: dict[Any, list[int]] = {}
    features = [Features.of(each) for each in [*people, *copies]]
    for index, each in enumerate(features):
        for block in each.blocks():
            blocks.setdefault(block, []).append(index)
    found = {
        (one, other)
        for members in blocks.values()
        for one in members
        for other in members
        if one < other and likeness(features[one], features[other])[0] >= 0.6
    }
    planted = {(number, len(people) + number) for number in range(len(copies))}
    assert len(found & planted) >= 0.75 * len(planted)
    assert len(found & planted) >= 0.95 * len(found)
