"""Aggregate nodes at work: building, following, splitting, leaving out, going."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from configuration.actions import building
from configuration.actions.removal import remove_deleted
from configuration.models import Node
from customers.actions import aggregation, pending_merges
from customers.actions.pending_merges import merge_pending
from customers.models import AggregateMember, Change, Customer, PendingMerge
from tests.factories import Hub


def make(hub: Hub, *, properties: Any = ("base.contacts.email",), **values: Any) -> str:
    body = {
        "name": "Everybody", "entryNodes": [str(hub.node.id), str(hub.other_node.id)],
        "matchingProperties": {"properties": list(properties), "caseSensitive": False},
    } | values  # fmt: skip
    answer = hub.admin.post(f"{hub.configuration}/nodes/aggregates", body)
    assert answer.status == 201, answer.content
    return answer["id"]


def activate(hub: Hub, node: str) -> str:
    path = f"{hub.configuration}/nodes/aggregates/{node}/state"
    answer = hub.admin.put(path, {"state": "ACTIVE"})
    assert answer.status == 200, answer.content
    return answer["state"]


def merge_all_pending() -> None:
    while not merge_pending(seconds=60):
        pass
    assert not PendingMerge.objects.exists()


def people(hub: Hub, node: str) -> list[dict[str, Any]]:
    answer = hub.admin.get(
        f"{hub.path}/customers", query={"nodeId": node, "size": 100, "sort": "id"}
    )
    assert answer.status == 200, answer.content
    return answer["elements"]


def post(hub: Hub, email: str, *, other: bool = False, **body: Any) -> str:
    node = hub.other_node if other else hub.node
    base = {"contacts": {"email": email}} | body.pop("base", {})
    answer = hub.post_customer(nodeId=str(node.id), base=base, **body)
    assert answer.status in {200, 201}, answer.content
    return answer["id"]


def entries(hub: Hub, customer: str) -> set[str]:
    answer = hub.admin.get(
        f"{hub.path}/customers/{customer}/entry-customers", query={"page": 0, "size": 10}
    )
    assert answer.status == 200
    assert answer["page"]["totalElements"] == len(answer["elements"])
    return {each["id"] for each in answer["elements"]}


def test_activation_builds_and_changes_are_followed(hub: Hub) -> None:
    one = post(hub, "anna@x.it", base={"firstName": "Anna"})
    two = post(hub, "ANNA@x.it", other=True, tags={"manual": ["till"]})
    post(hub, "bruno@x.it")
    node = make(hub)
    assert people(hub, node) == []
    assert activate(hub, node) == "ACTIVE"
    anna = next(each for each in people(hub, node) if each["base"]["firstName"] == "Anna")
    assert len(people(hub, node)) == 2
    assert anna["tags"]["manual"] == ["till"]
    assert entries(hub, anna["id"]) == {one, two}
    assert entries(hub, one) == set()

    hub.trusted.patch(f"{hub.path}/customers/{two}", {"base": {"lastName": "Rossi"}})
    assert PendingMerge.objects.count() == 1
    merge_all_pending()
    found = hub.admin.get(f"{hub.path}/customers/{anna['id']}")
    assert (found["base"]["lastName"], found["version"]) == ("Rossi", 2)
    update = Change.objects.latest("id")
    assert (str(update.entity_id), update.operation) == (anna["id"], "UPDATE")

    carla = post(hub, "carla@x.it", other=True)
    merge_all_pending()
    assert len(people(hub, node)) == 3
    hub.trusted.delete(f"{hub.path}/customers/{carla}")
    merge_all_pending()
    assert len(people(hub, node)) == 2
    assert Change.objects.latest("id").operation == "DELETE"


def test_a_changed_key_splits_a_person(hub: Hub) -> None:
    one, two = post(hub, "anna@x.it"), post(hub, "anna@x.it", other=True)
    node = make(hub)
    activate(hub, node)
    (anna,) = people(hub, node)
    change = {"base": {"contacts": {"email": "other@x.it"}}}
    hub.trusted.patch(f"{hub.path}/customers/{two}", change)
    merge_all_pending()
    split = {each["base"]["contacts"]["email"]: each["id"] for each in people(hub, node)}
    assert split["anna@x.it"] == anna["id"]
    assert entries(hub, split["anna@x.it"]) == {one}
    assert entries(hub, split["other@x.it"]) == {two}


def test_who_lacks_the_key_belongs_nowhere(hub: Hub) -> None:
    node = make(hub, properties=["base.contacts.email", "base.firstName"])
    post(hub, "a@x.it")
    post(hub, "b@x.it", base={"firstName": "B"})
    activate(hub, node)
    assert len(people(hub, node)) == 1


def test_exclusion_filters(hub: Hub) -> None:
    vip = {"type": "atomic", "attribute": "tags.manual", "operator": "IN", "value": "hidden"}
    post(hub, "a@x.it", tags={"manual": ["hidden"]})
    seen = post(hub, "b@x.it")
    node = make(hub, exclusionFilters=[vip])
    activate(hub, node)
    assert [entries(hub, each["id"]) for each in people(hub, node)] == [{seen}]
    hub.trusted.patch(f"{hub.path}/customers/{seen}", {"tags": {"manual": ["hidden"]}})
    merge_all_pending()
    assert people(hub, node) == []
    path = f"{hub.configuration}/nodes/aggregates/{node}"
    assert hub.admin.put(path, {"exclusionFilters": []})["state"] == "ACTIVE"
    assert len(people(hub, node)) == 2


def test_aggregate_customers_can_only_be_read(hub: Hub) -> None:
    entry = post(hub, "a@x.it", base={"subscriptions": [{"id": "news", "subscribed": True}]})
    node = make(hub)
    activate(hub, node)
    (person,) = people(hub, node)
    path = f"{hub.path}/customers/{person['id']}"
    body = {"nodeId": node, "base": {"contacts": {"email": "a@x.it"}}}
    news = {"id": "n", "subscribed": True}
    for answer in (
        hub.admin.post(f"{hub.path}/customers", body), hub.admin.patch(path, {"extra": "x"}),
        hub.admin.put(path, body), hub.admin.delete(path),
        hub.admin.post(f"{path}/subscriptions", news), hub.admin.put(f"{path}/subscriptions/news", {"subscribed": True}),
        hub.admin.delete(f"{path}/subscriptions/news"),
    ):  # fmt: skip
        assert answer.status == 403, answer.content
        assert "can only be read" in answer["message"]
    assert hub.admin.get(f"{path}/subscriptions/news").status == 200
    assert hub.admin.post(f"{path}/sessions", {"value": "s"}).status == 201
    assert entries(hub, person["id"]) == {entry}


def test_events_of_members_are_seen_as_duplicates(hub: Hub) -> None:
    one, two = post(hub, "a@x.it"), post(hub, "a@x.it", other=True)
    stranger = post(hub, "b@x.it", tags={"manual": ["hidden"]})
    hidden = {"type": "atomic", "attribute": "tags.manual", "operator": "IN", "value": "hidden"}
    node = make(hub, exclusionFilters=[hidden])
    activate(hub, node)
    (person,) = people(hub, node)
    event = {"type": "loggedIn", "context": "WEB", "properties": {}}
    ids = [
        hub.admin.post(
            f"{hub.path}/events", event | {"customerId": owner, "date": f"2021-01-0{day}"}
        )["id"]
        for day, owner in enumerate((one, two, person["id"], stranger), 1)
    ]
    for query in ({"customerId": person["id"]}, {"nodeId": node}):
        found = hub.admin.get(f"{hub.path}/events", query=query)
        assert [each["id"] for each in found["elements"]] == [ids[2], ids[1], ids[0]]
        origins = [each["origin"] for each in found["elements"]]
        assert origins == ["NATIVE", "DUPLICATE", "DUPLICATE"]
        assert {each["customerId"] for each in found["elements"]} == {person["id"]}
        assert {each["nodeId"] for each in found["elements"]} == {node}
    bring_back = {"bringBackProperties": {"value": "s", "nodeId": node}}
    assert hub.admin.post(f"{hub.path}/events", event | bring_back).status == 403


@pytest.mark.parametrize("sort", ["date,asc", "date,desc", "type,asc", "registeredAt,desc"])
def test_pages_of_members_events_are_merged_in_order(hub: Hub, sort: str) -> None:
    one, two = post(hub, "a@x.it"), post(hub, "a@x.it", other=True)
    node = make(hub)
    activate(hub, node)
    (person,) = people(hub, node)
    for day in range(1, 12):
        owner = (one, two, person["id"])[day % 3]
        event = {"type": ("loggedIn", "loggedOut")[day % 2], "context": "WEB", "properties": {}}
        body = event | {"customerId": owner, "date": f"2021-01-{(day * 7) % 12 + 1:02d}"}
        assert hub.admin.post(f"{hub.path}/events", body).status == 202
    query = {"nodeId": node, "sort": sort}
    whole = hub.admin.get(f"{hub.path}/events", query=query | {"size": 50})["elements"]
    assert len(whole) == 11
    field, _, way = sort.partition(",")
    values = [each[field] for each in whole]
    assert values == sorted(values, reverse=way == "desc")
    paged = [
        each
        for page in range(4)
        for each in hub.admin.get(
            f"{hub.path}/events", query=query | {"size": 3, "page": page}
        )["elements"]
    ]  # fmt: skip
    assert paged == whole
    few = hub.admin.get(f"{hub.path}/events", query=query | {"type": "loggedIn", "size": 50})
    assert few["page"]["totalElements"] == len(few["elements"]) == 5


def test_forgetting_ends_the_copies_at_once(hub: Hub) -> None:
    one = post(hub, "zebra@x.it", base={"lastName": "Zebrafinch"})
    two = post(hub, "zebra@x.it", other=True)
    node = make(hub)
    activate(hub, node)
    (person,) = people(hub, node)
    assert person["base"]["lastName"] == "Zebrafinch"
    forget = f"{hub.path}/data-protection/customers"
    assert hub.clients["DPO"].delete(f"{forget}/{one}").status == 204
    (person,) = people(hub, node)
    assert person["base"]["lastName"] is None
    assert hub.clients["DPO"].delete(f"{forget}/{two}").status == 204
    assert people(hub, node) == []
    assert not AggregateMember.objects.exists()
    assert not Customer.objects.filter(node_id=node).exists()


def test_emptying_and_removing(hub: Hub) -> None:
    post(hub, "a@x.it")
    post(hub, "a@x.it", other=True)
    node = make(hub)
    activate(hub, node)
    Node.objects.filter(id=hub.other_node.id).update(state="LOCKED", emptying="ALL")
    remove_deleted(seconds=10)
    merge_all_pending()
    (person,) = people(hub, node)
    assert len(entries(hub, person["id"])) == 1
    assert hub.admin.delete(f"{hub.configuration}/nodes/aggregates/{node}").status == 204
    assert not Node.objects.filter(is_aggregated=True).exists()
    remove_deleted(seconds=10)
    assert not AggregateMember.objects.exists()
    assert not Node.objects.filter(id=node).exists()
    post(hub, "b@x.it")
    assert not PendingMerge.objects.exists()


def test_much_is_built_by_a_task(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    from customers.actions import building as batches

    monkeypatch.setattr(batches, "CHUNK", 2)
    monkeypatch.setattr(building, "SECONDS_IN_REQUEST", -1.0)
    for number in range(7):
        post(hub, f"p{number}@x.it")
    node = make(hub)
    assert activate(hub, node) == "LOCKED"
    path = f"{hub.configuration}/nodes/aggregates/{node}"
    assert hub.admin.put(path, {"name": "New"}).status == 423
    assert not building.build_all(seconds=-1)
    late = post(hub, "late@x.it")
    assert building.build_all(seconds=60)
    merge_all_pending()
    assert hub.admin.get(path)["state"] == "ACTIVE"
    assert len(people(hub, node)) == 8
    assert AggregateMember.objects.filter(entry_id=late).exists()


def test_policies_and_priorities_count_when_they_change(hub: Hub) -> None:
    path = f"{hub.configuration}/properties/extended"
    points = {"points": {"type": "integer"}}
    assert hub.operator.put(path, points).status == 200
    post(hub, "a@x.it", extended={"points": 3})
    post(hub, "a@x.it", other=True, extended={"points": 4})
    node = make(hub)
    activate(hub, node)
    assert people(hub, node)[0]["extended"] == {"points": 4}
    points["points"]["mergePolicy"] = "MATH_SUM"
    assert hub.operator.put(path, points).status == 200
    merge_all_pending()
    assert people(hub, node)[0]["extended"] == {"points": 7}


def test_a_later_touch_of_another_member_subscribes_nobody_again(hub: Hub) -> None:
    news = [{"id": "news", "subscribed": True}]
    one = post(hub, "a@x.it", base={"subscriptions": news})
    two = post(hub, "a@x.it", other=True, base={"subscriptions": news})
    node = make(hub)
    activate(hub, node)
    path = f"{hub.path}/customers"
    unsubscribed = hub.trusted.put(f"{path}/{one}/subscriptions/news", {"subscribed": False})
    assert unsubscribed.status == 200, unsubscribed.content
    hub.trusted.patch(f"{path}/{two}", {"base": {"firstName": "Anna"}})
    merge_all_pending()
    (person,) = people(hub, node)
    assert person["base"]["firstName"] == "Anna"
    (kept,) = person["base"]["subscriptions"]
    assert kept["subscribed"] is False
    own = hub.trusted.get(f"{path}/{one}/subscriptions/news").json
    assert kept["updatedAt"] == own["updatedAt"]


def test_a_consent_that_a_member_removes_later_is_gone(hub: Hub) -> None:
    consents = {"profiling": {"online": {"status": True}}}
    one = post(hub, "a@x.it", consents=consents)
    two = post(hub, "a@x.it", other=True, consents=consents)
    node = make(hub)
    activate(hub, node)

    def status() -> Any:
        merge_all_pending()
        (person,) = people(hub, node)
        return person["consents"].get("profiling", {}).get("online", {}).get("status")

    path = f"{hub.path}/customers"
    assert status() is True
    removal = {"consents": {"profiling": {"online": {"status": None}}}}
    assert hub.trusted.patch(f"{path}/{two}", removal).status == 200
    assert status() is None
    hub.trusted.patch(f"{path}/{one}", {"base": {"firstName": "Anna"}})  # says nothing of consents
    assert status() is None
    hub.trusted.patch(f"{path}/{one}", {"consents": {"profiling": {"online": {"status": False}}}})
    assert status() is False
    # What a member said who is forgotten is said no longer.
    hub.clients["DPO"].delete(f"{hub.path}/data-protection/customers/{one}")
    assert status() is None


def test_of_very_many_members_those_changed_last_count(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aggregation, "MOST_MEMBERS", 2)
    base = {"lastName": "Rossi"}
    members = [
        post(hub, f"p{number}@x.it", base=base, tags={"manual": [f"tag {number}"]})
        for number in range(4)
    ]
    node = make(hub, properties=["base.lastName"])
    activate(hub, node)

    def tags() -> list[str]:
        merge_all_pending()
        (person,) = people(hub, node)
        assert entries(hub, person["id"]) == set(members)
        return sorted(person["tags"]["manual"])

    assert tags() == ["tag 2", "tag 3"]
    path = f"{hub.path}/customers"
    hub.trusted.patch(f"{path}/{members[0]}", {"base": {"firstName": "Ada"}})
    assert tags() == ["tag 0", "tag 3"]
    hub.trusted.delete(f"{path}/{members.pop(3)}")
    assert tags() == ["tag 0", "tag 2"]
    hub.trusted.patch(f"{path}/{members.pop(0)}", {"base": {"lastName": "Bianchi"}})
    merge_all_pending()
    rossi = next(each for each in people(hub, node) if each["base"]["lastName"] == "Rossi")
    assert sorted(rossi["tags"]["manual"]) == ["tag 1", "tag 2"]


def test_one_person_of_very_many_costs_as_much_as_those_that_count(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many members there are, each chunk looks at a bounded number of them."""
    monkeypatch.setattr(aggregation, "MOST_MEMBERS", 5)
    monkeypatch.setattr(pending_merges, "CHUNK", 10)
    node = make(hub, properties=["base.lastName"])
    activate(hub, node)
    for number in range(60):
        post(hub, f"p{number}@x.it", base={"lastName": "Rossi"})
    merged: list[int] = []
    whole = aggregation.fitting

    def fitting(members: Any, *others: Any) -> Any:
        merged.append(len(members))
        return whole(members, *others)

    monkeypatch.setattr(aggregation, "fitting", fitting)
    merge_all_pending()
    assert merged == [5] * 6
    (person,) = people(hub, node)
    assert AggregateMember.objects.filter(aggregate_id=person["id"]).count() == 60


