"""Runs blocking functions, such as Django's ORM, and coroutines, in event loops and threads.

Actions that are needed in the event loop and in threads are coroutines that run blocking functions
by `in_thread`. In a thread `in_thread` calls the function directly, so such a coroutine never
suspends, and `run_blocking` runs it to its end.
"""

from __future__ import annotations

import asyncio
import time
from asyncio import _get_running_loop
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import ContextVar, copy_context
from typing import Any, TypeVar

from django.core.exceptions import SynchronousOnlyOperation

Result = TypeVar("Result")

# For tests that drive a browser, whose loop is not ours: what DJANGO_ALLOW_ASYNC_UNSAFE is to
# Django, which would be looked up several times in each request.
ignores_event_loops = False

Run = Callable[[Callable[[], Any]], Awaitable[Any]]

# How the current coroutine runs blocking functions.
_run: ContextVar[Run] = ContextVar("run")


def work_by(run: Run) -> None:
    """Set the function that `in_thread` uses, in this task and those that it starts."""
    _run.set(run)


def in_event_loop() -> bool:
    """Return whether the caller is in an event loop, and must not block.

    False while `ignores_event_loops`, and in threads.
    """
    return _get_running_loop() is not None and not ignores_event_loops


def refuse_event_loop() -> None:
    """Raise SynchronousOnlyOperation in an event loop, as Django's ORM does."""
    if in_event_loop():
        raise SynchronousOnlyOperation("what follows blocks")


async def in_thread(function: Callable[[], Result]) -> Result:
    """Call the function in a thread of the current class of work; return its result.

    Raises TooManyWaiting.
    """
    if not in_event_loop():
        return function()
    context = copy_context()
    result: Result = await _run.get()(lambda: context.run(function))
    return result


async def in_thread_if_blocking(function: Callable[[], Result]) -> Result:
    """Call the function: directly if it need not block, else in a thread; return its result.

    For functions that usually find their data in memory. They are called a second time when they
    are about to block, and must not have had side effects by then.
    """
    try:
        return function()
    except SynchronousOnlyOperation:
        return await in_thread(function)


def run_blocking(coroutine: Coroutine[Any, Any, Result] | Awaitable[Result]) -> Result:
    """Run a coroutine to its end, in this thread, which must have no event loop."""
    steps: Any = coroutine
    try:
        steps.send(None)
    except StopIteration as end:
        result: Result = end.value
        return result
    steps.close()
    raise RuntimeError("the coroutine waits for an event loop")


async def pause(seconds: float) -> None:
    """Sleep for some seconds, without blocking an event loop."""
    if in_event_loop():
        await asyncio.sleep(seconds)
    else:
        time.sleep(seconds)
