"""Errors of pages: pages for people, JSON for programs; what is missing, what collided."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from structlog.testing import capture_logs

from contacthub_project.admin.pages import operations
from contacthub_project.core.identifiers import as_uuid
from tests.back_office.office import Page, Staff
from tests.client import ApiClient
from tests.contacthub_project.test_http_contract import assert_error
from tests.factories import Hub, make_token, make_user

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


def get(client: Client, path: str, accept: str = BROWSER) -> Page:
    return Page(client.get(path, HTTP_HOST="localhost", HTTP_ACCEPT=accept))


def number_of(page: Page) -> str:
    """The logref that a page shows."""
    return page.html.partition("<code>")[2].partition("</code>")[0]


@pytest.mark.parametrize(
    ("path", "accept", "is_page"),
    [
        ("/admin/nothing/", BROWSER, True),
        ("/admin/nothing/", "*/*", True),
        ("/admin/nothing/", "application/json", False),
        ("/nothing", BROWSER, True),
        ("/nothing", "*/*", False),
        ("/hub/v1/nothing", BROWSER, False),
    ],
)
def test_what_is_not_there(hub: Hub, path: str, accept: str, is_page: bool) -> None:
    for client in (Client(), Staff(hub, "USER").client):
        page = get(client, path, accept)
        if page.status == 302:  # to the sign-in
            continue
        assert page.status == 404
        assert page.answer["Content-Type"].startswith("text/html") is is_page
        if is_page:
            assert "There is nothing here" in page
            assert as_uuid(number_of(page)) is not None
        else:
            assert json.loads(page.html)["logref"]


def test_a_page_of_an_error_has_the_menu_for_staff_only(hub: Hub) -> None:
    assert "Customers" in get(Staff(hub, "USER").client, "/admin/nothing/")
    assert "Customers" not in get(Client(), "/nothing")


@pytest.mark.parametrize(
    ("failure", "status", "says"),
    [
        (RuntimeError("secret@x.example"), 500, "Tell whoever runs Contacthub this number"),
        (OperationalError("secret@x.example"), 503, "Try again in a moment"),
    ],
)
def test_what_goes_wrong_here_is_told_by_its_number(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, failure: Exception, status: int, says: str
) -> None:
    def fails(*_: Any) -> Any:
        raise failure

    monkeypatch.setattr(operations, "reads_whole_workspace", fails)
    staff = Staff(hub, "ADMIN")
    staff.client.raise_request_exception = False
    with capture_logs() as logged:
        page = get(staff.client, staff.url("operations"))
    assert page.status == status
    assert says in page
    assert "secret" not in page.html
    assert number_of(page) in {each.get("logref") for each in logged} or not logged


@pytest.mark.parametrize("name", ["configuration_source_add", "customers_webhook_changelist"])
def test_who_may_not_is_told_the_role_and_who_gives_it(hub: Hub, name: str) -> None:
    operator = make_user("CLAB_OPERATOR")
    operator.name, operator.surname = "Olivia", "Marsh"
    operator.save()
    staff = Staff(hub, "GUEST")
    page = get(staff.client, staff.admin_url(name))
    assert page.status == 403
    assert "Operator" in page
    assert "You have Guest." in page
    assert "Olivia Marsh" in page


def test_who_lacks_a_permission_is_told_it_and_the_node(hub: Hub) -> None:
    customer = hub.post_customer(base={"contacts": {"email": "a@x.example"}})["id"]
    staff = Staff(hub, "USER", grants={hub.node: "R"})
    admin = make_user("ADMIN", workspaces=(hub.workspace,))
    admin.name, admin.surname = "Anna", "Berg"
    admin.save()
    form = {"base.firstName": "Ada", "version": "1"}
    page = staff.submit("edit-customer", form, customer_id=customer)
    assert f"permission to write in the node {hub.node.name}" in page
    assert "Anna Berg" in page
    client = ApiClient(make_token(staff.user))
    refused = client.patch(f"{hub.path}/customers/{customer}", {"base": {"firstName": "Ada"}})
    assert_error(refused, 403)
    assert refused["data"] == {"nodeId": str(hub.node.id), "permission": "W"}


def test_a_conflict_links_to_what_it_is_with(hub: Hub) -> None:
    there = hub.post_customer(base={"contacts": {"email": "a@x.example"}})["id"]
    other = hub.post_customer(base={"contacts": {"email": "b@x.example"}})["id"]
    staff = Staff(hub, "ADMIN")
    form = {"base.contacts.email": "a@x.example", "version": "1"}
    page = staff.submit("edit-customer", form, customer_id=other)
    assert "It collides with" in page
    assert f'href="{staff.url("customer", customer_id=there)}"' in page.html
