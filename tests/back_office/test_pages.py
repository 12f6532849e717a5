"""Every page of the back-office: for whom, of what, and in how many queries."""

from __future__ import annotations

import functools
import json
import re
import uuid
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test import Client, TestCase
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.timezone import now
from oauth2_provider.models import get_application_model

from analytics.actions.folding import fold_all
from bulkjobs.models import BulkJob
from configuration.admin.user_form import PersonForm
from configuration.domain.vocabulary import CONTEXTS, EVENT_TYPES
from configuration.models import StaffChange, User, Workspace
from contacthub_project.admin.urls import urlpatterns
from customers.models import ConsentLogEntry, Customer
from customers.models.passwords import with_readable_password
from events.models import Event, PurgeRun
from tests.analytics.test_answers import post_event, shop
from tests.back_office.office import Page, Staff
from tests.client import ApiClient
from tests.factories import Hub

Application = get_application_model()
OF_WORKSPACES = [each for each in urlpatterns if "workspace_id" in each.pattern.converters]
SIMPLE = [
    "dashboard", "customers", "events", "workspace-settings", "properties",
    "event-settings", "retention", "operations", "data-quality", "new-event",
]  # fmt: skip
ROLES = ["CLAB_OPERATOR", "ADMIN", "USER", "GUEST"]


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("name", [*SIMPLE, "new-customer"])
def test_every_role_opens_every_page(hub: Hub, role: str, name: str) -> None:
    shop(hub)
    page = Staff(hub, role).open(name)
    # Those that are not in somebody's menu say so: guests see no events and create nothing.
    is_closed = role == "GUEST" and name in {"events", "new-event", "new-customer", "data-quality"}
    assert page.status == (403 if is_closed else 200)
    assert hub.workspace.name in page


def static_segment(hub: Hub) -> str:
    body = {"nodeId": str(hub.node.id), "name": "secret@x.it", "type": "STATIC"}
    answer = hub.admin.post(f"{hub.path}/segments", body)
    assert answer.status == 201
    return str(answer["id"])


@pytest.mark.parametrize("pattern", OF_WORKSPACES, ids=lambda each: each.name)
def test_nobody_sees_another_workspace(hub: Hub, pattern: Any) -> None:
    stranger = Hub()
    person = stranger.post_customer(base={"contacts": {"email": "secret@x.it"}})["id"]
    event = post_event(stranger, person, "loggedIn", "WEB", "2026-01-01T00:00:00Z")
    ids = {"customer_id": person, "event_id": event, "node_id": stranger.node.id,
           "receipt_id": person, "request_id": person, "other_id": person,
           "merge_id": person, "segment_id": static_segment(stranger),
           "name": "back-office"}  # fmt: skip
    parts = {name: ids[name] for name in pattern.pattern.converters if name in ids}
    staff = Staff(hub, "ADMIN")
    for workspace in (stranger.workspace.id, hub.workspace.id):
        address = reverse(f"office:{pattern.name}", kwargs={"workspace_id": workspace, **parts})
        for answer in (
            staff.client.get(address, HTTP_HOST="localhost"),
            staff.client.post(address, {"act": "delete", "typed": "x"}, HTTP_HOST="localhost"),
        ):
            if workspace == stranger.workspace.id:
                assert answer.status_code == 404
            else:
                assert answer.status_code < 500
            if not answer.streaming:
                assert b"secret@x.it" not in answer.content
                assert stranger.workspace.name not in answer.content.decode()
    assert Customer.objects.get(id=person).deleted == 0
    assert Event.objects.filter(id=event).exists()


@pytest.mark.parametrize("pattern", urlpatterns, ids=lambda each: each.name)
def test_nobody_gets_in_without_signing_in(hub: Hub, pattern: Any) -> None:
    parts = {name: "stop" if name == "what" else hub.node.id for name in pattern.pattern.converters}
    if "workspace_id" in parts:
        parts["workspace_id"] = hub.workspace.id
    answer = Client().get(reverse(f"office:{pattern.name}", kwargs=parts), HTTP_HOST="localhost")
    assert answer.status_code == 302
    assert "/login" in answer.headers["Location"]


def test_people_see_the_nodes_they_may_read(hub: Hub) -> None:
    hub.post_customer(base={"contacts": {"email": "here@x.it"}})
    hidden = hub.post_customer(
        nodeId=str(hub.other_node.id), base={"contacts": {"email": "hidden@x.it"}}
    )["id"]
    staff = Staff(hub, "USER", grants={hub.node: "R"})
    page = staff.open("customers", {"node": str(hub.other_node.id)})
    assert "here@x.it" in page
    assert "hidden@x.it" not in page
    assert hub.other_node.name not in page
    assert staff.open("customer", customer_id=hidden).status == 403
    assert staff.open("edit-customer", customer_id=hidden).status == 403
    mine = Customer.objects.get(node=hub.node).id
    page = staff.submit("edit-customer", {"base.firstName": "X", "version": "1"}, customer_id=mine)
    assert "not allowed" in page
    assert Customer.objects.get(id=mine).version == 1


def rule(path: str, operator: str, value: str) -> dict[str, str]:
    return {"property": path, "operator": operator, "value": value}


