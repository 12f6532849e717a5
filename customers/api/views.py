from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema

from configuration.api.scoping import WorkspaceView
from contacthub_project.api import pagination
from contacthub_project.api.pagination import LARGEST_MATCH, Page
from contacthub_project.api.query import QueryParameters, id_or_unknown
from contacthub_project.api.renderers import JsonResponse, NotModified
from contacthub_project.api.schema import PAGE_PARAMETERS
from contacthub_project.api.views import absolute_address, expected_version, is_unchanged
from contacthub_project.errors import Conflict, Invalid, NotFound
from customers.actions.customers import INVALID_CUSTOMER, upsert_customer
from customers.actions.modification import Mode, Modification, delete_customer, modify_customer
from customers.actions.sessions import claim_session
from customers.api.schema import CUSTOMER, CUSTOMER_CHANGE, CUSTOMER_INPUT, PAGE_OF_CUSTOMERS
from customers.document import CustomerRow, answer_of, answer_to_untrusted
from customers.models import Customer
from customers.models.session import LONGEST_VALUE

CUSTOMER_BYTES = 64 * 1024  # reference: Create Customer
MODE = OpenApiParameter("mode", str, enum=["STRICT"], description="What is given is final.")
SESSION = OpenApiParameter("sessionId", str, description="A session to link to the customer.")
NODE_ID = Customer.ROW.index("node_id")


@contextmanager
def claiming(request: HttpRequest) -> Iterator[Callable[[UUID, UUID], None]]:
    """Links the session that `sessionId` names to the customer, in the transaction of its write.

    Without the parameter there is no transaction of ours, and nothing to link.
    """
    parameters = QueryParameters(request)
    value = parameters.text("sessionId", longest=LONGEST_VALUE)
    if value is not None and not value.strip():
        parameters.fault("sessionId", "must not be blank")
    parameters.raise_faults()
    if value is None:
        yield lambda workspace_id, customer_id: None
        return
    session = value
    with transaction.atomic():
        yield lambda workspace_id, customer_id: _claim(workspace_id, customer_id, session)


def _claim(workspace_id: UUID, customer_id: UUID, value: str) -> None:
    claim_session(workspace_id, customer_id, value=value)


