"""Model admins: rows of one workspace, written through the API, with nothing typed lost."""

from __future__ import annotations

import json
import re
from typing import Any
from uuid import UUID

import pytest
from django.contrib import admin
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.timezone import now

from bulkjobs.models import BulkJob, ExportJob
from bulkjobs.queries.exports import Export
from configuration.models import NodeGrant, Source, StaffChange, Workspace
from contacthub_project.admin.model_admin import ApiModelAdmin, WorkspaceModelAdmin
from contacthub_project.admin.search import MOST_RECENT
from customers.models import Customer
from tests.back_office.office import Staff
from tests.back_office.test_pages import WRITE
from tests.factories import Hub

REGISTERED = {
    model: each for model, each in admin.site._registry.items() if isinstance(each, ApiModelAdmin)
}
OURS = [model._meta.label_lower for model in REGISTERED]
# Listing people is in the audit log.
VIEWS_OF_PEOPLE = {"customers.deletedcustomer"}
TENANTS = [
    f"{model._meta.app_label}_{model._meta.model_name}"
    for model, each in admin.site._registry.items()
    if isinstance(each, WorkspaceModelAdmin)
]


def new_source(hub: Hub, **fields: Any) -> dict[str, Any]:
    return {
        "name": "New shop", "provider": "API", "written_nodes": [str(hub.node.id)], "trusted": "on",
        "enabled": "on", "date_format": "Z",
    } | fields  # fmt: skip


def changed(source: Source, hub: Hub, **fields: Any) -> dict[str, Any]:
    form = {"version": source.version, "name": source.name, "date_format": source.date_format}
    return form | {"written_nodes": [str(hub.node.id)], "enabled": "on"} | fields


@pytest.mark.parametrize("name", TENANTS)
@pytest.mark.parametrize("role", ["CLAB_OPERATOR", "ADMIN", "USER", "GUEST", "DPO"])
def test_a_list_opens_or_is_not_offered(hub: Hub, name: str, role: str) -> None:
    staff = Staff(hub, role)
    page = staff.open_admin(f"{name}_changelist")
    offered = staff.admin_url(f"{name}_changelist") in staff.open("dashboard").html
    assert page.status == (200 if offered else 403)


@pytest.mark.parametrize("name", TENANTS)
def test_hostile_queries_break_no_list(hub: Hub, name: str) -> None:
    staff = Staff(hub, "CLAB_OPERATOR")
    for text in ("a\0b", "²", "9" * 50, "-1", "\ufffe", "' OR 1=1 --", "\u202e"):
        for parameter in ("q", "p", "o", "object", "at_from_0", "enabled__exact", "no_such"):
            page = staff.open_admin(f"{name}_changelist", **{parameter: text})
            assert page.status in {200, 302, 400}, (parameter, text)


@pytest.mark.parametrize("name", OURS)
def test_reading_writes_nothing(hub: Hub, name: str) -> None:
    body = {"name": "Shop", "url": "https://shop.example/hook"}
    assert hub.admin.post(f"{hub.path}/webhooks", body).status == 201
    hub.post_customer(consents={"marketing": {"traditional": {"email": {"status": True}}}})
    node = {"workspace_id": hub.workspace.id, "node_id": hub.node.id, "entity": "CUSTOMER"}
    BulkJob.objects.create(
        **node, filename="a.csv", operation="UPSERT", status="STOPPED", created_at=now(),
        updated_at=now(),
    )  # fmt: skip
    ExportJob.objects.create(**node, request=Export().as_json(), file_format="csv")
    staff = Staff(hub, "CLAB_OPERATOR", "DPO")
    model_admin = next(
        each for model, each in REGISTERED.items() if model._meta.label_lower == name
    )
    row = model_admin.model._default_manager.order_by("pk").last()
    opened = 0
    for pattern in model_admin.get_urls():
        if pattern.name is None:
            continue  # leads from the address without "change/" to the one with it
        key = str(row.pk if row else UUID(int=1))
        parts = dict.fromkeys(pattern.pattern.converters, key)
        address = reverse(f"admin:{pattern.name}", kwargs=parts)
        staff.client.get(address, HTTP_HOST="localhost")  # the workspace is seen last from now on
        with CaptureQueriesContext(connection) as queries:
            answer = staff.client.get(address, HTTP_HOST="localhost")
        assert answer.status_code < 500
        opened += answer.status_code == 200
        written = [each["sql"] for each in queries if WRITE.search(each["sql"])]
        if name in VIEWS_OF_PEOPLE and answer.status_code == 200:
            entry = 'INSERT INTO "configuration_staffchange"'
            assert all(each.startswith(entry) for each in written), address
        else:
            assert written == [], address
    assert opened