def test_searching_and_rules(hub: Hub) -> None:
    for first, last, email in (
        ("Anna", "Rossi", "anna@x.it"), ("Anna", "Bianchi", "ab@x.it"), ("Carlo", "Verdi", "c@x.it"),
    ):  # fmt: skip
        hub.post_customer(base={"firstName": first, "lastName": last, "contacts": {"email": email}})
    staff = Staff(hub, "USER")

    def found(**query: Any) -> set[str]:
        page = staff.open("customers", query)
        return {name for name in ("Rossi", "Bianchi", "Verdi") if f">{name}<" in page.html}

    assert found() == {"Rossi", "Bianchi", "Verdi"}
    assert found(q="anna") == {"Rossi", "Bianchi"}
    assert found(q="anna -rossi") == {"Bianchi"}
    assert found(q='"c@x.it"') == {"Verdi"}
    assert found(q="an ver") == set()
    rules = [
        rule("base.lastName", "EQUALS", "Rossi"),
        rule("base.lastName", "CONTAINS_FOLDED", "ERD"),
    ]
    assert found(rules=json.dumps({"match": "any", "rules": rules})) == {"Rossi", "Verdi"}
    assert found(rules=json.dumps({"match": "all", "rules": rules})) == set()
    page = staff.open(
        "customers", {"rules": json.dumps({"rules": [rule("no.such", "EQUALS", "1")]})}
    )
    assert page.status == 200
    assert "no.such" in page.html
    assert "office-fault" in page.html
    for hostile in ("a\0b", '"', "-", "x" * 5000, "\udcff", "''\"--;"):
        assert staff.client.get(
            staff.url("customers"), {"q": hostile.encode("utf-8", "replace")}, HTTP_HOST="localhost"
        ).status_code == 200  # fmt: skip


@pytest.mark.parametrize("text", ["²", "--5", "٣", "9" * 40, "9" * 5000, "\ufffe😀"])
def test_what_only_looks_like_a_number(hub: Hub, text: str) -> None:
    staff = Staff(hub, "CLAB_OPERATOR")
    rules = json.dumps({"rules": [rule("extended.points", "EQUALS", text)]})
    assert staff.open("customers", {"rules": rules, "page": text}).status == 200
    assert staff.open("events", {"page": text}).status == 200
    for query in ({"p": text}, {"q": text}, {"object": text}, {"at_from_0": text}):
        assert staff.open_admin("configuration_staffchange_changelist", **query).status in {
            200,
            302,
        }
    for name, form in (
        ("workspace-settings", {"maxRequestsPerMinute": text}),
        ("retention", {"act": "save", "loggedIn": text}),
    ):
        assert staff.submit(name, form).status == 200


def test_a_persons_card(hub: Hub) -> None:
    anna, _ = shop(hub)
    hub.trusted.patch(
        f"{hub.path}/customers/{anna}",
        {
            "base": {"firstName": "Anna", "address": {"city": "Pisa"},
                     "subscriptions": [{"id": "news", "name": "News", "subscribed": True}]},
            "tags": {"manual": ["vip"]},
            "consents": {"profiling": {"online": {"status": True}}},
        },
    )  # fmt: skip
    page = Staff(hub, "DPO", "USER").open("customer", customer_id=anna)
    for words in ("Anna", "Pisa", "vip", "News", "Spent", "20.00 EUR", "Profiling"):
        assert words in page, words
    timeline = Staff(hub, "USER").open("customer-events", customer_id=anna)
    assert timeline.text.count("Completed order") == 2
    assert "Logged in" not in Staff(hub, "USER").open(
        "customer-events", {"type": "completedOrder"}, customer_id=anna
    )


def test_the_time_line_goes_on(hub: Hub) -> None:
    person = hub.post_customer()["id"]
    for minute in range(25):
        post_event(hub, person, "loggedIn", "WEB", f"2026-01-01T00:{minute:02d}:00Z")
    staff = Staff(hub, "USER")
    first = staff.open("customer-events", customer_id=person)
    assert first.html.count("<article") == 20
    assert "page=1" in first.html
    second = staff.open("customer-events", {"page": "1"}, customer_id=person)
    assert second.html.count("<article") == 5
    assert "revealed" not in second.html


def test_create_edit_delete(hub: Hub) -> None:
    staff = Staff(hub, "ADMIN")
    node = f"node={hub.node.id}"
    page = staff.submit("new-customer", {"base.contacts.email": "no address"}, node)
    assert "office-fault" in page.html
    assert "no address" in page.html, "nothing that was typed is lost"
    page = staff.submit(
        "new-customer",
        {"base.contacts.email": "ada@x.it", "base.firstName": "Ada", "tags.manual": "one\ntwo",
         "base.address.geo.lat": "north"},
        node,
    )  # fmt: skip
    assert "is no number" in page
    page = staff.submit(
        "new-customer",
        {"base.contacts.email": "ada@x.it", "base.firstName": "Ada", "tags.manual": "one\ntwo"},
        node,
    )
    assert "The customer is there." in page
    ada = Customer.objects.get(base__contacts__email="ada@x.it")
    assert ada.tags["manual"] == ["one", "two"]
    form = {
        "version": "1",
        "base.firstName": "",
        "base.lastName": "Love",
        "base.contacts.email": "ada@x.it",
    }
    page = staff.submit("edit-customer", form, customer_id=ada.id)
    assert "Your changes are kept." in page
    ada.refresh_from_db()
    assert ada.base == {"lastName": "Love", "contacts": {"email": "ada@x.it"}}
    # Somebody else was faster.
    page = staff.submit("edit-customer", form | {"base.lastName": "Late"}, customer_id=ada.id)
    assert "Somebody else has changed it" in page
    ada.refresh_from_db()
    assert ada.base["lastName"] == "Love"
    assert "is deleted" in staff.submit("delete-customer", {}, customer_id=ada.id)
    assert Customer.objects.get(id=ada.id).deleted == 1
    changes = StaffChange.objects.filter(user=staff.user).exclude(method="GET")
    assert changes.count() == 3
    audit = staff.audit_log()
    assert "Love" in audit
    assert str(staff.user) in audit
    latest = StaffChange.objects.latest("id")
    assert latest.summary in audit
    history = staff.open_admin("configuration_staffchange_changelist", object=str(ada.id))
    assert "5 audit log entries" in history
    other = staff.open_admin("configuration_staffchange_changelist", object=str(staff.hub.node.id))
    assert "0 audit log entries" in other


