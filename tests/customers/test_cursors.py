"""Walking lists of customers by cursor."""

from __future__ import annotations

import random
from typing import Any

from django.db import connection, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from contacthub_project.api.query import SortKey
from tests.client import Answer
from tests.customers.queries import BODIES
from tests.customers.test_aggregates import activate, make, merge_all_pending, people, post
from tests.customers.test_search import (
    MANY,
    SORTED,
    are,
    explained,
    person,
    searched,
    with_extended_properties,
)
from tests.factories import Hub


def ids_of(answer: Answer) -> list[str]:
    assert answer.status == 200, answer.content
    return [each["id"] for each in answer["elements"]]


def ids_of_all_pages(hub: Hub, **query: Any) -> list[str]:
    """The ids of all pages, from the first on, by each one's `next`."""
    answer = searched(hub, **query)
    ids, numbers = ids_of(answer), [answer["page"]["number"]]
    total = answer["page"]["totalElements"]
    while answer["page"]["next"] is not None:
        answer = searched(hub, **query, cursor=answer["page"]["next"])
        ids += ids_of(answer)
        numbers.append(answer["page"]["number"])
        assert answer["page"]["totalElements"] == total
    assert numbers == list(range(len(numbers)))
    return ids


@settings(max_examples=20)
@given(
    bodies=st.lists(BODIES, min_size=1, max_size=8),
    keys=st.lists(st.tuples(st.sampled_from(SORTED), st.booleans()), max_size=3),
    size=st.integers(1, 4),
)
def test_a_walk_gives_everybody_once_in_order(
    hub: Hub, bodies: list[dict[str, Any]], keys: list[tuple[str, bool]], size: int
) -> None:
    with transaction.atomic():
        with_extended_properties(hub)
        for number, body in enumerate(bodies):
            base = person(f"person{number}@example.com") | body.get("base", {})
            hub.post_customer(**(body | {"base": base}))
        sort = [f"{field},{'desc' if down else 'asc'}" for field, down in keys]
        whole = ids_of(searched(hub, sort=sort, size=100))
        assert len(set(whole)) == len(bodies)
        assert ids_of_all_pages(hub, sort=sort, size=size) == whole
        some = are("base.lastName", "IS_NULL")
        fitting = ids_of(searched(hub, sort=sort, size=100, query=some))
        assert ids_of_all_pages(hub, sort=sort, size=size, query=some) == fitting
        transaction.set_rollback(True)


@settings(max_examples=10)
@given(seed=st.integers(0, 2**32))
def test_who_stays_is_met_once_while_others_come_change_and_go(hub: Hub, seed: int) -> None:
    chance = random.Random(seed)
    with transaction.atomic():

        def come() -> str:
            name = {"lastName": f"N{chance.randrange(4)}"} if chance.random() < 0.8 else {}
            address = f"{chance.random()}@example.com"
            return hub.post_customer(base=person(address, **name))["id"]

        stay, others = [come() for _ in range(8)], [come() for _ in range(6)]
        query = {"sort": chance.choice(["base.lastName", "base.lastName,desc", "id", "intId,desc"])}
        answer = searched(hub, **query, size=3)
        seen = ids_of(answer)
        while (cursor := answer["page"]["next"]) is not None:
            event = chance.randrange(4)
            if event == 0 and others:
                gone = others.pop(chance.randrange(len(others)))
                assert hub.trusted.delete(f"{hub.path}/customers/{gone}").status == 200
            elif event == 1:
                others.append(come())
            elif others:
                body = {"base": {"lastName": f"N{chance.randrange(4)}"}, "extra": str(event)}
                path = f"{hub.path}/customers/{chance.choice(others)}"
                assert hub.trusted.patch(path, body).status == 200
            # A change of something else moves nobody.
            path = f"{hub.path}/customers/{chance.choice(stay)}"
            assert hub.trusted.patch(path, {"extra": str(chance.random())}).status == 200
            answer = searched(hub, **query, size=3, cursor=cursor)
            seen += ids_of(answer)
        assert [each for each in seen if each in stay] == [
            each for each in ids_of(searched(hub, **query, size=100)) if each in stay
        ]
        transaction.set_rollback(True)


