from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema

from configuration.api.scoping import WorkspaceView
from configuration.domain.placeholders import identifier_faults
from configuration.queries.rules import WorkspaceRules
from contacthub_project.api.cursors import CursorPage
from contacthub_project.api.pagination import LARGEST_MATCH
from contacthub_project.api.parameters import (
    CURSOR,
    ENTITY_PAGE,
    choice_parameter,
    id_parameter,
    list_parameter,
    sort_parameter,
    text_parameter,
)
from contacthub_project.api.query import QueryParameters, SortKey, id_or_unknown
from contacthub_project.api.renderers import Empty, JsonResponse, NotModified
from contacthub_project.api.viewsets import absolute_address, expected_version, is_unchanged
from contacthub_project.core.date_format import Positions
from contacthub_project.core.errors import Conflict, Forbidden, Invalid, NotFound
from contacthub_project.core.identifiers import canonical_identifier
from contacthub_project.core.principal import READ, Principal
from contacthub_project.core.strict_json import parse_json
from customers.actions.customers import (
    CUSTOMER_BYTES,
    INVALID_CUSTOMER,
    upsert_customer,
    without_generated,
)
from customers.actions.identity_locks import lock_identities
from customers.actions.modification import Mode, Modification, delete_customer, modify_customer
from customers.actions.sessions import claim_session
from customers.api.schema import (
    CUSTOMER,
    CUSTOMER_CHANGE,
    CUSTOMER_INPUT,
    NOTHING,
    PAGE_OF_CUSTOMERS,
)
from customers.domain.identities import SESSION_ID
from customers.domain.projection import FieldSelection, field_selection, select_fields
from customers.domain.query_language import Expression
from customers.models import AggregateMember, Customer, DeletedState
from customers.models.customer import CustomerRow
from customers.models.session import LONGEST_VALUE
from customers.queries.documents import (
    customer_moments,
    customer_response,
    untrusted_customer_response,
)
from customers.queries.search import (
    NEWEST_FIRST,
    Search,
    check_lookup,
    is_sortable,
    parse_search_query,
    search_customers,
)

LONGEST_QUERY = 64 * 1024
# What `fields` may name beside the properties that the schema knows.
WHOLE_FIELDS = frozenset({"base", "consents", "extended", "tags", "deleted", "sourceInfo"})
MODE = choice_parameter(
    "mode",
    ["STRICT"],
    "With STRICT a PATCH removes subscriptions that its list does not name, and after a PUT the"
    " customer holds nothing but the body. Otherwise what is not named stays.",
)
SESSION = text_parameter(
    "sessionId",
    "A session of an anonymous visitor to be linked to the customer; its events become theirs.",
    longest=LONGEST_VALUE,
)
WARNING_HEADER = OpenApiParameter(
    "Warning",
    str,
    OpenApiParameter.HEADER,
    response=[200, 201],
    description="The session of `sessionId` belongs to another customer, and stays theirs.",
)
# RFC 7234, section 5.5: code 199 is for a human to read.
SESSION_NOT_LINKED = '199 - "The session belongs to another customer and was not linked"'


# Takes the workspace's and the customer's ids; gives the headers that tell what became of it.
LinkSession = Callable[[UUID, UUID], dict[str, str]]


@contextmanager
def linking_session(
    request: HttpRequest, workspace: WorkspaceRules, node_id: UUID, by: Principal
) -> Iterator[LinkSession]:
    """Links the session that `sessionId` names to the customer, in the transaction of its write.

    The session is held from the start, before any row. A session that another customer has stays
    theirs: the write is kept, and a header says so.

    Without the parameter there is no transaction of ours, and nothing to link.
    """
    parameters = QueryParameters(request)
    value = parameters.text("sessionId", longest=LONGEST_VALUE)
    for fault in identifier_faults(value, workspace.placeholders, at="/sessionId"):
        parameters.fault("sessionId", fault.message)
    parameters.raise_faults()
    if value is None:
        yield lambda workspace_id, customer_id: {}
        return
    session = value
    with transaction.atomic():
        lock_identities([(node_id, SESSION_ID, session)])
        yield lambda workspace_id, customer_id: _claim(workspace_id, customer_id, session, by)


def _claim(workspace_id: UUID, customer_id: UUID, value: str, by: Principal) -> dict[str, str]:
    try:
        claim_session(workspace_id, customer_id, value=value, by=by)
    except Conflict:
        return {"Warning": SESSION_NOT_LINKED}
    return {}


