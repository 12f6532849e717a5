"""Reads that many ask for at the same moment are done once for all of them.

A thousand clients that wait for changes of a workspace are woken by one of them, and read the same
page. Whoever asks while a read is under way gets the next one's result, never one that is older
than the question.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Sequence
from contextvars import Context, copy_context
from typing import Any, NamedTuple, TypeVar

from contacthub_project.db.gathering import Gatherer
from contacthub_project.runtime.blocking import in_thread

Result = TypeVar("Result")

LANES = 16  # reads under way; the slots of their class of work bound them further
MOST_ASKING = 1_000_000


class _Read(NamedTuple):
    """What is to be called, and on whose behalf: the context has the caller's class of work."""

    function: Callable[[], Any]
    context: Context


async def shared(key: Hashable, read: Callable[[], Result]) -> Result:
    """What `read` returns, which blocks: called once for all who ask by the same key.

    Whatever the result depends on must be in the key. An exception is raised to all of them. In a
    thread the function is called at once.
    """
    result: Result = await _reads.submit(key, _Read(read, copy_context()))
    return result


async def _read_once(key: Hashable, reads: Sequence[_Read]) -> list[Any]:
    first = reads[0]
    loop = asyncio.get_running_loop()
    reading = loop.create_task(_in_thread(first.function), context=first.context)
    try:
        result = await reading
    except Exception as failure:
        result = failure
    return [result] * len(reads)


async def _in_thread(function: Callable[[], Any]) -> Any:
    return await in_thread(function)


def _read_alone(key: Hashable, reads: _Read) -> Any:
    return reads.function()


_reads: Gatherer[Hashable, _Read, Any] = Gatherer(
    _read_once, alone=_read_alone, lanes=LANES, most=MOST_ASKING
)
