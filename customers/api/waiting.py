"""Long polling and Server-Sent Events of the change feed."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from functools import partial

from configuration.queries.rules import WorkspaceRules, latest_rules_of
from contacthub_project.api.authentication import StillAuthenticated
from contacthub_project.api.renderers import json_bytes_in
from contacthub_project.core.date_format import DateFormat
from contacthub_project.core.errors import Forbidden, Gone, Unauthorized, Unavailable
from contacthub_project.db.shared_reads import shared
from contacthub_project.messaging.pubsub import feed_topic, subscriber
from customers.domain.updates import Update
from customers.queries.feed import read_page, update_moments
from customers.queries.feed_filter import FeedFilter

STREAM_SECONDS = 300.0  # then the client comes back with its Last-Event-ID
KEEP_ALIVE_SECONDS = 15.0
STREAM_PAGE = 500

Page = tuple[list[Update], int]


async def awaited_page(
    workspace: WorkspaceRules,
    *,
    after: int,
    size: int,
    feed_filter: FeedFilter,
    seconds: int,
    caller: StillAuthenticated,
) -> Page:
    """A page of updates; an empty one only when there was none for so many seconds.

    Raises Unauthorized when the caller's token has ended meanwhile.
    """

    page = await _shared_page(workspace, after, size, feed_filter)
    if page[0] or not seconds or not size:
        return page
    deadline = time.monotonic() + seconds
    async with subscriber.waiting_for(feed_topic(workspace.id)) as changed:
        while True:
            # What has happened before we listened would not be told.
            changed.clear()
            await caller.acheck()
            page = await _shared_page(workspace, page[1], size, feed_filter)
            left = deadline - time.monotonic()
            if page[0] or left <= 0 or subscriber.is_stopping:
                return page
            await changed.wait(left)


async def streamed(
    workspace: WorkspaceRules,
    *,
    after: int,
    feed_filter: FeedFilter,
    caller: StillAuthenticated,
    date_format: DateFormat,
) -> AsyncGenerator[bytes, None]:
    """The updates as Server-Sent Events, each with its offset as id, for five minutes.

    It ends with the caller's token: the client comes back by itself and is told why.
    """

    deadline = time.monotonic() + STREAM_SECONDS
    yield b"retry: 1000\n\n"
    async with subscriber.waiting_for(feed_topic(workspace.id)) as changed:
        while time.monotonic() < deadline and not subscriber.is_stopping:
            changed.clear()
            try:
                await caller.acheck()
                events, after = await _shared_events(workspace, after, feed_filter, date_format)
            except (Unauthorized, Forbidden, Gone, Unavailable):
                return
            if events:
                yield events
                continue
            if not await changed.wait(KEEP_ALIVE_SECONDS):
                yield b": nothing new\n\n"
            latest = await shared(("rules", workspace.id), partial(latest_rules_of, workspace.id))
            if latest is None or latest.is_disabled:
                return
            workspace = latest


async def _shared_page(
    workspace: WorkspaceRules, after: int, size: int, feed_filter: FeedFilter
) -> Page:
    key = ("page", workspace.id, workspace.version, after, size, feed_filter)
    return await shared(
        key, partial(read_page, workspace, after=after, size=size, feed_filter=feed_filter)
    )


async def _shared_events(
    workspace: WorkspaceRules, after: int, feed_filter: FeedFilter, date_format: DateFormat
) -> tuple[bytes, int]:
    def read() -> tuple[bytes, int]:
        updates, end = read_page(workspace, after=after, size=STREAM_PAGE, feed_filter=feed_filter)
        return _events(workspace, updates, after, end, date_format), end

    key = ("events", workspace.id, workspace.version, after, feed_filter, date_format)
    return await shared(key, read)


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
