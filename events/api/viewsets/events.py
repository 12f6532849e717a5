"""Events: search, create, read, change, delete."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from drf_spectacular.utils import extend_schema

from configuration.models import NodeType
from configuration.models.event_type import LARGEST_LIMIT
from configuration.queries.rules import NodeRules
from contacthub_project.api.parameters import choice_parameter, id_parameter
from contacthub_project.api.query import QueryParameters, id_or_unknown
from contacthub_project.api.renderers import JsonResponse, NoContent, NotModified
from contacthub_project.api.request_headers import expected_version, is_unchanged
from contacthub_project.core.date_format import Positions
from contacthub_project.core.errors import Conflict, NotFound
from contacthub_project.core.principal import READ
from customers.models import Customer
from events.actions.ingestion import GivenEvent, post_event
from events.actions.modification import delete_event, patch_event, replace_event
from events.api.schema import (
    EVENT_ID,
    EVENT_INPUT,
    EVENT_UPDATE,
    EVENT_WITH_NEIGHBOURS,
    PAGE_OF_EVENTS,
)
from events.api.scoping import EventWritingViewSet
from events.api.search_parameters import SEARCH_PARAMETERS, SearchParameters
from events.models import Event
from events.models.event import EventRow, Origin
from events.queries.aggregates import aggregate_of, as_seen_in, members_of
from events.queries.documents import (
    EventResponse,
    duplicate_of,
    event_moments,
    visible_event,
)
from events.queries.search import Search, search_events


class EventViewSet(EventWritingViewSet):
    """Events of a workspace."""

    @extend_schema(parameters=SEARCH_PARAMETERS, responses={200: PAGE_OF_EVENTS})
    def list(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        """Return events of a customer, a node, or all nodes that the caller may read.

        The latest come first unless `sort` is given.
        """
        parameters = SearchParameters.read(request, self.workspace)
        page = parameters.page
        node = self.readable_node(parameters.node_id) if parameters.node_id else None
        owners: Sequence[UUID] = []
        if parameters.customer_id:
            known = self.readable_customer(parameters.customer_id)
            if known is None:
                return JsonResponse(page.of([], total=0, unfiltered=0, last=None))
            owner, where = known
            owners = [owner]
            if where.type == NodeType.AGGREGATE:
                owners = [owner, *members_of(self.workspace.id, owner)]
                node = node or where
        search = Search(
            customer_ids=owners,
            node=node,
            readable=self.readable_nodes(),
            external_id=parameters.external_id,
            types=parameters.types,
            contexts=parameters.contexts,
            date_from=parameters.date_from,
            before=parameters.before,
            sort=parameters.sort,
            page=page.page,
            after=page.after,
        )
        found = search_events(self.workspace.id, search)
        elements = [visible_event(row, self.workspace) for row in found.rows]
        if node is not None and node.type == NodeType.AGGREGATE:
            elements = as_seen_in(self.workspace.id, node.id, elements)
        return JsonResponse(
            page.of(elements, total=found.total, unfiltered=found.unfiltered, last=found.last)
        )

    @extend_schema(
        request={"application/json": EVENT_INPUT},
        responses={202: EVENT_ID},
    )
    async def create(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        """Store an event. Once this has responded it is durable, and can be read."""
        given = GivenEvent(self.body(limit=LARGEST_LIMIT), len(request.body))
        try:
            event_id = await post_event(self.workspace, given, by=self.caller)
        except Conflict as conflict:
            raise self.refusal_for_caller(conflict) from None
        return JsonResponse({"id": event_id}, status=202)

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
    def retrieve(self, request: HttpRequest, workspace_id: str, id: str) -> HttpResponse:
        """Return one event; 304 when the client has its version."""
        parameters = QueryParameters(request)
        navigates = parameters.choice("nav", ["CUSTOMER"], default=None) is not None
        node_id = parameters.text("nodeId")
        parameters.raise_faults()
        row = self.event_row(id)
        if node_id is None:
            self.readable_node(row.node_id)
            event = visible_event(row, self.workspace)
        else:
            event = self.event_in_node(self.readable_node(node_id), row)
        # A duplicate can move to another aggregate customer without a new version.
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

    @extend_schema(request={"application/json": EVENT_UPDATE}, responses={202: EVENT_ID})
    def update(self, request: HttpRequest, workspace_id: str, id: str) -> JsonResponse:
        """Replace an event."""
        event_id = self.writable_event(id)
        given = GivenEvent(self.body(limit=LARGEST_LIMIT), len(request.body))
        expected = expected_version(request)
        try:
            replace_event(
                self.workspace, event_id, given, by=self.caller, expected_version=expected
            )
        except Conflict as conflict:
            raise self.refusal_for_caller(conflict) from None
        return JsonResponse({"id": event_id}, status=202)

    @extend_schema(request={"application/json": EVENT_UPDATE}, responses={202: EVENT_ID})
    def partial_update(self, request: HttpRequest, workspace_id: str, id: str) -> JsonResponse:
        """Change the sent properties of an event."""
        event_id = self.writable_event(id)
        given = GivenEvent(self.body(limit=LARGEST_LIMIT), len(request.body))
        expected = expected_version(request)
        try:
            patch_event(self.workspace, event_id, given, by=self.caller, expected_version=expected)
        except Conflict as conflict:
            raise self.refusal_for_caller(conflict) from None
        return JsonResponse({"id": event_id}, status=202)

    @extend_schema(responses={204: None})
    def destroy(self, request: HttpRequest, workspace_id: str, id: str) -> HttpResponse:
        """Delete an event."""
        event_id = self.writable_event(id)
        delete_event(self.workspace, event_id, expected_version=expected_version(request))
        return NoContent()

    def moments(self) -> Positions:
        """Return the positions of timestamps in an event, and in a page of them."""
        event = event_moments(self.workspace)
        return {"elements": (event,)} if self.action == "list" else event

    def readable_nodes(self) -> Sequence[NodeRules]:
        """Return all nodes of the workspace that the caller may read."""
        return [node for node in self.workspace.nodes.values() if self.caller.may(READ, node.id)]

    def readable_customer(self, customer_id: str) -> tuple[UUID, NodeRules] | None:
        """Return a live customer's id and node, None for an unknown one.

        Raises Forbidden when the caller may not read the node.
        """
        row = Customer.objects.live_row(self.workspace.id, id_or_unknown(customer_id))
        if row is None or self.node_rules(row.node_id) is None:
            return None
        return UUID(row.id), self.readable_node(row.node_id)

    def event_in_node(self, node: NodeRules, row: EventRow) -> EventResponse:
        """Return the event as it is in a node; raises NotFound when it is not there."""
        event = visible_event(row, self.workspace)
        if UUID(event["nodeId"]) == node.id:
            return event
        if node.type == NodeType.AGGREGATE and event["customerId"] is not None:
            person = aggregate_of(self.workspace.id, node.id, UUID(event["customerId"]))
            if person is not None:
                return duplicate_of(event, customer_id=person, node_id=node.id)
        raise NotFound(f"event not found {event['id']} in node {node.id}")

    def event_row(self, event_id: str) -> EventRow:
        """Return an event of the workspace, without a check of nodes; raises NotFound."""
        row = Event.objects.one_row(self.workspace.id, id_or_unknown(event_id))
        if row is None or self.node_rules(row.node_id) is None:
            raise NotFound(f"event not found {event_id}")
        return row

    def writable_event(self, event_id: str) -> UUID:
        """Return the id of an event in a writable node; raises NotFound, Forbidden."""
        row = self.event_row(event_id)
        self.writable_node(row.node_id)
        return UUID(row.id)
