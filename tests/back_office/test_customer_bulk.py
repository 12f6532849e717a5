"""Tagging and deleting several customers of the list at once."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest

from configuration.models import StaffChange
from contacthub_project.admin.pages import customer_bulk
from customers.models import Customer
from tests.back_office.office import Page, Staff
from tests.factories import Hub


@pytest.fixture
def people(hub: Hub) -> dict[str, str]:
    return {
        name: hub.post_customer(
            base={"firstName": name, "contacts": {"email": f"{name}@x.it"}},
            tags={"manual": ["known"], "auto": ["machine"]},
        )["id"]
        for name in ("ada", "bob", "eve")
    }


def submit(hub: Hub, form: dict[str, Any], staff: Staff | None = None, **query: str) -> Page:
    staff = staff or Staff(hub, "ADMIN")
    return staff.submit("bulk-customers", form, urlencode({"node": hub.node.id} | query))


def tags(customer_id: str) -> Any:
    return Customer.objects.get(id=customer_id).tags


def test_a_tag_is_added_to_those_ticked_and_removed_again(hub: Hub, people: dict[str, str]) -> None:
    form = {"act": "add-tag", "tag": " vip ", "id": [people["ada"], people["bob"]]}
    page = submit(hub, form)
    assert "2 of the customers have the tag now." in page
    assert tags(people["ada"]) == {"manual": ["known", "vip"], "auto": ["machine"]}
    assert tags(people["eve"])["manual"] == ["known"]
    logged = StaffChange.objects.filter(customer_id=people["bob"], method="PATCH").get()
    assert (logged.before["tags"]["manual"], logged.after["tags"]["manual"]) == (
        ["known"],
        ["known", "vip"],
    )
    submit(hub, form)
    assert Customer.objects.get(id=people["ada"]).version == 2, "nothing to change"
    submit(hub, form | {"act": "remove-tag", "tag": "known"})
    assert tags(people["ada"])["manual"] == ["vip"]


def test_all_that_the_search_finds(hub: Hub, people: dict[str, str]) -> None:
    submit(hub, {"act": "add-tag", "tag": "found", "everybody": "on"}, q="ada")
    assert {name for name, id in people.items() if "found" in tags(id)["manual"]} == {"ada"}
    submit(hub, {"act": "add-tag", "tag": "found", "everybody": "on"})
    assert all("found" in tags(id)["manual"] for id in people.values())


def test_deleting_asks_for_the_number(hub: Hub, people: dict[str, str]) -> None:
    form = {"act": "delete", "id": [people["ada"], people["bob"]]}
    page = submit(hub, form)
    assert "Delete 2 customers?" in page
    assert people["ada"] in page.html
    assert "Nothing has been done" in submit(hub, form | {"typed": "3"})
    assert Customer.objects.filter(deleted=0).count() == 3
    assert "2 of the customers are deleted." in submit(hub, form | {"typed": "2"})
    assert [str(each.id) for each in Customer.objects.filter(deleted=0)] == [people["eve"]]


def test_who_is_changed_meanwhile_is_left_alone(
    hub: Hub, people: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    read = customer_bulk._chosen

    def changed_after_reading(*arguments: Any) -> Any:
        found = read(*arguments)
        hub.trusted.patch(f"{hub.path}/customers/{people['ada']}", {"tags": {"manual": ["new"]}})
        return found

    monkeypatch.setattr(customer_bulk, "_chosen", changed_after_reading)
    form = {"act": "add-tag", "tag": "vip", "id": [people["ada"], people["bob"]]}
    page = submit(hub, form)
    assert "1 of the customers have the tag now." in page
    assert "1 could not be changed" in page
    assert tags(people["ada"])["manual"] == ["new"]


@pytest.mark.parametrize(
    "form",
    [
        {"act": "add-tag", "tag": ""}, {"act": "add-tag", "tag": "x" * 256}, {"act": "no"}, {},
        {"act": "delete"}, {"act": "delete", "id": ["no", "../", "\0"]},
        {"act": "add-tag", "tag": "a\0b", "id": "ADA"},
    ],
)  # fmt: skip
def test_wrong_forms_change_nothing(hub: Hub, people: dict[str, str], form: dict[str, Any]) -> None:
    if form.get("id") == "ADA":
        form = form | {"id": [people["ada"]]}
    assert submit(hub, form).status == 200
    assert set(Customer.objects.values_list("version", "deleted")) == {(1, 0)}


def test_only_who_may_write_and_only_in_their_nodes(hub: Hub, people: dict[str, str]) -> None:
    stranger = Hub()
    theirs = stranger.post_customer(base={"contacts": {"email": "s@x.it"}})["id"]
    form = {"act": "add-tag", "tag": "vip", "id": [theirs, people["ada"]]}
    reader = Staff(hub, "USER", grants={hub.node: "R"})
    submit(hub, form, reader)
    assert "vip" not in tags(people["ada"])["manual"]
    submit(hub, form)
    assert "vip" in tags(people["ada"])["manual"]
    assert Customer.objects.get(id=theirs).version == 1


def test_more_than_the_bound_are_not_changed(
    hub: Hub, people: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(customer_bulk, "MOST_CHANGED", 2)
    monkeypatch.setattr(customer_bulk, "CHUNK", 2)
    page = submit(hub, {"act": "add-tag", "tag": "vip", "everybody": "on"})
    assert "at most 2 are changed at once" in page
    assert all(tags(id)["manual"] == ["known"] for id in people.values())