def test_a_person_is_no_larger_than_a_customer(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(6):
        post(hub, f"p{number}@x.it", base={"lastName": "Rossi"}, tags={"manual": ["x" * 100 + str(number)]})  # fmt: skip
    monkeypatch.setattr(aggregation, "LARGEST_CUSTOMER", 600)
    node = make(hub, properties=["base.lastName"])
    activate(hub, node)
    (person,) = people(hub, node)
    document = Customer.objects.get(id=person["id"])
    assert 0 < len(document.tags["manual"]) < 6
    assert document.tags["manual"][0] == "x" * 100 + "5", "the one changed last comes first"


EMAILS = st.sampled_from(["a@x.it", "b@x.it", "c@x.it"])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("post"), EMAILS, st.booleans(), st.sampled_from(["x", "y", "hidden"])),
        st.tuples(st.just("move"), EMAILS, st.integers(0, 5)),
        st.tuples(st.just("delete"), st.integers(0, 5)),
        st.tuples(st.just("forget"), st.integers(0, 5)),
        st.tuples(st.just("merge")),
    ),
    max_size=14,
)


def rows(node: str) -> list[Any]:
    found = Customer.objects.in_node(Node.objects.get(id=node).workspace_id, node)
    members = {
        aggregate: sorted(
            str(entry)
            for entry, of in AggregateMember.objects.filter(aggregate_node_id=node).values_list(
                "entry_id", "aggregate_id"
            )
            if of == aggregate
        )
        for aggregate in found.values_list("id", flat=True)
    }
    return sorted(
        (
            bytes(each.match_key).hex(),
            members[each.id],
            repr(each.base),
            repr(each.tags),
            each.external_id or "",
            str(each.registered_at),
        )
        for each in found
    )


