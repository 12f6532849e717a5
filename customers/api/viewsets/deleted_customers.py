"""Deleted customers: found and restored until they are erased."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.http import HttpRequest
from drf_spectacular.utils import extend_schema

from contacthub_project.api import pagination
from contacthub_project.api.components import page_component
from contacthub_project.api.pagination import LARGEST_MATCH
from contacthub_project.api.renderers import JsonResponse
from contacthub_project.core.date_format import Positions
from contacthub_project.core.timestamps import format_timestamp
from customers.api.filters.privacy import DeletedCustomerFilterSet
from customers.api.schema import DELETED_CUSTOMER
from customers.api.scoping import CustomerScopedViewSet
from customers.models import Customer
from customers.models.customer_row import CustomerRow
from customers.queries.documents import customer_moments, customer_response
from customers.queries.erasure import deleted_at

PAGE = page_component("DeletedCustomerPage", DELETED_CUSTOMER, "deleted customers")


class DeletedCustomerViewSet(CustomerScopedViewSet):
    """Finds customers that were deleted and are not erased yet."""

    filterset_class = DeletedCustomerFilterSet
    page_rules = pagination.ENTITIES

    @extend_schema(responses={200: PAGE})
    def list(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        """A page of deleted customers, the last deleted first."""
        filters = DeletedCustomerFilterSet(request.GET)
        page = self.requested_page(filters)
        deleted = Customer.objects.deleted_in(self.workspace.id, list(self.workspace.nodes))
        found = filters.filter_queryset(deleted.readable_by(self.caller))
        ids = [*page.slice(found.values_list("id", flat=True))]
        rows = {row.id: row for row in Customer.objects.known_rows(self.workspace.id, ids)}
        found_rows = [rows[str(each)] for each in ids if str(each) in rows]
        total = found.count_up_to(LARGEST_MATCH)
        return JsonResponse(page.of([self._visible(row) for row in found_rows], total=total))

    def _visible(self, row: CustomerRow) -> dict[str, Any]:
        gone = deleted_at(row)
        erased = gone and gone + timedelta(days=self.workspace.deleted_days)
        return {
            "customer": customer_response(row, self.workspace.customer_schema),
            "deletedAt": gone and format_timestamp(gone),
            "erasedFrom": erased and format_timestamp(erased),
        }

    def moments(self) -> Positions:
        """The positions of timestamps in a page."""
        customer = customer_moments(self.workspace.customer_schema)
        return {"elements": ({"customer": customer, "deletedAt": True, "erasedFrom": True},)}