def test_a_cursor_belongs_to_its_list(hub: Hub) -> None:
    for _ in range(3):
        hub.post_customer()
    query = are("base.contacts.email", "IS_NOT_NULL")
    following = searched(hub, size=1, query=query)["page"]["next"]
    assert len(searched(hub, size=2, query=query, cursor=following)["elements"]) == 2

    def refused(**given: Any) -> bool:
        requested = {"size": 1, "query": query, "cursor": following} | given
        answer = searched(hub, **requested)
        return answer.status == 400 and answer.paths == {"/cursor"}

    assert refused(query=None)
    assert refused(sort="intId")
    assert refused(externalId="x")
    assert refused(nodeId=hub.other_node.id)
    assert refused(page=0)
    for wrong in (
        "x", "é", "0", "a" * 9000, following[:-1], following[1:], following + "A", "A" + following,
        following.swapcase(), following[:20] + "B" + following[21:], "null", "a\0b", "%00", "====",
    ):  # fmt: skip
        assert refused(cursor=wrong), wrong
    other = Hub()
    other.post_customer()
    assert refused(cursor=searched(other, size=1, query=query)["page"]["next"])
    path = f"{hub.path}/events"
    answer = hub.trusted.get(path, query={"nodeId": hub.node.id, "cursor": following})
    assert (answer.status, answer.paths) == (400, {"/cursor"})
    # Not given at all.
    assert searched(hub, size=1, cursor="")["page"]["number"] == 0


def test_a_cursor_reveals_nothing_of_people(hub: Hub) -> None:
    for number in range(2):
        hub.post_customer(base=person(f"{number}@example.com", lastName="Guglielmini"))
    first = searched(hub, sort="base.lastName", size=1)["page"]["next"]
    again = searched(hub, sort="base.lastName", size=1)["page"]["next"]
    assert first != again
    assert len(first) < 600


def test_a_full_last_page_is_followed_by_an_empty_one(hub: Hub) -> None:
    ids = {hub.post_customer()["id"] for _ in range(4)}
    assert set(ids_of_all_pages(hub, size=2)) == ids
    assert searched(hub, size=5)["page"]["next"] is None
    assert searched(hub, size=0)["page"]["next"] is None
    assert searched(hub, size=2, page=9)["page"]["next"] is None


def test_members_of_an_aggregate_customer(hub: Hub) -> None:
    node = make(hub, properties=["base.lastName"])
    activate(hub, node)
    members = {post(hub, f"{number}@x.it", base={"lastName": "Rossi"}) for number in range(5)}
    merge_all_pending()
    (person_,) = people(hub, node)
    path = f"{hub.path}/customers/{person_['id']}/entry-customers"
    answer = hub.admin.get(path, query={"size": 2})
    seen = ids_of(answer)
    while (cursor := answer["page"]["next"]) is not None:
        answer = hub.admin.get(path, query={"size": 2, "cursor": cursor})
        seen += ids_of(answer)
    assert (len(seen), set(seen)) == (5, members)
    other = f"{hub.path}/customers/{next(iter(members))}/entry-customers"
    wrong = hub.admin.get(
        other, query={"cursor": hub.admin.get(path, query={"size": 2})["page"]["next"]}
    )
    assert wrong.paths == {"/cursor"}


def test_beyond_ten_thousand_by_an_index(live_hub: Hub) -> None:
    hub = live_hub
    with connection.cursor() as cursor:
        cursor.execute(MANY, [hub.workspace.id, hub.node.id])
        cursor.execute("ANALYZE customers_customer")
    last = searched(hub, page=99, size=100)
    assert searched(hub, page=100, size=100)["elements"] == []
    beyond = searched(hub, size=100, cursor=last["page"]["next"])
    assert not set(ids_of(beyond)) & set(ids_of(last))
    assert [each["base"]["lastName"] for each in beyond["elements"]] == [
        f"L{number}" for number in range(10_000, 9_900, -1)
    ]
    assert beyond["page"]["totalElements"] == 10_000
    row = beyond["elements"][-1]
    for sort, values, index in (
        (
            [SortKey("updatedAt", descending=True)],
            [row["updatedAt"], row["id"]],
            "customer_newest_in_node",
        ),
        ([SortKey("base.lastName", descending=False)], ["l77", row["id"]], "customer_last_name"),
    ):
        plan = explained(hub, None, sort, after=values)
        assert index in plan, plan
        condition = plan.split(index)[1].split("Index Cond:")[1].split("\n")[0]
        assert "ROW(" in condition, plan
