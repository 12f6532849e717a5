"""Threads of a class of work, and how workspaces share them."""

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
from contacthub_project.runtime.concurrency import (
    FairThreadPool,
    TooManyWaiting,
    in_thread,
    run_here,
)


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

    def let_through(self, count: int) -> None:
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
        gate.let_through(11)
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
            gate.let_through(1)
            await gate.has_begun(count)
        # One of each: nobody has two turns while another waits.
        assert Counter(gate.begun[3:])["b"] >= 2
        assert Counter(gate.begun[3:])["c"] >= 2
        assert Counter(gate.begun[3:])["a"] <= 3
        gate.let_through(50)
        await asyncio.gather(*jobs)

    run(main)


def test_a_workspace_whose_work_takes_long_has_one_slot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(concurrency, "LONG_SECONDS", 0.1)

    async def main() -> None:
        threads, gate = pool(4), Gate()
        jobs = [threads.run("a", gate.work("a")) for _ in range(8)]
        await gate.has_begun(3)
        await asyncio.sleep(0.5)
        gate.let_through(3)
        await gate.has_begun(4)
        quick = [threads.run("b", gate.work("b")) for _ in range(2)]
        await gate.has_begun(6)
        gate.let_through(7)
        await asyncio.gather(*jobs, *quick)
        # Until it is quick again.
        for _ in range(20):
            await threads.run("a", lambda: None)
        again = [threads.run("a", gate.work("a")) for _ in range(4)]
        await gate.has_begun(10 + 3)
        gate.let_through(20)
        await asyncio.gather(*again)

    run(main)


def test_waiting_is_bounded_in_number() -> None:
    async def main() -> None:
        threads, gate = pool(2, places=3), Gate()
        jobs = [threads.run("a", gate.work("a")) for _ in range(4)]
        with pytest.raises(TooManyWaiting):
            await threads.run("a", lambda: None)
        begun = threads.run("b", gate.work("b"), is_begun=True)
        gate.let_through(10)
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
        gate.let_through(2)
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
        gate.let_through(1)
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


def test_a_coroutine_works_in_the_thread_that_runs_it() -> None:
    async def main() -> tuple[int, int]:
        return await in_thread(threading.get_ident), threading.get_ident()

    blocking, looping = run_here(main())
    assert blocking == threading.get_ident()
    assert looping != blocking


def test_its_failure_is_raised_there() -> None:
    def fail() -> None:
        raise KeyError("x")

    async def main() -> None:
        await in_thread(fail)

    with pytest.raises(KeyError):
        run_here(main())
