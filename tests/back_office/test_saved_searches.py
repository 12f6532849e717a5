"""Searches of the list of customers that are kept: own, shared, removed, forgotten."""

from __future__ import annotations

import html
import json
import re
from typing import Any
from urllib.parse import urlencode

import pytest

from customers.actions import saved_searches
from customers.models import SavedSearch
from tests.back_office.office import Page, Staff
from tests.factories import Hub

RULES = json.dumps({"match": "all", "rules": [
    {"property": "base.lastName", "operator": "EQUALS", "value": "Rossi"},
]})  # fmt: skip


def save(staff: Staff, name: str, form: dict[str, Any] | None = None, **query: Any) -> Page:
    return staff.submit(
        "saved-searches", {"name": name, **(form or {})}, urlencode(query, doseq=True)
    )


def test_a_search_is_kept_with_its_rules_and_columns(hub: Hub) -> None:
    for name in ("Rossi", "Bianchi"):
        hub.post_customer(base={"lastName": name, "contacts": {"email": f"{name}@x.it"}})
    staff = Staff(hub, "USER")
    page = save(staff, "The Rossi", node=hub.node.id, rules=RULES, column=["base.lastName"], page=7)
    assert "The search is kept" in page
    page = staff.open("customers")
    address = re.search(r'<a href="([^"]+)">The Rossi</a>', page.html)
    assert address
    listed = Page(staff.client.get(html.unescape(address[1]), HTTP_HOST="localhost"))
    assert ">Rossi<" in listed.html
    assert ">Bianchi<" not in listed.html
    assert "rossi@x.it" not in listed.html.lower().replace("rossi@x.it</option", "")
    save(staff, "The Rossi", q="other")
    assert json.loads(SavedSearch.objects.get().parameters) == {"q": ["other"]}, "replaced"


def test_others_see_what_is_shared_and_only_administrators_remove_it(hub: Hub) -> None:
    mine, colleague, admin = Staff(hub, "USER"), Staff(hub, "USER"), Staff(hub, "ADMIN")
    save(mine, "Private")
    save(mine, "Shared", {"share": "on"})
    assert "Private" in mine.open("customers")
    page = colleague.open("customers")
    assert "Shared" in page
    assert "Private" not in page
    assert "Remove Shared" not in page.html
    ids = {each.name: str(each.id) for each in SavedSearch.objects.all()}
    for who, name in ((colleague, "Private"), (colleague, "Shared"), (admin, "Private")):
        page = who.submit("saved-searches", {"act": "remove", "id": ids[name]})
        assert "There is no such search" in page
    assert SavedSearch.objects.count() == 2
    admin.submit("saved-searches", {"act": "remove", "id": ids["Shared"]})
    mine.submit("saved-searches", {"act": "remove", "id": ids["Private"]})
    assert not SavedSearch.objects.exists()


def test_another_workspace_neither_sees_nor_removes(hub: Hub) -> None:
    save(Staff(hub, "USER"), "Shared", {"share": "on"})
    stranger = Staff(Hub(), "ADMIN")
    assert "Shared" not in stranger.open("customers").html.replace("shared", "")
    stranger.submit("saved-searches", {"act": "remove", "id": str(SavedSearch.objects.get().id)})
    assert SavedSearch.objects.exists()


@pytest.mark.parametrize("name", ["", " ", "x" * 81, "a\0b"])
def test_names_that_are_none(hub: Hub, name: str) -> None:
    assert save(Staff(hub, "USER"), name).status == 200
    assert not SavedSearch.objects.exists()


def test_wrong_forms(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    staff = Staff(hub, "USER")
    assert "too long" in save(staff, "Long", q="x" * 31_000)
    assert "too long" in save(staff, "NUL", q="a\0b")
    assert "no such search" in staff.submit("saved-searches", {"act": "remove", "id": "../x"})
    monkeypatch.setattr(saved_searches, "MOST", 1)
    save(staff, "One")
    assert "keep 1 searches already" in save(staff, "Two")
    assert "is kept" in save(staff, "One"), "its own name is free"


def test_a_search_for_somebody_goes_when_they_are_forgotten(hub: Hub) -> None:
    person = hub.post_customer(base={"contacts": {"email": "zoë@x.it"}})["id"]
    staff = Staff(hub, "USER")
    rule = {"property": "base.contacts.email", "operator": "EQUALS", "value": "ZOË@x.it"}
    save(staff, "By rule", rules=json.dumps({"rules": [rule]}))
    save(staff, "By word", q='"zoë@x.it"')
    save(staff, "zoë@x.it")
    save(staff, "Nobody", q="ada")
    hub.clients["DPO"].delete(f"{hub.path}/data-protection/customers/{person}")
    assert [each.name for each in SavedSearch.objects.all()] == ["Nobody"]
