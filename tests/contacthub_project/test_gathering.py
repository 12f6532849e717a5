"""Rows that threads and coroutines hand over together."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from django.db import DataError, OperationalError, connection
from hypothesis import given, settings
from hypothesis import strategies as st

from contacthub_project.db.gathering import Gatherer, gathering_connections
from contacthub_project.runtime.blocking import run_blocking, work_by
from customers.models import Change, ConsentLogEntry, Customer
from tests.client import LoopClient
from tests.factories import Hub


class RecordedSets:
    """Runs sets under the test's control, and remembers them."""

    def __init__(self) -> None:
        self.sets: list[tuple[str, list[int]]] = []
        self.alone: list[int] = []
        self.may_go = asyncio.Event()
        self.at_work: Counter[str] = Counter()
        self.most_at_work: Counter[str] = Counter()
        self.failure: Exception | None = None

    async def run(self, group: str, rows: Sequence[int]) -> list[int | Exception]:
        self.sets.append((group, list(rows)))
        for name in (group, "all"):
            self.at_work[name] += 1
            self.most_at_work[name] = max(self.most_at_work[name], self.at_work[name])
        await self.may_go.wait()
        for name in (group, "all"):
            self.at_work[name] -= 1
        if self.failure is not None:
            raise self.failure
        return [ValueError(row) if row < 0 else row * 2 for row in rows]

    def by_itself(self, group: str, row: int) -> int:
        self.alone.append(row)
        if row == 13:
            raise ValueError("unlucky")
        return row * 3


def gatherer_of(sets: RecordedSets, **options: Any) -> Gatherer[str, int, int]:
    return Gatherer(sets.run, alone=sets.by_itself, **options)


def results_of(
    sets: RecordedSets, gatherer: Gatherer[str, int, int], rows: Sequence[tuple[str, int]]
) -> list[Any]:
    """What became of rows of which each arrives in a turn of the loop of its own."""

    async def all_of_them() -> list[Any]:
        work_by(asyncio.to_thread)
        tasks = []
        for group, row in rows:
            tasks.append(asyncio.create_task(gatherer.submit(group, row)))
            for _ in range(4):
                await asyncio.sleep(0)
        sets.may_go.set()
        return await asyncio.gather(*tasks, return_exceptions=True)

    return asyncio.run(all_of_them())


def test_a_full_set_takes_another_lane_of_its_group() -> None:
    sets = RecordedSets()
    gatherer = gatherer_of(sets, lanes=3, lanes_of_group=2, most=3)
    results_of(sets, gatherer, [("a", row) for row in range(9)])
    assert sets.most_at_work == {"a": 2, "all": 2}
    assert sets.sets == [("a", [0]), ("a", [1, 2, 3]), ("a", [4, 5, 6]), ("a", [7, 8])]


def test_while_sets_are_slow_a_row_takes_another_lane_of_its_group(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("contacthub_project.db.gathering.SLOW_SECONDS", -1.0)
    sets = RecordedSets()
    gatherer = gatherer_of(sets, lanes=3, lanes_of_group=2)
    results_of(sets, gatherer, [("a", row) for row in range(8)])
    assert sets.most_at_work == {"a": 2, "all": 2}
    assert sets.sets == [("a", [0]), ("a", [1]), ("a", [2, 3, 4, 5, 6, 7])]


def test_rows_that_arrive_meanwhile_are_one_set() -> None:
    sets = RecordedSets()
    results = results_of(sets, gatherer_of(sets, most=4), [("a", row) for row in range(10)])
    assert results == [row * 2 for row in range(10)]
    assert sets.sets == [("a", [0]), ("a", [1, 2, 3, 4]), ("a", [5, 6, 7, 8]), ("a", [9])]
    assert sets.most_at_work["a"] == 1


def test_groups_take_turns_and_lanes_are_bounded() -> None:
    sets = RecordedSets()
    gatherer = gatherer_of(sets, lanes=2, most=1)
    results_of(sets, gatherer, [(group, 1) for group in "aabbccaabb"])
    assert sets.most_at_work == {"a": 1, "b": 1, "c": 1, "all": 2}
    assert Counter(group for group, _ in sets.sets) == {"a": 4, "b": 4, "c": 2}
    # Two sets had begun, two groups waited already: then it is the third one's turn.
    assert "c" in [group for group, _ in sets.sets[:6]]


def test_a_refused_row_hinders_no_other() -> None:
    sets = RecordedSets()
    results = results_of(sets, gatherer_of(sets), [("a", row) for row in (1, -2, 3)])
    assert [results[0], results[2]] == [2, 6]
    assert isinstance(results[1], ValueError)


def test_in_a_thread_a_row_goes_by_itself() -> None:
    sets = RecordedSets()
    gatherer = gatherer_of(sets)
    assert run_blocking(gatherer.submit("a", 5)) == 15
    with pytest.raises(ValueError, match="unlucky"):
        run_blocking(gatherer.submit("a", 13))
    assert sets.sets == []


@pytest.mark.parametrize("failure", [DataError("bad"), RuntimeError("bug")])
def test_a_failed_set_is_tried_row_by_row(failure: Exception) -> None:
    sets = RecordedSets()
    sets.failure = failure
    results = results_of(sets, gatherer_of(sets), [("a", row) for row in (1, 12, 13, 14)])
    assert [results[each] for each in (0, 1, 3)] == [3, 36, 42]
    assert isinstance(results[2], ValueError)
    assert sorted(sets.alone) == [1, 12, 13, 14]


@pytest.mark.parametrize("repeats", [True, False])
def test_what_may_have_been_done_is_done_again_by_reads_only(repeats: bool) -> None:
    sets = RecordedSets()
    sets.failure = OperationalError("the connection was lost")
    (result,) = results_of(sets, gatherer_of(sets, repeats=repeats), [("a", 5)])
    if repeats:
        assert result == 15
    else:
        assert result is sets.failure
        assert sets.alone == []


def test_a_gatherer_begins_anew_with_another_loop() -> None:
    sets = RecordedSets()
    gatherer = gatherer_of(sets)

    async def left() -> None:
        task = asyncio.ensure_future(gatherer.submit("a", 1))
        await asyncio.sleep(0.01)
        assert not task.done()

    asyncio.run(left())
    sets.may_go = asyncio.Event()  # as events, too, belong to a loop
    assert results_of(sets, gatherer, [("a", 2)]) == [4]


@settings(max_examples=30)
@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(-3, 50)), max_size=40),
    st.integers(1, 3),
    st.integers(1, 5),
)
def test_every_row_gets_one_result(rows: list[tuple[str, int]], lanes: int, most: int) -> None:
    sets = RecordedSets()
    results = results_of(sets, gatherer_of(sets, lanes=lanes, most=most), rows)
    for (_, row), result in zip(rows, results, strict=True):
        assert isinstance(result, ValueError) if row < 0 else result == row * 2
    for group in "abc":
        run = [row for name, some in sets.sets if name == group for row in some]
        assert run == [row for name, row in rows if name == group]
    assert all(len(some) <= most for _, some in sets.sets)
    assert sets.most_at_work["all"] <= lanes
    assert all(sets.most_at_work[group] <= 1 for group in "abc")


