"""Answers that are held until something happens: waiting polls and Server-Sent Events."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from functools import partial

from configuration.queries.rules import WorkspaceRules, latest_rules_of
from contacthub_project.api.authentication import StillAuthenticated
from contacthub_project.api.renderers import json_bytes_in
from contacthub_project.core.date_format import DateFormat
from contacthub_project.core.errors import Forbidden, Gone, Unauthorized, Unavailable
from contacthub_project.messaging.pubsub import feed_topic, subscriber
from contacthub_project.runtime.concurrency import in_thread
from customers.queries.documents import Update
from customers.queries.feed import FeedFilter, read_page, update_moments

STREAM_SECONDS = 300.0  # then the client comes back with its Last-Event-ID
KEEP_ALIVE_SECONDS = 15.0
STREAM_PAGE = 500

Page = tuple[list[Update], int]


async def awaited_page(
    workspace: WorkspaceRules,
    *,
    after: int,
    size: int,
    wanted: FeedFilter,
    seconds: int,
    caller: StillAuthenticated,
) -> Page:
    """A page of updates; an empty one only when there was none for so many seconds.

    Raises Unauthorized when the caller's token has ended meanwhile.
    """

    def read(after: int) -> Page:
        return read_page(workspace, after=after, size=size, wanted=wanted)

    def read_again(after: int) -> Page:
        caller.check()
        return read(after)

    page = await in_thread(partial(read, after))
    if page[0] or not seconds or not size:
        return page
    deadline = time.monotonic() + seconds
    async with subscriber.waiting_for(feed_topic(workspace.id)) as changed:
        while True:
            # What has happened before we listened would not be told.
            changed.clear()
            page = await in_thread(partial(read_again, page[1]))
            left = deadline - time.monotonic()
            if page[0] or left <= 0 or subscriber.is_stopping:
                return page
            await _is_set(changed, left)


async def streamed(
    workspace: WorkspaceRules,
    *,
    after: int,
    wanted: FeedFilter,
    caller: StillAuthenticated,
    date_format: DateFormat,
) -> AsyncGenerator[bytes, None]:
    """The updates as Server-Sent Events, each with its offset as id, for five minutes.

    It ends with the caller's token: the client comes back by itself and is told why.
    """

    def read(workspace: WorkspaceRules, after: int) -> tuple[bytes, int]:
        caller.check()
        updates, end = read_page(workspace, after=after, size=STREAM_PAGE, wanted=wanted)
        return _events(workspace, updates, after, end, date_format), end

    deadline = time.monotonic() + STREAM_SECONDS
    yield b"retry: 1000\n\n"
    async with subscriber.waiting_for(feed_topic(workspace.id)) as changed:
        while time.monotonic() < deadline and not subscriber.is_stopping:
            changed.clear()
            try:
                events, after = await in_thread(partial(read, workspace, after))
            except (Unauthorized, Forbidden, Gone, Unavailable):
                return
            if events:
                yield events
                continue
            if not await _is_set(changed, KEEP_ALIVE_SECONDS):
                yield b": nothing new\n\n"
            latest = await in_thread(partial(latest_rules_of, workspace.id))
            if latest is None or latest.is_disabled:
                return
            workspace = latest


def _events(
    workspace: WorkspaceRules,
    updates: list[Update],
    after: int,
    end: int,
    date_format: DateFormat,
) -> bytes:
    moments = update_moments(workspace)
    events = [
        b"id: %d\ndata: %s\n\n" % (update["offset"], json_bytes_in(update, moments, date_format))
        for update in updates
    ]
    if end > max([after, *(update["offset"] for update in updates)]):
        # An id without data is no event, and the client comes back after it.
        events.append(b"id: %d\n\n" % end)
    return b"".join(events)


async def _is_set(event: asyncio.Event, seconds: float) -> bool:
    """Whether the event was set within so many seconds."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
