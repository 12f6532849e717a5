from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema

from configuration.api.schema import EVENT_CONTEXT, EVENT_TYPE, MODES
from configuration.api.scoping import WorkspaceView
from configuration.domain.vocabulary import CONTEXTS, EVENT_TYPES
from configuration.models import NodeType
from configuration.models.event_type import LARGEST_LIMIT
from configuration.queries.rules import NodeRules
from contacthub_project.api.cursors import CursorPage
from contacthub_project.api.exception_handler import status_of
from contacthub_project.api.parameters import (
    CURSOR,
    ENTITY_PAGE,
    choice_parameter,
    id_parameter,
    list_parameter,
    moment_parameter,
    sort_parameter,
    text_parameter,
)
from contacthub_project.api.query import QueryParameters, id_or_unknown
from contacthub_project.api.renderers import JsonResponse, NoContent, NotModified, json_bytes
from contacthub_project.api.viewsets import absolute_address, expected_version, is_unchanged
from contacthub_project.core.array_forms import as_list
from contacthub_project.core.date_format import Positions
from contacthub_project.core.errors import Conflict, ContacthubError, Invalid, NotFound
from contacthub_project.core.identifiers import canonical_identifier
from contacthub_project.core.principal import READ
from customers.models import Customer
from events.actions.idempotency import answered_once
from events.actions.ingestion import Accepted, GivenEvent, Outcome, post_event, post_events
from events.actions.modification import delete_event, patch_event, replace_event
from events.api.schema import (
    BATCH,
    BATCH_RESULT,
    EVENT_ID,
    EVENT_INPUT,
    EVENT_UPDATE,
    EVENT_WITH_NEIGHBOURS,
    MOST_EVENTS,
    PAGE_OF_EVENTS,
)
from events.models import Event
from events.models.event import EventRow, Origin
from events.queries.aggregates import aggregate_of, as_seen_in, members_of
from events.queries.documents import duplicate_of, event_moments, shown_event
from events.queries.search import NEWEST_FIRST, SORTED_BY, Search, search_events

BATCH_BYTES = 16 * 1024 * 1024
LONGEST_KEY = 255
IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY},
    OpenApiParameter.HEADER,
    description=(
        "A key of the client's own for this request. The same key and body within a day are"
        " answered as the first time, and nothing is taken in twice; another body is refused."
    ),
)


class _EventWritingView(WorkspaceView):
    def explained(self, refusal: ContacthubError) -> ContacthubError:
        """A refusal; a conflict with the other event's address, or not a word to the untrusted."""
        if not isinstance(refusal, Conflict) or refusal.data is None:
            return refusal
        if not self.caller.may_read_profiles:
            return Conflict("Conflict with existing event", errors=refusal.errors)
        other = refusal.data["event"]["id"]
        href = absolute_address(self.request, f"/workspaces/{self.workspace.id}/events/{other}")
        data = {"event": {"id": other, "href": href}}
        return Conflict(refusal.message, errors=refusal.errors, data=data)