def test_creating_somebody_who_is_known_shows_them_and_overwrites_nothing(hub: Hub) -> None:
    zoe = hub.post_customer(base={"firstName": "Zoë", "contacts": {"email": "zoe@x.it"}})["id"]
    staff, node = Staff(hub, "ADMIN"), f"node={hub.node.id}"
    form = {"base.contacts.email": " ZOE@x.it ", "base.firstName": "Bob", "base.lastName": "New"}
    page = staff.submit("new-customer", form, node)
    assert "Zoë exists" in page
    assert staff.url("customer", customer_id=zoe) in page.html
    assert 'value="Bob"' in page.html, "nothing that was typed is lost"
    form_html = page.html[page.html.index('class="office-form"') :]
    first = re.search(r"<button[^>]*>", form_html)
    assert first is not None
    assert "merge" not in first[0], "the key Enter does not merge"
    known = Customer.objects.get(id=zoe)
    assert (known.version, known.base["firstName"]) == (1, "Zoë")
    assert not StaffChange.objects.filter(user=staff.user).exists()
    # Only the button that names the known person merges, and only into that one.
    other = hub.post_customer(base={"contacts": {"email": "other@x.it"}})["id"]
    assert "Zoë exists" in staff.submit("new-customer", form | {"merge": other}, node)
    page = staff.submit("new-customer", form | {"merge": zoe}, node)
    assert "The two are merged." in page
    known.refresh_from_db()
    assert (known.base["firstName"], known.base["lastName"]) == ("Bob", "New")
    change = StaffChange.objects.exclude(method="GET").get(user=staff.user)
    assert change.before["base"]["firstName"] == "Zoë", "the log has the state before"
    assert change.after["base"]["firstName"] == "Bob"
    assert change.customer_id == known.id


def test_the_export_obeys_search_rules_and_order(hub: Hub) -> None:
    for name, city in (("Anna", "Pisa"), ("Bruno", "Pisa"), ("Carla", "Roma")):
        hub.post_customer(
            base={"firstName": name, "address": {"city": city},
                  "contacts": {"email": f"{name}@x.it"}}
        )  # fmt: skip
    staff = Staff(hub, "ADMIN")
    in_pisa = json.dumps({"rules": [rule("base.address.city", "EQUALS", "Pisa")]})
    rules = f"{urlencode({'node': hub.node.id, 'rules': in_pisa})}&sort=base.firstName,desc"
    assert rules.replace("&", "&amp;").split("&amp;sort")[0] in staff.client.get(
        f"{staff.url('customers')}?{rules}", HTTP_HOST="localhost"
    ).content.decode()  # fmt: skip
    file = staff.submit("export-customers", {}, rules).html
    assert "Carla" not in file
    assert 0 < file.index("Bruno") < file.index("Anna")
    searched = staff.submit("export-customers", {}, f"node={hub.node.id}&q=ANNA").html
    assert ("Anna" in searched, "Bruno" in searched) == (True, False)
    everybody = staff.submit("export-customers", {}, f"node={hub.node.id}").html
    assert all(name in everybody for name in ("Anna", "Bruno", "Carla"))


def test_the_order_of_the_list_stays_chosen(hub: Hub) -> None:
    for name in ("Anna", "Bruno"):
        hub.post_customer(base={"firstName": name, "contacts": {"email": f"{name}@x.it"}})
    page = Staff(hub, "USER").open("customers", {"sort": "base.firstName,desc"})
    assert '<option value="base.firstName,desc" selected>' in page.html
    assert page.html.index(">Bruno<") < page.html.index(">Anna<")
    assert Staff(hub, "USER").open("customers", {"sort": "base.firstName,no"}).status == 200


def test_a_property_with_a_taken_name_is_refused(hub: Hub) -> None:
    staff = Staff(hub, "CLAB_OPERATOR")
    form = {"act": "add", "name": "points", "type": "integer", "label": "Points"}
    assert "The properties are changed." in staff.submit("properties", form)
    page = staff.submit("properties", form | {"name": " points ", "type": "string", "label": "Xy"})
    assert "There is a property points already." in page
    assert 'value="Xy"' in page.html, "nothing that was typed is lost"
    assert hub.admin.get(f"{hub.configuration}/properties/extended")["points"]["type"] == "integer"


