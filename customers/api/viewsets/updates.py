"""The change feed: what happened to customers and events, and proof that none was missed."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema

from configuration.api.scoping import WorkspaceScopedViewSet
from contacthub_project.api.authentication import StillAuthenticated
from contacthub_project.api.parameters import choice_parameter, id_parameter, number_parameter
from contacthub_project.api.query import QueryParameters
from contacthub_project.api.renderers import AsyncStream, JsonResponse
from contacthub_project.core.date_format import Positions
from contacthub_project.core.principal import READ
from contacthub_project.core.timestamps import timestamp_from_epoch_ms
from contacthub_project.runtime.concurrency import in_thread
from customers.api.schema import DIGEST, LAST_OFFSET, UPDATES
from customers.api.waiting import awaited_page, streamed
from customers.models import ChangeEntity
from customers.queries.feed import FeedFilter, digest_of, last_offset, start_at, update_moments

LONGEST_WAIT = 60
EVENT_STREAM = "text/event-stream"
LARGEST_PAGE = 4000  # reference: Get an update stream
DEFAULT_PAGE = 50
FILTERS = [
    id_parameter(
        "nodeId", "Only entities of this node; of all that the caller reads unless given."
    ),
    choice_parameter("entity", ChangeEntity.values, "Only entities of this kind."),
]
MOST_VERIFIED = 100_000


@dataclass(frozen=True, slots=True)
class _Asked:
    """Which updates: what comes after an offset, after so many seconds at the latest."""

    after: int
    size: int
    seconds: int
    wanted: FeedFilter
    caller: StillAuthenticated


class UpdateStreamViewSet(WorkspaceScopedViewSet):
    """What happened to customers and events, in an order into which nothing slips later."""

    @extend_schema(
        parameters=[
            number_parameter(
                "offset", "Read what comes after this offset; from the first one unless given."
            ),
            number_parameter(
                "timestamp",
                "Read from this moment on, in milliseconds since 1970; `offset` comes first.",
            ),
            number_parameter(
                "size", "At most so many updates.", most=LARGEST_PAGE, default=DEFAULT_PAGE
            ),
            number_parameter(
                "wait",
                "Seconds to wait for the first update when there is none yet.",
                most=LONGEST_WAIT,
                default=0,
            ),
            *FILTERS,
        ],
        responses={200: UPDATES},
    )
    async def list(self, request: HttpRequest, workspace_id: str) -> HttpResponseBase:
        """Updates after an offset or a moment; clients may wait for them, or have a stream."""
        asked = await in_thread(self.asked)
        if self.is_stream:
            return AsyncStream(
                streamed(
                    self.workspace,
                    after=asked.after,
                    wanted=asked.wanted,
                    caller=asked.caller,
                    date_format=self.date_format,
                ),
                content_type="text/event-stream",
                headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
            )
        updates, following = await awaited_page(
            self.workspace,
            after=asked.after,
            size=asked.size,
            wanted=asked.wanted,
            seconds=asked.seconds,
            caller=asked.caller,
        )
        return JsonResponse({"nextOffset": following, "updates": updates})

    def asked(self) -> _Asked:
        """What the request asks for; raises Invalid."""
        parameters = QueryParameters(self.request)
        size = parameters.whole_number("size", default=DEFAULT_PAGE, most=LARGEST_PAGE)
        offset = parameters.whole_number("offset", default=None)
        milliseconds = parameters.whole_number("timestamp", default=None)
        seconds = parameters.whole_number("wait", default=0, most=LONGEST_WAIT)
        feed_filter = self.feed_filter(parameters)
        since = None if milliseconds is None else timestamp_from_epoch_ms(milliseconds)
        if milliseconds is not None and since is None:
            parameters.fault("timestamp", "is no moment")
            parameters.raise_faults()
        if self.is_stream:
            offset = self.last_event_id(parameters) or offset
        after = start_at(self.workspace.id, offset=offset, since=since)
        return _Asked(after, size, seconds, feed_filter, StillAuthenticated(self.request))

    @extend_schema(parameters=FILTERS, responses={200: LAST_OFFSET})
    def last_offset(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        """The offset of the latest update, where a client that begins now goes on."""
        feed_filter = self.feed_filter(QueryParameters(request))
        return JsonResponse({"lastOffset": last_offset(self.workspace.id, feed_filter)})

    @extend_schema(
        parameters=[
            number_parameter("from", "The first offset.", least=1, required=True),
            number_parameter(
                "to",
                f"The last offset; at most {MOST_VERIFIED} offsets from the first to the last.",
                least=1,
                required=True,
            ),
            *FILTERS,
        ],
        responses={200: DIGEST},
    )
    def verify(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        """Count and hash of a range of updates, to prove that none was missed or read twice.

        `hash` is the SHA-256 of one line for each update in the order of offsets, each ended by a
        line feed: `offset`, the entity's id and the operation, with a space between. The operation
        is `recordedOperation` where an update has it, else `operation`.
        """
        parameters = QueryParameters(request)
        first = parameters.whole_number("from", default=None, least=1)
        last = parameters.whole_number("to", default=None, least=1)
        for name in ("from", "to"):
            if not parameters.has(name):
                parameters.fault(name, "is required")
        if first is not None and last is not None and not first <= last < first + MOST_VERIFIED:
            parameters.fault("to", f"must be at least `from`, and at most {MOST_VERIFIED - 1} more")
        feed_filter = self.feed_filter(parameters)
        assert first is not None
        assert last is not None
        found = digest_of(self.workspace.id, first=first, last=last, wanted=feed_filter)
        return JsonResponse(
            {"from": found.first, "to": found.last, "count": found.count, "hash": found.hash}
        )

    def feed_filter(self, parameters: QueryParameters) -> FeedFilter:
        """The changes that the parameters name, as far as the caller may read their nodes.

        Raises Invalid for every fault of the parameters read so far, NotFound, Forbidden.
        """
        node_id = parameters.text("nodeId")
        entity = parameters.choice("entity", ChangeEntity.values, default=None)
        parameters.raise_faults()
        if node_id is not None:
            return FeedFilter([self.readable_node(node_id).id], entity, duplicates=True)
        return FeedFilter(self.caller.nodes_with(READ), entity)

    def moments(self) -> Positions:
        """Where moments stand in a page of updates."""
        return {"updates": (update_moments(self.workspace),)}

    @property
    def is_stream(self) -> bool:
        """Whether the client asks for Server-Sent Events."""
        return EVENT_STREAM in self.request.headers.get("Accept", "")

    def last_event_id(self, parameters: QueryParameters) -> int | None:
        """Where a client that comes back wants to go on."""
        header = self.request.headers.get("Last-Event-ID")
        if header is None:
            return None
        if not header.isascii() or not header.isdigit() or len(header) > 18:
            parameters.fault("Last-Event-ID", "must be an offset")
            parameters.raise_faults()
        return int(header)
