"""What a person may demand: everything that is kept of them, and that it be forgotten."""

from __future__ import annotations

from collections.abc import Iterator

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema

from contacthub_project.api.query import id_or_unknown
from contacthub_project.api.renderers import NoContent, json_bytes, json_bytes_in
from contacthub_project.core.date_format import DateFormat
from contacthub_project.core.errors import NotFound
from contacthub_project.db.sql import fetch_one
from customers.actions.data_protection import exported_lists, forget_customer, request_export
from customers.api.schema import EXPORT
from customers.api.scoping import CustomerScopedViewSet
from customers.observers import ExportedList
from customers.queries.documents import exported_customer, exported_customer_moments

CHUNK_BYTES = 64 * 1024
NODE_OF = "SELECT node_id FROM customers_customer WHERE id = %s AND workspace_id = %s"


class DataProtectionViewSet(CustomerScopedViewSet):
    """Exports and forgets customers."""

    @extend_schema(responses={200: EXPORT})
    def export(self, request: HttpRequest, workspace_id: str, customer_id: str) -> HttpResponseBase:
        """Everything that is kept about a person, as one JSON document, sent while it is read."""
        customer = self.readable_customer(customer_id)
        row = request_export(self.workspace, customer, by=self.caller)
        moments = exported_customer_moments(self.workspace)
        profile = json_bytes_in(exported_customer(row), moments, self.date_format)
        lists = exported_lists(self.workspace, customer)
        return StreamingHttpResponse(
            _chunks(_parts(profile, lists, self.date_format)),
            content_type="application/json",
            headers={"Content-Disposition": f'attachment; filename="customer-{customer}.json"'},
        )

    @extend_schema(responses={204: None})
    def destroy(self, request: HttpRequest, workspace_id: str, customer_id: str) -> HttpResponse:
        """Forget a person for good; those who were deleted can be forgotten too.

        An aggregate customer is a copy and goes with the last entry customer that it is made of:
        asked for directly it is 403, and `data.entryCustomers` names those to forget.
        """
        customer = id_or_unknown(customer_id)
        known = fetch_one(NODE_OF, (customer, self.workspace.id))
        if known is None or self.node_rules(known[0]) is None:
            raise NotFound(f"customer not found {customer_id}")
        self.writable_node(known[0])
        forget_customer(self.workspace, customer, by=self.caller)
        return NoContent()


def _parts(
    profile: bytes, lists: Iterator[ExportedList], date_format: DateFormat
) -> Iterator[bytes]:
    """The document, in small pieces."""
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
    """The pieces put together: few large writes rather than many small ones."""
    chunk = bytearray()
    for part in parts:
        chunk += part
        if len(chunk) >= CHUNK_BYTES:
            yield bytes(chunk)
            chunk.clear()
    yield bytes(chunk)
