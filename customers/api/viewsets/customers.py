"""Customers: searched, created, read, changed, deleted."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from drf_spectacular.utils import extend_schema

from contacthub_project.api.cursors import CursorPage
from contacthub_project.api.pagination import LARGEST_MATCH
from contacthub_project.api.parameters import (
    CURSOR,
    ENTITY_PAGE,
    choice_parameter,
    text_parameter,
)
from contacthub_project.api.query import QueryParameters
from contacthub_project.api.renderers import Empty, JsonResponse, NotModified
from contacthub_project.api.viewsets import absolute_address, expected_version, is_unchanged
from contacthub_project.core.errors import Conflict, Forbidden, Invalid
from contacthub_project.core.principal import READ
from customers.actions.customers import (
    CUSTOMER_BYTES,
    INVALID_CUSTOMER,
    upsert_customer,
    without_generated,
)
from customers.actions.modification import Mode, Modification, delete_customer, modify_customer
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
from customers.api.session_linking import SESSION, WARNING_HEADER, linking_session
from customers.domain.projection import select_fields
from customers.models import AggregateMember, Customer, DeletedState
from customers.queries.documents import customer_response
from customers.queries.search import check_lookup, search_customers

MODE = choice_parameter(
    "mode",
    ["STRICT"],
    "With STRICT a PATCH removes subscriptions that its list does not name, and after a PUT the"
    " customer holds nothing but the body. Otherwise what is not named stays.",
)


class CustomerViewSet(CustomerScopedViewSet):
    """Customers of a workspace."""

    @extend_schema(parameters=SEARCH_PARAMETERS, responses={200: PAGE_OF_SELECTIONS})
    def list(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        """Customers of a node that fit, the latest changed first unless `sort` says otherwise."""
        parameters = SearchParameters.read(request, self.workspace)
        node = self.readable_node(parameters.node_id)
        search = parameters.search(self.workspace)
        if self.caller.is_untrusted:
            check_lookup(node, search)
        found = search_customers(self.workspace, node, search)
        elements = [self.serialized(row) for row in found.rows]
        if parameters.fields:
            elements = [select_fields(element, parameters.fields) for element in elements]
        # How many customers there are is not for everybody who can open the web site.
        unfiltered = None if self.caller.is_untrusted else found.unfiltered
        return JsonResponse(
            parameters.page.of(elements, total=found.total, unfiltered=unfiltered, last=found.last)
        )

    @extend_schema(
        parameters=[SESSION, WARNING_HEADER],
        request={"application/json": CUSTOMER_INPUT},
        responses={200: CUSTOMER, 201: CUSTOMER},
    )
    def create(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        """Create a customer (201), or merge it into the one whom the node recognises (200)."""
        body = self.body(limit=CUSTOMER_BYTES)
        node_id = body.get("nodeId")
        if not isinstance(node_id, str):
            _, faults = self.workspace.customer_schema.read(without_generated(body))
            raise Invalid(INVALID_CUSTOMER, errors=faults)
        node = self.writable_node(node_id)
        with linking_session(request, self.workspace, node.id, self.caller) as link_session:
            upserted = upsert_customer(self.workspace, node.id, body=body, by=self.caller)
            warning = link_session(self.workspace.id, UUID(str(upserted.row.id)))
        answer = self.serialized(upserted.row, written=body)
        status = 201 if upserted.created else 200
        return JsonResponse(answer, status, version=answer["version"], headers=warning)

    @extend_schema(responses={200: CUSTOMER})
    def retrieve(self, request: HttpRequest, workspace_id: str, customer_id: str) -> HttpResponse:
        """One customer; 304 when the client has its version."""
        row = self.readable_row(customer_id)
        answer = customer_response(row, self.workspace.customer_schema)
        if is_unchanged(request, answer["version"]):
            return NotModified(answer["version"])
        return JsonResponse(answer, version=answer["version"])

    @extend_schema(
        parameters=[MODE, SESSION, WARNING_HEADER],
        request={"application/json": CUSTOMER_CHANGE},
        responses={200: CUSTOMER},
    )
    def update(self, request: HttpRequest, workspace_id: str, customer_id: str) -> HttpResponse:
        """Replace what is given; with `mode=STRICT` the whole customer."""
        return self._modified(customer_id, Mode.PUT, Mode.PUT_STRICT)

    @extend_schema(
        parameters=[MODE, SESSION, WARNING_HEADER],
        request={"application/json": CUSTOMER_CHANGE},
        responses={200: CUSTOMER},
    )
    def partial_update(
        self, request: HttpRequest, workspace_id: str, customer_id: str
    ) -> HttpResponse:
        """Change what is given; with `mode=STRICT` subscriptions are replaced as well."""
        return self._modified(customer_id, Mode.PATCH, Mode.PATCH_STRICT)

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
    def destroy(self, request: HttpRequest, workspace_id: str, customer_id: str) -> HttpResponse:
        """Delete a customer and its events."""
        customer = self.writable_customer(customer_id)
        expected = expected_version(request)
        delete_customer(self.workspace, customer, expected_version=expected, by=self.caller)
        return Empty() if QueryParameters(request).has("nodeId") else JsonResponse({})

    @extend_schema(parameters=[*ENTITY_PAGE, CURSOR], responses={200: PAGE_OF_CUSTOMERS})
    def entry_customers(
        self, request: HttpRequest, workspace_id: str, customer_id: str
    ) -> JsonResponse:
        """The entry customers that an aggregate customer is made of, by id."""
        parameters = QueryParameters(request)
        scope = ["entry-customers", self.workspace.id, customer_id]
        page = CursorPage.asked_for(parameters, scope)
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

    def _modified(self, customer_id: str, usual: Mode, strict: Mode) -> HttpResponse:
        """The customer after a change in one of two modes, by the parameter `mode`."""
        parameters = QueryParameters(self.request)
        is_strict = parameters.choice("mode", ["STRICT"], default=None) is not None
        parameters.raise_faults()
        if is_strict and self.caller.is_untrusted:
            raise Forbidden("The client is not allowed to use the mode STRICT")
        row, node = self.writable_row(customer_id)
        change = Modification(
            customer_id=UUID(row.id),
            body=self.body(limit=CUSTOMER_BYTES),
            way=strict if is_strict else usual,
            expected_version=expected_version(self.request),
        )
        try:
            with linking_session(self.request, self.workspace, node.id, self.caller) as link:
                row = modify_customer(self.workspace, change, by=self.caller)
                warning = link(self.workspace.id, change.customer_id)
        except Conflict as conflict:
            raise self._conflict_for_caller(conflict, node.id) from None
        answer = self.serialized(row, written=change.body)
        return JsonResponse(answer, version=answer["version"], headers=warning)

    def _conflict_for_caller(self, conflict: Conflict, node_id: UUID) -> Conflict:
        """The conflict with the other customer's address, if the caller may read customers."""
        if conflict.data is None:
            return conflict
        if not self.caller.may_read_profiles_in(node_id):
            return Conflict("Conflict with existing customer")
        other = conflict.data["customer"]["id"]
        href = absolute_address(self.request, f"/workspaces/{self.workspace.id}/customers/{other}")
        return Conflict(conflict.message, data={"customer": {"id": other, "href": href}})
