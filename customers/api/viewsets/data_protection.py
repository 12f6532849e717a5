"""Rights of a person: access, restriction, export and erasure of personal data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers

from configuration.models import Workspace
from contacthub_project.api.addresses import absolute_address
from contacthub_project.api.fields import StrictFlag, StrictText
from contacthub_project.api.parameters import choice_parameter, flag_parameter, text_parameter
from contacthub_project.api.query import QueryParameters, id_or_unknown
from contacthub_project.api.renderers import JsonResponse, NoContent, json_bytes, json_bytes_in
from contacthub_project.api.serializers import StrictSerializer
from contacthub_project.core.date_format import DateFormat, Positions
from customers.actions.data_protection import exported_lists, forget_customer, request_export
from customers.actions.held import held_customer
from customers.actions.restriction import restrict_customer
from customers.api.readable_export import readable_export
from customers.api.schema import (
    ERASURE_PLAN,
    ERASURE_RECEIPT,
    EXPORT,
    HELD,
    HTML_PAGE,
    RESTRICTED,
)
from customers.api.scoping import CustomerScopedViewSet
from customers.models import Customer, ErasureScope, RequestType
from customers.models.customer_row import CustomerRow
from customers.observers import ExportedList
from customers.queries.documents import (
    customer_moments,
    exported_customer,
    exported_customer_moments,
)
from customers.queries.erasure import erasure_plan
from customers.queries.receipts import receipt_response

CHUNK_BYTES = 64 * 1024
MOST_SHOWN = 20
EXPORT_FORMATS = ["json", "html"]
LONGEST_REASON = 500


SCOPE = choice_parameter(
    "scope",
    ["node", "workspace"],
    "Where the person is forgotten: in the customer's node, or in all nodes of the workspace.",
    default="node",
)


class Restriction(StrictSerializer):
    """The body of a restriction of processing."""

    isRestricted = StrictFlag(help_text="False lifts the restriction.")
    scope = serializers.ChoiceField(
        ["node", "workspace"],
        required=False,
        help_text="The customer alone, or the same person in all nodes; `node` unless given.",
    )
    reason = StrictText(
        max_length=LONGEST_REASON, required=False, help_text="Why; the audit log has it."
    )


class DataProtectionViewSet(CustomerScopedViewSet):
    """Shows, restricts, exports and forgets customers."""

    _lists: Mapping[str, Any] = {}

    @extend_schema(
        parameters=[
            text_parameter("reason", "Why; the audit log has it.", longest=LONGEST_REASON),
        ],
        responses={200: HELD},
    )
    def retrieve(self, request: HttpRequest, workspace_id: str, customer_id: str) -> HttpResponse:
        """What is held of a person: the profile, counts, the latest of each list."""
        parameters = QueryParameters(request)
        self.access_reason = parameters.text("reason", longest=LONGEST_REASON) or ""
        parameters.raise_faults()
        row = self._known_row(customer_id)
        self.readable_node(row.node_id)
        held = held_customer(self.workspace, row, most=MOST_SHOWN)
        self._lists = {name: (moments,) for name, moments in held.moments.items()}
        return JsonResponse(held.document)

    @extend_schema(request=Restriction, responses={200: RESTRICTED})
    def restrict(self, request: HttpRequest, workspace_id: str, customer_id: str) -> HttpResponse:
        """Restrict every consent of a person, or lift the restriction."""
        customer = self._known_customer(customer_id)
        given = Restriction.read(self.body())
        self.access_reason = given.get("reason", "")
        restricted = given["isRestricted"]
        self.accessed = restrict_customer(
            self.workspace, customer, is_restricted=restricted,
            scope=ErasureScope(given.get("scope", "node").upper()), by=self.caller,
        )  # fmt: skip
        return JsonResponse({"customerIds": self.accessed, "isRestricted": restricted})

    @extend_schema(
        parameters=[
            choice_parameter(
                "format", EXPORT_FORMATS, "JSON, or a page to read and print.", default="json"
            )
        ],
        responses={(200, "application/json"): EXPORT, (200, "text/html"): HTML_PAGE},
    )
    def export(self, request: HttpRequest, workspace_id: str, customer_id: str) -> HttpResponseBase:
        """Everything that is kept about a person, as one document, sent while it is read."""
        parameters = QueryParameters(request)
        file_format = parameters.choice("format", EXPORT_FORMATS, default="json")
        parameters.raise_faults()
        customer = self.readable_customer(customer_id)
        is_page = file_format == "html"
        kind = RequestType.ACCESS if is_page else RequestType.PORTABILITY
        row = request_export(self.workspace, customer, by=self.caller, kind=kind)
        if is_page:
            return self._readable_page(row)
        moments = exported_customer_moments(self.workspace)
        profile = json_bytes_in(exported_customer(row), moments, self.date_format)
        lists = exported_lists(self.workspace, row)
        return StreamingHttpResponse(
            _chunks(_parts(profile, lists, self.date_format)),
            content_type="application/json",
            headers={"Content-Disposition": f'attachment; filename="customer-{customer}.json"'},
        )

    def _readable_page(self, row: CustomerRow) -> HttpResponseBase:
        lists = exported_lists(self.workspace, row)
        name = Workspace.objects.values_list("name", flat=True).get(id=self.workspace.id)
        pieces = readable_export(
            exported_customer(row), lists, controller=name, at=datetime.now(UTC)
        )
        return StreamingHttpResponse(
            _chunks(pieces),
            content_type="text/html; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="customer-{row.id}.html"'},
        )

    @extend_schema(parameters=[SCOPE], responses={200: ERASURE_PLAN})
    def erasure_plan(
        self, request: HttpRequest, workspace_id: str, customer_id: str
    ) -> HttpResponse:
        """What `destroy` would remove, as things stand now."""
        scope = _scope(QueryParameters(request))
        customer = self._known_customer(customer_id)
        return JsonResponse(erasure_plan(self.workspace, customer, scope))

    @extend_schema(
        parameters=[
            SCOPE,
            flag_parameter("receipt", "Whether to answer 200 with the receipt instead of 204."),
        ],
        responses={
            200: ERASURE_RECEIPT,
            204: OpenApiResponse(description="Forgotten; `Location` is that of the receipt."),
        },
    )
    def destroy(self, request: HttpRequest, workspace_id: str, customer_id: str) -> HttpResponse:
        """Forget a person for good; those who were deleted can be forgotten too.

        By an aggregate customer, all entry customers that it is made of are.
        """
        parameters = QueryParameters(request)
        with_receipt = parameters.flag("receipt", default=False)
        scope = _scope(parameters)
        customer = self._known_customer(customer_id)
        receipt = forget_customer(self.workspace, customer, scope=scope, by=self.caller)
        self.accessed = [*receipt.customer_ids, receipt.id]
        path = f"/workspaces/{self.workspace.id}/data-protection/receipts/{receipt.id}"
        answer = JsonResponse(receipt_response(receipt)) if with_receipt else NoContent()
        answer["Location"] = absolute_address(request, path)
        return answer

    def entities_of(self, content: bytes) -> Iterable[UUID]:
        """Nothing: an answer that was kept would name the person who is forgotten by then."""
        return ()

    def moments(self) -> Positions:
        """The positions of timestamps in the data of a person."""
        customer = customer_moments(self.workspace.stored_customer_schema)
        moments = {"customer": customer, "deletedAt": True, "erasedFrom": True}
        return moments | {"lists": self._lists} if self.action == "retrieve" else None

    def _known_customer(self, customer_id: str) -> UUID:
        """The id of a customer, deleted or not, whose node may be written; raises NotFound."""
        row = self._known_row(customer_id)
        self.writable_node(row.node_id)
        return UUID(row.id)

    def _known_row(self, customer_id: str) -> CustomerRow:
        """A customer, deleted or not; raises NotFound."""
        row = Customer.objects.known_row(self.workspace.id, id_or_unknown(customer_id))
        if row is None or self.node_rules(row.node_id) is None:
            raise self.gone(customer_id)
        return row


def _scope(parameters: QueryParameters) -> ErasureScope:
    """Return the scope of an erasure; raises Invalid with every fault of the query."""
    given = parameters.choice("scope", ["node", "workspace"], default="node")
    parameters.raise_faults()
    return ErasureScope(given.upper())


def _parts(
    profile: bytes, lists: Iterator[ExportedList], date_format: DateFormat
) -> Iterator[bytes]:
    """Yield the document in small pieces."""
    yield b'{"customer":' + profile
    for each in lists:
        yield b"," + json_bytes(each.name) + b":["
        separator = b""
        for element in each.elements:
            yield separator + json_bytes_in(element, each.moments, date_format)
            separator = b","
        yield b"]"
    yield b"}"


def _chunks(parts: Iterator[bytes]) -> Iterator[bytes]:
    """Join the pieces: few large writes are cheaper than many small ones."""
    chunk = bytearray()
    for part in parts:
        chunk += part
        if len(chunk) >= CHUNK_BYTES:
            yield bytes(chunk)
            chunk.clear()
    yield bytes(chunk)