class _IngestingView(_EventWritingView):
    def answered_once(self, answer: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """What `answer` gives; with an Idempotency-Key, what it gave the first time."""
        key = self.request.headers.get("Idempotency-Key")
        if key is None:
            return answer()
        if not key.strip() or len(key) > LONGEST_KEY or not key.isprintable():
            message = f"must be 1 to {LONGEST_KEY} printable characters"
            raise Invalid.at("/Idempotency-Key", message, "header")
        scoped = f"{self.request.path}\n".encode() + self.request.body
        return answered_once(self.workspace.id, key, scoped, answer, by=self.caller)


class EventsView(_IngestingView):
    """Events of a customer, a node, or all nodes that the caller may read."""

    @extend_schema(
        parameters=[
            *ENTITY_PAGE,
            CURSOR,
            id_parameter("customerId", "Of one customer; an unknown one has no events."),
            id_parameter("nodeId", "Of one node; without it, of all the caller may read."),
            text_parameter("externalId", "With this id of the client's own."),
            list_parameter("type", "Of these types.", EVENT_TYPE),
            list_parameter("context", "In these contexts.", EVENT_CONTEXT),
            choice_parameter(
                "mode", MODES, "What customers did (ACTIVE), or what was done to them (PASSIVE)."
            ),
            moment_parameter("dateFrom", "From this moment on; a date is the whole day."),
            moment_parameter("dateTo", "Up to this moment; a date is the whole day."),
            sort_parameter(SORTED_BY, "date,desc"),
        ],
        responses={200: PAGE_OF_EVENTS},
    )
    def get(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        """Events that fit, the latest first unless `sort` says otherwise."""
        parameters = QueryParameters(request)
        customer_id, node_id = parameters.text("customerId"), parameters.text("nodeId")
        external_id = canonical_identifier(parameters.text("externalId") or "") or None
        types = self.types(parameters)
        contexts = named(parameters, "context", CONTEXTS)
        zone = self.workspace.zone
        earliest, latest = parameters.span("dateFrom", zone), parameters.span("dateTo", zone)
        date_from = None if earliest is None else earliest.first
        date_to = None if latest is None else latest.after
        sort = parameters.sort(default=NEWEST_FIRST)
        for key in sort:
            if key.field not in SORTED_BY:
                parameters.fault("sort", f"must be one of {', '.join(SORTED_BY)}")
        order = [[key.field, key.descending] for key in sort]
        given = [parameters.text("dateFrom"), parameters.text("dateTo")]
        filters = [external_id, types, contexts, *given]
        scope = ["events", self.workspace.id, customer_id, node_id, filters, order]
        page = CursorPage.asked_for(parameters, scope)
        parameters.raise_faults()
        node = self.readable_node(node_id) if node_id else None
        owners: list[UUID] = []
        if customer_id:
            known = self.readable_customer(customer_id)
            if known is None:
                return JsonResponse(page.of([], total=0, unfiltered=0, last=None))
            owner, where = known
            owners = [owner]
            if where.type == NodeType.AGGREGATE:
                owners += members_of(self.workspace.id, owner)
                node = node or where
        search = Search(
            owners, node, self.readable_nodes(), external_id, types, contexts,
            date_from, date_to, sort, page.page, page.after,
        )  # fmt: skip
        found = search_events(self.workspace.id, search)
        elements = [shown_event(row, self.workspace) for row in found.rows]
        if node is not None and node.type == NodeType.AGGREGATE:
            elements = as_seen_in(node.id, elements)
        return JsonResponse(
            page.of(elements, total=found.total, unfiltered=found.unfiltered, last=found.last)
        )

    def types(self, parameters: QueryParameters) -> list[str]:
        """The types that `type` and `mode` ask for; empty for all."""
        types = named(parameters, "type", EVENT_TYPES)
        mode = parameters.choice("mode", MODES, default=None)
        if mode is None:
            return types
        fitting = [name for name, event in EVENT_TYPES.items() if event.mode == mode]
        types = [name for name in types if name in fitting] if types else fitting
        return types or [""]  # types of the other mode only: nothing fits

    def moments(self) -> Positions:
        return {"elements": (event_moments(self.workspace),)}

    def readable_nodes(self) -> list[NodeRules]:
        """All nodes of the workspace that the caller may read."""
        return [node for node in self.workspace.nodes.values() if self.caller.may(READ, node.id)]

    def readable_customer(self, customer_id: str) -> tuple[UUID, NodeRules] | None:
        """A live customer's id and node, None for an unknown one.

        Raises Forbidden when the caller may not read the node.
        """
        row = Customer.objects.live_row(self.workspace.id, id_or_unknown(customer_id))
        if row is None or self.node_rules(row.node_id) is None:
            return None
        return UUID(row.id), self.readable_node(row.node_id)

    @extend_schema(
        parameters=[IDEMPOTENCY_KEY],
        request={"application/json": EVENT_INPUT},
        responses={202: EVENT_ID},
    )
    def post(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        """Take in an event. When this is answered it is kept for good, and can be read."""
        given = GivenEvent(self.body(limit=LARGEST_LIMIT), len(request.body))

        def answer() -> dict[str, Any]:
            return {"id": post_event(self.workspace, given, by=self.caller)}

        try:
            return JsonResponse(self.answered_once(answer), status=202)
        except Conflict as conflict:
            raise self.explained(conflict) from None


class EventBatchView(_IngestingView):
    @extend_schema(
        parameters=[IDEMPOTENCY_KEY],
        request={"application/json": BATCH},
        responses={202: BATCH_RESULT},
    )
    def post(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        """Take in up to 1000 events; each is taken or refused by itself, in their order."""
        events = as_list(self.body(limit=BATCH_BYTES).get("events"))
        if not isinstance(events, list) or not 0 < len(events) <= MOST_EVENTS:
            message = f"must be a list of 1 to {MOST_EVENTS} events"
            raise Invalid.at("/events", message, "maxItems")
        given = [GivenEvent(event, len(json_bytes(event))) for event in events]

        def answer() -> dict[str, Any]:
            outcomes = post_events(self.workspace, given, by=self.caller)
            return {"elements": [self.outcome(each) for each in outcomes]}

        return JsonResponse(self.answered_once(answer), status=202)

    def outcome(self, outcome: Outcome) -> dict[str, Any]:
        """What the answer says of one event."""
        if isinstance(outcome, Accepted):
            return {"status": 202, "id": outcome.id}
        refusal = self.explained(outcome)
        errors = [
            {"path": each.path, "message": each.message, "code": each.code, "data": each.data}
            for each in refusal.errors
        ]
        told = {"status": status_of(refusal), "message": refusal.message, "errors": errors}
        return told if refusal.data is None else told | {"data": refusal.data}


class EventView(_EventWritingView):
    """One event."""

    @extend_schema(
        parameters=[
            choice_parameter(
                "nav",
                ["CUSTOMER"],
                "Tells in `prev` and `next` the customer's events before and after this one.",
            ),
            id_parameter(
                "nodeId",
                "The node in which it is read: its own, or an aggregate node that shows it as a"
                " DUPLICATE of the aggregate customer's.",
            ),
        ],
        responses={200: EVENT_WITH_NEIGHBOURS},
    )
    def get(self, request: HttpRequest, workspace_id: str, id: str) -> HttpResponse:
        parameters = QueryParameters(request)
        navigates = parameters.choice("nav", ["CUSTOMER"], default=None) is not None
        node_id = parameters.text("nodeId")
        parameters.raise_faults()
        row = self.row(id)
        if node_id is None:
            self.readable_node(row.node_id)
            event = shown_event(row, self.workspace)
        else:
            event = self.seen_in(self.readable_node(node_id), row)
        # A duplicate becomes another person's without a new version.
        if (
            not navigates
            and event["origin"] != Origin.DUPLICATE
            and is_unchanged(request, event["version"])
        ):
            return NotModified(event["version"])
        previous = following = None
        if navigates and event["customerId"] is not None:
            owner = UUID(event["customerId"])
            owners = [owner, *members_of(self.workspace.id, owner)]
            previous, following = Event.objects.neighbours(
                self.workspace.id, UUID(event["id"]), owners
            )
        return JsonResponse(event | {"prev": previous, "next": following}, version=event["version"])

    def moments(self) -> Positions:
        return event_moments(self.workspace)

    def seen_in(self, node: NodeRules, row: EventRow) -> dict[str, Any]:
        """The event as a node shows it; raises NotFound when it does not."""
        event = shown_event(row, self.workspace)
        if UUID(event["nodeId"]) == node.id:
            return event
        if node.type == NodeType.AGGREGATE and event["customerId"] is not None:
            person = aggregate_of(node.id, UUID(event["customerId"]))
            if person is not None:
                return duplicate_of(event, customer_id=person, node_id=node.id)
        raise NotFound(f"event not found {event['id']} in node {node.id}")

    @extend_schema(request={"application/json": EVENT_UPDATE}, responses={202: EVENT_ID})
    def put(self, request: HttpRequest, workspace_id: str, id: str) -> JsonResponse:
        event_id = self.writable(id)
        given = GivenEvent(self.body(limit=LARGEST_LIMIT), len(request.body))
        expected = expected_version(request)
        try:
            replace_event(
                self.workspace, event_id, given, by=self.caller, expected_version=expected
            )
        except Conflict as conflict:
            raise self.explained(conflict) from None
        return JsonResponse({"id": event_id}, status=202)

    @extend_schema(request={"application/json": EVENT_UPDATE}, responses={202: EVENT_ID})
    def patch(self, request: HttpRequest, workspace_id: str, id: str) -> JsonResponse:
        event_id = self.writable(id)
        given = GivenEvent(self.body(limit=LARGEST_LIMIT), len(request.body))
        expected = expected_version(request)
        try:
            patch_event(self.workspace, event_id, given, by=self.caller, expected_version=expected)
        except Conflict as conflict:
            raise self.explained(conflict) from None
        return JsonResponse({"id": event_id}, status=202)

    @extend_schema(responses={204: None})
    def delete(self, request: HttpRequest, workspace_id: str, id: str) -> HttpResponse:
        event_id = self.writable(id)
        delete_event(self.workspace, event_id, expected_version=expected_version(request))
        return NoContent()

    def row(self, event_id: str) -> EventRow:
        """An event of the workspace, whoever asks; raises NotFound."""
        row = Event.objects.one_row(self.workspace.id, id_or_unknown(event_id))
        if row is None or self.node_rules(row.node_id) is None:
            raise NotFound(f"event not found {event_id}")
        return row

    def writable(self, event_id: str) -> UUID:
        """The id of an event in a node the caller may write; raises NotFound, Forbidden."""
        row = self.row(event_id)
        self.writable_node(row.node_id)
        return UUID(row.id)


def named(parameters: QueryParameters, name: str, known: Any) -> list[str]:
    """The names of a comma-separated parameter, each of which must be known."""
    given = parameters.listed(name)
    for each in given:
        if each not in known:
            parameters.fault(name, f"{each} is not known")
    return given
