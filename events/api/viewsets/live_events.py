"""Incoming events, accepted and refused, for developers of integrations."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncGenerator, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema

from configuration.api.scoping import WorkspaceScopedViewSet
from configuration.domain.vocabulary import EVENT_TYPES
from contacthub_project.api.authentication import StillAuthenticated
from contacthub_project.api.parameters import (
    choice_parameter,
    id_parameter,
    number_parameter,
    text_parameter,
)
from contacthub_project.api.query import QueryParameters, id_or_unknown
from contacthub_project.api.renderers import AsyncStream, JsonResponse, json_bytes_in
from contacthub_project.core.date_format import Positions
from contacthub_project.core.errors import Forbidden, Gone, Unauthorized, Unavailable
from contacthub_project.core.principal import READ
from contacthub_project.db.shared_reads import shared
from contacthub_project.messaging.pubsub import feed_topic, subscriber
from contacthub_project.runtime.blocking import in_thread_if_blocking
from events.api.schema import LIVE_EVENTS
from events.queries.live import LiveFilter, LivePosition, position_now, read_live

EVENT_STREAM = "text/event-stream"
STREAM_SECONDS = 300.0  # then the client comes back with its Last-Event-ID
KEEP_ALIVE_SECONDS = 15.0
LONGEST_WAIT = 60
POSITION = re.compile(r"(\d{1,18})\.([0-9a-f-]{36})", re.ASCII)

Page = tuple[list[dict[str, Any]], LivePosition]


class LiveEventViewSet(WorkspaceScopedViewSet):
    """Incoming events: as Server-Sent Events, or as pages for clients that poll."""

    waiting_actions = frozenset({"list"})

    @extend_schema(
        parameters=[
            id_parameter("sourceId", "Events that this source sends."),
            choice_parameter("type", [*EVENT_TYPES], "Events of this type."),
            id_parameter(
                "nodeId", "Events of this node; of all that the caller reads if not given."
            ),
            text_parameter(
                "after", "The `next` of the answer before; what comes from now on unless given."
            ),
            number_parameter(
                "wait",
                "Seconds to wait for the first event when there is none yet.",
                most=LONGEST_WAIT,
                default=0,
            ),
        ],
        responses={200: LIVE_EVENTS},
    )
    async def list(self, request: HttpRequest, workspace_id: str) -> HttpResponseBase:
        """Events since a position; clients may wait for them, or have a stream."""
        live_filter, after, seconds = await in_thread_if_blocking(self.read_parameters)
        caller = StillAuthenticated(request)
        if after is None:
            now = partial(position_now, self.workspace.id)
            after = await shared(("live", self.workspace.id), now)
        if EVENT_STREAM in request.headers.get("Accept", ""):
            return AsyncStream(
                self.stream(after, live_filter, caller),
                content_type=EVENT_STREAM,
                headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
            )
        elements, following = await self.wait_for_page(after, live_filter, seconds, caller)
        return JsonResponse({"elements": elements, "next": str(following)})

    def read_parameters(self) -> tuple[LiveFilter, LivePosition | None, int]:
        """Read filter, position and seconds to wait; raises Invalid, NotFound, Forbidden."""
        parameters = QueryParameters(self.request)
        source, node = parameters.text("sourceId"), parameters.text("nodeId")
        event_type = parameters.choice("type", [*EVENT_TYPES], default=None)
        seconds = parameters.whole_number("wait", default=0, most=LONGEST_WAIT)
        given = parameters.text("after") or self.request.headers.get("Last-Event-ID")
        after = None if given is None else _position(given)
        if given is not None and after is None:
            parameters.fault("after", "must be the `next` of an answer")
        parameters.raise_faults()
        if node is not None:
            nodes: tuple[UUID, ...] | None = (self.readable_node(node).id,)
        else:
            readable = self.caller.nodes_with(READ)
            nodes = None if readable is None else tuple(readable)
        source_id = None if source is None else id_or_unknown(source)
        return LiveFilter(nodes, source_id, event_type), after, seconds

    async def wait_for_page(
        self, after: LivePosition, live_filter: LiveFilter, seconds: int, caller: StillAuthenticated
    ) -> Page:
        """Return a page; an empty one only when nothing came within so many seconds."""
        page = await self.page(after, live_filter)
        if page[0] or not seconds:
            return page
        deadline = time.monotonic() + seconds
        async with subscriber.waiting_for(feed_topic(self.workspace.id)) as changed:
            while True:
                changed.clear()  # earlier changes are not notified
                await caller.acheck()
                page = await self.page(page[1], live_filter)
                left = deadline - time.monotonic()
                if page[0] or left <= 0 or subscriber.is_stopping:
                    return page
                await changed.wait(left)

    async def stream(
        self, after: LivePosition, live_filter: LiveFilter, caller: StillAuthenticated
    ) -> AsyncGenerator[bytes, None]:
        """Yield Server-Sent Events, until the caller's token ends."""
        deadline = time.monotonic() + STREAM_SECONDS
        yield b"retry: 1000\nid: %s\n\n" % str(after).encode()
        async with subscriber.waiting_for(feed_topic(self.workspace.id)) as changed:
            while time.monotonic() < deadline and not subscriber.is_stopping:
                changed.clear()
                try:
                    await caller.acheck()
                    elements, after = await self.page(after, live_filter)
                except (Unauthorized, Forbidden, Gone, Unavailable):
                    return
                if elements:
                    yield self.render_events(elements, after)
                elif not await changed.wait(KEEP_ALIVE_SECONDS):
                    yield b": nothing new\n\n"

    async def page(self, after: LivePosition, live_filter: LiveFilter) -> Page:
        """Return the events since a position; equal concurrent requests share one read."""
        key = ("live", self.workspace.id, self.workspace.version, after, live_filter)
        return await shared(key, partial(read_live, self.workspace, after, live_filter))

    def render_events(self, elements: Sequence[dict[str, Any]], after: LivePosition) -> bytes:
        """Return the events as a part of the stream, followed by the position after them."""
        parts = [
            b"event: %s\ndata: %s\n\n"
            % (each["outcome"].lower().encode(), json_bytes_in(each, None, self.date_format))
            for each in elements
        ]
        return b"".join([*parts, b"id: %s\n\n" % str(after).encode()])

    def moments(self) -> Positions:
        """The positions of timestamps that are text: when an accepted event was registered."""
        return {"elements": ({"moment": True},)}


def _position(text: str) -> LivePosition | None:
    found = POSITION.fullmatch(text)
    if found is None:
        return None
    return LivePosition(int(found[1]), id_or_unknown(found[2]))
