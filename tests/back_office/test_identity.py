"""Duplicates are looked at side by side, merged, and separated again."""

from __future__ import annotations

from configuration.queries.rules import forget_rules
from customers.actions.duplicates import find_duplicates
from customers.models import Customer, DuplicatePair, RecordMerge
from tests.back_office.office import Staff
from tests.configuration.test_matching_rules import path_of
from tests.customers.test_erasure import post
from tests.customers.test_merging import get, searched
from tests.customers.test_several_rules import RULES
from tests.factories import Hub


def two(hub: Hub) -> tuple[str, str]:
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
    ada, other = two(hub)
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
    two(hub)
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
    ada, other = two(hub)
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


def test_the_page_of_a_node_lists_rules_that_its_form_cannot_say(hub: Hub) -> None:
    staff = Staff(hub, "CLAB_OPERATOR")
    assert "By these rules" not in staff.open("node", node_id=hub.node.id)
    set_up = hub.admin.put(path_of(hub), {"rules": RULES}, query={"force": "true"})
    assert set_up.status == 200, set_up.content
    page = staff.open("node", node_id=hub.node.id)
    assert "By these rules" in page
    assert "base.contacts.mobilePhone (PHONE IT)" in page
    kept = {"act": "save", "name": "Till", "properties": "externalId", "caseSensitive": "on"}
    assert "The node is changed." in staff.submit("node", kept, node_id=hub.node.id)
    assert len(hub.admin.get(path_of(hub))["rules"]) == len(RULES), "the same first rule"
    other = kept | {"properties": "base.contacts.email"}
    assert "The node is changed." in staff.submit("node", other, node_id=hub.node.id)
    assert len(hub.admin.get(path_of(hub))["rules"]) == 1
