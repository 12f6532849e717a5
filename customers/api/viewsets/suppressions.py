"""Suppressed values of forgotten people, as hashes."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from drf_spectacular.utils import extend_schema

from configuration.api.scoping import WorkspaceScopedViewSet
from contacthub_project.api import pagination
from contacthub_project.api.components import page_component
from contacthub_project.api.fields import StrictText
from contacthub_project.api.pagination import LARGEST_MATCH
from contacthub_project.api.query import get_or_not_found
from contacthub_project.api.renderers import JsonResponse
from contacthub_project.api.serializers import StrictSerializer
from customers.actions.suppression import lift_suppression
from customers.api.filters.privacy import SuppressionFilterSet
from customers.api.schema import SUPPRESSION
from customers.models import SuppressedValue
from customers.models.suppression import LONGEST_REASON

PAGE = page_component("SuppressedValuePage", SUPPRESSION, "suppressed values")


class SuppressionLift(StrictSerializer):
    """Why a value may come back."""

    reason = StrictText(max_length=LONGEST_REASON, help_text="Why it may come back.")


class SuppressionViewSet(WorkspaceScopedViewSet):
    """Lists suppressed values, which are hashes, and lifts them."""

    filterset_class = SuppressionFilterSet
    page_rules = pagination.CONFIGURATION

    @extend_schema(responses={200: PAGE})
    def list(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        """A page of suppressed values, the latest first unless `sort` says otherwise."""
        filters = SuppressionFilterSet(request.GET, workspace=self.workspace)
        page = self.requested_page(filters)
        everything = SuppressedValue.objects.in_workspace(self.workspace.id)
        values = filters.filter_queryset(everything)
        return JsonResponse(
            page.of(
                [visible_suppression(value) for value in page.slice(values)],
                total=values.count_up_to(LARGEST_MATCH),
            )
        )

    @extend_schema(request=SuppressionLift, responses={200: SUPPRESSION})
    def lift(self, request: HttpRequest, workspace_id: str, suppression_id: str) -> JsonResponse:
        """The value, which may come back from now on; raises NotFound."""
        values = SuppressedValue.objects.in_workspace(self.workspace.id)
        value = get_or_not_found(values, suppression_id, "suppression")
        reason = SuppressionLift.read(self.body())["reason"]
        lifted = lift_suppression(self.workspace.id, value.id, reason=reason, by=self.caller)
        return JsonResponse(visible_suppression(lifted))


def visible_suppression(value: SuppressedValue) -> dict[str, Any]:
    return {
        "id": value.id,
        "kind": value.kind,
        "nodeId": value.node_id,
        "hash": bytes(value.hash).hex(),
        "keyId": value.key_id,
        "receiptId": value.receipt_id,
        "createdAt": value.created_at,
        "returnedAt": value.returned_at,
        "returns": value.returns,
        "liftedAt": value.lifted_at,
        "liftedBy": value.lifted_by,
        "liftReason": value.lift_reason,
    }