def test_passwords_of_customers_are_not_displayed_and_stay(hub: Hub) -> None:
    person = hub.post_customer(
        base={
            "contacts": {"email": "a@x.it"},
            "credential": {"username": "ann", "password": "pw-1"},
        }
    )["id"]
    staff = Staff(hub, "ADMIN")
    for name in ("customer", "edit-customer"):
        assert "ann" in staff.open("edit-customer", customer_id=person).html
        assert "pw-1" not in staff.open(name, customer_id=person).html
    form = {"version": "1", "base.contacts.email": "a@x.it", "base.credential.username": "ann"}
    form |= {"base.credential.password": "", "base.firstName": "Ann"}
    assert "kept" in staff.submit("edit-customer", form, customer_id=person)
    kept = Customer.objects.get(id=person)
    base = with_readable_password(kept.base)
    assert (base["firstName"], base["credential"]["password"]) == ("Ann", "pw-1")


def test_times_of_the_list_are_the_workspaces_and_say_so(hub: Hub) -> None:
    person = hub.post_customer()["id"]
    Customer.objects.filter(id=person).update(updated_at="2026-01-01T23:30:00Z")
    page = Staff(hub, "USER").open("customers")
    assert "2026-01-02 00:30" in page
    assert "Times are those of Europe/Rome." in page


@pytest.mark.parametrize(
    ("name", "title"),
    [("customers", "Customers"), ("properties", "Properties"), ("dashboard", "Dashboard")],
)
def test_the_menu_marks_where_one_is(hub: Hub, name: str, title: str) -> None:
    staff = Staff(hub, "ADMIN")
    staff.open("dashboard")
    page = staff.open(name)
    marked = re.findall(r'<a href="([^"]+)"[^>]*class="[^"]*\bactive\b', page.html)
    assert marked == [staff.url(name)], title


def test_forgetting_takes_the_right_words_and_the_audit_log_along(hub: Hub) -> None:
    person = hub.post_customer(base={"contacts": {"email": "gone@x.it"}, "firstName": "Gone"})["id"]
    Staff(hub, "ADMIN").submit(
        "edit-customer", {"version": "1", "base.lastName": "Soon"}, customer_id=person
    )
    assert "Soon" in Staff(hub, "ADMIN").audit_log()
    dpo = Staff(hub, "DPO", "USER")
    page = dpo.submit("privacy-erase", {"typed": "erase somebody"}, customer_id=person)
    assert "Nothing has been done" in page
    assert Customer.objects.get(id=person).deleted == 0
    assert dpo.open("privacy-export", customer_id=person).status == 302
    assert not ConsentLogEntry.objects.filter(customer_id=person).exists()
    export = dpo.submit("privacy-export", {"format": "json"}, customer_id=person)
    assert "gone@x.it" in export.html
    logged = ConsentLogEntry.objects.get(customer_id=person)
    assert logged.type == "DATA_PORTABILITY_REQUESTED"
    assert StaffChange.objects.filter(user=dpo.user, customer_id=person, method="GET").exists()
    page = dpo.submit("privacy-erase", {"typed": f"Erase {person[-8:]}"}, customer_id=person)
    assert "This is the receipt." in page
    assert Customer.objects.get(id=person).deleted == -1
    assert "Soon" not in Staff(hub, "ADMIN").audit_log()
    assert (
        not StaffChange.objects.filter(customer_id=person).exclude(before=None, after=None).exists()
    )
    user = Staff(hub, "USER")
    other = hub.post_customer()["id"]
    assert "Erase" not in user.open("customer", customer_id=other)
    user.submit("privacy-erase", {"typed": f"erase {other[-8:]}"}, customer_id=other)
    assert Customer.objects.get(id=other).deleted == 0


def test_events_by_hand(hub: Hub) -> None:
    person = hub.post_customer()["id"]
    staff = Staff(hub, "USER")
    page = staff.submit(
        "new-event",
        {"customerId": person, "context": "RETAIL", "date": "2026-01-10T10:00:00Z",
         "orderId": "A1", "amount.total": "19.90", "products": '[{"id": "p"}]'},
        "type=completedOrder",
    )  # fmt: skip
    assert "The event is there." in page
    event = Event.objects.get()
    assert event.properties["amount"] == {"total": 19.9}
    label, context = EVENT_TYPES["completedOrder"].label, CONTEXTS["RETAIL"]["label"]
    for page in (staff.open("events"), staff.open("event", event_id=event.id)):
        assert "2026-01-10 11:00" in page, "in the workspace's time zone"
        assert f"{label}" in page
        assert f"{context}" in page
    assert "RETAIL" not in staff.open("event", event_id=event.id).html
    assert f"Delete this {label}?" in staff.open("delete-event", event_id=event.id)
    page = staff.submit("edit-event", {"amount.total": "abc", "orderId": "A1"}, event_id=event.id)
    assert "is no number" in page
    page = staff.submit("edit-event", {"amount.total": "7", "orderId": ""}, event_id=event.id)
    assert "Your changes are kept." in page
    event.refresh_from_db()
    assert event.properties["amount"]["total"] == 7
    copy = staff.open("new-event", {"type": "completedOrder", "copy": str(event.id)})
    assert 'value="7"' in copy.html
    assert "The event is deleted." in staff.submit("delete-event", {}, event_id=event.id)
    assert not Event.objects.exists()


def test_customers_are_exported_as_a_logged_file(hub: Hub) -> None:
    hub.post_customer(base={"contacts": {"email": "a@x.it"}})
    staff = Staff(hub, "ADMIN")
    assert staff.open("export-customers", {"node": str(hub.node.id)}).status == 302
    export = staff.submit("export-customers", {}, f"node={hub.node.id}")
    assert "a@x.it" in export.html
    assert StaffChange.objects.filter(user=staff.user, path__endswith="/export").exists()


