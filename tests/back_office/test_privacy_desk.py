"""The day of somebody who is a data protection officer and nothing else."""

from __future__ import annotations

import re
from uuid import UUID

import pytest

from configuration.models import StaffChange, Workspace
from customers.models import Customer, DataSubjectRequest, ErasureReceipt, SuppressedValue
from tests.analytics.test_answers import post_event
from tests.back_office.office import Staff
from tests.customers.test_erasure import DAY, delete, post, protected
from tests.factories import Hub

REASON = "Letter of 3 November"


def summaries(hub: Hub) -> list[str]:
    entries = StaffChange.objects.filter(workspace_id=hub.workspace.id)
    return list(entries.order_by("id").values_list("summary", flat=True))


def test_a_person_is_found_looked_at_and_erased_with_a_receipt(hub: Hub) -> None:
    given = {"marketing": {"automatic": {"email": {"status": True}}}}
    ada = post(hub, "ada@x.it", base={"firstName": "Ada"}, consents=given)
    other = post(hub, "ada@x.it", hub.other_node)
    post_event(hub, ada, "searched", "WEB", DAY, keyword="red shoes")
    dpo = Staff(hub, "DPO", grants={})
    begin = dpo.client.get("/admin/", HTTP_HOST="localhost", follow=True)
    assert "Find a person" in begin.content.decode()
    missing = dpo.submit("privacy", {"by": "email", "text": "ada@x.it", "reason": " "})
    assert "reason" in missing
    found = dpo.submit("privacy", {"by": "email", "text": "ADA@x.it", "reason": REASON})
    assert hub.node.name in found
    assert hub.other_node.name in found
    page = dpo.open("privacy-person", customer_id=ada)
    for text in ("ada@x.it", "Ada", "red shoes", "Consent · marketing / automatic / email · yes"):
        assert text in page, text
    # Without a look-up, the reason is asked for.
    stranger = post(hub, "bea@x.it")
    assert "Why do you look" in dpo.open("privacy-person", customer_id=stranger)
    assert "bea@x.it" not in dpo.open("privacy-person", customer_id=stranger)
    looked = dpo.submit("privacy-person", {"reason": REASON}, customer_id=stranger)
    assert "bea@x.it" in looked
    entered = dpo.submit(
        "privacy-person", {"act": "enter", "type": "ERASURE", "note": "by post"}, customer_id=ada
    )
    assert "The request is in the register." in entered
    restricted = dpo.submit(
        "privacy-person", {"act": "restrict", "restricted": "true"}, customer_id=ada
    )
    assert "Every consent is limited now." in restricted
    for file_format, text in (("html", "<!doctype html>"), ("json", '{"customer":')):
        file = dpo.submit("privacy-export", {"format": file_format}, customer_id=ada)
        assert text in file.html
        assert "red shoes" in file.html
    plan = dpo.open("privacy-erase", {"scope": "node"}, customer_id=ada)
    assert other not in plan.html
    plan = dpo.open("privacy-erase", customer_id=ada)
    assert other in plan.html
    assert "Events" in plan
    wrong = dpo.submit("privacy-erase", {"typed": "erase"}, customer_id=ada)
    assert "Nothing has been done." in wrong
    assert Customer.objects.get(id=ada).deleted == 0
    receipt = dpo.submit("privacy-erase", {"typed": f"Erase {ada[-8:]}"}, customer_id=ada)
    assert "The person is erased." in receipt
    assert ErasureReceipt.objects.latest_of(hub.workspace.id).hash.hex() in receipt.html
    assert {each.deleted for each in Customer.objects.filter(id__in=[ada, other])} == {-1}
    assert "ada@x.it" not in receipt
    assert "Ada" not in receipt.text.replace("Adapt", "")
    (request,) = DataSubjectRequest.objects.filter(customer_id=ada, type="ERASURE")
    assert (request.state, request.note) == ("DONE", "")
    for name in ("datasubjectrequest", "suppressedvalue", "erasurereceipt"):
        assert dpo.open_admin(f"customers_{name}_changelist").status == 200
    assert "receipt" in dpo.open_admin("customers_datasubjectrequest_changelist", state="DONE")
    log = dpo.audit_log()
    for text in ("Look a person up", "Export customer data", "Forget customer", "Restrict"):
        assert text in log
    assert "ada@x.it" not in log
    assert summaries(hub).count("Export customer data") == 2