def test_a_sources_token_is_displayed_once(hub: Hub) -> None:
    staff = Staff(hub, "ADMIN")
    page = staff.submit_admin("configuration_source_add", **new_source(hub))
    assert "chs_" in page
    assert "chs_" not in staff.open_admin("configuration_source_changelist")
    source = Source.objects.get(name="New shop")
    requested = staff.open_admin("configuration_source_new_token", source.id)
    assert "The old token ends at once" in requested
    assert "chs_" in staff.submit_admin("configuration_source_new_token", source.id, post="yes")
    page = staff.submit_admin(
        "configuration_source_changelist", action="turn_off", _selected_action=[str(source.id)]
    )
    assert "1 changed." in page
    source.refresh_from_db()
    assert not source.enabled
    staff.submit_admin("configuration_source_delete", source.id, post="yes")
    assert not Source.objects.filter(id=source.id).exists()
    summaries = list(
        StaffChange.objects.filter(user=staff.user).order_by("id").values_list("method", flat=True)
    )
    assert summaries == ["POST", "POST", "PUT", "DELETE"]
    for change in StaffChange.objects.all():
        assert "chs_" not in str([change.before, change.after])


def test_a_source_for_web_pages_is_made_and_what_was_typed_is_kept(hub: Hub) -> None:
    staff = Staff(hub, "ADMIN")
    form = new_source(hub, name="Pages", allowed_urls="https://shop.example\r\nshop")
    del form["trusted"]
    refused = staff.submit_admin("configuration_source_add", **form)
    assert "must be an http or https address" in refused
    assert "chs_" not in refused
    assert 'value="Pages"' in refused.html
    assert "https://shop.example" in refused.html
    assert not Source.objects.filter(name="Pages").exists()
    form["allowed_urls"] = "https://shop.example\r\nhttps://www.example.com"
    assert "chs_" in staff.submit_admin("configuration_source_add", **form)
    source = Source.objects.get(name="Pages")
    assert not source.trusted
    assert source.properties["allowedURLs"] == ["https://shop.example", "https://www.example.com"]
    kept = changed(source, hub, name="Pages 2", allowed_urls=form["allowed_urls"])
    staff.submit_admin("configuration_source_change", source.id, **kept)
    source.refresh_from_db()
    assert source.name == "Pages 2"
    assert source.properties["allowedURLs"] == ["https://shop.example", "https://www.example.com"]


def test_a_form_that_somebody_else_overtook_shows_both_versions(hub: Hub) -> None:
    staff, source = Staff(hub, "ADMIN"), hub.source
    first = changed(source, hub, name="Mine", description="typed by me")
    path = f"{hub.configuration}/sources/{source.id}"
    assert hub.admin.put(path, {"name": "Theirs"}).status == 200
    page = staff.submit_admin("configuration_source_change", source.id, **first)
    assert "saved is “Theirs”, you have typed “Mine”" in page
    assert 'value="typed by me"' in page.html
    source.refresh_from_db()
    assert source.name == "Theirs"
    again = first | {"version": source.version}
    assert f'name="version" value="{source.version}"' in page.html
    staff.submit_admin("configuration_source_change", source.id, **again)
    source.refresh_from_db()
    assert (source.name, source.description) == ("Mine", "typed by me")


