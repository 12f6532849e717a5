"""Coroutines that have what blocks done elsewhere, in the event loop and in threads."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest
from django.core.exceptions import SynchronousOnlyOperation

from configuration.models import Workspace
from contacthub_project.messaging.pubsub import Notified
from contacthub_project.runtime.blocking import (
    in_thread,
    in_thread_if_blocking,
    pause,
    refuse_event_loop,
    run_blocking,
    work_by,
)


async def place() -> int:
    return await in_thread(threading.get_ident)


def test_what_blocks_is_done_at_once_in_a_thread() -> None:
    assert run_blocking(place()) == threading.get_ident()


def test_what_blocks_is_done_in_a_thread_for_the_event_loop() -> None:
    async def main() -> int:
        work_by(asyncio.to_thread)
        return await place()

    assert asyncio.run(main()) != threading.get_ident()


def test_its_failure_is_raised_in_both() -> None:
    async def fail() -> None:
        work_by(asyncio.to_thread)
        await in_thread(lambda: {}["x"])

    with pytest.raises(KeyError):
        run_blocking(fail())
    with pytest.raises(KeyError):
        asyncio.run(fail())


def test_a_function_goes_to_a_thread_only_when_it_comes_to_what_blocks() -> None:
    blocks = False
    calls = []

    def maybe() -> int:
        calls.append(threading.get_ident())
        if blocks:
            refuse_event_loop()
        return len(calls)

    async def main() -> int:
        work_by(asyncio.to_thread)
        return await in_thread_if_blocking(maybe)

    assert asyncio.run(main()) == 1
    assert calls == [threading.get_ident()]
    blocks = True
    assert asyncio.run(main()) == 3
    assert calls[-1] != threading.get_ident()
    assert run_blocking(main()) == 4


def test_the_orm_blocks(db: None) -> None:
    async def main() -> None:
        Workspace.objects.first()

    with pytest.raises(SynchronousOnlyOperation):
        asyncio.run(main())


def test_a_coroutine_that_waits_for_an_event_loop_is_refused_in_a_thread() -> None:
    loop = asyncio.new_event_loop()

    async def wait() -> None:
        await asyncio.Future(loop=loop)

    with pytest.raises(RuntimeError):
        run_blocking(wait())
    loop.close()


@pytest.mark.parametrize("runs", [run_blocking, asyncio.run])
def test_a_notification_is_waited_for_in_both(runs: object) -> None:
    async def main() -> list[bool]:
        notified = Notified()
        before = await notified.wait(0.01)
        notified.set()
        after = await notified.wait(5)
        notified.clear()
        await pause(0.01)
        return [before, after, await notified.wait(0.01)]

    started = time.monotonic()
    assert runs(main()) == [False, True, False]  # type: ignore[operator]
    assert time.monotonic() - started < 3
