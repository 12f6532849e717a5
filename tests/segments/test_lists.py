"""Lists of static segments: from ids, external ids and queries; merges, and forgetting."""

from __future__ import annotations

from typing import Any

import pytest

from contacthub_project.core.sql_fragments import Fragment
from segments.actions.verification import verify_workspace
from segments.models import ListedCustomer
from tests.client import Answer
from tests.factories import Hub
from tests.segments.test_segments import (
    are,
    did,
    event,
    make,
    members,
    named,
    refresh,
    rules,
    static,
    wrapped,
)


def change(hub: Hub, segment: str, **body: Any) -> Answer:
    return hub.admin.post(f"{hub.path}/segments/{segment}/members", body)


def merge(hub: Hub, survivor: str, *others: str) -> str:
    answer = hub.admin.post(f"{hub.path}/customers/{survivor}/merge", {"customers": [*others]})
    assert answer.status in {200, 201}, answer.json
    return str(answer["id"])


def undo(hub: Hub, merge_id: str) -> None:
    answer = hub.admin.post(f"{hub.path}/merges/{merge_id}/undo")
    assert answer.status == 200, answer.json


def test_a_list_is_filled_by_external_ids(hub: Hub) -> None:
    ada = hub.post_customer(externalId="A-1")["id"]
    hub.post_customer(externalId="A-2", nodeId=str(hub.other_node.id))
    bob = named(hub, "Bob")
    chosen = static(hub)
    changed = change(hub, chosen, addExternalIds=[" A-1", "A-2", "A-3"], add=[bob])
    assert changed.json == {
        "added": 2, "removed": 0, "unknown": [], "unknownExternalIds": ["A-2", "A-3"],
    }  # fmt: skip
    refresh(hub)
    assert members(hub, chosen) == {ada, bob}
    assert change(hub, chosen, addExternalIds=["A-1"])["added"] == 0


def test_a_list_is_filled_by_a_query_at_a_moment(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    ada, bob = named(hub, "Ada"), named(hub, "Bob")
    event(hub, ada)
    chosen = static(hub)
    assert change(hub, chosen, query=wrapped(did("searched")))["added"] == 1
    event(hub, bob)
    refresh(hub)
    assert members(hub, chosen) == {ada}  # of that moment
    group = make(hub, are("base.firstName", "EQUALS", "Bob"))
    refresh(hub)
    of_group = wrapped({"type": "simple", "segment": group["id"]})
    assert change(hub, chosen, query=of_group)["added"] == 1
    refresh(hub)
    assert members(hub, chosen) == {ada, bob}
    wrong = change(hub, chosen, query=wrapped(are("base.shoe", "EQUALS", "x")))
    assert wrong.paths == {"/query/query/are/condition/attribute"}
    assert change(hub, group["id"], query=of_group).status == 409
    monkeypatch.setattr("segments.actions.segments.MOST_SECONDS", 0.05)
    slow = Fragment("pg_sleep(2) IS NOT NULL")
    monkeypatch.setattr("segments.actions.lists.compiled_query", lambda *_: slow)
    assert change(hub, chosen, query=wrapped(did("searched"))).paths == {"/query"}
    assert ListedCustomer.objects.count() == 2


def test_a_survivor_inherits_lists_and_undoing_gives_them_back(hub: Hub) -> None:
    ada, bob, carl = (named(hub, each) for each in ("Ada", "Bob", "Carl"))
    first, second, third = static(hub), static(hub), static(hub)
    change(hub, first, add=[ada, carl])
    change(hub, second, add=[bob])
    change(hub, third, add=[bob, carl])
    refresh(hub)
    merged = merge(hub, ada, bob)
    refresh(hub)
    assert [members(hub, each) for each in (first, second, third)] == [
        {ada, carl}, {ada}, {ada, carl},
    ]  # fmt: skip
    # By hand the survivor is put where it is by the merge only; there it stays.
    change(hub, second, add=[ada])
    again = merge(hub, ada, carl)
    refresh(hub)
    assert members(hub, third) == {ada}
    undo(hub, merged)
    refresh(hub)
    assert [members(hub, each) for each in (first, second, third)] == [
        {ada}, {ada, bob}, {ada, bob},
    ]  # fmt: skip
    undo(hub, again)
    refresh(hub)
    assert [members(hub, each) for each in (first, second, third)] == [
        {ada, carl}, {ada, bob}, {bob, carl},
    ]  # fmt: skip
    assert verify_workspace(rules(hub), repairs=False).wrong == 0


@pytest.mark.parametrize("is_by_query", [False, True])
def test_who_is_listed_after_a_merge_stays_when_that_is_undone(hub: Hub, is_by_query: bool) -> None:
    ada, bob = named(hub, "Ada"), named(hub, "Bob")
    chosen = static(hub)
    change(hub, chosen, add=[bob])
    merged = merge(hub, ada, bob)
    by_query = {"query": wrapped(are("base.firstName", "EQUALS", "Ada"))}
    changed = change(hub, chosen, **(by_query if is_by_query else {"add": [ada]}))
    assert changed["added"] == 0, "the merge has listed the survivor"
    undo(hub, merged)
    refresh(hub)
    assert members(hub, chosen) == {ada, bob}


def test_forgetting_a_survivor_leaves_no_list_of_anybody_in_it(hub: Hub) -> None:
    ada, bob, carl = (named(hub, each) for each in ("Ada", "Bob", "Carl"))
    chosen = static(hub)
    change(hub, chosen, add=[ada, bob, carl])
    refresh(hub)
    merge(hub, ada, bob)
    answer = hub.clients["DPO"].delete(f"{hub.path}/data-protection/customers/{ada}")
    assert answer.status in {200, 204}
    assert [str(each.customer_id) for each in ListedCustomer.objects.all()] == [carl]
    refresh(hub)
    assert members(hub, chosen) == {carl}


def test_old_journals_leave_no_list_of_the_merged(hub: Hub, settings: Any) -> None:
    ada, bob = named(hub, "Ada"), named(hub, "Bob")
    chosen = static(hub)
    change(hub, chosen, add=[bob])
    merge(hub, ada, bob)
    settings.MERGE_JOURNAL_DAYS = 0
    from customers.actions.merge_journals import remove_old_journals

    assert remove_old_journals(seconds=10)
    (listed,) = ListedCustomer.objects.all()
    assert (str(listed.customer_id), listed.merge_id) == (ada, None)
    refresh(hub)
    assert members(hub, chosen) == {ada}