# That somebody has looked at people is in the audit log.
VIEWS_OF_PEOPLE = {"customer", "edit-customer", "identity", "merge-customers"}
WRITE = re.compile(r"\b(INSERT INTO|UPDATE \S+ SET|DELETE FROM|TRUNCATE)\b", re.IGNORECASE)


@pytest.mark.parametrize("pattern", urlpatterns, ids=lambda each: each.name)
def test_reading_writes_nothing(hub: Hub, pattern: Any) -> None:
    person = hub.post_customer(base={"contacts": {"email": "a@x.it"}})["id"]
    event = post_event(hub, person, "loggedIn", "WEB", "2026-01-01T00:00:00Z")
    ids = {"workspace_id": hub.workspace.id, "customer_id": person, "event_id": event,
           "node_id": hub.node.id, "receipt_id": person, "request_id": person, "other_id": person,
           "merge_id": person, "segment_id": static_segment(hub), "name": "back-office"}  # fmt: skip
    parts = {name: ids[name] for name in pattern.pattern.converters}
    address = reverse(f"office:{pattern.name}", kwargs=parts)
    client = Staff(hub, "CLAB_OPERATOR", "DPO").client
    requested = {"node": hub.node.id, "act": "delete", "id": "1", "typed": hub.workspace.name}
    client.get(address, requested, HTTP_HOST="localhost")  # the workspace is seen last from now on
    with CaptureQueriesContext(connection) as queries:
        answer = client.get(address, requested, HTTP_HOST="localhost")
        if answer.streaming:
            b"".join(answer.streaming_content)
    assert answer.status_code < 500
    written = [each["sql"] for each in queries if WRITE.search(each["sql"])]
    if pattern.name in VIEWS_OF_PEOPLE:
        assert written
        entry = 'INSERT INTO "configuration_staffchange"'
        assert all(each.startswith(entry) for each in written)
    else:
        assert written == []


def test_settings(hub: Hub) -> None:
    staff = Staff(hub, "CLAB_OPERATOR")
    form = {
        "name": "Renamed",
        "industry": "GDO",
        "timezone": "Europe/Paris",
        "currency": "USD",
        "logo": "",
    }
    assert "The workspace is changed." in staff.submit("workspace-settings", form)
    with_placeholders = form | {"placeholderValues": "n/a\r\n \r\n<Unknown>\r\n"}
    page = staff.submit("workspace-settings", with_placeholders)
    assert "The workspace is changed." in page
    assert "&lt;Unknown&gt;" in page
    assert hub.admin.get(hub.configuration)["placeholderValues"] == ["n/a", "<Unknown>"]
    assert "The workspace is changed." in staff.submit("workspace-settings", form)
    assert hub.admin.get(hub.configuration)["placeholderValues"] == ["n/a", "<Unknown>"]
    assert "limit is changed" in staff.submit(
        "workspace-settings", {"maxRequestsPerMinute": "9999"}
    )
    assert "office-" in staff.submit("workspace-settings", {"maxRequestsPerMinute": "many"}).html
    new = {"type": "ENTRY", "name": "Till", "properties": "base.contacts.email"}
    assert "The node is there." in staff.submit_admin("configuration_node_add", **new)
    nonsense = new | {"name": "Shop", "properties": "base.nothing"}
    assert "The node is there." not in staff.submit_admin("configuration_node_add", **nonsense)
    both = [str(hub.node.id), str(hub.other_node.id)]
    everybody = new | {"type": "AGGREGATE", "name": "Everybody", "entry_nodes": both}
    page = staff.submit_admin("configuration_node_add", **everybody)
    assert "The node is there." in page
    assert "not built" in page
    aggregate = hub.admin.get(f"{hub.configuration}/nodes/aggregates")["elements"][0]["id"]
    page = staff.submit("aggregate-node", {"act": "activate"}, node_id=aggregate)
    assert "The node is being built." in page
    listed = staff.open_admin("configuration_node_changelist", type__exact="AGGREGATE")
    assert "Everybody" in listed
    assert "Till" not in listed
    form = {
        "act": "save", "name": "Many", "exclusionFilters": "[{",
    }  # fmt: skip
    page = staff.submit("aggregate-node", form, node_id=aggregate)
    assert "is no valid JSON" in page
    assert "[{" in page.html
    page = staff.submit("aggregate-node", form | {"exclusionFilters": ""}, node_id=aggregate)
    assert "The node is changed." in page
    changed = hub.admin.get(f"{hub.configuration}/nodes/aggregates/{aggregate}")
    assert changed["name"] == "Many"
    form = {"act": "delete", "typed": "Some"}
    assert "Nothing has been done" in staff.submit("aggregate-node", form, node_id=aggregate)
    form["typed"] = "Many"
    assert "is deleted" in staff.submit("aggregate-node", form, node_id=aggregate)
    assert '"$defs"' in staff.open("download-properties").html
    page = staff.submit("properties", {"act": "switch", "name": "jobs", "on": "false"})
    assert "jobs is off." in page
    page = staff.submit(
        "properties", {"act": "add", "name": "points", "type": "integer", "label": "Points"}
    )
    assert "The properties are changed." in page
    assert "Points" in page
    page = staff.submit("properties", {"act": "add", "name": "bad.name", "type": "integer"})
    assert "changed." not in page
    page = staff.submit("event-settings", {"act": "switch", "type": "loggedIn", "on": "false"})
    assert "loggedIn is off." in page
    page = staff.submit(
        "event-settings",
        {"act": "consents", "type": "viewedPage", "consents": "consents.profiling.online"},
    )
    assert "consent policy is changed" in page
    page = staff.submit("retention", {"act": "save", "loggedIn": "5"})
    assert "retention policy is changed" in page
    assert hub.admin.get(f"{hub.configuration}/retention-policy")["loggedIn"]["months"] == 5
    page = staff.submit("node-retention", {"on": "false"}, node_id=hub.node.id)
    assert "The node is changed." in page
    assert "no event is older" in staff.open("retention", {"preview": "1"})


