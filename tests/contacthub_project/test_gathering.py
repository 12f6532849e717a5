"""Rows that threads and coroutines hand over together."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import DataError, OperationalError, connection
from hypothesis import given, settings
from hypothesis import strategies as st

from contacthub_project.db.gathering import Gatherer, gathering_connections
from customers.models import Change, ConsentLogEntry, Customer
from tests.factories import Hub


class Sets:
    """Runs sets under the test's control, and remembers them."""

    def __init__(self) -> None:
        self.sets: list[tuple[str, list[int]]] = []
        self.alone: list[int] = []
        self.may_go = threading.Event()
        self.has_begun = threading.Event()
        self.at_work: Counter[str] = Counter()
        self.most_at_work: Counter[str] = Counter()
        self.failure: Exception | None = None
        self.lock = threading.Lock()

    def run(self, group: str, rows: Sequence[int]) -> list[int | Exception]:
        with self.lock:
            self.sets.append((group, list(rows)))
            for name in (group, "all"):
                self.at_work[name] += 1
                self.most_at_work[name] = max(self.most_at_work[name], self.at_work[name])
        self.has_begun.set()
        assert self.may_go.wait(10)
        with self.lock:
            for name in (group, "all"):
                self.at_work[name] -= 1
        if self.failure is not None:
            raise self.failure
        return [ValueError(row) if row < 0 else row * 2 for row in rows]

    def by_itself(self, group: str, row: int) -> int:
        with self.lock:
            self.alone.append(row)
        if row == 13:
            raise ValueError("unlucky")
        return row * 3


def waiting(gatherer: Gatherer[Any, Any, Any]) -> int:
    return sum(map(len, gatherer._waiting.values()))


def wait_for(gatherer: Gatherer[Any, Any, Any], count: int) -> None:
    for _ in range(2000):
        if waiting(gatherer) == count:
            return
        threading.Event().wait(0.005)
    raise AssertionError(f"{waiting(gatherer)} wait, not {count}")


def test_a_group_may_have_several_lanes() -> None:
    sets = Sets()
    gatherer = gatherer_of(sets, lanes=3, lanes_of_group=2)
    with ThreadPoolExecutor(8) as threads:
        for row in range(8):
            threads.submit(gatherer.submit, "a", row)
        wait_for(gatherer, 6)
        sets.may_go.set()
    assert sets.most_at_work == {"a": 2, "all": 2}
    assert sorted(row for _, rows in sets.sets for row in rows) == list(range(8))


def gatherer_of(sets: Sets, **options: Any) -> Gatherer[str, int, int]:
    return Gatherer(sets.run, alone=sets.by_itself, **options)


def test_what_arrives_meanwhile_goes_together() -> None:
    sets = Sets()
    gatherer = gatherer_of(sets, most=4)
    with ThreadPoolExecutor(10) as threads:
        results = [threads.submit(gatherer.submit, "a", 0)]
        assert sets.has_begun.wait(10)
        for row in range(1, 10):
            results.append(threads.submit(gatherer.submit, "a", row))
            wait_for(gatherer, row)
        sets.may_go.set()
        assert [result.result(10) for result in results] == [row * 2 for row in range(10)]
    assert sets.sets == [("a", [0]), ("a", [1, 2, 3, 4]), ("a", [5, 6, 7, 8]), ("a", [9])]
    assert sets.most_at_work["a"] == 1


def test_groups_take_turns_and_lanes_are_bounded() -> None:
    sets = Sets()
    gatherer = gatherer_of(sets, lanes=2, most=1)
    with ThreadPoolExecutor(12) as threads:
        for group in "aabbccaabb":
            threads.submit(gatherer.submit, group, 1)
        wait_for(gatherer, 8)
        sets.may_go.set()
    assert sets.most_at_work == {"a": 1, "b": 1, "c": 1, "all": 2}
    assert Counter(group for group, _ in sets.sets) == {"a": 4, "b": 4, "c": 2}
    # Two sets had begun, two groups waited already: then it is the third one's turn.
    assert "c" in [group for group, _ in sets.sets[:6]]


def test_a_refused_row_hinders_no_other() -> None:
    sets = Sets()
    sets.may_go.set()
    gatherer = gatherer_of(sets)

    async def all_of_them() -> list[Any]:
        rows = [1, -2, 3]
        return await asyncio.gather(
            *(gatherer.asubmit("a", row) for row in rows), return_exceptions=True
        )

    results = asyncio.run(all_of_them())
    assert [results[0], results[2]] == [2, 6]
    assert isinstance(results[1], ValueError)


@pytest.mark.parametrize("failure", [DataError("bad"), RuntimeError("bug")])
def test_a_failed_set_is_tried_row_by_row(failure: Exception) -> None:
    sets = Sets()
    sets.failure = failure
    gatherer = gatherer_of(sets)
    with ThreadPoolExecutor(4) as threads:
        results = [threads.submit(gatherer.submit, "a", 1)]
        assert sets.has_begun.wait(10)
        results += [threads.submit(gatherer.submit, "a", row) for row in (12, 13, 14)]
        wait_for(gatherer, 3)
        sets.may_go.set()
    assert [results[each].result() for each in (0, 1, 3)] == [3, 36, 42]
    with pytest.raises(ValueError, match="unlucky"):
        results[2].result()
    assert sorted(sets.alone) == [1, 12, 13, 14]