def test_a_value_is_lifted_with_a_reason(hub: Hub) -> None:
    hub.clients["DPO"].delete(protected(hub, post(hub, "ada@x.it")))
    dpo = Staff(hub, "DPO", grants={})
    listed, lift = "customers_suppressedvalue_changelist", "customers_suppressedvalue_lift"
    value = SuppressedValue.objects.get(kind="EMAIL")
    assert str(value.id) not in dpo.submit_admin(listed, by="email", text="no@x.it").html
    assert str(value.id) not in dpo.submit_admin(listed, by="externalId", text="ada@x.it").html
    found = dpo.submit_admin(listed, by="email", text="ADA@x.it")
    assert str(value.id) in found.html
    assert "in force" in found
    assert "The value may come back from now on." not in dpo.submit_admin(
        lift, value.id, post="yes", reason=" "
    )
    assert SuppressedValue.objects.get(kind="EMAIL").lifted_at is None
    done = dpo.submit_admin(lift, value.id, post="yes", reason="signed up again")
    assert "The value may come back from now on." in done
    assert "signed up again" in done
    for state, shown in (("LIFTED", True), ("IN_FORCE", False), ("x", True)):
        assert (str(value.id) in dpo.open_admin(listed, state=state).html) == shown, state
    for odd in ("", "a\0b", "x" * 300):
        assert dpo.submit_admin(listed, by="email", text=odd).status == 200
    assert dpo.submit_admin(listed, by="name", text="Ada").status == 200
    stranger = Hub()
    stranger.clients["DPO"].delete(protected(stranger, post(stranger, "cleo@x.it")))
    hidden = SuppressedValue.objects.get(workspace_id=stranger.workspace.id, kind="EMAIL")
    assert str(hidden.id) not in dpo.open_admin(listed).html
    assert dpo.submit_admin(lift, hidden.id, post="yes", reason="x").status == 404
    assert Staff(hub, "ADMIN").open_admin(listed).status == 403
    moved = dpo.open("privacy-suppressions").answer.headers["Location"]
    assert moved == dpo.admin_url(listed)


def test_deleted_people_are_found_and_restored_by_administrators_too(hub: Hub) -> None:
    for role in ("DPO", "ADMIN"):
        ada = post(hub, f"{role.lower()}@x.it")
        delete(hub, ada)
        staff = Staff(hub, role, grants={})
        listed, restore = (
            "customers_deletedcustomer_changelist",
            "customers_deletedcustomer_restore",
        )
        page = staff.submit_admin(listed, by="email", text=f"{role.upper()}@x.it")
        assert hub.node.name in page
        assert ada in page.html
        assert ada not in staff.submit_admin(listed, by="email", text="no@x.it").html
        assert ada not in staff.submit_admin(listed, by="externalId", text="card-7").html
        assert "Restore" in staff.open_admin(restore, ada)
        assert Customer.objects.get(id=ada).deleted == 1
        done = staff.submit_admin(restore, ada, post="yes")
        assert "The person is there again" in done
        assert Customer.objects.get(id=ada).deleted == 0
        assert staff.submit_admin(restore, ada, post="yes").status == 404
    assert Staff(hub, "USER").open_admin(listed).status == 403
    assert Staff(hub, "USER").submit_admin(restore, ada, post="yes").status in {403, 404}


