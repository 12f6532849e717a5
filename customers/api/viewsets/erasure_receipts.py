"""Receipts of erasures: what was erased, when, and who requested it."""

from __future__ import annotations

from django.http import HttpRequest
from drf_spectacular.utils import extend_schema

from configuration.api.scoping import WorkspaceScopedViewSet
from contacthub_project.api import pagination
from contacthub_project.api.components import page_component
from contacthub_project.api.pagination import LARGEST_MATCH
from contacthub_project.api.query import id_or_unknown
from contacthub_project.api.renderers import JsonResponse
from contacthub_project.core.date_format import Positions
from contacthub_project.core.errors import NotFound
from customers.api.filters.privacy import ErasureReceiptFilterSet
from customers.api.schema import ERASURE_RECEIPT
from customers.models import ErasureReceipt
from customers.queries.receipts import receipt_of, receipt_response

PAGE_OF_RECEIPTS = page_component("ErasureReceiptPage", ERASURE_RECEIPT, "receipts")


class ErasureReceiptViewSet(WorkspaceScopedViewSet):
    """The chain of receipts of a workspace, read-only."""

    filterset_class = ErasureReceiptFilterSet
    page_rules = pagination.CONFIGURATION

    @extend_schema(responses={200: PAGE_OF_RECEIPTS})
    def list(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        """Return a page of receipts, the latest first unless `sort` is given."""
        filters = ErasureReceiptFilterSet(request.GET)
        page = self.requested_page(filters)
        everything = ErasureReceipt.objects.in_workspace(self.workspace.id)
        receipts = filters.filter_queryset(everything)
        return JsonResponse(
            page.of(
                [receipt_response(receipt) for receipt in page.slice(receipts)],
                total=receipts.count_up_to(LARGEST_MATCH),
            )
        )

    @extend_schema(responses={200: ERASURE_RECEIPT})
    def retrieve(self, request: HttpRequest, workspace_id: str, receipt_id: str) -> JsonResponse:
        """Return one receipt; raises NotFound."""
        receipt = receipt_of(self.workspace.id, id_or_unknown(receipt_id))
        if receipt is None:
            raise NotFound(f"receipt not found {receipt_id}")
        return JsonResponse(receipt_response(receipt))

    def moments(self) -> Positions:
        """Return the positions of timestamps in a receipt, or in a page of them."""
        receipt: Positions = {"moment": True}
        return {"elements": (receipt,)} if self.action == "list" else receipt