def test_how_a_source_reads_moments_is_one_of_two(hub: Hub) -> None:
    staff = Staff(hub, "ADMIN")
    page = staff.submit_admin("configuration_source_add", **new_source(hub, date_format="ISO"))
    assert "chs_" not in page
    assert "chs_" in staff.submit_admin(
        "configuration_source_add", **new_source(hub, date_format="+0000")
    )
    source = Source.objects.get(name="New shop")
    assert source.date_format == "+0000"
    form = changed(source, hub, date_format="Z")
    staff.submit_admin("configuration_source_change", source.id, **form)
    source.refresh_from_db()
    assert (source.date_format, source.enabled) == ("Z", True)


def test_another_workspaces_rows_are_neither_displayed_nor_changed(hub: Hub) -> None:
    stranger, staff = Hub(), Staff(hub, "ADMIN")
    listed = staff.open_admin("configuration_source_changelist")
    assert str(hub.source.id) in listed.html
    assert str(stranger.source.id) not in listed.html
    name = stranger.source.name
    form = changed(stranger.source, stranger, name="Taken")
    staff.submit_admin("configuration_source_change", stranger.source.id, **form)
    staff.submit_admin("configuration_source_delete", stranger.source.id, post="yes")
    refused = new_source(hub, written_nodes=[str(stranger.node.id)])
    assert "chs_" not in staff.submit_admin("configuration_source_add", **refused)
    inside = new_source(hub, _workspace=str(stranger.workspace.id))
    assert staff.submit_admin("configuration_source_add", **inside).status == 403
    assert Source.objects.get(id=stranger.source.id).name == name


def test_a_form_is_for_the_workspace_in_which_it_was_opened(hub: Hub) -> None:
    operator, other = Staff(hub, "CLAB_OPERATOR"), Hub()
    operator.client.get(reverse("switch-workspace", args=[hub.workspace.id]))
    page = operator.open_admin("configuration_source_add")
    assert f'name="_workspace" value="{hub.workspace.id}"' in page.html
    operator.client.get(reverse("switch-workspace", args=[other.workspace.id]))
    form = new_source(hub, _workspace=str(hub.workspace.id))
    assert "chs_" in operator.submit_admin("configuration_source_add", **form)
    assert Source.objects.get(name="New shop").workspace_id == hub.workspace.id


def test_a_closed_workspace_offers_no_changes(hub: Hub) -> None:
    staff = Staff(hub, "ADMIN")
    Workspace.objects.filter(id=hub.workspace.id).update(status="SUSPENDED")
    assert staff.open_admin("configuration_source_changelist").status == 200
    assert staff.open_admin("configuration_source_add").status == 403


def test_people_switch_to_workspaces_of_theirs_only(hub: Hub) -> None:
    staff, stranger = Staff(hub, "USER"), Hub()
    address = reverse("switch-workspace", args=[stranger.workspace.id])
    assert staff.client.get(address, HTTP_HOST="localhost").status_code == 404
    page = staff.open("dashboard")
    assert stranger.workspace.name not in page
    assert json.dumps(str(stranger.workspace.id)) not in page.html


def test_lists_take_a_bounded_number_of_queries(
    hub: Hub, django_assert_max_num_queries: Any
) -> None:
    staff = Staff(hub, "ADMIN")
    for number in range(60):
        hub.admin.post(
            f"{hub.configuration}/sources",
            {"name": f"S{number}", "provider": "API", "nodes": [str(hub.node.id)]},
        )
    for name in TENANTS:
        staff.open_admin(f"{name}_changelist")
        with django_assert_max_num_queries(25):
            staff.open_admin(f"{name}_changelist")


def searched(staff: Staff, text: str) -> str:
    return staff.client.get(
        reverse("admin:search"), {"s": text, "extended": "1"}, HTTP_HOST="localhost"
    ).content.decode()


