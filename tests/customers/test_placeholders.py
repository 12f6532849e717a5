"""What programs write for "no value" identifies nobody, wherever an id is given."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configuration.domain.placeholders import PLACEHOLDERS, is_placeholder, placeholders_of
from contacthub_project.core.text import WHITESPACE
from customers.models import Customer, Session
from events.models import Event
from tests.bulkjobs.test_jobs import done
from tests.client import Answer
from tests.customers.test_aggregates import activate, make, merge_all_pending, people
from tests.factories import Hub

ZERO_UUID = "00000000-0000-0000-0000-000000000000"
JUNK = [
    "null", "NULL", "undefined", "Undefined", "none", "nan", "NaN", "[object Object]", "True", "false", "0", "-",
    ZERO_UUID, " null\t", "n/a", "N/A ", "Straße", "STRASSE",
]  # fmt: skip
OWN = ["N/a", "strasse"]


pytestmark = pytest.mark.usefixtures("uploads_folder")


def add(hub: Hub, *values: str) -> None:
    answer = hub.admin.put(hub.configuration, {"placeholderValues": list(values)})
    assert (answer.status, answer["placeholderValues"]) == (200, list(values))


def set_matching_policy(hub: Hub, *properties: str, mandatory: tuple[str, ...] = ()) -> None:
    path = f"{hub.configuration}/nodes/entries/{hub.node.id}"
    policy = {"properties": list(properties), "caseSensitive": False}
    body = {
        "id": str(hub.node.id),
        "name": "N",
        "uniqueCustomer": policy,
        "mandatoryProperties": list(mandatory),
    }
    answer = hub.admin.put(path, body)
    assert answer.status == 200, answer.content


def refused(answer: Answer, *paths: str) -> bool:
    assert answer.status == 400, answer.content
    assert {error["path"] for error in answer["errors"]} == set(paths)
    return {error["code"] for error in answer["errors"]} <= {"placeholder", "query"}


@pytest.mark.parametrize("junk", JUNK)
def test_as_external_id_session_and_in_events(hub: Hub, junk: str) -> None:
    add(hub, *OWN)
    customer = hub.post_customer()
    one = f"{hub.path}/customers/{customer['id']}"
    whole = {"nodeId": str(hub.node.id), "base": customer["base"]}
    assert refused(hub.post_customer(externalId=junk), "/externalId")
    assert refused(hub.trusted.patch(one, {"externalId": junk}), "/externalId")
    assert refused(hub.trusted.put(one, whole | {"externalId": junk}), "/externalId")
    assert refused(hub.trusted.post(f"{one}/sessions", {"value": junk}), "/value")
    for write, path in ((hub.trusted.post, f"{hub.path}/customers"), (hub.trusted.patch, one)):
        assert refused(write(path, whole, query={"sessionId": junk}), "/sessionId")
    event = {"type": "loggedIn", "context": "WEB"}
    for kind in ("EXTERNAL_ID", "SESSION_ID"):
        bring_back = {"type": kind, "value": junk, "nodeId": str(hub.node.id)}
        waiting = event | {"bringBackProperties": bring_back}
        assert refused(
            hub.trusted.post(f"{hub.path}/events", waiting), "/bringBackProperties/value"
        )
        batch = hub.trusted.post(f"{hub.path}/events/batch", {"events": [waiting]})
        (element,) = batch["elements"]
        assert (element["status"], element["errors"][0]["code"]) == (400, "placeholder")
    named = event | {"customerId": customer["id"]}
    assert refused(hub.trusted.post(f"{hub.path}/events", named | {"externalId": junk}), "/externalId")  # fmt: skip
    known = hub.trusted.post(f"{hub.path}/events", named | {"externalId": "fine"})["id"]
    path = f"{hub.path}/events/{known}"
    assert refused(hub.trusted.patch(path, {"externalId": junk}), "/externalId")
    assert Customer.objects.count() == 1
    assert not Session.objects.exists()
    assert Event.objects.count() == 1


@pytest.mark.parametrize("junk", ["undefined", "'null", "0", "N/A"])
def test_in_bulk_files(hub: Hub, junk: str) -> None:
    add(hub, *OWN)
    set_matching_policy(hub, "base.lastName")
    rows = done(hub, f"externalId,base.lastName\n{junk},Rossi\n7,{junk}\n8,Bianchi\n")
    assert [(row["outcome"], row["column"]) for row in rows] == [
        ("failed", "externalId"), ("failed", "base.lastName"), ("created", ""),
    ]  # fmt: skip
    file = f"externalId,sessionId,eventExternalId,context\n{junk},,,WEB\n,{junk},,WEB\n8,,{junk},WEB\n8,,a,WEB\n"
    rows = done(hub, file, "INSERT", entity="EVENT", eventType="loggedIn")
    assert [(row["outcome"], row["column"]) for row in rows] == [
        ("failed", "externalId"), ("failed", "sessionId"), ("failed", "eventExternalId"),
        ("created", ""),
    ]  # fmt: skip


@pytest.mark.parametrize("junk", JUNK)
def test_as_a_value_that_people_are_recognised_by(hub: Hub, junk: str) -> None:
    add(hub, *OWN)
    set_matching_policy(hub, "base.lastName", "externalId")
    fine = {"externalId": "7", "base": {"lastName": "Rossi"}}
    for wrong, path in (({"externalId": junk}, "/externalId"), ({"base": {"lastName": junk}}, "/base/lastName")):  # fmt: skip
        assert refused(hub.post_customer(**fine | wrong), path)
    customer = hub.post_customer(**fine)
    one = f"{hub.path}/customers/{customer['id']}"
    for wrong, path in (({"externalId": junk}, "/externalId"), ({"base": {"lastName": junk}}, "/base/lastName")):  # fmt: skip
        assert refused(hub.trusted.patch(one, wrong), path)
        body = {"nodeId": str(hub.node.id)} | fine | wrong
        for mode in ("", "STRICT"):
            assert refused(hub.trusted.put(one, body, query={"mode": mode}), path)
    # Other properties may say anything.
    answer = hub.trusted.patch(one, {"base": {"firstName": junk}, "extra": junk})
    assert answer.status == 200, answer.content


def test_the_number_zero_but_no_boolean(hub: Hub) -> None:
    extended = {"card": {"type": "number"}, "member": {"type": "boolean"}}
    hub.operator.put(f"{hub.configuration}/properties/extended", extended)
    set_matching_policy(hub, "extended.card", "extended.member", "base.lastName")
    base = {"lastName": "Rossi"}
    for zero in (0, 0.0, -0.0):
        answer = hub.post_customer(base=base, extended={"card": zero, "member": True})
        assert refused(answer, "/extended/card")
    answers = [
        hub.post_customer(base=base, extended={"card": 1, "member": member})
        for member in (True, False)
    ]
    assert [answer.status for answer in answers] == [201, 201]


@pytest.mark.parametrize("blank", ["", " ", WHITESPACE])
def test_blank_text(hub: Hub, blank: str) -> None:
    set_matching_policy(hub, "base.contacts.email", mandatory=("base.firstName", "base.contacts.mobileDevices"))  # fmt: skip
    contacts = {"email": "a@b.it", "mobileDevices": [{"identifier": "x", "type": "IOS"}]}
    base = {"contacts": contacts, "firstName": "Ada"}
    assert hub.post_customer(externalId=blank, base=base).paths == {"/externalId"}
    assert hub.post_customer(base=base | {"firstName": blank}).paths == {"/base/firstName"}
    customer = hub.post_customer(base=base)
    assert customer.status == 201, customer.content
    one = f"{hub.path}/customers/{customer['id']}"
    assert hub.trusted.patch(one, {"externalId": blank}).paths == {"/externalId"}
    assert hub.trusted.patch(one, {"base": {"firstName": blank}}).paths == {"/base/firstName"}
    assert hub.trusted.patch(one, {"base": {"lastName": blank}}).status == 200
    if blank:
        assert hub.trusted.post(f"{one}/sessions", {"value": blank}).paths == {"/value"}


def test_a_mandatory_list_of_blank_texts_says_nothing(hub: Hub) -> None:
    extended = {"colours": {"type": "array", "items": {"type": "string"}}}
    hub.operator.put(f"{hub.configuration}/properties/extended", extended)
    set_matching_policy(hub, "base.contacts.email", mandatory=("extended.colours",))
    assert hub.post_customer(extended={"colours": [" ", ""]}).paths == {"/extended/colours"}
    assert hub.post_customer(extended={"colours": [" ", "red"]}).status == 201


def test_what_was_stored_before_it_was_a_placeholder_stays(hub: Hub) -> None:
    set_matching_policy(hub, "base.lastName")
    body = {"nodeId": str(hub.node.id), "externalId": "n/a", "base": {"lastName": "unknown"}}
    one = f"{hub.path}/customers/{hub.post_customer(**body)['id']}"
    add(hub, "n/a", "unknown", "nobody")
    assert hub.trusted.patch(one, {"base": {"firstName": "Ada"}}).status == 200
    read = hub.trusted.get(one)
    assert hub.trusted.put(one, read.json).status == 200, "what was read may be written back"
    assert hub.trusted.patch(one, {"externalId": " n/a"}).status == 200
    for path, wrong in (
        ("/externalId", {"externalId": "unknown"}),
        ("/base/lastName", {"base": {"lastName": "nobody"}}),
    ):
        assert refused(hub.trusted.patch(one, wrong), path)
        assert refused(hub.trusted.put(one, body | wrong), path)
    # A POST would take a stranger for the one who is stored.
    assert refused(hub.post_customer(base={"lastName": "unknown"}), "/base/lastName")
    query = {"nodeId": hub.node.id, "externalId": "n/a"}
    assert hub.trusted.get(f"{hub.path}/customers", query=query)["page"]["totalElements"] == 1
    assert hub.trusted.patch(one, {"base": {"lastName": "Rossi"}, "externalId": None}).status == 200


def test_a_new_policy_takes_placeholders_for_no_value(hub: Hub) -> None:
    """Customers with a placeholder are not taken for one person, nor in the way."""
    for name in ("None", "none", "Rossi"):
        hub.post_customer(base={"lastName": name, "contacts": {"email": f"{name}@x.it"}})
        hub.post_customer(base={"lastName": name, "contacts": {"email": f"{name}2@x.it"}})
    path = f"{hub.configuration}/nodes/entries/{hub.node.id}/unique-customer-matching-policy"
    policy = {"properties": ["base.lastName"], "caseSensitive": False}
    collisions = hub.admin.put(path, policy)
    assert (collisions.status, len(collisions["data"]["collisions"])) == (409, 1)
    add(hub, "rossi")
    assert hub.admin.put(path, policy).status == 200
    assert not Customer.objects.filter(match_key__isnull=False).exists()


def test_aggregate_nodes_take_nobody_for_another_by_one(hub: Hub) -> None:
    """The entry nodes recognise by e-mail; a phone number is any text to them."""
    for number in range(2):
        for phone, is_other in (("0", False), ("n/a", True), ("333", True)):
            node = hub.other_node if is_other else hub.node
            contacts = {"email": f"{phone}{number}@x.it".replace("/", ""), "mobilePhone": phone}
            hub.post_customer(nodeId=str(node.id), base={"contacts": contacts})
    aggregate = make(hub, properties=["base.contacts.mobilePhone"])
    activate(hub, aggregate)
    merge_all_pending()

    def phones() -> list[str]:
        return sorted(each["base"]["contacts"]["mobilePhone"] for each in people(hub, aggregate))

    assert phones() == ["333", "n/a"]
    add(hub, "N/A")
    merge_all_pending()
    assert phones() == ["333"]
    add(hub)
    merge_all_pending()
    assert phones() == ["333", "n/a"]


SPELT: list[Callable[[str], str]] = [
    str, str.upper, str.title, str.swapcase, lambda text: f"\u00a0{text}\n",
    lambda text: unicodedata.normalize("NFD", text),
]  # fmt: skip


@given(st.lists(st.text(min_size=1, max_size=5), max_size=3), st.text(max_size=5), st.sampled_from(SPELT))  # fmt: skip
def test_a_placeholder_in_any_spelling(own: list[str], other: str, spelt: Any) -> None:
    """An independent comparison: by what lower case, title case and normal forms leave equal."""
    placeholders = placeholders_of(own)
    for each in [*PLACEHOLDERS, *(text for text in own if text.strip())]:
        assert is_placeholder(each, placeholders)
        if each.isascii() or spelt is not str.title:
            assert is_placeholder(spelt(each), placeholders)

    def naive(text: str) -> str:
        return unicodedata.normalize("NFC", unicodedata.normalize("NFD", text).casefold()).strip()

    known = {naive(each) for each in [*PLACEHOLDERS, *own]}
    assert is_placeholder(other, placeholders) == (naive(other) in known)
