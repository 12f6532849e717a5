"""Slots of a class of work, in threads and in the event loop, and how workspaces share them."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contacthub_project.runtime import concurrency
from contacthub_project.runtime.concurrency import FairSlots, FairThreadPool
from contacthub_project.runtime.fair_queue import TooManyWaiting


def pool(slots: int = 4, **bounds: Any) -> FairThreadPool:
    return FairThreadPool("test", slots=slots, **{"places": 1000, "seconds": 10.0} | bounds)


def run(main: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    return asyncio.run(main())


class Gate:
    """Work that lasts until it is let through, and what has begun so far."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self._through = threading.Semaphore(0)

    def work(self, name: str) -> Callable[[], str]:
        def wait() -> str:
            self.begun.append(name)
            self._through.acquire(timeout=10)
            return name

        return wait

    def release(self, count: int) -> None:
        self._through.release(count)

    async def has_begun(self, count: int) -> None:
        deadline = time.monotonic() + 5
        while len(self.begun) < count:
            assert time.monotonic() < deadline, self.begun
            await asyncio.sleep(0.005)
        await asyncio.sleep(0.02)
        assert len(self.begun) == count, self.begun


def test_results_and_failures_come_back() -> None:
    def fail() -> None:
        raise KeyError("x")

    async def main() -> None:
        threads = pool()
        assert await threads.run("a", lambda: 7) == 7
        with pytest.raises(KeyError):
            await threads.run("a", fail)
        assert await threads.run("a", lambda: 8) == 8

    run(main)


def test_the_last_slot_is_never_one_workspaces_alone() -> None:
    async def main() -> None:
        threads, gate = pool(4), Gate()
        ours = [threads.run("ours", gate.work("ours")) for _ in range(10)]
        await gate.has_begun(3)
        theirs = threads.run("theirs", gate.work("theirs"))
        await gate.has_begun(4)
        assert gate.begun[-1] == "theirs"
        gate.release(11)
        await asyncio.gather(*ours, theirs)

    run(main)


