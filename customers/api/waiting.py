"""Answers that are held until something happens: waiting polls and Server-Sent Events."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from configuration.queries.rules import WorkspaceRules, latest_rules_of
from contacthub_project.api.authentication import StillAuthenticated
from contacthub_project.api.renderers import json_bytes_in
from contacthub_project.core.date_format import DateFormat
from contacthub_project.core.errors import Forbidden, Gone, Unauthorized, Unavailable
from contacthub_project.messaging.pubsub import feed_topic, subscriber
from contacthub_project.runtime.concurrency import request_limiter
from customers.queries.feed import FeedFilter, read_page, update_moments

STREAM_SECONDS = 300.0  # then the client comes back with its Last-Event-ID
KEEP_ALIVE_SECONDS = 15.0
STREAM_PAGE = 500

Page = tuple[list[dict[str, Any]], int]


def awaited_page(
    workspace: WorkspaceRules,
    *,
    after: int,
    size: int,
    wanted: FeedFilter,
    seconds: int,
    caller: StillAuthenticated,
) -> Page:
    """A page of updates; an empty one only when there was none for so many seconds.

    When too many wait already, the answer is what there is at once. Raises Unauthorized when the
    caller's token has ended meanwhile.
    """
    page = read_page(workspace, after=after, size=size, wanted=wanted)
    if page[0] or not seconds or not size:
        return page
    deadline = time.monotonic() + seconds
    with subscriber.waiting_for(feed_topic(workspace.id)) as changed:
        if changed is None:
            return page
        while True:
            # What has happened before we listened would not be told.
            changed.clear()
            page = read_page(workspace, after=page[1], size=size, wanted=wanted)
            left = deadline - time.monotonic()
            if page[0] or left <= 0:
                return page
            with request_limiter.released():
                changed.wait(left)
            caller.check()


def streamed(
    workspace: WorkspaceRules,
    *,
    after: int,
    wanted: FeedFilter,
    caller: StillAuthenticated,
    date_format: DateFormat,
) -> Iterator[bytes]:
    """The updates as Server-Sent Events, each with its offset as id, for five minutes.

    When too many wait already, it ends with what there is: clients come back by themselves. It ends
    with the caller's token, too.
    """
    deadline = time.monotonic() + STREAM_SECONDS
    yield b"retry: 1000\n\n"
    with subscriber.waiting_for(feed_topic(workspace.id)) as changed:
        while time.monotonic() < deadline:
            if changed is not None:
                changed.clear()
            try:
                caller.check()
                updates, end = read_page(workspace, after=after, size=STREAM_PAGE, wanted=wanted)
            except (Unauthorized, Forbidden, Gone, Unavailable):
                return  # the client comes back and is told why
            moments = update_moments(workspace)
            for update in updates:
                data = json_bytes_in(update, moments, date_format)
                yield b"id: %d\ndata: %s\n\n" % (update["offset"], data)
            if end > max([after, *(update["offset"] for update in updates)]):
                # An id without data is no event, and the client comes back after it.
                yield b"id: %d\n\n" % end
            after = end
            if updates:
                continue
            if changed is None:
                return
            if not changed.wait(KEEP_ALIVE_SECONDS):
                yield b": nothing new\n\n"
            latest = latest_rules_of(workspace.id)
            if latest is None or latest.is_disabled:
                return
            workspace = latest
