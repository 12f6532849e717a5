"""The change feed: changes of customers and events, and verification of what was read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial

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
from contacthub_project.db.shared_reads import shared
from contacthub_project.runtime.blocking import in_thread_if_blocking
from customers.api.feed_schema import DIGEST, LAST_OFFSET, UPDATES
from customers.api.waiting import awaited_page, streamed
from customers.models import ChangeEntity
from customers.queries.feed import digest_of, last_offset, start_at, update_moments
from customers.queries.feed_filter import FeedFilter

LONGEST_WAIT = 60
EVENT_STREAM = "text/event-stream"
LARGEST_PAGE = 4000  # reference: Get an update stream
DEFAULT_PAGE = 50
FILTERS = [
    id_parameter(
        "nodeId", "Only entities of this node; of all that the caller reads unless given."
    ),
    choice_parameter(
        "entity",
        ChangeEntity.values,
        "Only entities of this kind; customers and events unless given.",
    ),
]
MOST_VERIFIED = 100_000


@dataclass(frozen=True, slots=True)
class UpdateRequest:
    """The requested changes: those after an offset, within so many seconds."""

    offset: int | None
    since: datetime | None
    size: int
    seconds: int
    feed_filter: FeedFilter
    caller: StillAuthenticated


class UpdateStreamViewSet(WorkspaceScopedViewSet):
    """Changes of customers and events, in commit order."""

    waiting_actions = frozenset({"list"})

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
        """Return changes after an offset or a moment; clients may wait for them, or stream them."""
        requested = await in_thread_if_blocking(self.requested)
        start = partial(start_at, self.workspace.id, offset=requested.offset, since=requested.since)
        after = await shared(("start", self.workspace.id, requested.offset, requested.since), start)
        if self.is_stream:
            return AsyncStream(
                streamed(
                    self.workspace,
                    after=after,
                    feed_filter=requested.feed_filter,
                    caller=requested.caller,
                    date_format=self.date_format,
                ),
                content_type="text/event-stream",
                headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
            )
        updates, following = await awaited_page(
            self.workspace,
            after=after,
            size=requested.size,
            feed_filter=requested.feed_filter,
            seconds=requested.seconds,
            caller=requested.caller,
        )
        return JsonResponse({"nextOffset": following, "updates": updates})

    def requested(self) -> UpdateRequest:
        """Read the request; raises Invalid."""
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
        caller = StillAuthenticated(self.request)
        return UpdateRequest(offset, since, size, seconds, feed_filter, caller)

    @extend_schema(parameters=FILTERS, responses={200: LAST_OFFSET})
    def last_offset(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        """Return the offset of the latest change, from which a new client continues."""
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
        """Return count and hash of a range of changes, to prove that none was missed or read twice.

        `hash` is the SHA-256 of one line for each change in the order of offsets, each ended by a
        line feed: `offset`, the entity's id and the operation, with a space between. The operation
        is `recordedOperation` where a change has it, else `operation`.
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
        found = digest_of(self.workspace.id, first=first, last=last, feed_filter=feed_filter)
        return JsonResponse(
            {"from": found.first, "to": found.last, "count": found.count, "hash": found.hash}
        )

    def feed_filter(self, parameters: QueryParameters) -> FeedFilter:
        """Return the filter of the parameters, restricted to nodes that the caller may read.

        Raises Invalid for every fault of the parameters read so far, NotFound, Forbidden.
        """
        node_id = parameters.text("nodeId")
        entity = parameters.choice("entity", ChangeEntity.values, default=None)
        parameters.raise_faults()
        entities = () if entity is None else (entity,)
        if node_id is not None:
            return FeedFilter((self.readable_node(node_id).id,), entities, duplicates=True)
        nodes = self.caller.nodes_with(READ)
        return FeedFilter(None if nodes is None else tuple(nodes), entities)

    def moments(self) -> Positions:
        """Return the positions of timestamps in a page of changes."""
        return {"updates": (update_moments(self.workspace),)}

    @property
    def is_stream(self) -> bool:
        """Return whether the client accepts Server-Sent Events."""
        return EVENT_STREAM in self.request.headers.get("Accept", "")

    def last_event_id(self, parameters: QueryParameters) -> int | None:
        """Return the offset at which a reconnecting client continues."""
        header = self.request.headers.get("Last-Event-ID")
        if header is None:
            return None
        if not header.isascii() or not header.isdigit() or len(header) > 18:
            parameters.fault("Last-Event-ID", "must be an offset")
            parameters.raise_faults()
        return int(header)