def test_workspaces_take_turns_and_have_at_most_half(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(concurrency, "LONG_SECONDS", 60)

    async def main() -> None:
        threads, gate = pool(4), Gate()
        jobs = [threads.run("a", gate.work("a")) for _ in range(20)]
        await gate.has_begun(3)
        jobs += [threads.run(key, gate.work(key)) for key in "bbbbcccc"]
        await gate.has_begun(4)
        for count in range(5, 11):
            gate.release(1)
            await gate.has_begun(count)
        # One of each: nobody has two turns while another waits.
        assert Counter(gate.begun[3:])["b"] >= 2
        assert Counter(gate.begun[3:])["c"] >= 2
        assert Counter(gate.begun[3:])["a"] <= 3
        gate.release(50)
        await asyncio.gather(*jobs)

    run(main)


def test_a_workspace_whose_work_takes_long_has_one_slot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(concurrency, "LONG_SECONDS", 0.1)

    async def main() -> None:
        threads, gate = pool(4), Gate()
        jobs = [threads.run("a", gate.work("a")) for _ in range(8)]
        await gate.has_begun(3)
        await asyncio.sleep(0.5)
        gate.release(3)
        await gate.has_begun(4)
        quick = [threads.run("b", gate.work("b")) for _ in range(2)]
        await gate.has_begun(6)
        gate.release(7)
        await asyncio.gather(*jobs, *quick)
        # Until it is quick again.
        for _ in range(20):
            await threads.run("a", lambda: None)
        again = [threads.run("a", gate.work("a")) for _ in range(4)]
        await gate.has_begun(10 + 3)
        gate.release(20)
        await asyncio.gather(*again)

    run(main)


def test_waiting_is_bounded_in_number() -> None:
    async def main() -> None:
        threads, gate = pool(2, places=3), Gate()
        jobs = [threads.run("a", gate.work("a")) for _ in range(4)]
        with pytest.raises(TooManyWaiting):
            await threads.run("a", lambda: None)
        begun = threads.run("b", gate.work("b"), is_begun=True)
        gate.release(10)
        await asyncio.gather(*jobs, begun)
        assert threads.waiting == 0

    run(main)


def test_waiting_is_bounded_in_time() -> None:
    async def main() -> None:
        threads, gate = pool(2, seconds=0.2), Gate()
        first = threads.run("a", gate.work("a"))
        begun = threads.run("a", gate.work("a"), is_begun=True)
        started = time.monotonic()
        with pytest.raises(TooManyWaiting):
            await threads.run("a", lambda: None)
        assert 0.1 < time.monotonic() - started < 3
        gate.release(2)
        assert await asyncio.gather(first, begun) == ["a", "a"]
        assert await threads.run("a", lambda: 1) == 1

    run(main)


def test_who_goes_away_hurts_nobody() -> None:
    async def main() -> None:
        threads, gate = pool(2), Gate()
        running = threads.run("a", gate.work("a"))
        waiting = threads.run("a", lambda: 1)
        await gate.has_begun(1)
        running.cancel()
        waiting.cancel()
        gate.release(1)
        assert await threads.run("a", lambda: 2) == 2

    run(main)


@settings(max_examples=30)
@given(
    slots=st.integers(1, 6),
    keys=st.lists(st.sampled_from("abcd"), min_size=1, max_size=40),
    fails=st.integers(0, 5),
)
def test_everything_is_done_once_within_the_slots(slots: int, keys: list[str], fails: int) -> None:
    lock, running, most, done = threading.Lock(), Counter[str](), Counter[str](), []

    def work(number: int, key: str) -> int:
        with lock:
            running[key] += 1
            most[key] = max(most[key], running[key])
            most["all"] = max(most["all"], running.total())
        time.sleep(0.0005)
        with lock:
            running[key] -= 1
            done.append(number)
        if number < fails:
            raise ValueError
        return number

    async def main() -> list[Any]:
        threads = pool(slots)
        jobs = [
            threads.run(key, lambda number=number, key=key: work(number, key))
            for number, key in enumerate(keys)
        ]
        return await asyncio.gather(*jobs, return_exceptions=True)

    results = asyncio.run(main())
    assert sorted(done) == list(range(len(keys)))
    assert [each for each in results if isinstance(each, int)] == list(range(len(keys)))[fails:]
    assert most["all"] <= slots
    assert all(count <= max(1, slots - 1) for key, count in most.items() if key != "all")


def slots(count: int = 4, **bounds: Any) -> FairSlots:
    return FairSlots("test", slots=count, **{"places": 1000, "seconds": 10.0} | bounds)


class CoroutineGate:
    """Coroutines that work until they are let through, and what has begun so far."""

    def __init__(self, slots: FairSlots) -> None:
        self.slots = slots
        self.begun: list[str] = []
        self.gate = asyncio.Semaphore(0)

    async def work(self, key: str) -> str:
        async def wait() -> str:
            self.begun.append(key)
            await self.gate.acquire()
            return key

        return await self.slots.run(key, wait)

    async def started(self, keys: str) -> list[asyncio.Task[str]]:
        tasks = [asyncio.create_task(self.work(key)) for key in keys]
        await asyncio.sleep(0.01)
        return tasks

    async def release(self, count: int) -> None:
        for _ in range(count):
            self.gate.release()
        await asyncio.sleep(0.01)


def test_coroutines_of_workspaces_take_turns_and_none_has_the_last_slot() -> None:
    async def main() -> None:
        gate = CoroutineGate(slots(4))
        tasks = await gate.started("aaaaaa")
        assert gate.begun == ["a"] * 3
        tasks += await gate.started("bbb")
        assert gate.begun == [*"aaab"]
        await gate.release(3)
        assert gate.begun == [*"aaab", *"baa"]
        await gate.release(6)
        assert sorted(await asyncio.gather(*tasks)) == [*"aaaaaabbb"]
        assert gate.slots.waiting == 0

    run(main)


def test_coroutines_that_wait_are_bounded_in_number_and_time() -> None:
    async def main() -> None:
        gate = CoroutineGate(slots(2, places=1, seconds=0.1))
        (first, late) = await gate.started("aa")
        with pytest.raises(TooManyWaiting):
            await gate.work("b" if gate.slots.waiting == 0 else "a")
        with pytest.raises(TooManyWaiting):
            await late
        await gate.release(1)
        assert await first == "a"

    run(main)


def test_who_goes_while_it_waits_or_works_leaves_its_slot() -> None:
    async def main() -> None:
        gate = CoroutineGate(slots(2))
        working, waiting, last = await gate.started("aaa")
        waiting.cancel()
        working.cancel()
        await asyncio.sleep(0.01)
        assert gate.begun == ["a", "a"]
        await gate.release(1)
        assert await last == "a"
        assert gate.slots._taken == 0

    run(main)


def test_a_failed_coroutine_gives_its_slot_back() -> None:
    async def main() -> None:
        few = slots(2)

        async def fail() -> None:
            raise KeyError("x")

        for _ in range(5):
            with pytest.raises(KeyError):
                await few.run("a", fail)

    run(main)