@pytest.mark.parametrize("most_members", [1, 2, 1000])
@settings(max_examples=15)
@given(steps=STEPS)
def test_following_gives_what_building_anew_gives(
    hub: Hub, most_members: int, steps: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aggregation, "MOST_MEMBERS", most_members)
    monkeypatch.setattr(aggregation, "MEMBERS_AT_ONCE", most_members + 1)
    hidden = {"type": "atomic", "attribute": "tags.manual", "operator": "IN", "value": "hidden"}
    with transaction.atomic():
        node = make(hub, exclusionFilters=[hidden])
        activate(hub, node)
        known: list[str] = []
        for act, *given_ in steps:
            if act == "post":
                email, other, tag = given_
                known.append(
                    post(hub, email, other=other, tags={"manual": [tag]}, base={"firstName": tag})
                )
            elif act == "merge":
                merge_all_pending()
            elif known:
                customer = known[given_[-1] % len(known)]
                path = f"{hub.path}/customers/{customer}"
                if act == "move":
                    hub.trusted.patch(path, {"base": {"contacts": {"email": given_[0]}}})
                elif act == "delete":
                    hub.trusted.delete(path)
                else:
                    hub.clients["DPO"].delete(f"{hub.path}/data-protection/customers/{customer}")
        merge_all_pending()
        incremental = rows(node)
        anew = make(hub, exclusionFilters=[hidden])
        activate(hub, anew)
        assert rows(anew) == incremental
        transaction.set_rollback(True)