def test_deleted_people_are_listed_by_node_restored_together_and_looked_up_on_record(
    hub: Hub,
) -> None:
    stranger, listed = Hub(), "customers_deletedcustomer_changelist"
    hidden = post(stranger, "zoe@x.it")
    ada, bea = post(hub, "ada@x.it"), post(hub, "bea@x.it", hub.other_node)
    taken = post(hub, "cleo@x.it")
    for where, each in ((hub, ada), (hub, bea), (hub, taken), (stranger, hidden)):
        delete(where, each)
    post(hub, "cleo@x.it")  # has the key now
    dpo = Staff(hub, "DPO", grants={})
    for query, found in (
        ({}, [taken, bea, ada]), ({"node": str(hub.other_node.id)}, [bea]),
        ({"node": "x"}, []), ({"node": str(stranger.node.id)}, []), ({"o": "4"}, [ada, bea, taken]),
    ):  # fmt: skip
        html = dpo.open_admin(listed, **query).html
        assert re.findall(r'name="_selected_action" value="([^"]+)"', html) == found, query
    person = dpo.open_admin("customers_deletedcustomer_change", ada).answer.headers["Location"]
    assert person == dpo.url("privacy-person", customer_id=ada)
    admin = Staff(hub, "ADMIN", grants={})
    asked = admin.open_admin("customers_deletedcustomer_change", ada).answer.headers["Location"]
    assert asked == admin.admin_url("customers_deletedcustomer_restore", ada)
    assert dpo.open_admin("customers_deletedcustomer_change", hidden).status == 404
    entries = StaffChange.objects.about(bea).filter(summary="List deleted customers")
    assert {each.user_id for each in entries} == {dpo.user.id}
    for each in entries:
        assert "bea@x.it" not in str([each.path, each.before, each.after, each.object_keys])
    done = dpo.submit_admin(
        listed, action="restore_chosen", _selected_action=[ada, bea, taken, hidden]
    )
    assert "2 restored." in done
    assert "Conflict" in done
    states = Customer.objects.filter(id__in=[ada, bea, taken, hidden])
    assert dict(states.values_list("id", "deleted")) == {
        UUID(ada): 0, UUID(bea): 0, UUID(taken): 1, UUID(hidden): 1,
    }  # fmt: skip
    moved = dpo.open("privacy-deleted").answer.headers["Location"]
    assert moved == dpo.admin_url(listed)


def test_the_register_is_kept_by_hand(hub: Hub) -> None:
    dpo = Staff(hub, "DPO", grants={})
    add, change = "customers_datasubjectrequest_add", "customers_datasubjectrequest_change"
    form = {"type": "ACCESS", "subject": "Ada <b>, by phone", "received_on": "2026-01-02"}
    page = dpo.submit_admin(add, **form)
    assert "The request is in the register." in page
    assert "late" in page
    request = DataSubjectRequest.objects.get(workspace_id=hub.workspace.id)
    shown = dpo.open_admin(change, request.id)
    assert "2026-02-01" in shown.html
    form |= {"state": "OPEN", "due_on": "2026-02-01", "version": "1"}
    refused = dpo.submit_admin(change, request.id, **form | {"due_on": "2027-01-01"})
    assert "must be within" in refused
    assert 'value="2027-01-01"' in refused.html
    stale = dpo.submit_admin(change, request.id, **form | {"note": "typed", "version": "7"})
    assert "changed" in stale
    assert "you have typed “typed”" in stale
    request.refresh_from_db()
    assert (request.note, request.version) == ("", 1)
    done = dpo.submit_admin(change, request.id, **form | {"state": "DONE"})
    assert "The request is changed." in done
    request.refresh_from_db()
    assert (request.state, request.subject) == ("DONE", form["subject"])
    ada = post(hub, "ada@x.it")
    assert "The request is in the register." not in dpo.submit_admin(add, type="ACCESS")
    assert "The request is in the register." not in dpo.submit_admin(
        add, type="RETURN", subject="somebody"
    )
    dpo.submit_admin(add, type="ACCESS", subject="somebody")
    open_one = DataSubjectRequest.objects.get(state="OPEN")
    named = dpo.submit(
        "privacy-person", {"act": "name", "request": str(open_one.id)}, customer_id=ada
    )
    assert "names this person now" in named


