"""Customers: search, create, read, change, delete."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from drf_spectacular.utils import extend_schema

from configuration.queries.rules import NodeRules
from contacthub_project.api.cursors import CursorPage
from contacthub_project.api.pagination import LARGEST_MATCH
from contacthub_project.api.parameters import (
    CURSOR,
    ENTITY_PAGE,
    choice_parameter,
    moment_parameter,
    text_parameter,
)
from contacthub_project.api.query import QueryParameters, id_or_unknown
from contacthub_project.api.renderers import Empty, JsonResponse, NotModified
from contacthub_project.api.request_headers import expected_version, is_unchanged
from contacthub_project.core.errors import Conflict, Forbidden, Invalid
from contacthub_project.core.identifiers import as_uuid
from contacthub_project.core.principal import READ
from contacthub_project.runtime.blocking import in_thread, in_thread_if_blocking
from customers.actions.customers import upsert_customer
from customers.actions.deletion import delete_customer
from customers.actions.modification import modify_customer
from customers.actions.modification_body import Modification
from customers.actions.restoring import restore_customer
from customers.actions.validation import CUSTOMER_BYTES, INVALID_CUSTOMER, without_generated
from customers.api.refusals import RefusalRecording
from customers.api.schema import (
    CUSTOMER,
    CUSTOMER_CHANGE,
    CUSTOMER_INPUT,
    NOTHING,
    PAGE_OF_CUSTOMERS,
    PAGE_OF_SELECTIONS,
)
from customers.api.scoping import CustomerScopedViewSet
from customers.api.search_parameters import SEARCH_PARAMETERS, SearchParameters
from customers.api.session_linking import SESSION, WARNING_HEADER, SessionLinking
from customers.api.viewsets.consents import requested_moment
from customers.domain.modes import Mode
from customers.domain.projection import select_fields
from customers.domain.refusals import RefusedEntity
from customers.models import AggregateMember, Customer, DeletedState
from customers.models.customer_row import CustomerRow
from customers.queries.history import as_it_was
from customers.queries.merges import heir_of_external_id
from customers.queries.search import Found, Search, check_lookup, search_customers

AT = moment_parameter(
    "at", "As it was at this moment, as far as the workspace keeps history; now unless given."
)
MODE = choice_parameter(
    "mode",
    ["STRICT"],
    "With STRICT a PATCH removes subscriptions that its list does not name, and after a PUT the"
    " customer holds nothing but the body. Otherwise what is not named stays.",
)


class CustomerViewSet(RefusalRecording, CustomerScopedViewSet):
    """Customers of a workspace."""

    refused_entity = RefusedEntity.CUSTOMER

    @extend_schema(parameters=SEARCH_PARAMETERS, responses={200: PAGE_OF_SELECTIONS})
    def list(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        """Return matching customers of a node, the latest changed first unless `sort` is given."""
        parameters = SearchParameters.read(request, self.workspace)
        node = self.readable_node(parameters.node_id)
        search = parameters.search(self.workspace)
        if self.caller.is_untrusted:
            check_lookup(node, search)
        found = search_customers(self.workspace, node, search)
        if search.external_id is not None and search.query is None and found.total == 0:
            found = self._found_since_merge(node, search, found)
        elements: Sequence[Mapping[str, Any]] = [self.serialized(row) for row in found.rows]
        if parameters.fields:
            elements = [select_fields(element, parameters.fields) for element in elements]
        # The number of customers is not for everyone who can read the web page's token.
        unfiltered = None if self.caller.is_untrusted else found.unfiltered
        return JsonResponse(
            parameters.page.of(elements, total=found.total, unfiltered=unfiltered, last=found.last)
        )

    @extend_schema(
        parameters=[SESSION, WARNING_HEADER],
        request={"application/json": CUSTOMER_INPUT},
        responses={200: CUSTOMER, 201: CUSTOMER},
    )
    async def create(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        """Create a customer (201), or merge into the matching one (200)."""
        body = self.body(limit=CUSTOMER_BYTES)
        node_id = body.get("nodeId")
        if not isinstance(node_id, str):
            _, faults = self.workspace.customer_schema.read(without_generated(body))
            raise Invalid(INVALID_CUSTOMER, errors=faults)
        node = await in_thread_if_blocking(partial(self.writable_node, node_id))
        linking = SessionLinking.from_query(request, self.workspace, node.id, self.caller)
        upserted, warning = await linking.written(
            partial(upsert_customer, self.workspace, node.id, body=body, by=self.caller),
            body=body,
            customer_of=lambda upserted: UUID(upserted.row.id),
        )
        answer = self.serialized(upserted.row, written=body)
        status = 201 if upserted.created else 200
        return JsonResponse(answer, status, version=answer["version"], headers=warning)

    @extend_schema(parameters=[AT], responses={200: CUSTOMER})
    async def retrieve(
        self, request: HttpRequest, workspace_id: str, customer_id: str
    ) -> HttpResponse:
        """Return one customer; 304 when the client has its version."""
        row = await self.areadable_row(customer_id)
        if "at" in request.GET:
            return await in_thread_if_blocking(partial(self._as_it_was, row))
        answer = self.serialized(row)
        if is_unchanged(request, answer["version"]):
            return NotModified(answer["version"])
        return JsonResponse(answer, version=answer["version"])

    @extend_schema(
        parameters=[MODE, SESSION, WARNING_HEADER],
        request={"application/json": CUSTOMER_CHANGE},
        responses={200: CUSTOMER},
    )
    async def update(
        self, request: HttpRequest, workspace_id: str, customer_id: str
    ) -> HttpResponse:
        """Replace the sent properties; with `mode=STRICT` the whole customer."""
        return await self._modified(customer_id, Mode.PUT, Mode.PUT_STRICT)

    @extend_schema(
        parameters=[MODE, SESSION, WARNING_HEADER],
        request={"application/json": CUSTOMER_CHANGE},
        responses={200: CUSTOMER},
    )
    async def partial_update(
        self, request: HttpRequest, workspace_id: str, customer_id: str
    ) -> HttpResponse:
        """Change the sent properties; with `mode=STRICT` subscriptions are replaced as well."""
        return await self._modified(customer_id, Mode.PATCH, Mode.PATCH_STRICT)

    @extend_schema(
        parameters=[
            text_parameter(
                "nodeId",
                "Ignored, but that the answer then has no body: some older clients send it and read"
                " none.",
            )
        ],
        responses={200: NOTHING},
    )
    async def destroy(
        self, request: HttpRequest, workspace_id: str, customer_id: str
    ) -> HttpResponse:
        """Delete a customer and its events."""
        row = await self.alive_row(customer_id)
        self.writable_node(row.node_id)
        expected = expected_version(request)
        delete = partial(delete_customer, expected_version=expected, by=self.caller)
        await in_thread(partial(delete, self.workspace, UUID(row.id)))
        return Empty() if QueryParameters(request).has("nodeId") else JsonResponse({})

    @extend_schema(request=None, responses={200: CUSTOMER})
    def restore(self, request: HttpRequest, workspace_id: str, customer_id: str) -> HttpResponse:
        """Restore a deleted customer with its events and sessions."""
        known = Customer.objects.known_row(self.workspace.id, id_or_unknown(customer_id))
        if known is None or self.node_rules(known.node_id) is None:
            raise self.gone(customer_id)
        node = self.writable_node(known.node_id)
        try:
            row = restore_customer(self.workspace, UUID(known.id), by=self.caller)
        except Conflict as conflict:
            raise self.conflict_for_caller(conflict, node.id) from None
        answer = self.serialized(row)
        return JsonResponse(answer, version=answer["version"])

    @extend_schema(parameters=[*ENTITY_PAGE, CURSOR], responses={200: PAGE_OF_CUSTOMERS})
    def entry_customers(
        self, request: HttpRequest, workspace_id: str, customer_id: str
    ) -> JsonResponse:
        """Return the entry customers of an aggregate customer, by id."""
        parameters = QueryParameters(request)
        scope = ["entry-customers", self.workspace.id, customer_id]
        page = CursorPage.from_query(parameters, scope)
        parameters.raise_faults()
        customer = self.readable_customer(customer_id)
        nodes = [node for node in self.workspace.nodes if self.caller.may(READ, node)]
        members = AggregateMember.objects.of_aggregate(self.workspace.id, customer)
        members = members.filter(entry__node_id__in=nodes, entry__deleted=DeletedState.LIVE)
        entries = members.order_by("entry_id").values_list("entry_id", flat=True)
        size, total = page.page.size, None
        if page.after is None:
            total, ids = members.count_up_to(LARGEST_MATCH), [*page.page.slice(entries)]
        else:
            ids = [*entries.filter(entry_id__gt=page.after[0])[:size]]
        rows = Customer.objects.live_rows(self.workspace.id, ids)
        elements = [self.serialized(row) for row in rows]
        last = [str(ids[-1])] if ids and len(ids) == size else None
        return JsonResponse(page.of(elements, total=total, last=last))

    def _found_since_merge(self, node: NodeRules, search: Search, found: Found) -> Found:
        """Return whoever is known by the external id since a merge; else what was found."""
        heir = heir_of_external_id(self.workspace.id, node, search.external_id or "")
        row = None if heir is None else Customer.objects.live_row(self.workspace.id, heir)
        if row is None:
            return found
        return Found([row] if search.page.number == 0 else [], 1, found.unfiltered)

    def _as_it_was(self, row: CustomerRow) -> JsonResponse:
        """Return the customer as it was at the moment of the parameter `at`."""
        parameters = QueryParameters(self.request)
        at = requested_moment(parameters, self.workspace)
        parameters.raise_faults()
        answer = self.serialized(as_it_was(self.workspace, row, at))
        return JsonResponse(answer, version=answer["version"])

    async def _modified(self, customer_id: str, usual: Mode, strict: Mode) -> HttpResponse:
        """Return the customer after a change in one of two modes, by the parameter `mode`."""
        parameters = QueryParameters(self.request)
        is_strict = parameters.choice("mode", ["STRICT"], default=None) is not None
        parameters.raise_faults()
        if is_strict and self.caller.is_untrusted:
            raise Forbidden("The client is not allowed to use the mode STRICT")
        row, node = await self.awritable_row(customer_id)
        change = Modification(
            customer_id=UUID(row.id),
            body=_without_old_id(self.body(limit=CUSTOMER_BYTES), customer_id, row),
            mode=strict if is_strict else usual,
            expected_version=expected_version(self.request),
            known=row,
        )
        linking = SessionLinking.from_query(self.request, self.workspace, node.id, self.caller)
        try:
            row, warning = await linking.written(
                partial(modify_customer, self.workspace, change, by=self.caller),
                body=change.body,
                customer_of=lambda row: UUID(row.id),
            )
        except Conflict as conflict:
            raise self.conflict_for_caller(conflict, node.id) from None
        answer = self.serialized(row, written=change.body)
        return JsonResponse(answer, version=answer["version"], headers=warning)


def _without_old_id(body: dict[str, Any], customer_id: str, row: CustomerRow) -> dict[str, Any]:
    """The body; of a customer that is reached by an id from before a merge, without that id."""
    named = body.get("id")
    if isinstance(named, str) and as_uuid(named) == as_uuid(customer_id) != UUID(row.id):
        return {name: value for name, value in body.items() if name != "id"}
    return body
