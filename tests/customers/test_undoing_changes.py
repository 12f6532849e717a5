"""Single changes of customers are undone: a POST or a file that met the wrong person."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from customers.actions.history_expiry import remove_old_history
from customers.models import ValueChange
from tests.bulkjobs.test_jobs import done
from tests.customers.test_erasure import post
from tests.customers.test_merging import merge
from tests.factories import Hub

ADA = {"contacts": {"email": "ada@x.it"}}


@pytest.fixture
def keeping(hub: Hub) -> Hub:
    assert hub.admin.put(hub.configuration, {"historyDays": 30}).status == 200
    return hub


def path_of(hub: Hub, who: str) -> str:
    return f"{hub.path}/customers/{who}"


def undo(hub: Hub, who: str, version: int, **query: Any) -> Any:
    return hub.admin.post(f"{path_of(hub, who)}/undo", {"version": version}, query=query)


def base_of(hub: Hub, who: str) -> Any:
    return hub.admin.get(path_of(hub, who))["base"]


def test_a_post_that_met_the_wrong_person_is_undone(keeping: Hub) -> None:
    hub = keeping
    ada = post(hub, "ada@x.it", base={"firstName": "Ada", "title": "Dr"})
    wrong = {"firstName": "Bea", "lastName": "Neri", **ADA}
    answer = hub.post_customer(base=wrong, tags={"manual": ["wrong"]})
    assert (answer.status, answer["id"], answer["version"]) == (200, ada, 2)
    hub.admin.patch(path_of(hub, ada), {"base": {"lastName": "Bianchi", "prefix": "Ms"}})
    preview = undo(hub, ada, 2, dryRun="true")
    assert preview.status == 200, preview.content
    assert preview["restored"] == ["base.firstName", "tags.manual"]
    assert preview["kept"] == ["base.lastName"]
    assert base_of(hub, ada)["firstName"] == "Bea", "nothing was written"
    undone = undo(hub, ada, 2)
    assert undone["customer"]["version"] == 4
    base = base_of(hub, ada)
    assert [base[name] for name in ("firstName", "title", "lastName", "prefix")] == [
        "Ada", "Dr", "Bianchi", "Ms",
    ]  # fmt: skip
    history = hub.admin.get(f"{path_of(hub, ada)}/history", query={"property": "base.firstName"})
    (name,) = history["properties"]
    assert [each["cause"] for each in name["changes"]] == ["UNDO", "POST"]
    again = undo(hub, ada, 2)
    assert (again.status, again["restored"], again["customer"]["version"]) == (200, [], 4)


def test_a_row_of_a_file_is_undone(keeping: Hub) -> None:
    hub = keeping
    ada = post(hub, "ada@x.it", base={"firstName": "Ada"})
    done(hub, "base.contacts.email,base.firstName\nada@x.it,Bea\n")
    assert base_of(hub, ada)["firstName"] == "Bea"
    assert undo(hub, ada, 2)["restored"] == ["base.firstName"]
    assert base_of(hub, ada)["firstName"] == "Ada"


def test_merged_bodies_and_rows_are_undone_without_history(hub: Hub) -> None:
    ada = post(hub, "ada@x.it", base={"firstName": "Ada", "title": "Dr"})
    wrong = {"firstName": "Bea", "lastName": "Neri", "title": "Mr", **ADA}
    hub.post_customer(base=wrong, tags={"manual": ["wrong"]})
    # Nothing is kept of this change.
    hub.admin.patch(
        path_of(hub, ada), {"base": {"lastName": "Bianchi"}, "tags": {"manual": ["wrong", "own"]}}
    )
    done(hub, "base.contacts.email,base.title\nada@x.it,Prof\n")
    assert list(ValueChange.objects.values_list("version", "cause").order_by("version")) == [
        (2, "POST"), (4, "IMPORT"),
    ]  # fmt: skip
    undone = undo(hub, ada, 2)
    assert undone["restored"] == ["base.firstName", "tags.manual"]
    assert undone["kept"] == ["base.lastName", "base.title"]
    assert undo(hub, ada, 4)["restored"] == ["base.title"]
    base = base_of(hub, ada)
    assert [base[name] for name in ("firstName", "lastName", "title")] == ["Ada", "Bianchi", "Mr"]
    assert hub.admin.get(path_of(hub, ada))["tags"]["manual"] == ["own"]
    assert undo(hub, ada, 3).status == 410


def test_a_journal_holds_no_password_and_gives_back_what_stood_beside_it(hub: Hub) -> None:
    own = {"credential": {"username": "ada", "password": "zanzibar-1"}}
    ada = post(hub, "ada@x.it", base=own)
    hub.post_customer(base={**ADA, "credential": {"username": "bea", "password": "zanzibar-2"}})
    hub.admin.patch(path_of(hub, ada), {"base": {"title": "Dr"}})
    assert "zanzibar" not in str(list(ValueChange.objects.values()))
    assert undo(hub, ada, 2)["restored"] == ["base.credential"]
    credential = base_of(hub, ada)["credential"]
    assert (credential["username"], credential["password"]) == ("ada", "zanzibar-2")


def test_journals_of_bodies_are_kept_as_long_as_those_of_merges(hub: Hub, settings: Any) -> None:
    ada = post(hub, "ada@x.it", base={"firstName": "Ada"})
    hub.post_customer(base={**ADA, "firstName": "Bea"})
    for days, is_left in ((89, True), (91, False)):
        ValueChange.objects.update(changed_at=timezone.now() - timedelta(days=days))
        assert remove_old_history(seconds=5)
        assert ValueChange.objects.exists() is is_left
    assert undo(hub, ada, 2).status == 410
    settings.MERGE_JOURNAL_DAYS = 0
    hub.post_customer(base={**ADA, "firstName": "Cia"})
    assert not ValueChange.objects.exists()


def test_consents_are_never_widened(keeping: Hub) -> None:
    hub = keeping
    given = {"marketing": {"automatic": {"sms": {"status": True}}}}
    ada = post(hub, "ada@x.it", consents=given)
    withdrawn = {"marketing": {"automatic": {"sms": {"status": False}}}}
    hub.post_customer(base=ADA, consents=withdrawn)
    undone = undo(hub, ada, 2)
    assert undone["restored"] == []
    assert undone["stricterConsents"] == ["consents.marketing.automatic.sms.status"]
    consents = hub.admin.get(path_of(hub, ada))["consents"]
    assert consents["marketing"]["automatic"]["sms"]["status"] is False


def test_a_password_stays(keeping: Hub) -> None:
    hub = keeping
    ada = post(hub, "ada@x.it", base={"credential": {"username": "ada", "password": "one"}})
    changed = {"base": {"credential": {"username": "bea", "password": "two"}}}
    hub.admin.patch(path_of(hub, ada), changed)
    assert undo(hub, ada, 2).status == 200
    credential = base_of(hub, ada)["credential"]
    assert (credential["username"], credential["password"]) == ("ada", "two")


def test_a_key_that_somebody_else_has_by_now_is_a_conflict(keeping: Hub) -> None:
    hub = keeping
    ada = post(hub, "ada@x.it")
    hub.admin.patch(path_of(hub, ada), {"base": {"contacts": {"email": "new@x.it"}}})
    other = post(hub, "ada@x.it")
    refused = undo(hub, ada, 2)
    assert (refused.status, refused["data"]["customer"]["id"]) == (409, other)


def test_what_cannot_be_undone_is_refused(keeping: Hub) -> None:
    hub = keeping
    ada, other = post(hub, "ada@x.it"), post(hub, "bea@x.it")
    merge(hub, ada, other)
    assert undo(hub, ada, 2).status == 409, "a merge"
    assert undo(hub, ada, 3).status == 404
    assert undo(hub, ada, 1).paths == {"/version"}
    assert undo(hub, other, 2).status == 404
    body = {"version": 2}
    stale = hub.admin.post(f"{path_of(hub, ada)}/undo", body, If_Match='"1"')
    assert stale.status == 412
    hub.admin.put(hub.configuration, {"historyDays": 0})
    hub.admin.patch(path_of(hub, ada), {"base": {"title": "Dr"}})
    assert undo(hub, ada, 3).status == 410