def test_the_search_box_finds_people_in_any_case_in_all_nodes(hub: Hub) -> None:
    anna = hub.post_customer(
        base={"firstName": "Anna Lena", "lastName": "De Rossi", "contacts": {"email": "al@x.it"}},
        externalId="Card-7",
    )["id"]
    hub.post_customer(
        nodeId=str(hub.other_node.id),
        base={"firstName": "Zoë", "lastName": "Rossini", "contacts": {"email": "zoe@y.it"}},
    )
    hub.post_customer(base={"lastName": "Bianchi", "contacts": {"email": "b@x.it"}})
    staff = Staff(hub, "USER")
    for text in ("AL@x", "de ros", "anna l", "ANNA", "card-7", anna, " Anna  Lena De "):
        page = searched(staff, text)
        assert staff.url("customer", customer_id=anna) in page, text
        assert "Bianchi" not in page, text
    for text in ("zoË", "zoe", "ZOE ROSS"):
        assert "Zoë Rossini" in searched(staff, text)
    assert hub.other_node.name in searched(staff, "rossini zoë")
    for text in ("", "a", "nobody here", "%", "_ossi", "a\0b", "\ufffe", "x" * 9000):
        assert "customers/" not in searched(staff, text)
    assert staff.admin_url("configuration_node_changelist") in searched(staff, "node")


def test_the_search_box_shows_at_first_whom_the_person_has_opened_last(hub: Hub) -> None:
    made = [
        hub.post_customer(
            base={"lastName": f"Rossi{number}", "contacts": {"email": f"{number}@x.it"}}
        )["id"]
        for number in range(MOST_RECENT + 2)
    ]
    staff, other = Staff(hub, "USER"), Staff(hub, "USER")
    assert searched(staff, "") == ""
    for each in (*made, made[3], made[3]):
        staff.open("customer", customer_id=each)
    other.open("customer", customer_id=made[0])
    shown = re.findall("Rossi[0-9]", searched(staff, " "))
    assert list(dict.fromkeys(shown)) == [f"Rossi{number}" for number in (3, 9, 8, 7, 6, 5, 4, 2)]
    assert "Rossi0" in searched(other, "")
    # Who is deleted, forgotten or no longer to be read is not shown, nor those of other workspaces.
    hub.trusted.delete(f"{hub.path}/customers/{made[3]}")
    hub.clients["DPO"].delete(f"{hub.path}/data-protection/customers/{made[9]}")
    page = searched(staff, "")
    assert "Rossi3" not in page
    assert "Rossi9" not in page
    assert "Rossi1" in page
    NodeGrant.objects.filter(user=staff.user).delete()
    assert searched(staff, "") == ""
    assert "Rossi0" not in searched(Staff(Hub(), "USER"), "")


def test_the_search_box_shows_nobody_whom_one_may_not_read(hub: Hub) -> None:
    stranger = Hub()
    secret = stranger.post_customer(base={"lastName": "Rossi", "contacts": {"email": "s@x.it"}})
    hub.post_customer(base={"lastName": "Rossi", "contacts": {"email": "here@x.it"}})
    hub.post_customer(
        nodeId=str(hub.other_node.id), base={"lastName": "Rossi", "contacts": {"email": "no@x.it"}}
    )
    gone = hub.post_customer(base={"lastName": "Rossi", "contacts": {"email": "gone@x.it"}})["id"]
    hub.trusted.delete(f"{hub.path}/customers/{gone}")
    staff = Staff(hub, "USER", grants={hub.node: "R"})
    page = searched(staff, "rossi")
    assert "here@x.it" in page
    assert not [each for each in ("s@x.it", "no@x.it", "gone@x.it") if each in page]
    assert "customers/" not in searched(staff, secret["id"])
    # Nothing is kept: who is forgotten meanwhile is not found again.
    here = Customer.objects.get(base__contacts__email="here@x.it", workspace=hub.workspace).id
    hub.trusted.delete(f"{hub.path}/customers/{here}")
    assert "here@x.it" not in searched(staff, "rossi")


def test_moments_are_those_of_the_workspaces_zone_which_is_displayed(hub: Hub) -> None:
    staff = Staff(hub, "ADMIN")
    Workspace.objects.filter(id=hub.workspace.id).update(timezone="Asia/Tokyo")
    hub.admin.put(hub.configuration, {"name": "Shop", "timezone": "Asia/Tokyo"})
    Source.objects.filter(id=hub.source.id).update(updated_at="2026-01-01T23:30:00Z")
    staff.open("dashboard")
    page = staff.open_admin("configuration_source_changelist")
    assert "2 January 2026, 08:30" in page
    assert "Asia/Tokyo" in page