def test_the_register_shows_what_is_open_unless_asked_and_closes_what_is_ticked(hub: Hub) -> None:
    dpo, listed = Staff(hub, "DPO", grants={}), "customers_datasubjectrequest_changelist"
    path = f"{hub.path}/data-protection/requests"
    late, due, returned = (
        DataSubjectRequest.objects.get(id=hub.clients["DPO"].post(path, body)["id"])
        for body in (
            {"type": "ACCESS", "subject": "Ada", "receivedOn": "2026-01-02"},
            {"type": "ERASURE", "customerId": post(hub, "bea@x.it")},
            {"type": "OBJECTION", "subject": "Cleo"},
        )
    )
    DataSubjectRequest.objects.filter(id=returned.id).update(
        type="RETURN", state="DONE", closed_at=returned.created_at
    )
    stranger = Hub()
    hidden = stranger.clients["DPO"].post(
        f"{stranger.path}/data-protection/requests", {"type": "ACCESS", "subject": "Zoe"}
    )["id"]
    for query, found in (
        ({}, [late, due]), ({"state": "OVERDUE"}, [late]), ({"state": "DONE"}, [returned]),
        ({"state": "REFUSED"}, []), ({"state": "x"}, [late, due]),
        ({"state": "ALL"}, [returned, due, late]), ({"state": "ALL", "o": "2"}, [late, due, returned]),
        ({"state": "ALL", "type__exact": "ERASURE"}, [due]), ({"q": str(due.customer_id)}, [due]),
    ):  # fmt: skip
        html = dpo.open_admin(listed, **query).html
        ids = re.findall(r'name="_selected_action" value="([^"]+)"', html)
        known = [str(each.id) for each in found]
        assert ids == known if query.get("o") != "2" else set(ids) == set(known), query
        assert hidden not in html
    # What the hub has entered itself is of a type that nobody chooses.
    assert (
        'name="type"' not in dpo.open_admin("customers_datasubjectrequest_change", returned.id).html
    )
    done = dpo.submit_admin(
        listed, action="close", _selected_action=[str(late.id), str(due.id), hidden]
    )
    assert "2 changed." in done
    states = DataSubjectRequest.objects.filter(workspace_id=hub.workspace.id)
    assert set(states.values_list("state", flat=True)) == {"DONE"}
    assert DataSubjectRequest.objects.get(id=hidden).state == "OPEN"
    assert Staff(hub, "USER").open_admin(listed).status == 403
    moved = dpo.open("privacy-request", request_id=late.id).answer.headers["Location"]
    assert moved == dpo.admin_url("customers_datasubjectrequest_change", late.id)


def test_views_of_cards_are_in_the_audit_log(hub: Hub) -> None:
    ada = post(hub, "ada@x.it")
    user = Staff(hub, "USER")
    user.open("customer", customer_id=ada)
    user.open("edit-customer", customer_id=ada)
    entries = StaffChange.objects.about(ada)
    assert [each.summary for each in entries] == ["View of a customer"] * 2
    assert {each.user_id for each in entries} == {user.user.id}
    user.open("customer", customer_id=post(Hub(), "x@x.it"))
    assert StaffChange.objects.filter(user=user.user).count() == 2
    dpo = Staff(hub, "DPO", grants={})
    listed = dpo.open_admin("configuration_staffchange_changelist", access="yes", object=ada)
    assert listed.text.count("View of a customer") >= 2
    assert "View of a customer" not in Staff(hub, "USER").open_admin(
        "configuration_staffchange_changelist"
    )


