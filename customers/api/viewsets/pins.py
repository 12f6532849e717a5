"""Entry customers that are pinned together in an aggregate node, or kept apart."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from drf_spectacular.utils import extend_schema

from contacthub_project.api import pagination
from contacthub_project.api.components import page_component
from contacthub_project.api.fields import StrictUuid
from contacthub_project.api.pagination import LARGEST_MATCH
from contacthub_project.api.query import id_or_unknown
from contacthub_project.api.renderers import JsonResponse, NoContent
from contacthub_project.api.serializers import StrictSerializer
from customers.actions.pinning import pin_customer, unpin_customer
from customers.api.filters.identity import AggregatePinFilterSet
from customers.api.identity_schema import AGGREGATE_PIN
from customers.api.scoping import CustomerScopedViewSet
from customers.models import AggregatePin

PAGE = page_component("AggregatePinPage", AGGREGATE_PIN, "pins")


class PinInput(StrictSerializer):
    """The customer to pin to; null keeps the customer apart."""

    with_ = StrictUuid(
        allow_null=True,
        help_text="Another customer of the entry nodes; null: it is a person of its own.",
    )

    def get_fields(self) -> dict[str, Any]:
        """Return the fields by their names of the wire: `with` is a word of Python."""
        fields = super().get_fields()
        return {"with": fields["with_"]}


class AggregatePinViewSet(CustomerScopedViewSet):
    """Pins entry customers in aggregate nodes."""

    filterset_class = AggregatePinFilterSet
    page_rules = pagination.ENTITIES

    @extend_schema(responses={200: PAGE})
    def list(self, request: HttpRequest, workspace_id: str, node_id: str) -> JsonResponse:
        """Return a page of the pins of a node, the latest first."""
        filters = AggregatePinFilterSet(request.GET)
        page = self.requested_page(filters)
        node = self.readable_node(node_id)
        everything = AggregatePin.objects.in_workspace(self.workspace.id).filter(node_id=node.id)
        pins = filters.filter_queryset(everything)
        return JsonResponse(
            page.of(
                [_pin_document(pin) for pin in page.slice(pins)],
                total=pins.count_up_to(LARGEST_MATCH),
            )
        )

    @extend_schema(request=PinInput, responses={200: AGGREGATE_PIN})
    def update(
        self, request: HttpRequest, workspace_id: str, node_id: str, customer_id: str
    ) -> JsonResponse:
        """Pin a customer to another, or keep it apart from all."""
        node = self.writable_node(node_id)
        to = PinInput.read(self.body())["with"]
        customer = id_or_unknown(customer_id)
        return JsonResponse(
            _pin_document(pin_customer(self.workspace, node, customer, to=to, by=self.caller))
        )

    @extend_schema(responses={204: None})
    def destroy(
        self, request: HttpRequest, workspace_id: str, node_id: str, customer_id: str
    ) -> HttpResponse:
        """Remove a pin."""
        node = self.writable_node(node_id)
        unpin_customer(self.workspace, node, id_or_unknown(customer_id))
        return NoContent()


def _pin_document(pin: AggregatePin) -> dict[str, Any]:
    return {
        "customerId": pin.customer_id,
        "nodeId": pin.node_id,
        "isApart": pin.is_apart,
        "group": bytes(pin.match_key).hex(),
        "pinnedAt": pin.pinned_at,
        "pinnedBy": pin.pinned_by,
    }