class CustomerAnsweringView(WorkspaceView):
    """Operations that answer customers, to each caller what it may know."""

    def shown(self, row: CustomerRow, written: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The customer; to one that may not read profiles, only what it has just `written`."""
        schema = self.workspace.customer_schema
        if self.caller.may_read_profiles:
            return answer_of(row, schema)
        return answer_to_untrusted(row, schema, written=written)


class CustomersView(CustomerAnsweringView):
    """Customers of a node."""

    @extend_schema(
        parameters=[
            *PAGE_PARAMETERS,
            OpenApiParameter("nodeId", str, required=True, description="The customers' node."),
            OpenApiParameter("externalId", str, description="The client's own id."),
        ],
        responses={200: PAGE_OF_CUSTOMERS},
    )
    def get(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        parameters = QueryParameters(request)
        page = Page.asked_for(parameters, pagination.ENTITIES)
        node_id = parameters.text("nodeId")
        external_id = parameters.text("externalId")
        if not node_id:
            parameters.fault("nodeId", "is required")
        parameters.raise_faults()
        node = self.readable_node(node_id or "")
        everybody = Customer.objects.in_node(self.workspace.id, node.id)
        found = everybody.with_external_id(external_id).newest_first()
        elements = [self.shown(row) for row in page.slice(found.rows())]
        unfiltered = everybody.count_up_to(LARGEST_MATCH)
        total = unfiltered if external_id is None else found.count_up_to(LARGEST_MATCH)
        return JsonResponse(page.of(elements, total=total, unfiltered=unfiltered))

    @extend_schema(
        parameters=[SESSION],
        request={"application/json": CUSTOMER_INPUT},
        responses={200: CUSTOMER, 201: CUSTOMER},
    )
    def post(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        body = self.body(limit=CUSTOMER_BYTES)
        node_id = body.get("nodeId")
        if not isinstance(node_id, str):
            raise Invalid(INVALID_CUSTOMER, errors=self.workspace.customer_schema.faults(body))
        node = self.writable_node(node_id)
        with claiming(request) as claim:
            upserted = upsert_customer(self.workspace, node.id, body=body, by=self.caller)
            claim(self.workspace.id, UUID(str(upserted.row[0])))
        answer = self.shown(upserted.row, body)
        return JsonResponse(
            answer, status=201 if upserted.created else 200, version=answer["version"]
        )


class CustomerScopedView(CustomerAnsweringView):
    """Operations on one customer, and on what belongs to it."""

    def readable_customer(self, customer_id: str) -> UUID:
        """The id of a live customer in a node the caller may read; raises NotFound, Forbidden."""
        row = self.live_row(customer_id)
        self.readable_node(row[NODE_ID])
        return UUID(row[0])

    def writable_customer(self, customer_id: str) -> UUID:
        """The id of a live customer in a node the caller may write; raises NotFound, Forbidden."""
        row = self.live_row(customer_id)
        self.writable_node(row[NODE_ID])
        return UUID(row[0])

    def live_row(self, customer_id: str) -> CustomerRow:
        """A live customer of the workspace, whoever asks; raises NotFound."""
        row = Customer.objects.live_row(self.workspace.id, id_or_unknown(customer_id))
        if row is None or self.node_rules(row[NODE_ID]) is None:
            raise NotFound(f"customer not found {customer_id}")
        return row


class CustomerView(CustomerScopedView):
    """One customer."""

    @extend_schema(
        parameters=[MODE, SESSION],
        request={"application/json": CUSTOMER_CHANGE},
        responses={200: CUSTOMER},
    )
    def patch(self, request: HttpRequest, workspace_id: str, customer_id: str) -> HttpResponse:
        return self.modified(customer_id, Mode.PATCH, Mode.PATCH_STRICT)

    @extend_schema(
        parameters=[MODE, SESSION],
        request={"application/json": CUSTOMER_CHANGE},
        responses={200: CUSTOMER},
    )
    def put(self, request: HttpRequest, workspace_id: str, customer_id: str) -> HttpResponse:
        return self.modified(customer_id, Mode.PUT, Mode.PUT_STRICT)

    @extend_schema(responses={200: {"type": "object"}})
    def delete(self, request: HttpRequest, workspace_id: str, customer_id: str) -> HttpResponse:
        customer = self.writable_customer(customer_id)
        expected = expected_version(request)
        delete_customer(self.workspace, customer, expected_version=expected, by=self.caller)
        return JsonResponse({})

    def modified(self, customer_id: str, usual: Mode, strict: Mode) -> HttpResponse:
        parameters = QueryParameters(self.request)
        is_strict = parameters.choice("mode", ["STRICT"], default=None) is not None
        parameters.raise_faults()
        asked = Modification(
            customer_id=self.writable_customer(customer_id),
            body=self.body(limit=CUSTOMER_BYTES),
            mode=strict if is_strict else usual,
            expected_version=expected_version(self.request),
        )
        try:
            with claiming(self.request) as claim:
                row = modify_customer(self.workspace, asked, by=self.caller)
                claim(self.workspace.id, asked.customer_id)
        except Conflict as conflict:
            raise self.told(conflict) from None
        answer = self.shown(row, asked.body)
        return JsonResponse(answer, version=answer["version"])

    def told(self, conflict: Conflict) -> Conflict:
        """The conflict with the other customer's address, or without a word to the untrusted."""
        if conflict.data is None:
            return conflict
        if not self.caller.may_read_profiles:
            return Conflict("Conflict with existing customer")
        other = conflict.data["customer"]["id"]
        href = absolute_address(self.request, f"/workspaces/{self.workspace.id}/customers/{other}")
        return Conflict(conflict.message, data={"customer": {"id": other, "href": href}})

    @extend_schema(responses={200: CUSTOMER})
    def get(self, request: HttpRequest, workspace_id: str, customer_id: str) -> HttpResponse:
        row = self.live_row(customer_id)
        self.readable_node(row[NODE_ID])
        answer = answer_of(row, self.workspace.customer_schema)
        if is_unchanged(request, answer["version"]):
            return NotModified(answer["version"])
        return JsonResponse(answer, version=answer["version"])