def test_a_change_that_customers_contradict_is_made_when_it_is_forced(hub: Hub) -> None:
    hub.post_customer()
    staff = Staff(hub, "CLAB_OPERATOR")
    form = {
        "act": "save", "name": "Till", "mandatoryProperties": "base.firstName",
    }  # fmt: skip
    page = staff.submit("node", form, node_id=hub.node.id)
    assert "1 customer without a value" in page
    assert "The node is changed." in staff.submit("node", form | {"force": "on"}, node_id=hub.node.id)  # fmt: skip


def test_what_the_next_purge_would_delete(hub: Hub) -> None:
    person = hub.post_customer()["id"]
    post_event(hub, person, "loggedIn", "WEB", "2001-01-01T00:00:00Z")
    page = Staff(hub, "USER").open("retention", {"preview": "1"})
    assert "2001-01-01" in page


def test_people_and_their_permissions(hub: Hub) -> None:
    admin, operator = Staff(hub, "ADMIN"), Staff(hub, "CLAB_OPERATOR")
    person = Staff(hub, "USER").user
    page = admin.submit_admin(
        "configuration_user_change", person.id, **{f"node_{hub.node.id.hex}": "R"}
    )
    assert "was changed successfully" in page
    grants = {grant.node_id: grant.permission for grant in person.grants.all()}
    assert grants == {hub.node.id: "R"}
    secret, action = "correct horse battery", ("configuration_user_set_password", person.id)
    assert admin.submit_admin(*action, password=secret).status == 403
    assert "too short" in operator.submit_admin(*action, password="x")
    assert "can sign in" in operator.submit_admin(*action, password=secret)
    assert User.objects.get(id=person.id).check_password(secret)
    user = Staff(hub, "USER")
    assert user.open("users").status == 403
    assert user.open_admin("configuration_user_changelist").status == 403
    moved = Page(admin.client.get(admin.url("users"), HTTP_HOST="localhost", follow=True))
    assert person.username in moved, "the former address leads to the list"


