"""Duplicates are looked at side by side, merged, and separated again."""

from __future__ import annotations

from configuration.queries.rules import forget_rules
from customers.actions.duplicates import find_duplicates
from customers.models import Customer, DuplicatePair, RecordMerge
from tests.back_office.office import Staff
from tests.customers.test_erasure import post
from tests.customers.test_merging import get, searched
from tests.factories import Hub


def duplicate_pair(hub: Hub) -> tuple[str, str]:
    hub.admin.put(hub.configuration, {"findDuplicates": True, "historyDays": 30})
    phone = {"contacts": {"mobilePhone": "+39 333 1234567"}}
    ada = post(hub, "ada@x.it", base={"firstName": "Ada", "lastName": "Bianchi"})
    other = post(
        hub, "bea@work.it", base={"firstName": "Ada", "lastName": "Bianchi", "title": "Dr"}
    )
    for customer in (ada, other):
        hub.admin.patch(f"{hub.path}/customers/{customer}", {"base": phone})
    searched(hub, other)
    find_duplicates(seconds=20)
    return ada, other


def test_a_pair_is_compared_merged_and_separated(hub: Hub) -> None:
    ada, other = duplicate_pair(hub)
    staff = Staff(hub, "USER")
    listed = staff.open("duplicates")
    assert "ada@x.it" in listed
    assert "same phone, same name" in listed
    compared = staff.open("merge-customers", customer_id=ada, other_id=other)
    assert "contacts / email" in compared
    assert "1 events" in compared
    form = {
        "version": get(hub, ada)["version"], "value:base.contacts.email": other,
        "value:base.title": "",
    }  # fmt: skip
    done = staff.submit("merge-customers", form, customer_id=ada, other_id=other)
    assert "The two are one" in done
    merged = get(hub, ada)
    assert merged["base"]["contacts"]["email"] == "bea@work.it"
    assert merged["base"]["title"] == "Dr"
    assert "There is nobody to look at" in staff.open("duplicates")
    assert "Undo" in done
    assert "a merge" in done
    merge = RecordMerge.objects.get()
    requested = staff.open("undo-merge", merge_id=merge.id)
    assert "gets 1 events" in requested
    assert "They are separate again" in staff.submit("undo-merge", {}, merge_id=merge.id)
    assert Customer.objects.live().count() == 2
    assert staff.open("undo-merge", merge_id=merge.id).status == 409
    # Somebody was quicker.
    late = staff.submit("merge-customers", {"version": "1"}, customer_id=ada, other_id=other)
    assert "changed since" in late


def test_a_pair_is_dismissed_and_put_back(hub: Hub) -> None:
    duplicate_pair(hub)
    staff = Staff(hub, "USER")
    pair = str(DuplicatePair.objects.get().id)
    assert "The pair is dismissed" in staff.submit("duplicates", {"act": "dismiss", "pair": pair})
    assert "There is nobody" in staff.open("duplicates")
    dismissed = staff.open("duplicates", {"state": "DISMISSED"})
    assert "Put back" in dismissed
    staff.submit("duplicates", {"act": "reopen", "pair": pair})
    assert "Compare" in staff.open("duplicates")
    assert staff.submit("duplicates", {"act": "dismiss", "pair": "../x"}).status < 500


def test_the_identity_page_explains_a_customer(hub: Hub) -> None:
    ada, other = duplicate_pair(hub)
    staff = Staff(hub, "USER")
    page = staff.open("identity", customer_id=ada)
    assert "May be the same person" in page
    assert "333 1234567" in page
    assert "a change" in page
    only = staff.open("identity", {"property": "base.firstName"}, customer_id=ada)
    assert "333 1234567" not in only
    reader = Staff(hub, "GUEST")
    assert "Compare" not in reader.open("identity", customer_id=other)
    assert reader.open("merge-customers", customer_id=ada, other_id=other).status == 403


def test_an_administrator_has_duplicates_looked_for(hub: Hub) -> None:
    assert "Nobody looks for duplicates" in Staff(hub, "USER").open("duplicates")
    staff = Staff(hub, "ADMIN")
    form = {"findDuplicates": "on", "historyDays": "30"}
    assert "is changed" in staff.submit("workspace-settings", form)
    forget_rules(hub.workspace.id)  # nothing is committed, so nobody is notified
    configuration = hub.admin.get(hub.configuration)
    assert [configuration[name] for name in ("findDuplicates", "followMergedIds", "historyDays")] == [
        True, False, 30,
    ]  # fmt: skip
    assert "historyDays" in staff.submit("workspace-settings", {"historyDays": "many"})
    assert "Nobody looks" not in staff.open("duplicates")


def test_one_change_is_undone_from_the_history(hub: Hub) -> None:
    hub.admin.put(hub.configuration, {"historyDays": 30})
    ada = post(hub, "ada@x.it", base={"firstName": "Ada", "lastName": "Bianchi"})
    path = f"{hub.path}/customers/{ada}"
    hub.admin.patch(path, {"base": {"firstName": "Bea", "lastName": "Rossi"}})
    hub.admin.patch(path, {"base": {"lastName": "Verdi"}})
    staff = Staff(hub, "USER")
    page = staff.open("identity", customer_id=ada)
    assert f"{staff.url('undo-change', customer_id=ada)}?version=2" in page.html
    preview = staff.open("undo-change", {"version": "2"}, customer_id=ada)
    assert "firstName Bea Ada" in preview
    assert "Stays, because it has changed since: lastName" in preview
    assert get(hub, ada)["base"]["firstName"] == "Bea"
    late = staff.submit("undo-change", {"version": "2"}, "version=2", customer_id=ada)
    assert "Somebody else has changed it" in late
    form = {"version": get(hub, ada)["version"]}
    assert "The change is undone." in staff.submit(
        "undo-change", form, "version=2", customer_id=ada
    )
    assert get(hub, ada)["base"]["firstName"] == "Ada"
    assert get(hub, ada)["base"]["lastName"] == "Verdi"
    again = staff.open("undo-change", {"version": "2"}, customer_id=ada)
    assert "Nothing of the change is left to undo" in again
    for version, status in (("1", 400), ("99", 404), ("", 400), ("x", 400)):
        assert staff.open("undo-change", {"version": version}, customer_id=ada).status == status


def test_undoing_is_offered_to_those_who_may_and_not_of_merges(hub: Hub) -> None:
    ada, other = duplicate_pair(hub)
    reader = Staff(hub, "USER", grants={hub.node: "R"})
    assert "Undo this change" not in reader.open("identity", customer_id=ada)
    staff = Staff(hub, "USER")
    assert "Undo this change" in staff.open("identity", customer_id=ada)
    hub.admin.patch(f"{hub.path}/customers/{ada}", {"base": {"contacts": {"phone": "1"}}})
    version = get(hub, ada)["version"]
    merged = hub.admin.post(f"{hub.path}/customers/{ada}/merge", {"customers": [other]})
    assert merged.status == 200, merged.content
    page = staff.open("identity", customer_id=ada)
    assert f"?version={version + 1}" not in page.html
    assert staff.open("undo-change", {"version": str(version + 1)}, customer_id=ada).status == 409