@pytest.mark.parametrize("repeats", [True, False])
def test_what_may_have_been_done_is_done_again_by_reads_only(repeats: bool) -> None:
    sets = Sets()
    sets.may_go.set()
    sets.failure = OperationalError("the connection was lost")
    gatherer = gatherer_of(sets, repeats=repeats)
    if repeats:
        assert gatherer.submit("a", 5) == 15
    else:
        with pytest.raises(OperationalError):
            gatherer.submit("a", 5)
        assert sets.alone == []


@settings(max_examples=30)
@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(-3, 50)), max_size=40),
    st.integers(1, 3),
    st.integers(1, 5),
)
def test_every_row_is_answered_once(rows: list[tuple[str, int]], lanes: int, most: int) -> None:
    """Threads and coroutines together; in a group, rows of one caller are run in its order."""
    sets = Sets()
    sets.may_go.set()
    gatherer = gatherer_of(sets, lanes=lanes, most=most)

    def by_thread(group: str, row: int) -> Any:
        try:
            return gatherer.submit(group, row)
        except ValueError as refusal:
            return refusal

    async def all_of_them() -> list[Any]:
        return await asyncio.gather(
            *(
                asyncio.to_thread(by_thread, *each) if number % 2 else gatherer.asubmit(*each)
                for number, each in enumerate(rows)
            ),
            return_exceptions=True,
        )

    results = asyncio.run(all_of_them())
    for (_, row), result in zip(rows, results, strict=True):
        assert isinstance(result, ValueError) if row < 0 else result == row * 2
    run = Counter((group, row) for group, some in sets.sets for row in some)
    assert run == Counter(rows)
    assert all(len(some) <= most for _, some in sets.sets)
    assert sets.most_at_work["all"] <= lanes
    assert all(sets.most_at_work[group] <= 1 for group in "abc")


def test_a_caller_that_goes_leaves_the_others_alone() -> None:
    sets = Sets()
    gatherer = gatherer_of(sets)

    async def some_go() -> list[Any]:
        tasks = [asyncio.create_task(gatherer.asubmit("a", row)) for row in range(4)]
        await asyncio.sleep(0.05)
        tasks[0].cancel()
        tasks[2].cancel()
        sets.may_go.set()
        return await asyncio.gather(*tasks, return_exceptions=True)

    results = asyncio.run(some_go())
    assert [results[1], results[3]] == [2, 6]
    assert isinstance(results[0], asyncio.CancelledError)


def test_a_connection_that_the_server_has_ended_is_replaced(live_hub: Hub) -> None:
    customer = live_hub.post_customer()["id"]
    path = f"{live_hub.path}/customers/{customer}"
    assert live_hub.trusted.get(path).status == 200
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    assert live_hub.trusted.get(path).status == 200
    assert live_hub.post_customer().status == 201


def in_threads(count: int, act: Any) -> list[Any]:
    """What `act` returns for each number, all at once, each in a thread with a connection."""

    def closing(number: int) -> Any:
        try:
            return act(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(closing, range(count)))


def test_many_writers_of_one_customer_lose_nothing(live_hub: Hub) -> None:
    hub = live_hub
    names = [f"n{number}" for number in range(12)]
    hub.operator.put(
        f"{hub.configuration}/properties/extended", {name: {"type": "integer"} for name in names}
    )
    path = f"{hub.path}/customers/{hub.post_customer()['id']}"

    def write(number: int) -> list[int]:
        statuses = []
        for step in range(10):
            body = {"extended": {names[number]: step}}
            if step == 5:
                body["base"] = {"contacts": {"email": "not an address"}}
            statuses.append(hub.trusted.patch(path, body).status)
        return statuses

    results = in_threads(12, write)
    assert results == [[200] * 5 + [400] + [200] * 4] * 12
    customer = Customer.objects.get(id=path.rsplit("/", 1)[1])
    assert customer.extended == dict.fromkeys(names, 9)
    assert customer.version == 1 + 12 * 9
    assert Change.objects.filter(entity_id=customer.id).count() == customer.version
    assert gathering_connections._free


def test_many_new_customers_at_once(live_hub: Hub) -> None:
    """Sixteen at a time, half of them the same people: each person once, each merged."""
    hub = live_hub

    def write(number: int) -> list[int]:
        statuses = []
        for step in range(8):
            contacts = {"email": f"person{step if number % 2 else f'{number}-{step}'}@example.com"}
            disclaimer = {"date": "2026-01-01T00:00:00.000Z"}
            body = {
                "nodeId": str(hub.node.id),
                "base": {"contacts": contacts},
                "consents": {"disclaimer": disclaimer},
                "tags": {"manual": [f"t{number}"]},
            }
            statuses.append(hub.trusted.post(f"{hub.path}/customers", body).status)
        return statuses

    statuses = Counter(status for some in in_threads(16, write) for status in some)
    assert statuses == {201: 8 * 8 + 8, 200: 7 * 8}
    live = Customer.objects.in_node(hub.workspace.id, hub.node.id)
    assert live.count() == 8 * 8 + 8
    for customer in live:
        tags = customer.tags["manual"]
        shared = "-" not in customer.base["contacts"]["email"]
        assert len(tags) == customer.version == (8 if shared else 1)
        assert Change.objects.filter(entity_id=customer.id).count() == customer.version
        assert ConsentLogEntry.objects.filter(customer_id=customer.id).count() == 1