def test_a_caller_that_goes_leaves_the_others_alone() -> None:
    sets = RecordedSets()
    gatherer = gatherer_of(sets)

    async def some_go() -> list[Any]:
        tasks = [asyncio.create_task(gatherer.submit("a", row)) for row in range(4)]
        await asyncio.sleep(0.05)
        tasks[0].cancel()
        tasks[2].cancel()
        sets.may_go.set()
        return await asyncio.gather(*tasks, return_exceptions=True)

    results = asyncio.run(some_go())
    assert [results[1], results[3]] == [2, 6]
    assert isinstance(results[0], asyncio.CancelledError)


def at_once(hub: Hub, count: int, act: Any) -> list[Any]:
    """What the coroutine `act` returns for each number, all at once in one event loop."""

    async def all_of_them() -> list[Any]:
        client = LoopClient(hub.trusted.token)
        return await asyncio.gather(*(act(client, number) for number in range(count)))

    return asyncio.run(all_of_them())


def test_a_connection_that_the_server_has_ended_is_replaced(live_hub: Hub) -> None:
    customer = f"{live_hub.path}/customers/{live_hub.post_customer()['id']}"

    async def act(client: LoopClient, number: int) -> list[int]:
        first = await client.request("GET", customer)
        ended = [raw.info.backend_pid for raw, _ in gathering_connections._free]
        assert ended
        await asyncio.to_thread(end_backends, ended)
        return [first.status, (await client.request("GET", customer)).status]

    assert at_once(live_hub, 1, act) == [[200, 200]]


def end_backends(pids: list[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pid) FROM unnest(%s) AS pid", [pids])
    connection.close()


def test_many_writers_of_one_customer_lose_nothing(live_hub: Hub) -> None:
    hub = live_hub
    names = [f"n{number}" for number in range(12)]
    hub.operator.put(
        f"{hub.configuration}/properties/extended", {name: {"type": "integer"} for name in names}
    )
    path = f"{hub.path}/customers/{hub.post_customer()['id']}"

    async def write(client: LoopClient, number: int) -> list[int]:
        statuses = []
        for step in range(10):
            body = {"extended": {names[number]: step}}
            if step == 5:
                body["base"] = {"contacts": {"email": "not an address"}}
            statuses.append((await client.request("PATCH", path, body)).status)
        return statuses

    assert at_once(hub, 12, write) == [[200] * 5 + [400] + [200] * 4] * 12
    customer = Customer.objects.get(id=path.rsplit("/", 1)[1])
    assert customer.extended == dict.fromkeys(names, 9)
    assert customer.version == 1 + 12 * 9
    assert Change.objects.filter(entity_id=customer.id).count() == customer.version
    assert gathering_connections._free


def test_many_new_customers_at_once(live_hub: Hub) -> None:
    """Sixteen at a time, half of them the same people: each person once, each merged."""
    hub = live_hub

    async def write(client: LoopClient, number: int) -> list[int]:
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
            answer = await client.request("POST", f"{hub.path}/customers", body)
            statuses.append(answer.status)
        return statuses

    statuses = Counter(status for some in at_once(hub, 16, write) for status in some)
    assert statuses == {201: 8 * 8 + 8, 200: 7 * 8}
    live = Customer.objects.in_node(hub.workspace.id, hub.node.id)
    assert live.count() == 8 * 8 + 8
    for customer in live:
        tags = customer.tags["manual"]
        shared = "-" not in customer.base["contacts"]["email"]
        assert len(tags) == customer.version == (8 if shared else 1)
        assert Change.objects.filter(entity_id=customer.id).count() == customer.version
        assert ConsentLogEntry.objects.filter(customer_id=customer.id).count() == 1
