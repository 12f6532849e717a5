"""Forms of customers and events: rows instead of JSON, faults in words, nothing typed is lost."""

from __future__ import annotations

import html
import json
import re
from typing import Any

import pytest

from contacthub_project.admin.form_documents import as_typed, changes, filled, texts, touched
from contacthub_project.admin.form_fields import fields_of
from contacthub_project.admin.form_sections import with_faults
from contacthub_project.admin.pages.customer_form import customer_sections
from customers.models import Customer
from events.models import Event
from tests.analytics.test_answers import post_event
from tests.back_office.office import Page, Staff
from tests.factories import Hub

JOBS = [
    {"id": "a", "companyName": "Acme", "startDate": "2019-03-01", "isCurrent": True},
    {"id": "b", "companyName": "Bolt"},
]


def form_of(page: Page) -> dict[str, str]:
    """What a browser would send if nothing was typed."""
    inside = re.sub(r"<template>.*?</template>", "", page.html, flags=re.DOTALL)
    inside = inside[inside.index('class="office-form"') :]
    form = {}
    for tag in re.findall(r"<input[^>]+>", inside):
        name, value = re.search(r'name="([^"]+)"', tag), re.search(r'value="([^"]*)"', tag)
        if name and 'type="checkbox"' not in tag and name[1] != "csrfmiddlewaretoken":
            form[name[1]] = html.unescape(value[1]) if value else ""
    for name, text in re.findall(
        r'<textarea[^>]*name="([^"]+)"[^>]*>(.*?)</textarea>', inside, re.S
    ):
        form[name] = html.unescape(text)
    for name, options in re.findall(
        r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', inside, re.S
    ):
        chosen = re.search(r'<option(?: value="([^"]*)")? selected>([^<]*)', options)
        form[name] = html.unescape(chosen[1] or chosen[2]) if chosen else ""
    return form


def person_with_jobs(hub: Hub, **more: Any) -> str:
    base = {"firstName": "Ada", "contacts": {"email": "ada@x.it"}, "jobs": JOBS} | more
    return str(hub.post_customer(base=base)["id"])


def test_a_form_sent_back_as_it_is_changes_nothing(hub: Hub) -> None:
    person = person_with_jobs(
        hub,
        likes=[{"id": "l", "category": "music", "createdTime": "2024-01-02T10:00:05.123Z"}],
        subscriptions=[
            {"id": "s", "name": "News", "subscribed": True, "startDate": "2024-07-02T10:00:00Z",
             "preferences": [{"key": "topic", "value": "wine: red"}],
             "subscribeContext": {"client": {"ip": "1.1.1.1"}}},
        ],
    )  # fmt: skip
    staff = Staff(hub, "ADMIN")
    before = Customer.objects.get(id=person)
    form = form_of(staff.open("edit-customer", customer_id=person))
    assert form["base.jobs.1.companyName"] == "Bolt"
    assert form["base.subscriptions.0.startDate"] == "2024-07-02T12:00:00", "the workspace's time"
    assert "Your changes are kept." in staff.submit("edit-customer", form, customer_id=person)
    after = Customer.objects.get(id=person)
    assert (after.version, after.base) == (before.version, before.base)


def test_no_list_of_objects_is_json(hub: Hub) -> None:
    page = Staff(hub, "ADMIN").open("edit-customer", customer_id=person_with_jobs(hub))
    assert "office-json" not in page.html


def test_rows_are_changed_added_and_removed(hub: Hub) -> None:
    person = person_with_jobs(hub)
    staff = Staff(hub, "ADMIN")
    form = form_of(staff.open("edit-customer", customer_id=person)) | {
        "base.jobs.0.remove": "on",
        "base.jobs.1.jobTitle": "Buyer",
        "base.jobs.1000.rest": "",
        "base.jobs.1000.companyName": "New",
        "base.jobs.1001.rest": "",
    }
    assert "Your changes are kept." in staff.submit("edit-customer", form, customer_id=person)
    bolt, new = Customer.objects.get(id=person).base["jobs"]
    assert bolt == {"id": "b", "companyName": "Bolt", "jobTitle": "Buyer"}
    assert new["companyName"] == "New"
    assert new["id"]


def test_subscriptions_keep_what_the_form_does_not_show(hub: Hub) -> None:
    context = {"client": {"ip": "1.1.1.1"}}
    person = person_with_jobs(
        hub,
        subscriptions=[
            {"id": "s", "name": "News", "type": "mail", "subscribed": True,
             "subscribeContext": context},
            {"id": "t", "subscribed": True},
        ],
    )  # fmt: skip
    staff = Staff(hub, "ADMIN")
    page = staff.open("edit-customer", customer_id=person)
    assert "base.subscriptions.0.remove" not in page.html, "they are switched off, not removed"
    form = form_of(page) | {
        "base.subscriptions.0.type": "",
        "base.subscriptions.0.preferences": "topic: wine\nsize: L",
    }
    assert "Your changes are kept." in staff.submit("edit-customer", form, customer_id=person)
    news, other = Customer.objects.get(id=person).base["subscriptions"]
    assert news["subscribeContext"] == context
    assert news.get("type") is None
    assert news["preferences"][1] == {"key": "size", "value": "L"}
    assert (other["id"], other["subscribed"]) == ("t", True)