def test_what_is_kept_of_people_is_set_on_the_page_of_retention(hub: Hub) -> None:
    admin = Staff(hub, "ADMIN")
    form = {
        "act": "people",
        "deletedDays": "7",
        "customerRetentionMonths": "24",
        "suppression": "REFUSE",
    }
    assert "What is kept of people is changed." in admin.submit("retention", form)
    workspace = Workspace.objects.get(id=hub.workspace.id)
    kept = (workspace.deleted_days, workspace.customer_months, workspace.suppression)
    assert kept == (7, 24, "REFUSE")
    wrong = admin.submit("retention", form | {"deletedDays": "many"})
    assert "/deletedDays" in wrong
    assert 'value="many"' in wrong.html
    ada = post(hub, "silent@x.it", base={"firstName": "Silent"})
    Customer.objects.filter(id=ada).update(updated_at="2020-01-01T00:00:00Z")
    page = admin.open("retention", {"people": "24"})
    assert "1 without an event or change" in page
    assert ada in page.html
    assert ada not in admin.open("retention", {"people": "200"}).html
    guest = Staff(hub, "GUEST")
    guest.submit("retention", form | {"deletedDays": "9"})
    assert "Whom would it delete?" not in guest.open("retention")
    workspace.refresh_from_db()
    assert workspace.deleted_days == 7


MARKED = re.compile(r'<a href="([^"]+)"[^>]*class="[^"]*\bactive\b')


@pytest.mark.parametrize("name", ["privacy"])
def test_the_menu_marks_one_page_of_the_desk(hub: Hub, name: str) -> None:
    dpo = Staff(hub, "DPO", grants={})
    dpo.open(name)
    assert MARKED.findall(dpo.open(name).html) == [dpo.url(name)]


@pytest.mark.parametrize(
    "name", ["datasubjectrequest", "deletedcustomer", "erasurereceipt", "suppressedvalue"]
)
def test_the_menu_marks_one_register_of_the_desk(hub: Hub, name: str) -> None:
    dpo = Staff(hub, "DPO", grants={})
    listed = f"customers_{name}_changelist"
    assert MARKED.findall(dpo.open_admin(listed).html) == [dpo.admin_url(listed)]


def test_receipts_are_found_by_number_and_customer(hub: Hub) -> None:
    ada, bea = post(hub, "ada@x.it"), post(hub, "bea@x.it", hub.other_node)
    for each in (ada, bea):
        hub.clients["DPO"].delete(protected(hub, each))
    stranger = Hub()
    stranger.clients["DPO"].delete(protected(stranger, post(stranger, "cleo@x.it")))
    dpo, listed = Staff(hub, "DPO", grants={}), "customers_erasurereceipt_changelist"
    first, second = ErasureReceipt.objects.in_workspace(hub.workspace.id).order_by("number")
    hidden = ErasureReceipt.objects.in_workspace(stranger.workspace.id).get()
    for query, found in (
        ({}, {first, second}),
        ({"q": "1"}, {first}), ({"q": bea}, {second}), ({"q": str(hub.node.id)}, set()),
        ({"q": "9" * 30}, set()), ({"q": "0"}, set()), ({"q": "\u0661"}, set()),
        ({"cause__exact": "REQUEST"}, {first, second}), ({"cause__exact": "DELETED_DAYS"}, set()),
    ):  # fmt: skip
        html = dpo.open_admin(listed, **query).html
        assert {each for each in (first, second, hidden) if str(each.id) in html} == found, query
    page = dpo.open_admin("customers_erasurereceipt_change", first.id)
    for shown in (f"{ada} in {hub.node.name}", first.hash.hex(), "Profile 1", "One node"):
        assert shown in page, shown
    assert dpo.open_admin("customers_erasurereceipt_change", hidden.id).status == 302
    dpo.submit_admin("customers_erasurereceipt_change", first.id, number="7")
    dpo.submit_admin("customers_erasurereceipt_delete", first.id, post="yes")
    assert ErasureReceipt.objects.in_workspace(hub.workspace.id).filter(number=1).exists()
    # The former addresses, which other pages and people's bookmarks have, lead there.
    moved = dpo.open("privacy-receipt", receipt_id=first.id)
    assert moved.answer.headers["Location"] == dpo.admin_url(
        "customers_erasurereceipt_change", first.id
    )
    moved = dpo.open("privacy-receipts")
    assert moved.answer.headers["Location"] == dpo.admin_url(listed)
    assert Staff(hub, "ADMIN").open_admin(listed).status == 403