def test_roles_stay_when_grants_are_refused(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    operator, person = Staff(hub, "CLAB_OPERATOR"), Staff(hub, "USER").user
    unknown = [{"id": str(uuid.uuid4()), "permission": "R"}]
    monkeypatch.setattr(PersonForm, "grants", property(lambda form: unknown))
    form = {"roles": "ADMIN", "is_active": "on", f"node_{hub.node.id.hex}": "R"}
    page = operator.submit_admin("configuration_user_change", person.id, **form)
    assert "was changed successfully" not in page
    assert User.objects.get(id=person.id).roles == ["USER"]
    monkeypatch.undo()
    operator.submit_admin("configuration_user_change", person.id, **form)
    assert User.objects.get(id=person.id).roles == ["ADMIN"]


def test_people_are_added_to_a_workspace_and_removed(hub: Hub) -> None:
    operator, elsewhere = Staff(hub, "CLAB_OPERATOR"), Staff(Hub(), "USER").user
    new = {
        "username": "grace", "name": "Grace", "surname": "Hopper",
        "email": "grace@x.it", "roles": ["ADMIN"], "password": "correct horse battery",
    }  # fmt: skip
    assert Staff(hub, "ADMIN").submit_admin("configuration_user_add", **new).status == 403
    for wrong in ({"username": ""}, {"username": "a\0b"}, {"username": "x" * 151}, {"roles": "GOD"},
                  {"email": "no"}, {"password": "x"}, {"username": elsewhere.username}):  # fmt: skip
        assert operator.submit_admin("configuration_user_add", **new | wrong).status == 200
        assert User.objects.filter(email="grace@x.it").count() == 0
    assert "was added successfully" in operator.submit_admin("configuration_user_add", **new)
    grace = User.objects.get(username="grace")
    assert grace.roles == ["ADMIN"]
    browser = Client()
    signed_in = {"username": "grace", "password": "correct horse battery"}
    answer = browser.post("/admin/login/?next=/admin/", signed_in, HTTP_HOST="localhost")
    answer = browser.get(answer.headers["Location"], HTTP_HOST="localhost")
    assert answer.headers["Location"] == operator.url("dashboard")

    add = functools.partial(operator.submit_admin, "configuration_user_add_to_workspace")
    assert "There is nobody" in add(username="nobody")
    assert "works here now" in add(username=elsewhere.username)
    assert elsewhere.memberships.filter(workspace=hub.workspace).exists()
    change_them = functools.partial(operator.submit_admin, "configuration_user_change")
    change_them(elsewhere.id, roles="USER", is_active="on", **{f"node_{hub.node.id.hex}": "R"})
    assert elsewhere.grants.filter(node=hub.node).exists()
    out = ("configuration_user_remove_from_workspace", elsewhere.id)
    assert "no longer work in this workspace?" in operator.open_admin(*out)
    assert "any more" in operator.submit_admin(*out, post="yes")
    assert operator.submit_admin(*out, post="yes").status == 404
    assert elsewhere.memberships.count() == 1, "where else they work they still do"
    assert not elsewhere.grants.filter(node=hub.node).exists()

    change_them(grace.id, roles="USER")
    grace.refresh_from_db()
    assert (grace.roles, grace.is_active) == (["USER"], False)
    assert browser.get("/admin/", HTTP_HOST="localhost").headers["Location"].startswith(
        "/admin/login"
    )  # fmt: skip
    password = {"password": "correct horse battery"}
    assert "unlock" in operator.submit_admin(
        "configuration_user_set_password", grace.id, **password
    )
    User.objects.filter(roles__contains=["CLAB_OPERATOR"]).exclude(id=operator.user.id).delete()
    page = change_them(operator.user.id, roles="USER", is_active="on")
    assert "Somebody must be left" in page
    change = StaffChange.objects.get(summary="Roles changed", path="grace")
    assert change.user == operator.user
    assert (change.before, change.after) == (
        {"roles": ["ADMIN"], "active": True}, {"roles": ["USER"], "active": False},
    )  # fmt: skip


def test_workspaces_are_made_closed_and_deleted(hub: Hub) -> None:
    operator = Staff(hub, "CLAB_OPERATOR")
    address = reverse("admin:configuration_workspace_changelist")

    def submit(act: str, *args: Any, **form: Any) -> Page:
        with TestCase.captureOnCommitCallbacks(execute=True):
            return operator.submit_admin(f"configuration_workspace_{act}", *args, **form)

    new = {"name": "Nordic", "slug": "nordic", "group_pk": "7", "shard": "default"}
    for wrong in ({"slug": "No!"}, {"group_pk": "²"}, {"group_pk": "9" * 5000}, {"name": "a\0b"}):
        page = submit("add", **new | wrong)
        assert page.status == 200
        assert not Workspace.objects.filter(group_pk=7).exists()
    assert "Make the first node" in submit("add", **new)
    assert "a workspace with the slug nordic already" in submit("add", **new)
    made = Workspace.objects.get(slug="nordic")
    suggested = operator.open_admin("configuration_workspace_add").html
    assert re.search(r'name="group_pk"[^>]* value="7"', suggested) or re.search(
        r'value="7"[^>]* name="group_pk"', suggested
    ), "the group of the newest workspace"
    assert StaffChange.objects.filter(workspace_id=made.id).count() == 1
    listed = operator.open_admin("configuration_workspace_changelist", q="nORd")
    assert "Nordic" in listed
    assert str(hub.workspace.id) not in listed.html.split("<main")[-1].split("result_list")[1]
    submit("change", made.id, status="SUSPENDED")
    made.refresh_from_db()
    assert made.status == "SUSPENDED"
    stale = submit("change", made.id, status="ENABLED", version=str(made.version + 7))
    assert "saved is" in stale or "changed" in stale
    made.refresh_from_db()
    assert made.status == "SUSPENDED"
    assert "Nothing has been done" in submit("delete", made.id, post="yes", typed="x")
    submit("delete", made.id, post="yes", typed="Nordic")
    assert not Workspace.objects.present().filter(id=made.id).exists()
    for nonsense in ("-", "²", str(made.id)):
        gone = operator.open_admin("configuration_workspace_change", nonsense)
        assert gone.status in {302, 404}
    admin = Staff(hub, "ADMIN")
    assert address in operator.open("dashboard").html
    assert address not in admin.open("dashboard").html
    assert admin.client.get(address, HTTP_HOST="localhost").status_code == 403
    assert admin.submit_admin("configuration_workspace_add", **new).status == 403


def test_a_script_gets_a_token_with_a_client_made_here(hub: Hub) -> None:
    staff = Staff(hub, "USER")
    listed, add = "configuration_apiclient_changelist", "configuration_apiclient_add"
    change, delete = "configuration_apiclient_change", "configuration_apiclient_delete"

    def submit(form: dict[str, str], who: Staff = staff) -> Page:
        return who.submit_admin(add, **form)

    new = {"name": "Nightly", "authorization_grant_type": "client-credentials"}
    for wrong in ({"name": ""}, {"name": "a\0b"}, {"authorization_grant_type": "password"}):
        assert submit(new | wrong).status == 200
        assert Application.objects.count() == 0
    staff.open("dashboard")
    page = submit(new)
    assert "API client made" in staff.audit_log()
    client_id, secret = (
        re.search(rf'id="client-{name}">([^<]+)<', page.html)[1]  # type: ignore[index]
        for name in ("id", "secret")
    )
    assert secret not in staff.open_admin(listed).html
    assert secret not in str(StaffChange.objects.values())
    answer = Client().post(
        "/oauth2/token/",
        {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret},
        HTTP_HOST="localhost",
    )
    token = answer.json()["access_token"]
    assert ApiClient(token).get("/me")["id"] == staff.user.id
    # How its answers write moments is set by whoever owns it, at once and for all its tokens.
    customer = f"{hub.path}/customers/{hub.post_customer()['id']}"

    def end() -> str:
        return ApiClient(token).get(customer)["registeredAt"][23:]

    assert end() == "Z"
    mine = Application.objects.get(client_id=client_id).id
    for key, wrong in (
        (mine, {"date_format": "ISO"}),
        (mine, {}),
        ("9" * 40, {"date_format": "+0000"}),
    ):
        staff.submit_admin(change, key, **wrong)
        assert end() == "Z"
    Staff(hub, "USER").submit_admin(change, mine, date_format="+0000")
    assert end() == "Z", "only one's own"
    with TestCase.captureOnCommitCallbacks(execute=True):
        page = staff.submit_admin(change, mine, date_format="+0000")
    assert "Timestamps end with +0000 now." in page
    assert end() == "+0000"
    assert "API client changed" in staff.audit_log()
    signing_in = new | {
        "authorization_grant_type": "authorization-code", "redirect_uris": "https://app.example/",
    }  # fmt: skip
    assert "Only an operator" in submit(signing_in)
    operator = Staff(hub, "CLAB_OPERATOR")
    assert "scheme" in submit(signing_in | {"redirect_uris": "javascript://x"}, operator)
    assert "The client is there." in submit(signing_in, operator)
    assert "people sign in" in operator.open_admin(listed)
    other = Application.objects.get(user=operator.user)
    for key in (other.id, "9" * 40):
        staff.submit_admin(delete, key, post="yes")
    assert str(other.client_id) not in staff.open_admin(listed).html
    assert Application.objects.filter(id=other.id).exists(), "only one's own"
    with TestCase.captureOnCommitCallbacks(execute=True):
        staff.submit_admin(delete, mine, post="yes")
    assert ApiClient(token).get("/me").status == 401
    moved = staff.client.get(reverse("office:clients"), HTTP_HOST="localhost")
    assert moved.headers["Location"] == staff.admin_url(listed)


def test_emptying_and_deleting_a_node(hub: Hub) -> None:
    staff = Staff(hub, "ADMIN")
    page = staff.submit("node", {"act": "delete", "typed": "something"}, node_id=hub.node.id)
    assert "Nothing has been done" in page
    page = staff.submit("node", {"act": "empty", "typed": hub.node.name}, node_id=hub.node.id)
    assert "is being emptied" in page
    page = staff.submit(
        "node", {"act": "delete", "typed": hub.other_node.name}, node_id=hub.other_node.id
    )
    assert "is deleted" in page


def test_the_dashboard_shows_what_analytics_say(hub: Hub) -> None:
    person = hub.post_customer()["id"]
    from django.utils import timezone

    post_event(
        hub, person, "completedOrder", "RETAIL", timezone.now().isoformat(), amount={"total": 12.5}
    )
    fold_all(seconds=60)
    page = Staff(hub, "USER").open("dashboard")
    assert "12.50 EUR" in page
    assert "Completed order · Retail event" in page
    assert Staff(hub, "USER").open("dashboard", {"node": str(hub.other_node.id)}).status == 200
    assert "12.50 EUR" not in Staff(hub, "USER").open("dashboard", {"node": str(hub.other_node.id)})


def test_the_front_door(hub: Hub) -> None:
    staff = Staff(hub, "USER")
    answer = staff.client.get("/admin/", HTTP_HOST="localhost")
    assert answer.headers["Location"] == staff.url("dashboard")
    lonely = Staff(hub, "USER")
    lonely.user.memberships.all().delete()
    lonely.client.force_login(User.objects.get(id=lonely.user.id))
    page = lonely.client.get("/admin/", HTTP_HOST="localhost")
    assert "do not work in any workspace" in page.content.decode()
    operator = Staff(hub, "CLAB_OPERATOR")
    Workspace.objects.update(removed_at=now())
    first_day = operator.client.get("/admin/", HTTP_HOST="localhost", follow=True)
    assert "Where its data is placed" in first_day.content.decode(), "the first one is made"


@pytest.mark.parametrize("name", ["customers", "events"])
def test_lists_take_a_bounded_number_of_queries(
    hub: Hub, name: str, django_assert_max_num_queries: Any
) -> None:
    person = hub.post_customer()["id"]
    for number in range(30):
        hub.post_customer()
        post_event(hub, person, "loggedIn", "WEB", f"2026-01-01T00:00:{number:02d}Z")
    staff = Staff(hub, "ADMIN")
    staff.open(name)
    with django_assert_max_num_queries(25):
        staff.open(name)


def test_operations_show_only_what_the_persons_nodes_allow(hub: Hub) -> None:
    for node, name in ((hub.node, "seen.csv"), (hub.other_node, "private-file.csv")):
        BulkJob.objects.create(
            workspace_id=hub.workspace.id, node_id=node.id, filename=name, entity="CUSTOMER",
            operation="UPSERT", status="LOADED", created_at=now(), updated_at=now(),
        )  # fmt: skip
    PurgeRun.objects.create(
        workspace=hub.workspace, as_of=now(), started_at=now(), worked_at=now(), deleted=987_654
    )
    for role in ("GUEST", "USER"):
        page = Staff(hub, role, grants={hub.node: "R"}).open("operations")
        assert "seen.csv" in page
        assert "private-file.csv" not in page
        assert "987654" not in page
        assert "Bulk jobs to be done 1" in page
    assert "private-file.csv" not in Staff(hub, "DPO", grants={}).open("operations")
    page = Staff(hub, "ADMIN", grants={}).open("operations")
    assert "private-file.csv" in page
    assert "987654" in page
    assert "Bulk jobs to be done 2" in page