def test_faults_are_named_on_top_with_links_and_what_was_typed_stays(hub: Hub) -> None:
    person = person_with_jobs(hub)
    staff = Staff(hub, "ADMIN")
    form = form_of(staff.open("edit-customer", customer_id=person)) | {
        "base.contacts.email": "no address",
        "base.jobs.1.endDate": "soon",
        "base.lastName": "Love",
    }
    page = staff.submit("edit-customer", form, customer_id=person)
    assert "Nothing has been saved yet" in page
    for path in ("base.contacts.email", "base.jobs.1.endDate"):
        assert f'href="#f-{path}"' in page.html
        assert f'id="f-{path}"' in page.html
    again = form_of(page)
    assert {name: again[name] for name in form if name != "was"} == {
        name: text for name, text in form.items() if name != "was"
    }
    assert re.search(r"<details[^>]* open>\s*<summary>Jobs", page.html), (
        "folded, it would be hidden"
    )


def test_two_who_edit_at_once_both_keep_their_changes(hub: Hub) -> None:
    person = person_with_jobs(hub)
    staff = Staff(hub, "ADMIN")
    form = form_of(staff.open("edit-customer", customer_id=person))
    path = f"{hub.path}/customers/{person}"
    theirs = {"firstName": "Adele", "middleName": "K", "jobs": [JOBS[0]]}
    assert hub.trusted.patch(path, {"base": theirs}).status == 200
    mine = form | {"base.firstName": "Augusta", "base.lastName": "Love"}
    page = staff.submit("edit-customer", mine, customer_id=person)
    assert "Somebody else has saved meanwhile" in page
    assert re.search(r"First name\s+Adele\s+Augusta", page.text)
    assert re.search(r"Last name\s+Love", page.text)
    assert Customer.objects.get(id=person).base["firstName"] == "Adele"
    again = form_of(page)
    assert again["base.middleName"] == "K", "what I have not touched is as it is saved now"
    assert "Your changes are kept." in staff.submit("edit-customer", again, customer_id=person)
    saved = Customer.objects.get(id=person).base
    assert (saved["firstName"], saved["lastName"], saved["middleName"]) == ("Augusta", "Love", "K")
    assert saved["jobs"] == [JOBS[0]], "the list that they have shortened is not brought back"


@pytest.mark.parametrize("was", ["", "{", "[]", "null", '{"base.jobs": 3}', '{"base.jobs": "[3"}'])
def test_a_form_that_was_tampered_with_counts_as_touched(was: str) -> None:
    jobs = {"type": "array", "items": {"type": "object", "properties": {"id": {"type": "string"}}}}
    schema = {"properties": {"base": {"type": "object", "properties": {"jobs": jobs}}}}
    fields = filled(fields_of(schema), {"base": {"jobs": JOBS}})
    form = {"base.jobs": "rows", "base.jobs.0.rest": "{"}
    assert touched(fields, form, was) == form
    body, faults = changes(fields, form)
    assert not faults
    assert len(body["base"]["jobs"]) == 1


def test_every_field_of_a_customer_is_in_one_section(hub: Hub) -> None:
    schema = hub.admin.get(f"{hub.configuration}/properties").json
    fields = [each for each in fields_of(schema) if each.path not in {"nodeId", "id"}]
    sections = customer_sections(with_faults(fields, {}))
    held = [each.path for section in sections for each in section.all_fields]
    assert sorted(held) == sorted(each.path for each in fields if each.path != "extended")
    assert [section.title for section in sections if section.is_shown] == ["Person"]
    assert held[:3] == ["base.firstName", "base.lastName", "base.contacts.email"]


def test_texts_name_no_password() -> None:
    schema = {"properties": {"password": {"type": "string"}, "name": {"type": "string"}}}
    [secret, name] = filled(fields_of(schema), {"password": "pw", "name": "x"})
    assert json.loads(texts([name])) == {"name": "x"}
    assert as_typed([secret], {"password": "new"})[0].text == "new"


def test_products_of_an_order_are_rows(hub: Hub) -> None:
    person = hub.post_customer()["id"]
    lines = [{"id": "p", "name": "Glass", "price": 9.5, "quantity": 2, "extended": {}},
             {"id": "q", "name": "Cork"}]  # fmt: skip
    event = post_event(
        hub, person, "completedOrder", "ECOMMERCE", "2026-01-01T10:00:00Z", orderId="A1",
        amount={"total": 31}, products=lines,
    )  # fmt: skip
    staff = Staff(hub, "ADMIN")
    form = form_of(staff.open("edit-event", event_id=event))
    assert form["date"] == "2026-01-01T11:00:00", "in the workspace's time zone"
    assert form["products.0.price"] == "9.5"
    changed = form | {"products.1.quantity": "3", "amount.total": "40"}
    assert "Your changes are kept." in staff.submit("edit-event", changed, event_id=event)
    saved = Event.objects.get(id=event)
    assert saved.properties["products"][1] == {"id": "q", "name": "Cork", "quantity": 3}
    assert saved.properties["amount"]["total"] == 40
    assert saved.date.isoformat() == "2026-01-01T10:00:00+00:00"
