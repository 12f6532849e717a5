"""Rules by which a node recognises customers, and the forms in which they compare."""

from __future__ import annotations

from typing import Any

import pytest

from configuration.models import Node
from tests.factories import Hub

EMAIL, PHONE = "base.contacts.email", "base.contacts.mobilePhone"


def path_of(hub: Hub) -> str:
    return f"{hub.configuration}/nodes/entries/{hub.node.id}/matching-rules"


def rule(*properties: Any) -> dict[str, Any]:
    return {
        "properties": [{"property": each} if isinstance(each, str) else each for each in properties]
    }


def matching_property(
    path: str, normalizer: str = "TEXT", country: str | None = None
) -> dict[str, Any]:
    return {
        "property": path, "normalizer": normalizer, "country": country, "gmailAliases": False,
    }  # fmt: skip


BY_PHONE = rule({"property": PHONE, "normalizer": "PHONE"})


def test_unique_customer_is_a_plain_rule(hub: Hub) -> None:
    assert hub.admin.get(path_of(hub)).json == {"rules": [rule(matching_property(EMAIL))]}
    exact = rule({"property": EMAIL, "normalizer": "EXACT"})
    changed = hub.admin.put(path_of(hub), {"rules": [exact]})
    assert changed.json == {"rules": [rule(matching_property(EMAIL, "EXACT"))]}
    entry = hub.admin.get(f"{hub.configuration}/nodes/entries/{hub.node.id}")
    assert entry["uniqueCustomer"] == {"properties": [EMAIL], "caseSensitive": True}


def test_another_unique_customer_replaces_the_rules_and_the_same_does_not(hub: Hub) -> None:
    entry = f"{hub.configuration}/nodes/entries/{hub.node.id}"
    rules = {"rules": [rule({"property": EMAIL, "normalizer": "EMAIL", "gmailAliases": True})]}
    stored = hub.admin.put(path_of(hub), rules).json
    read = hub.admin.get(entry).json
    assert hub.admin.put(entry, read | {"name": "Shop"}).status == 200
    assert hub.admin.get(path_of(hub)).json == stored
    other = read | {"uniqueCustomer": {"properties": ["externalId"], "caseSensitive": False}}
    assert hub.admin.put(entry, other).status == 200
    assert hub.admin.get(path_of(hub)).json == {"rules": [rule(matching_property("externalId"))]}
    assert Node.objects.get(id=hub.node.id).matching_rules == []


def test_customers_are_recognised_by_the_number_however_it_is_written(hub: Hub) -> None:
    assert hub.admin.put(hub.configuration, {"country": "IT"})["country"] == "IT"
    stored = hub.admin.put(path_of(hub), {"rules": [BY_PHONE]}).json
    assert stored == {"rules": [rule(matching_property(PHONE, "PHONE", "IT"))]}
    first = hub.post_customer(base={"contacts": {"mobilePhone": "333 123 45 67"}})
    again = hub.post_customer(base={"contacts": {"mobilePhone": "+39 3331234567"}})
    assert (first.status, again.status, again["id"]) == (201, 200, first["id"])
    foreign = hub.post_customer(base={"contacts": {"mobilePhone": "+49 3331234567"}})
    assert foreign.status == 201


def test_a_rule_keeps_its_country(hub: Hub) -> None:
    hub.admin.put(hub.configuration, {"country": "IT"})
    stored = hub.admin.put(path_of(hub), {"rules": [BY_PHONE]}).json
    hub.admin.put(hub.configuration, {"country": "FR"})
    assert hub.admin.put(path_of(hub), stored).json == stored
    again = hub.admin.put(path_of(hub), {"rules": [BY_PHONE]}).json
    assert again == {"rules": [rule(matching_property(PHONE, "PHONE", "FR"))]}


def test_what_is_no_number_is_refused_and_named(hub: Hub) -> None:
    hub.admin.put(path_of(hub), {"rules": [BY_PHONE]})
    refused = hub.post_customer(base={"contacts": {"mobilePhone": "333 123 45 67"}})
    assert refused.status == 400
    [fault] = refused["errors"]
    assert (fault["path"], fault["code"]) == ("/base/contacts/mobilePhone", "unique")
    assert fault["message"] == "is nothing that the node recognises customers by"


def test_customers_are_rekeyed_and_collisions_named(hub: Hub) -> None:
    ids = {
        hub.post_customer(
            base={"contacts": {"email": f"{len(number)}@example.com", "mobilePhone": number}}
        )["id"]
        for number in ("+39 333 1234567", "+393331234567")
    }
    refused = hub.admin.put(path_of(hub), {"rules": [BY_PHONE]})
    assert refused.status == 409
    [group] = refused["data"]["collisions"]
    assert set(group) == ids
    assert hub.admin.get(path_of(hub)).json == {"rules": [rule(matching_property(EMAIL))]}


@pytest.mark.parametrize(
    ("rules", "at"),
    [
        ([], "/rules"),
        ([{"properties": []}], "/rules/0/properties"),
        ([rule("base.nowhere")], "/rules/0/properties/0"),
        ([rule({"property": EMAIL, "normalizer": "SOUNDEX"})], "/rules/0/properties/0/normalizer"),
        ([rule({"property": EMAIL, "country": "IT"})], "/rules/0/properties/0/country"),
        (
            [rule({"property": PHONE, "normalizer": "PHONE", "country": "Italy"})],
            "/rules/0/properties/0/country",
        ),
        ([rule({"property": PHONE, "gmailAliases": True})], "/rules/0/properties/0/gmailAliases"),
        ([rule(EMAIL, EMAIL)], "/rules/0/properties"),
        ([rule({"property": "base.nowhere", "normalizer": "EMAIL"})], "/rules/0/properties/0"),
    ],
)
def test_impossible_rules_are_refused(hub: Hub, rules: list[Any], at: str) -> None:
    refused = hub.admin.put(path_of(hub), {"rules": rules})
    assert refused.status == 400, refused.content
    assert at in [fault["path"] for fault in refused["errors"]]
