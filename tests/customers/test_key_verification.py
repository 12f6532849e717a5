"""Outdated matching keys are found, and repaired."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from configuration.domain import normalizers
from customers.models import Customer, MatchingKey
from tests.factories import Hub

RULES = [
    {
        "properties": [
            {"property": "base.contacts.mobilePhone", "normalizer": "PHONE", "country": "IT"}
        ]
    },
    {"properties": [{"property": "base.contacts.email", "normalizer": "EMAIL"}]},
]


def person(hub: Hub, email: str, phone: str | None = None) -> Any:
    contacts = {"email": email} | ({"mobilePhone": phone} if phone else {})
    return hub.post_customer(base={"contacts": contacts})


def verified(*arguments: str) -> str:
    out = StringIO()
    call_command("verify_matching_keys", *arguments, stdout=out)
    return out.getvalue()


@pytest.fixture
def by_phone(hub: Hub) -> Hub:
    path = f"{hub.configuration}/nodes/entries/{hub.node.id}/matching-rules"
    answer = hub.admin.put(path, {"rules": RULES})
    assert answer.status == 200, answer.json
    return hub


def test_keys_that_are_right_are_left(by_phone: Hub) -> None:
    person(by_phone, "a@x.it", "+39 333 1234567")
    person(by_phone, "b@x.it")
    assert "2 customers, 0 with outdated keys" in verified()


def test_numbers_that_are_read_in_another_way_are_keyed_anew(
    by_phone: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after another version of phonenumbers."""
    read = normalizers.phone_number

    def with_another_prefix(text: str, country: str | None) -> str | None:
        found = read(text, country)
        return found and found.replace("+39", "+390")

    with monkeypatch.context() as patched:
        patched.setattr(normalizers, "phone_number", with_another_prefix)
        ada = person(by_phone, "a@x.it", "+39 333 1234567")["id"]
        person(by_phone, "b@x.it", "+44 20 7946 0018")
    key = bytes(Customer.objects.get(id=ada).match_key or b"")
    with pytest.raises(CommandError, match="1 customers have outdated keys"):
        verified()
    assert bytes(Customer.objects.get(id=ada).match_key or b"") == key, "nothing is written"
    assert " 1 with outdated keys" in verified("--repair")
    assert " 0 with outdated keys" in verified()
    again = person(by_phone, "new@x.it", "0039 333 1234567")
    assert (again.status, again["id"]) == (200, ada)


def test_customers_may_exchange_their_keys(by_phone: Hub) -> None:
    ada = person(by_phone, "a@x.it", "+39 333 1")
    ids = [ada["id"], person(by_phone, "b@x.it", "+39 333 1234568")["id"]]
    keys = [bytes(Customer.objects.get(id=each).match_key or b"") for each in ids]
    Customer.objects.filter(id=ids[0]).update(match_key=None)
    Customer.objects.filter(id=ids[1]).update(match_key=keys[0])
    Customer.objects.filter(id=ids[0]).update(match_key=keys[1])
    assert " 2 with outdated keys" in verified("--repair")
    assert [bytes(Customer.objects.get(id=each).match_key or b"") for each in ids] == keys


def test_who_has_become_one_person_is_named_and_left(by_phone: Hub) -> None:
    ada = person(by_phone, "a@x.it", "+39 333 1234567")["id"]
    bob = person(by_phone, "b@x.it", "+39 333 1234568")["id"]
    base = Customer.objects.get(id=ada).base
    other = Customer.objects.get(id=bob)
    before = bytes(other.match_key or b"")
    Customer.objects.filter(id=bob).update(base=other.base | {"contacts": base["contacts"]})
    out = StringIO()
    with pytest.raises(CommandError, match="merge those"):
        call_command("verify_matching_keys", "--repair", stdout=out)
    assert f"{bob} is one person" in out.getvalue()
    assert bytes(Customer.objects.get(id=bob).match_key or b"") == before


def test_keys_by_further_rules_are_repaired(by_phone: Hub) -> None:
    ada = person(by_phone, "a@x.it")["id"]
    MatchingKey.objects.all().delete()
    assert " 1 with outdated keys" in verified("--repair")
    again = person(by_phone, "A@X.it")
    assert (again.status, again["id"]) == (200, ada)
    MatchingKey.objects.all().delete()
    with pytest.raises(CommandError, match="have outdated keys"):
        verified("--workspace", str(by_phone.workspace.id))
