"""Customers of one node are merged into one, with all that is theirs, and separated again."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from configuration.queries.principals import principal_of_user
from configuration.queries.rules import configuration_changed, latest_rules_of
from customers.actions.bulk_upsert import upsert_many
from customers.actions.merge_journals import remove_old_journals
from customers.models import (
    Change,
    Customer,
    FormerIdentity,
    MergedCustomer,
    RecordMerge,
    Session,
    ValueChange,
)
from events.models import Event, MergedEvent
from tests.analytics.test_answers import post_event
from tests.customers.test_aggregates import activate, make, merge_all_pending, people
from tests.customers.test_deleted import events_of
from tests.customers.test_erasure import DAY, delete, forget, post, wait_for
from tests.factories import Hub, make_user

CHANGING = {"version", "updatedAt", "sourceInfo"}


def merge(hub: Hub, survivor: str, *others: str, role: str = "ADMIN", **given: Any) -> Any:
    query = {"dryRun": "true"} if given.pop("dry_run", False) else {}
    path = f"{hub.path}/customers/{survivor}/merge"
    return hub.clients[role].post(path, {"customers": list(others), **given}, query=query)


def undo(hub: Hub, merge_id: str, *, dry_run: bool = False, role: str = "ADMIN") -> Any:
    query = {"dryRun": "true"} if dry_run else {}
    return hub.clients[role].post(f"{hub.path}/merges/{merge_id}/undo", query=query)


def get(hub: Hub, customer: str) -> Any:
    return hub.admin.get(f"{hub.path}/customers/{customer}")


def document(hub: Hub, customer: str) -> dict[str, Any]:
    answer = get(hub, customer)
    assert answer.status == 200, answer.content
    return {name: value for name, value in answer.json.items() if name not in CHANGING}


def link(hub: Hub, customer: str, value: str) -> None:
    path = f"{hub.path}/customers/{customer}/sessions"
    assert hub.trusted.post(path, {"value": value}).status == 201


def sessions_of(customer: str) -> set[str]:
    found = Session.objects.filter(customer_id=customer)
    return set(found.values_list("value", flat=True))


def searched(hub: Hub, customer: str, word: str = "k") -> str:
    return str(post_event(hub, customer, "searched", "WEB", DAY, keyword=word))


@pytest.fixture
def duplicate_pair(hub: Hub) -> tuple[str, str]:
    """Ada, known twice: the survivor, and one with more to say."""
    ada = post(
        hub, "ada@x.it", externalId="A-1",
        base={
            "firstName": "Ada", "likes": [{"id": "sea", "category": "c", "name": "Sea"}],
            "address": {"city": "Milano"},
            "subscriptions": [{"id": "news", "subscribed": True}],
        },
        tags={"manual": ["vip"]},
    )  # fmt: skip
    other = post(
        hub, "ada@work.it", externalId="A-2",
        base={
            "firstName": "Adelaide", "lastName": "Bianchi",
            "address": {"street": "Via Roma", "zip": "20100"},
            "likes": [{"id": "sea", "category": "c", "name": "Seaside"},
                      {"id": "art", "category": "c", "name": "Art"}],
            "subscriptions": [{"id": "shop", "subscribed": True}],
        },
        tags={"manual": ["old"]},
    )  # fmt: skip
    return ada, other


def test_a_merge_moves_everything_at_once(hub: Hub, duplicate_pair: tuple[str, str]) -> None:
    ada, other = duplicate_pair
    link(hub, ada, "one")
    link(hub, other, "two")
    events = {searched(hub, ada), searched(hub, other), searched(hub, other)}
    answer = merge(hub, ada, other)
    assert answer.status == 200, answer.content
    assert answer["moved"] == {"events": 2, "sessions": 1, "subscriptions": 1}
    assert answer["mergedCustomers"] == [other]
    merged = get(hub, ada)
    assert merged.json == answer["customer"]
    base = merged["base"]
    assert (base["firstName"], base["lastName"]) == ("Ada", "Bianchi")
    assert merged["externalId"] == "A-1"
    assert (base["address"]["city"], base["address"]["street"]) == ("Milano", None)
    assert [each["name"] for each in base["likes"]] == ["Sea", "Art"]
    assert [each["id"] for each in base["subscriptions"]] == ["news", "shop"]
    assert merged["tags"]["manual"] == ["vip", "old"]
    assert events_of(hub, ada) == events
    assert sessions_of(ada) == {"one", "two"}
    assert Event.objects.filter(customer_id=ada).count() == 3
    gone = get(hub, other)
    assert (gone.status, gone["data"]) == (404, {"mergedInto": ada})


def test_the_preview_tells_where_each_value_comes_from_and_writes_nothing(
    hub: Hub, duplicate_pair: tuple[str, str]
) -> None:
    ada, other = duplicate_pair
    searched(hub, other)
    before, changes = document(hub, ada), Change.objects.count()
    answer = merge(hub, ada, other, values={"base.firstName": other}, dry_run=True)
    assert (answer.status, answer["id"], answer["dryRun"]) == (200, None, True)
    assert answer["customer"]["base"]["firstName"] == "Adelaide"
    reported = {each["path"]: each for each in answer["values"]}
    assert reported["base.firstName"] == {
        "path": "base.firstName", "value": "Adelaide", "customerId": other, "rule": "CHOSEN",
        "others": [{"customerId": ada, "value": "Ada"}],
    }  # fmt: skip
    rules = {path: (each["customerId"], each["rule"]) for path, each in reported.items()}
    assert rules["base.lastName"] == (other, "FILLED")
    assert rules["base.contacts.email"] == (ada, "SURVIVOR")
    assert rules["base.likes"] == rules["tags.manual"] == (None, "UNITED")
    assert answer["moved"] == {"events": 1, "sessions": 0, "subscriptions": 1}
    assert (document(hub, ada), Change.objects.count()) == (before, changes)
    assert get(hub, other).status == 200
    assert not RecordMerge.objects.exists()
    made = merge(hub, ada, other, values={"base.firstName": other})
    same = CHANGING | {"base"}
    assert {k: v for k, v in made["customer"].items() if k not in same} == {
        k: v for k, v in answer["customer"].items() if k not in same
    }
    assert made["values"] == answer["values"]


def test_chosen_values_win_and_may_be_what_the_node_recognises(
    hub: Hub, duplicate_pair: tuple[str, str]
) -> None:
    ada, other = duplicate_pair
    values = {"base.contacts.email": other, "externalId": other, "base.address": other}
    answer = merge(hub, ada, other, values=values)
    assert answer.status == 200, answer.content
    assert answer["customer"]["externalId"] == "A-2"
    assert answer["customer"]["base"]["address"]["street"] == "Via Roma"
    for email in ("ADA@x.it", "ada@work.it"):
        known = hub.post_customer(base={"contacts": {"email": email}, "middleName": email[:5]})
        assert (known.status, known["id"]) == (200, ada)
        assert known["base"]["contacts"]["email"] == "ada@work.it"
    assert Customer.objects.live().count() == 1


def test_consents_are_as_they_were_decided_last_and_cannot_be_chosen(hub: Hub) -> None:
    def consents(status: bool) -> dict[str, Any]:
        return {"marketing": {"automatic": {"email": {"status": status}}}}

    ada = post(hub, "ada@x.it", consents=consents(True))
    other = post(hub, "ada@work.it", consents=consents(True))
    assert (
        hub.admin.patch(f"{hub.path}/customers/{other}", {"consents": consents(False)}).status
        == 200
    )
    path = "consents.marketing.automatic.email.status"
    refused = merge(hub, ada, other, values={path: ada})
    assert (refused.status, refused.paths) == (400, {f"/values/{path}"})
    answer = merge(hub, ada, other)
    assert answer["customer"]["consents"] == consents(False)
    log = hub.clients["DPO"].get(f"{hub.path}/consent-logs", query={"customerId": ada})
    assert log["elements"][0]["value"] == "false"


def test_writes_by_an_old_id_reach_the_survivor(hub: Hub, duplicate_pair: tuple[str, str]) -> None:
    ada, other = duplicate_pair
    merge(hub, ada, other)
    path = f"{hub.path}/customers/{other}"
    changed = hub.trusted.patch(path, {"id": other, "base": {"middleName": "Augusta"}})
    assert (changed.status, changed["id"]) == (200, ada), changed.content
    assert get(hub, ada)["base"]["middleName"] == "Augusta"
    event = searched(hub, other)
    assert event in events_of(hub, ada)
    link(hub, other, "late")
    assert "late" in sessions_of(ada)
    subscription = {"id": "late", "subscribed": True}
    assert hub.trusted.post(f"{path}/subscriptions", subscription).status == 201
    body = {"id": other, "base": {"contacts": {"email": "ada@work.it"}, "title": "Dr"}}
    assert hub.post_customer(**body)["id"] == ada
    by_external_id = wait_for(hub, "EXTERNAL_ID", "A-2")
    for external_id, count in (("A-1", 1), ("A-2", 1), ("a-2", 0), ("A-3", 0)):
        query = {"nodeId": hub.node.id, "externalId": external_id}
        listed = hub.admin.get(f"{hub.path}/customers", query=query)
        assert [each["id"] for each in listed["elements"]] == [ada] * count
        assert listed["page"]["totalElements"] == count
    assert by_external_id in events_of(hub, ada)
    # A deletion means the one that it names.
    assert hub.admin.delete(path).status == 404
    assert hub.admin.put(hub.configuration, {"followMergedIds": False})["followMergedIds"] is False
    refused = hub.admin.patch(path, {"base": {"middleName": "B"}})
    assert (refused.status, refused["data"]) == (404, {"mergedInto": ada})
    event_body = {"type": "searched", "context": "WEB", "properties": {"keyword": "k"}}
    assert hub.trusted.post(f"{hub.path}/events", event_body | {"customerId": other}).status == 404


def test_undoing_a_merge_makes_everybody_what_they_were(
    hub: Hub, duplicate_pair: tuple[str, str]
) -> None:
    ada, other = duplicate_pair
    link(hub, ada, "one")
    link(hub, other, "two")
    own, others = {searched(hub, ada)}, {searched(hub, other), searched(hub, other)}
    before = document(hub, ada), document(hub, other)
    made = merge(hub, ada, other, values={"base.contacts.email": other, "externalId": other})
    preview = undo(hub, made["id"], dry_run=True)
    assert (preview.status, preview["dryRun"]) == (200, True), preview.content
    assert preview["given"] == [
        {"customerId": other, "events": 2, "laterEvents": 0, "sessions": 1, "stricterConsents": []}
    ]
    assert get(hub, other).status == 404
    answer = undo(hub, made["id"])
    assert answer.status == 200, answer.content
    assert answer["given"] == preview["given"]
    assert (document(hub, ada), document(hub, other)) == before
    for displayed in (preview, answer):
        assert [displayed["survivor"]["externalId"], displayed["customers"][0]["externalId"]] == [
            "A-1", "A-2",
        ]  # fmt: skip
    assert (events_of(hub, ada), events_of(hub, other)) == (own, others)
    assert (sessions_of(ada), sessions_of(other)) == ({"one"}, {"two"})
    assert hub.post_customer(base={"contacts": {"email": "ada@work.it"}})["id"] == other
    assert not MergedEvent.objects.exists()
    assert not FormerIdentity.objects.exists()
    again = undo(hub, made["id"])
    assert again.status == 409
    # And once more.
    assert merge(hub, other, ada).status == 200
    assert get(hub, ada)["data"] == {"mergedInto": other}


def test_what_came_since_goes_to_whom_it_names_or_stays(
    hub: Hub, duplicate_pair: tuple[str, str]
) -> None:
    ada, other = duplicate_pair
    link(hub, other, "two")
    made = merge(hub, ada, other)
    stays, named = searched(hub, ada), searched(hub, other)
    by_session = wait_for(hub, "SESSION_ID", "two")
    by_id = wait_for(hub, "EXTERNAL_ID", "A-2")
    path = f"{hub.path}/customers/{ada}"
    likes = [*get(hub, ada)["base"]["likes"], {"id": "new", "category": "c", "name": "New"}]
    change = {
        "base": {"lastName": "Verdi", "likes": likes},
        "tags": {"manual": ["vip", "old", "x"]},
    }
    assert hub.admin.patch(path, change).status == 200
    preview = undo(hub, made["id"], dry_run=True)
    assert preview["given"][0]["laterEvents"] == 3
    assert undo(hub, made["id"]).status == 200
    assert events_of(hub, other) == {named, by_session, by_id}
    assert events_of(hub, ada) == {stays}
    base = get(hub, ada)["base"]
    assert base["lastName"] == "Verdi"
    assert [each["name"] for each in base["likes"]] == ["Sea", "New"]
    assert get(hub, ada)["tags"]["manual"] == ["vip", "x"]
    assert get(hub, other)["base"]["lastName"] == "Bianchi"


def test_undo_never_widens_consents(hub: Hub) -> None:
    def consents(status: bool | None, objection: bool | None = None) -> dict[str, Any]:
        leaf = {"status": status, "objection": objection}
        return {"marketing": {"automatic": {"email": leaf}}}

    ada = post(hub, "ada@x.it", consents=consents(True))
    other = post(hub, "ada@work.it", consents=consents(True))
    made = merge(hub, ada, other)
    path = f"{hub.path}/customers/{ada}"
    assert hub.admin.patch(path, {"consents": consents(False, True)}).status == 200
    answer = undo(hub, made["id"])
    strict = [f"consents.marketing.automatic.email.{leaf}" for leaf in ("objection", "status")]
    assert answer["given"][0]["stricterConsents"] == strict
    leaf = {"status": False, "objection": True}
    for customer in (ada, other):
        assert get(hub, customer)["consents"]["marketing"]["automatic"]["email"] == leaf
    log = hub.clients["DPO"].get(f"{hub.path}/consent-logs", query={"customerId": other})
    assert log["elements"][0]["value"] in {"false", "true"}
    assert log["page"]["totalElements"] == 3


def test_the_feed_and_the_counters_follow(hub: Hub, duplicate_pair: tuple[str, str]) -> None:
    ada, other = duplicate_pair
    searched(hub, other)

    def counted() -> Any:
        query = {"nodeId": str(hub.node.id)}
        return [
            hub.admin.get(f"{hub.path}/stats/{what}", query=query).json
            for what in ("customers", "events/types")
        ]

    before, last = counted(), Change.objects.latest("id").id
    made = merge(hub, ada, other)
    reported = Change.objects.filter(id__gt=last).order_by("id")
    assert [(str(each.entity_id), each.operation) for each in reported if each.entity == "CUSTOMER"] == [
        (other, "DELETE"), (ada, "UPDATE"),
    ]  # fmt: skip
    assert [each.operation for each in reported if each.entity == "EVENT"] == ["UPDATE"]
    assert counted()[0] != before[0]
    undo(hub, made["id"])
    assert counted() == before


def test_aggregate_customers_follow_at_once(hub: Hub, duplicate_pair: tuple[str, str]) -> None:
    ada, other = duplicate_pair
    node = make(hub)
    activate(hub, node)
    merge_all_pending()
    searched(hub, other)
    assert len(people(hub, node)) == 2
    made = merge(hub, ada, other)
    (person,) = people(hub, node)
    assert person["base"]["lastName"] == "Bianchi"
    assert len(events_of(hub, person["id"])) == 1
    displayed = (
        Change.objects.filter(is_duplicate=True).order_by("id").values_list("operation", flat=True)
    )
    assert list(displayed) == ["CREATE", "UPDATE"]
    undo(hub, made["id"])
    merge_all_pending()
    assert {each["base"]["lastName"] for each in people(hub, node)} == {None, "Bianchi"}
    owner = next(each for each in people(hub, node) if each["base"]["lastName"])
    assert len(events_of(hub, owner["id"])) == 1


def test_merges_of_merged_customers_are_undone_one_by_one(hub: Hub) -> None:
    first, second, third = (post(hub, f"{name}@x.it", externalId=name) for name in "abc")
    events = {each: searched(hub, each) for each in (first, second, third)}
    before = {each: document(hub, each) for each in (first, second, third)}
    one = merge(hub, second, first)
    two_ = merge(hub, third, second)
    assert get(hub, first)["data"] == get(hub, second)["data"] == {"mergedInto": third}
    assert events_of(hub, third) == set(events.values())
    refused = undo(hub, one["id"])
    assert refused.status == 409
    assert hub.post_customer(base={"contacts": {"email": "a@x.it"}})["id"] == third
    assert undo(hub, two_["id"]).status == 200
    assert get(hub, first)["data"] == {"mergedInto": second}
    assert events_of(hub, second) == {events[first], events[second]}
    assert hub.post_customer(base={"contacts": {"email": "a@x.it"}})["id"] == second
    assert undo(hub, one["id"]).status == 200
    for each in (first, second, third):
        assert document(hub, each) == before[each]
        assert events_of(hub, each) == {events[each]}


def test_what_cannot_be_merged_is_refused_whole(hub: Hub, duplicate_pair: tuple[str, str]) -> None:
    ada, other = duplicate_pair
    away = post(hub, "away@x.it", node=hub.other_node)
    gone, forgotten = post(hub, "gone@x.it"), post(hub, "forgotten@x.it")
    delete(hub, gone)
    forget(hub, forgotten)
    unknown = str(uuid.uuid4())
    node = make(hub)
    activate(hub, node)
    merge_all_pending()
    copy = people(hub, node)[0]["id"]
    stranger = Hub()
    theirs = post(stranger, "ada@x.it")
    for others, paths in (
        ([ada], {"/customers/0"}), ([other, other], {"/customers/1"}), ([], {"/customers"}),
        ([away], {"/customers/0"}), ([other, gone], {"/customers/1"}),
        ([forgotten], {"/customers/0"}), ([unknown], {"/customers/0"}),
        ([theirs], {"/customers/0"}), ([copy], {"/customers/0"}), (["x"], {"/customers/0"}),
        ([7], {"/customers/0"}), (["\x00"], {"/customers/0"}),
        ([str(uuid.uuid4()) for _ in range(21)], {"/customers"}),
    ):  # fmt: skip
        for dry_run in (True, False):
            refused = merge(hub, ada, *others, dry_run=dry_run)
            assert refused.status == 400, (others, refused.content)
            assert refused.paths == paths, others
    for values, path in (
        ({"base.firstName": away}, "/values/base.firstName"), ({"nope": other}, "/values/nope"),
        ({"base.prefix": other}, "/values/base.prefix"), ({"base": "x"}, "/values/base"),
        ({"base": other, "base.firstName": ada}, "/values/base.firstName"),
        ({"base.address.city": other}, "/values/base.address.city"), ({"id": other}, "/values/id"),
        ({"base.firstName": 3}, "/values/base.firstName"), ({"": other}, "/values/"),
    ):  # fmt: skip
        refused = merge(hub, ada, other, values=values)
        assert (refused.status, refused.paths) == (400, {path}), values
    assert merge(hub, ada, other, values=[1]).status == 400
    assert merge(hub, ada, other, nope=1).paths == {"/nope"}
    assert merge(hub, gone, other).status == merge(hub, unknown, other).status == 404
    assert merge(hub, copy, other).status == 403
    assert merge(stranger, ada, theirs).status == 404
    stale = hub.admin.post(
        f"{hub.path}/customers/{ada}/merge", {"customers": [other]}, If_Match='"7"'
    )
    assert stale.status == 412
    assert undo(hub, unknown).status == 404
    # A third has the values that were chosen.
    third = post(hub, "third@x.it")
    assert get(hub, ada).status == get(hub, other).status == get(hub, third).status == 200
    assert not RecordMerge.objects.exists()
    merge(hub, ada, other)
    again = merge(hub, other, ada)
    assert (again.status, again["data"]) == (404, {"mergedInto": ada})
    merged = merge(hub, third, other)
    assert (merged.status, merged["errors"][0]["data"]) == (400, {"mergedInto": ada})


def test_an_undo_that_others_stand_against_is_refused(
    hub: Hub, duplicate_pair: tuple[str, str]
) -> None:
    ada, other = duplicate_pair
    made = merge(hub, ada, other)
    third = post(hub, "third@x.it")
    changed = hub.admin.patch(
        f"{hub.path}/customers/{third}", {"base": {"contacts": {"email": "ada@work.it"}}}
    )
    assert changed.status == 200
    for dry_run in (True, False):
        refused = undo(hub, made["id"], dry_run=dry_run)
        assert (refused.status, refused["data"]["customer"]["id"]) == (409, third)
    delete(hub, ada)
    assert undo(hub, made["id"]).status == 409
    hub.admin.post(f"{hub.path}/customers/{ada}/restore")
    delete(hub, third)
    assert undo(hub, made["id"]).status == 200


def test_merges_are_listed(hub: Hub, duplicate_pair: tuple[str, str]) -> None:
    ada, other = duplicate_pair
    made = merge(hub, ada, other)
    listed = hub.admin.get(f"{hub.path}/merges")
    (displayed,) = listed["elements"]
    assert displayed["id"] == made["id"]
    assert (displayed["survivorId"], displayed["mergedCustomers"]) == (ada, [other])
    assert (displayed["canBeUndone"], displayed["moved"]) == (True, made["moved"])
    assert hub.admin.get(f"{hub.path}/merges/{made['id']}").json == displayed
    for query, count in (
        ({"customerId": other}, 1), ({"customerId": ada}, 1), ({"customerId": uuid.uuid4()}, 0),
        ({"nodeId": hub.other_node.id}, 0), ({"state": "UNDONE"}, 0), ({"state": "IN_FORCE"}, 1),
    ):  # fmt: skip
        assert len(hub.admin.get(f"{hub.path}/merges", query=query)["elements"]) == count
    assert Hub().admin.get(f"{hub.path}/merges").status == 403


def test_forgetting_takes_the_journal_and_who_was_merged(
    hub: Hub, duplicate_pair: tuple[str, str]
) -> None:
    ada, other = duplicate_pair
    searched(hub, other)
    merge(hub, ada, other)
    receipt = hub.clients["DPO"].delete(
        f"{hub.path}/data-protection/customers/{ada}", query={"receipt": "true"}
    )
    assert {each["id"] for each in receipt["customers"]} == {ada, other}
    for table in ("recordmerge", "mergedcustomer", "formeridentity"):
        assert receipt["tables"][f"customers_{table}"] >= 1
    for model in (RecordMerge, MergedCustomer, FormerIdentity, MergedEvent, Event):
        assert not model.objects.exists()
    assert get(hub, other)["data"] is None


def test_journals_are_kept_for_their_days(
    hub: Hub, duplicate_pair: tuple[str, str], settings: Any
) -> None:
    ada, other = duplicate_pair
    hub.admin.put(hub.configuration, {"historyDays": 3000})
    hub.admin.patch(f"{hub.path}/customers/{other}", {"base": {"lastName": "Verdi"}})
    searched(hub, other)
    made = merge(hub, ada, other)
    assert remove_old_journals(seconds=5)
    assert undo(hub, made["id"], dry_run=True).status == 200
    RecordMerge.objects.update(merged_at=timezone.now() - timedelta(days=91))
    assert remove_old_journals(seconds=5)
    refused = undo(hub, made["id"])
    assert refused.status == 409
    kept = MergedCustomer.objects.get()
    assert (kept.row, RecordMerge.objects.get().before) == (None, None)
    assert not MergedEvent.objects.exists()
    assert get(hub, other)["data"] == {"mergedInto": ada}
    assert hub.admin.get(f"{hub.path}/merges")["elements"][0]["canBeUndone"] is False
    assert ValueChange.objects.filter(customer_id=other).exists()
    forget(hub, ada)
    assert not RecordMerge.objects.exists()
    assert not ValueChange.objects.exists()
    configuration_changed(hub.workspace.id)


def test_the_export_has_who_was_merged_and_what_was_replaced(
    hub: Hub, duplicate_pair: tuple[str, str]
) -> None:
    ada, other = duplicate_pair
    exporting = f"{hub.path}/data-protection/customers/{ada}/export"
    plain = hub.clients["DPO"].get(exporting)
    assert {"mergedCustomers", "formerValues"}.isdisjoint(plain.json)
    hub.admin.put(hub.configuration, {"historyDays": 9})
    consents = {"marketing": {"automatic": {"sms": {"status": True}}}}
    hub.admin.patch(f"{hub.path}/customers/{other}", {"consents": consents})
    merge(hub, ada, other)
    answer = hub.clients["DPO"].get(exporting)
    assert [each["id"] for each in answer["mergedCustomers"]] == [other]
    assert answer["mergedCustomers"][0]["base"]["contacts"]["email"] == "ada@work.it"
    assert {each["customerId"] for each in answer["formerValues"]} == {ada, other}
    assert any(each["values"].get("base.lastName", "") is None for each in answer["formerValues"])
    logged = {each["property"] for each in answer["consentLogs"]}
    assert "consents.marketing.automatic.sms.status" in logged
    page = hub.clients["DPO"].get(exporting, query={"format": "html"})
    assert b"ada@work.it" in page.content


def test_somebody_forgotten_does_not_come_back_by_a_merge(
    hub: Hub, duplicate_pair: tuple[str, str]
) -> None:
    ada, other = duplicate_pair
    assert hub.admin.put(hub.configuration, {"suppression": "OFF"}).status == 200
    third = post(hub, "third@x.it", externalId="T-1")
    assert hub.admin.put(hub.configuration, {"suppression": "REFUSE"}).status == 200
    forget(hub, post(hub, "gone@x.it", externalId="t-2"))
    hub.admin.put(hub.configuration, {"suppression": "OFF"})
    assert hub.admin.patch(f"{hub.path}/customers/{third}", {"externalId": "t-2"}).status == 200
    hub.admin.put(hub.configuration, {"suppression": "REFUSE"})
    refused = merge(hub, ada, third, values={"externalId": third})
    assert (refused.status, refused.json["errors"][0]["code"]) == (409, "forgotten")
    assert get(hub, third).status == 200
    assert merge(hub, ada, other).status == 200


def test_events_come_and_go_in_aggregate_nodes_with_their_customers(
    hub: Hub, duplicate_pair: tuple[str, str]
) -> None:
    ada, other = duplicate_pair
    hidden = {"type": "atomic", "attribute": "tags.manual", "operator": "IN", "value": "old"}
    node = make(hub, exclusionFilters=[hidden])
    activate(hub, node)
    merge_all_pending()
    visible, secret = searched(hub, ada), searched(hub, other)

    def events_of_feed() -> set[str]:
        """Replay what the node's feed tells: nothing comes twice, or goes without having come."""
        there: set[str] = set()
        for change in Change.objects.filter(is_duplicate=True).order_by("id"):
            event = str(change.entity_id)
            assert (event in there) == (change.operation != "CREATE"), change.operation
            there = there - {event} if change.operation == "DELETE" else there | {event}
        return there

    assert events_of_feed() == {visible}
    made = merge(hub, ada, other, values={"tags.manual": ada})
    assert events_of_feed() == {visible, secret}
    undo(hub, made["id"])
    assert events_of_feed() == {visible}
    made = merge(hub, other, ada)
    assert events_of_feed() == set()
    undo(hub, made["id"])
    merge_all_pending()
    assert events_of_feed() == {visible}


def test_lines_of_a_file_find_the_survivor_by_old_and_new_keys(
    hub: Hub, duplicate_pair: tuple[str, str]
) -> None:
    ada, other = duplicate_pair
    merge(hub, ada, other)
    workspace = latest_rules_of(hub.workspace.id)
    assert workspace is not None
    bodies = [
        {"base": {"contacts": {"email": "ADA@work.it"}, "title": "Dr"}},
        {"base": {"contacts": {"email": "ada@x.it"}, "middleName": "Augusta"}},
    ]
    by = principal_of_user(make_user("ADMIN", workspaces=(hub.workspace,)))
    with transaction.atomic():
        done = upsert_many(workspace, hub.node.id, bodies, inserts_only=False, by=by)
    assert [str(each.customer_id) for each in done] == [ada, ada]  # type: ignore[union-attr]
    base = get(hub, ada)["base"]
    assert (base["title"], base["middleName"]) == ("Dr", "Augusta")
    assert base["contacts"]["email"] == "ada@x.it"