class CustomerAnsweringView(WorkspaceView):
    """Operations that answer customers, to each caller what it may know."""

    def shown(self, row: CustomerRow, written: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The customer; to one that may not read profiles, only what it has just `written`."""
        schema = self.workspace.customer_schema
        if self.caller.may_read_profiles_in(UUID(str(row.node_id))):
            return customer_response(row, schema)
        own = None if written is None else schema.coerced(dict(written))
        return untrusted_customer_response(row, schema, written=own)

    def moments(self) -> Positions:
        customer = customer_moments(self.workspace.customer_schema)
        return {**customer, "elements": (customer,)}


class CustomersView(CustomerAnsweringView):
    """Customers of a node."""

    @extend_schema(
        parameters=[
            *ENTITY_PAGE,
            CURSOR,
            id_parameter("nodeId", "The node whose customers are searched.", required=True),
            text_parameter("externalId", "Only the customer with this id of the client's own."),
            text_parameter(
                "query",
                "A condition in the query language, as JSON.",
                longest=LONGEST_QUERY,
            ),
            list_parameter(
                "fields",
                "Only these properties, by their dotted paths, such as `base.contacts.email`; the"
                " `id` comes always. What is asked for and absent is null, what is not asked for"
                " is left out.",
            ),
            sort_parameter(None, "updatedAt,desc"),
        ],
        responses={200: PAGE_OF_CUSTOMERS},
    )
    def get(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        """Customers that fit, the latest changed first unless `sort` says otherwise."""
        parameters = QueryParameters(request)
        node_id = parameters.text("nodeId")
        if not node_id:
            parameters.fault("nodeId", "is required")
        external_id = self.external_id(parameters)
        fields = self.fields(parameters)
        sort = self.sort(parameters)
        query = parameters.text("query", longest=LONGEST_QUERY)
        order = [[key.field, key.descending] for key in sort]
        scope = ["customers", self.workspace.id, node_id, external_id, query, order]
        page = CursorPage.asked_for(parameters, scope)
        parameters.raise_faults()
        node = self.readable_node(node_id or "")
        search = Search(external_id, self.query(query), sort, page.page, page.after)
        if self.caller.is_untrusted:
            check_lookup(node, search)
        found = search_customers(self.workspace, node, search)
        elements = [self.shown(row) for row in found.rows]
        if fields:
            elements = [select_fields(element, fields) for element in elements]
        # How many customers there are is not for everybody who can open the web site.
        unfiltered = None if self.caller.is_untrusted else found.unfiltered
        return JsonResponse(
            page.of(elements, total=found.total, unfiltered=unfiltered, last=found.last)
        )

    def external_id(self, parameters: QueryParameters) -> str | None:
        """The external id to look up, in the form in which it is kept."""
        given = parameters.text("externalId")
        if given is None:
            return None
        if not given.strip():
            parameters.fault("externalId", "must not be blank")
        return canonical_identifier(given)

    def fields(self, parameters: QueryParameters) -> FieldSelection:
        """The properties to show, the id always among them; empty for all."""
        asked = parameters.listed("fields")
        for field in asked:
            if field not in WHOLE_FIELDS and self.workspace.customer_schema.kind_of(field) is None:
                parameters.fault("fields", f"{field} is not a property of customers")
        return field_selection(["id", *asked]) if asked else {}

    def sort(self, parameters: QueryParameters) -> Sequence[SortKey]:
        keys = parameters.sort(default=NEWEST_FIRST)
        for key in keys:
            if not is_sortable(self.workspace.customer_schema, key.field):
                parameters.fault("sort", f"customers cannot be sorted by {key.field}")
        return keys

    def query(self, text: str | None) -> Expression | None:
        """The query of the parameter, checked; raises Invalid with pointers into its JSON."""
        if text is None:
            return None
        query = None
        try:
            document = parse_json(text.encode("utf-8", "surrogatepass"))
            query, errors = parse_search_query(document, self.workspace)
        except Invalid as invalid:
            errors = invalid.errors
        if errors:
            raise Invalid(
                "The query is not valid",
                errors=[replace(error, path=f"/query{error.path}") for error in errors],
            )
        return query

    @extend_schema(
        parameters=[SESSION, WARNING_HEADER],
        request={"application/json": CUSTOMER_INPUT},
        responses={200: CUSTOMER, 201: CUSTOMER},
    )
    def post(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        body = self.body(limit=CUSTOMER_BYTES)
        node_id = body.get("nodeId")
        if not isinstance(node_id, str):
            _, faults = self.workspace.customer_schema.read(without_generated(body))
            raise Invalid(INVALID_CUSTOMER, errors=faults)
        node = self.writable_node(node_id)
        with linking_session(request, self.workspace, node.id, self.caller) as claim:
            upserted = upsert_customer(self.workspace, node.id, body=body, by=self.caller)
            warning = claim(self.workspace.id, UUID(str(upserted.row.id)))
        answer = self.shown(upserted.row, body)
        status = 201 if upserted.created else 200
        return JsonResponse(answer, status, version=answer["version"], headers=warning)


class CustomerScopedView(CustomerAnsweringView):
    """Operations on one customer, and on what belongs to it."""

    def readable_customer(self, customer_id: str) -> UUID:
        """The id of a live customer in a node the caller may read; raises NotFound, Forbidden."""
        row = self.live_row(customer_id)
        self.readable_node(row.node_id)
        return UUID(row.id)

    def writable_customer(self, customer_id: str) -> UUID:
        """The id of a live customer in a node the caller may write; raises NotFound, Forbidden."""
        row = self.live_row(customer_id)
        self.writable_node(row.node_id)
        return UUID(row.id)

    def live_row(self, customer_id: str) -> CustomerRow:
        """A live customer of the workspace, whoever asks; raises NotFound."""
        row = Customer.objects.live_row(self.workspace.id, id_or_unknown(customer_id))
        if row is None or self.node_rules(row.node_id) is None:
            raise NotFound(f"customer not found {customer_id}")
        return row


class EntryCustomersView(CustomerScopedView):
    """The entry customers that an aggregate customer is made of."""

    @extend_schema(parameters=[*ENTITY_PAGE, CURSOR], responses={200: PAGE_OF_CUSTOMERS})
    def get(self, request: HttpRequest, workspace_id: str, customer_id: str) -> JsonResponse:
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
            total, ids = members.count_up_to(LARGEST_MATCH), list(page.page.slice(entries))
        else:
            ids = list(entries.filter(entry_id__gt=page.after[0])[:size])
        elements = [self.shown(row) for row in Customer.objects.live_rows(self.workspace.id, ids)]
        last = [str(ids[-1])] if ids and len(ids) == size else None
        return JsonResponse(page.of(elements, total=total, last=last))


class CustomerView(CustomerScopedView):
    """One customer."""

    @extend_schema(
        parameters=[MODE, SESSION, WARNING_HEADER],
        request={"application/json": CUSTOMER_CHANGE},
        responses={200: CUSTOMER},
    )
    def patch(self, request: HttpRequest, workspace_id: str, customer_id: str) -> HttpResponse:
        return self.modified(customer_id, Mode.PATCH, Mode.PATCH_STRICT)

    @extend_schema(
        parameters=[MODE, SESSION, WARNING_HEADER],
        request={"application/json": CUSTOMER_CHANGE},
        responses={200: CUSTOMER},
    )
    def put(self, request: HttpRequest, workspace_id: str, customer_id: str) -> HttpResponse:
        return self.modified(customer_id, Mode.PUT, Mode.PUT_STRICT)

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
    def delete(self, request: HttpRequest, workspace_id: str, customer_id: str) -> HttpResponse:
        customer = self.writable_customer(customer_id)
        expected = expected_version(request)
        delete_customer(self.workspace, customer, expected_version=expected, by=self.caller)
        return Empty() if QueryParameters(request).has("nodeId") else JsonResponse({})

    def modified(self, customer_id: str, usual: Mode, strict: Mode) -> HttpResponse:
        parameters = QueryParameters(self.request)
        is_strict = parameters.choice("mode", ["STRICT"], default=None) is not None
        parameters.raise_faults()
        if is_strict and self.caller.is_untrusted:
            raise Forbidden("The client is not allowed to use the mode STRICT")
        row = self.live_row(customer_id)
        node = self.writable_node(row.node_id)
        asked = Modification(
            customer_id=UUID(row.id),
            body=self.body(limit=CUSTOMER_BYTES),
            way=strict if is_strict else usual,
            expected_version=expected_version(self.request),
        )
        try:
            with linking_session(self.request, self.workspace, node.id, self.caller) as claim:
                row = modify_customer(self.workspace, asked, by=self.caller)
                warning = claim(self.workspace.id, asked.customer_id)
        except Conflict as conflict:
            raise self.told(conflict, node.id) from None
        answer = self.shown(row, asked.body)
        return JsonResponse(answer, version=answer["version"], headers=warning)

    def told(self, conflict: Conflict, node_id: UUID) -> Conflict:
        """The conflict with the other customer's address, if the caller may read customers."""
        if conflict.data is None:
            return conflict
        if not self.caller.may_read_profiles_in(node_id):
            return Conflict("Conflict with existing customer")
        other = conflict.data["customer"]["id"]
        href = absolute_address(self.request, f"/workspaces/{self.workspace.id}/customers/{other}")
        return Conflict(conflict.message, data={"customer": {"id": other, "href": href}})

    @extend_schema(responses={200: CUSTOMER})
    def get(self, request: HttpRequest, workspace_id: str, customer_id: str) -> HttpResponse:
        row = self.live_row(customer_id)
        self.readable_node(row.node_id)
        answer = customer_response(row, self.workspace.customer_schema)
        if is_unchanged(request, answer["version"]):
            return NotModified(answer["version"])
        return JsonResponse(answer, version=answer["version"])
