"""Finding a person in all nodes, seeing what is held, restricting it; the audit log of all that."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from configuration.actions.access_log import remove_old_entries
from configuration.domain.consent_paths import CONSENT_PATHS
from configuration.models import StaffChange
from customers.models import ConsentLogEntry, Customer
from customers.queries.person_look_up import MOST_FOUND, look_up_person
from tests.analytics.test_answers import post_event
from tests.client import Answer
from tests.customers.test_aggregates import activate, make, merge_all_pending, people
from tests.customers.test_erasure import DAY, delete, forget, post, protected
from tests.factories import Hub

REASON = "A letter of hers"


def look_up(hub: Hub, role: str = "DPO", **given_values: Any) -> Answer:
    body = {"reason": REASON} | given_values
    return hub.clients[role].post(f"{hub.path}/data-protection/look-ups", body)


def found(hub: Hub, **given_values: Any) -> list[str]:
    answer = look_up(hub, **given_values)
    assert answer.status == 200, answer.content
    return [each["customerId"] for each in answer["elements"]]


def entries(hub: Hub) -> list[StaffChange]:
    return list(StaffChange.objects.filter(workspace_id=hub.workspace.id).order_by("id"))


def test_a_person_is_found_in_all_nodes_by_each_thing_that_is_known(hub: Hub) -> None:
    contacts = {"email": "Ada@x.it", "mobilePhone": "+39 333 123-4567", "phone": "02 7654321"}
    base = {"firstName": "Ada Maria", "lastName": "D'Angelo", "contacts": contacts}
    ada = hub.post_customer(externalId="A-1", base=base)["id"]
    other = hub.post_customer(nodeId=str(hub.other_node.id), base=base)["id"]
    gone = hub.post_customer(
        externalId="A-1b", base={"firstName": "Ada", "contacts": {"email": "ada@y.it"}}
    )["id"]
    delete(hub, gone)
    hub.post_customer(base={"firstName": "Bea", "contacts": {"mobilePhone": "+39 333 1234568"}})
    both = {ada, other}
    assert set(found(hub, email="ada@X.IT")) == both
    assert found(hub, email="ADA@y.it") == [gone]
    assert found(hub, externalId="a-1") == [ada]
    assert found(hub, customerId=ada) == [ada]
    for name in ("ada maria d'angelo", "D'Angelo ada", "d'ang"):
        assert set(found(hub, name=name)) == both
    assert set(found(hub, name="ada")) == {*both, gone}
    for number in (
        "+39 333 1234567",
        "0039-333-1234567",
        "333 123 4567",
        "(0)2.7654321",
        "27654321",
    ):
        assert set(found(hub, phone=number)) == both, number
    assert found(hub, phone="+39 02 7654321")
    assert found(hub, phone="4567") == []
    assert found(hub, email="nobody@x.it") == []
    deleted = look_up(hub, email="ada@y.it")["elements"][0]
    assert deleted["deletedAt"] is not None
    assert deleted["firstName"] == "Ada"
    assert Hub().clients["DPO"].post(f"{hub.path}/data-protection/look-ups", {}).status == 403


def test_a_person_is_found_by_other_contacts_too(hub: Hub) -> None:
    others = [
        {"name": "work", "type": "EMAIL", "value": " Ada@Work.IT "},
        {"name": "home", "type": "PHONE", "value": "+39 (055) 765-4321"},
        {"name": "summer", "type": "MOBILE", "value": "12345678"},
        {"name": "nothing", "type": "OTHER"},
    ]
    contacts = {"email": "ada@x.it", "fax": "055 111222333", "otherContacts": others}
    ada = hub.post_customer(base={"contacts": contacts})["id"]
    hub.post_customer(base={"contacts": {"email": "bea@x.it", "otherContacts": others[3:]}})
    gone = hub.post_customer(base={"contacts": {"email": "c@x.it", "otherContacts": others[:2]}})
    delete(hub, gone["id"])
    both = [ada, gone["id"]]
    assert found(hub, email="ada@WORK.it") == both
    for number in ("0039 055 7654321", "7654321", "39-055-7654321", "+1 39055 7654321"):
        assert found(hub, phone=number) == both, number
    for number in ("055-111222333", "+39 055111222333", "+39 12345678", "45678"):
        assert found(hub, phone=number) == [ada], number
    for number in ("111222", "4321", "765 432", "9" * 200, "00000"):
        assert found(hub, phone=number) == [], number
    deleted = f"{hub.path}/data-protection/deleted-customers"
    answer = hub.clients["DPO"].get(deleted, query={"email": "ADA@work.it"})
    assert [each["customer"]["id"] for each in answer["elements"]] == both[1:]


def test_a_look_up_needs_one_thing_and_a_reason(hub: Hub) -> None:
    for wrong in (
        {}, {"email": "a@x.it", "name": "a"}, {"email": "a@x.it", "reason": " "}, {"email": 1},
        {"email": "a@x.it", "reason": None}, {"customerId": "x"}, {"email": "x" * 201},
        {"surname": "x"},
    ):  # fmt: skip
        assert look_up(hub, **wrong).status == 400, wrong
    for hostile in ("a\0b", "%", "\u202e", "'; --", "\ud800"):
        for way in ("email", "phone", "externalId", "name"):
            assert look_up(hub, **{way: hostile}).status in {200, 400}
    for role in ("ADMIN", "USER", "GUEST", "TRUSTED_APPLICATION", "PLATFORM_UPDATES"):
        assert look_up(hub, role, email="a@x.it").status == 403
    assert {entry.reason for entry in entries(hub)} == {REASON}


def test_no_more_than_so_many_are_found(hub: Hub) -> None:
    for _ in range(MOST_FOUND + 1):
        hub.post_customer(base={"lastName": "Rossi", "contacts": {"email": f"{_}@rossi.it"}})
    answer = look_up(hub, name="rossi")
    assert len(answer["elements"]) == MOST_FOUND
    assert not answer["isComplete"]


PHONE = st.text("0123456789+-/ ()", min_size=0, max_size=14)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(stored=st.lists(st.tuples(PHONE, st.booleans()), max_size=4), typed=PHONE)
def test_numbers_are_compared_by_their_digits(
    hub: Hub, stored: list[tuple[str, bool]], typed: str
) -> None:
    Customer.objects.filter(workspace_id=hub.workspace.id).delete()
    numbers = {}
    for place, (number, is_other) in enumerate(stored):
        contacts: dict[str, Any] = {"email": f"p{place}@x.it", "phone": number}
        if is_other:
            contacts = {"email": f"p{place}@x.it", "otherContacts": [{"value": number}]}
        answer = hub.post_customer(base={"contacts": contacts})
        assert answer.status == 201, answer.content
        numbers[answer["id"]] = "".join(each for each in number if each.isdigit())
    needed = "".join(each for each in typed if each.isdigit()).lstrip("0")
    expected = {
        customer
        for customer, number in numbers.items()
        if len(needed) >= 5
        and (number.endswith(needed) or (len(number) >= 8 and needed.endswith(number)))
    }
    nodes = [hub.node.id, hub.other_node.id]
    got = look_up_person(hub.workspace.id, nodes, by="phone", text=typed)
    assert {str(each.id) for each in got.customers} == expected


def test_what_is_held_of_somebody_is_shown_and_who_looked_is_noted(hub: Hub) -> None:
    ada = post(hub, "ada@x.it", externalId="A-1")
    hub.trusted.post(f"{hub.path}/customers/{ada}/sessions", {"value": "visit"})
    for _ in range(25):
        post_event(hub, ada, "searched", "WEB", DAY, keyword=f"k{_}")
    dpo = hub.clients["DPO"]
    held = dpo.get(protected(hub, ada), query={"reason": REASON})
    assert held.status == 200, held.content
    assert held["customer"]["base"]["contacts"]["email"] == "ada@x.it"
    assert held["deletedAt"] is None
    assert not held["isRestricted"]
    assert held["tables"]["events_event"] == 25
    assert [each["value"] for each in held["lists"]["sessions"]] == ["visit"]
    assert len(held["lists"]["events"]) == 20
    delete(hub, ada)
    gone = dpo.get(protected(hub, ada))
    assert gone["deletedAt"] < gone["erasedFrom"]
    assert gone["tables"]["events_deletedevent"] == 25
    assert hub.admin.get(protected(hub, ada)).status == 403
    forget(hub, ada)
    assert dpo.get(protected(hub, ada)).status == 404
    noted = entries(hub)
    assert [each.summary for each in noted] == [
        "Get what is held of a customer", "Get what is held of a customer", "Forget customer",
    ]  # fmt: skip
    assert {str(each.customer_id) for each in noted} == {ada}
    # What somebody has written as a reason may name the person.
    assert {each.reason for each in noted} == {""}
    assert not ConsentLogEntry.objects.filter(type="DATA_PORTABILITY_REQUESTED").exists()


def test_the_audit_log_has_who_looked_whom_up_and_not_by_what(hub: Hub) -> None:
    ada, bea = post(hub, "ada@x.it"), post(hub, "bea@x.it")
    found(hub, email="ada@x.it")
    hub.clients["DPO"].get(protected(hub, bea, "/export"))
    look_up_entry, export_entry = entries(hub)
    assert look_up_entry.summary == "Look a person up in all nodes"
    assert look_up_entry.reason == REASON
    assert look_up_entry.object_keys == [ada]
    assert str(look_up_entry.customer_id) == ada
    assert export_entry.object_keys == [bea]
    assert look_up_entry.user_id == export_entry.user_id is not None
    assert "ada@x.it" not in str([vars(each) for each in entries(hub)])
    assert list(StaffChange.objects.about(ada)) == [look_up_entry]


def test_old_entries_of_the_audit_log_go(hub: Hub, settings: Any) -> None:
    post(hub, "ada@x.it")
    for _ in range(2):
        found(hub, email="ada@x.it")
    old, kept = entries(hub)
    StaffChange.objects.filter(id=old.id).update(at=timezone.now() - timedelta(days=11))
    settings.AUDIT_DAYS = 0
    assert remove_old_entries() == 0
    settings.AUDIT_DAYS = 10
    assert remove_old_entries() == 1
    assert entries(hub) == [kept]


@pytest.mark.parametrize("scope", ["node", "workspace"])
def test_a_restriction_limits_every_consent_and_can_be_lifted(hub: Hub, scope: str) -> None:
    given_consent = {"marketing": {"automatic": {"email": {"status": True}}}}
    ada = post(hub, "ada@x.it", consents=given_consent)
    elsewhere = post(hub, "ada@x.it", hub.other_node, consents=given_consent)
    dpo, body = hub.clients["DPO"], {"isRestricted": True, "scope": scope, "reason": "wrong"}
    answer = dpo.post(protected(hub, ada, "/restriction"), body)
    assert answer.status == 200, answer.content
    restricted = [ada, elsewhere] if scope == "workspace" else [ada]
    assert set(answer["customerIds"]) == set(restricted)
    for customer in (ada, elsewhere):
        consents = Customer.objects.get(id=customer).consents
        email = consents["marketing"]["automatic"]["email"]
        assert email == {"status": True} | ({"limitation": True} if customer in restricted else {})
        assert dpo.get(protected(hub, customer))["isRestricted"] == (customer in restricted)
    logged = ConsentLogEntry.objects.filter(customer_id=ada, type="CONSENT_RESTRICTED")
    assert logged.count() == len(CONSENT_PATHS)
    audience = f"{hub.path}/consents/audience"
    counted = dpo.get(audience, query={"path": "marketing.automatic.email"})
    assert counted["reachable"] == 2 - len(restricted)
    lifted = dpo.post(protected(hub, ada, "/restriction"), body | {"isRestricted": False})
    assert lifted.status == 200
    counted = dpo.get(audience, query={"path": "marketing.automatic.email"})
    assert counted["reachable"] == 2
    for wrong in ({}, {"isRestricted": "yes"}, {"isRestricted": True, "scope": "galaxy"}):
        assert dpo.post(protected(hub, ada, "/restriction"), wrong).status == 400
    assert hub.admin.post(protected(hub, ada, "/restriction"), body).status == 403
    delete(hub, ada)
    assert dpo.post(protected(hub, ada, "/restriction"), body).status == 404


def test_by_an_aggregate_customer_its_entry_customers_are_restricted(hub: Hub) -> None:
    aggregate = make(hub)
    activate(hub, aggregate)
    ada, other = post(hub, "ada@x.it"), post(hub, "ada@x.it", hub.other_node)
    merge_all_pending()
    (copy,) = people(hub, aggregate)
    answer = hub.clients["DPO"].post(
        protected(hub, copy["id"], "/restriction"), {"isRestricted": True}
    )
    assert set(answer["customerIds"]) == {ada, other}
