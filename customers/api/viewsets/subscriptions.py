"""The subscriptions of a customer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from drf_spectacular.utils import extend_schema

from contacthub_project.api.renderers import JsonResponse, NoContent
from contacthub_project.core.date_format import Positions
from contacthub_project.core.errors import NotFound
from customers.actions.subscriptions import (
    add_subscription,
    change_subscription,
    remove_subscription,
    subscription_in,
)
from customers.actions.validation import CUSTOMER_BYTES
from customers.api.schema import SUBSCRIPTION
from customers.api.scoping import CustomerScopedViewSet
from customers.queries.documents import document_of, element_moments


class SubscriptionViewSet(CustomerScopedViewSet):
    """A customer's subscriptions, which have ids."""

    @extend_schema(request={"application/json": SUBSCRIPTION}, responses={201: SUBSCRIPTION})
    async def create(
        self, request: HttpRequest, workspace_id: str, customer_id: str
    ) -> JsonResponse:
        """Add a subscription."""
        customer, _ = await self.awritable_row(customer_id)
        body = self.body(limit=CUSTOMER_BYTES)
        subscription = await add_subscription(self.workspace, customer, body=body, by=self.caller)
        return JsonResponse(self.complete(subscription), status=201)

    @extend_schema(responses={200: SUBSCRIPTION})
    async def retrieve(
        self, request: HttpRequest, workspace_id: str, customer_id: str, property_id: str
    ) -> JsonResponse:
        """Return one subscription; 404 also where the workspace has disabled them."""
        row = await self.areadable_row(customer_id)
        subscription = None
        if self.workspace.customer_schema.has("base.subscriptions"):
            subscription = subscription_in(document_of(row), property_id)
        if subscription is None:
            raise NotFound(f"subscription not found {property_id}")
        return JsonResponse(self.complete(subscription))

    @extend_schema(request={"application/json": SUBSCRIPTION}, responses={200: SUBSCRIPTION})
    async def update(
        self, request: HttpRequest, workspace_id: str, customer_id: str, property_id: str
    ) -> JsonResponse:
        """Change the sent properties of a subscription."""
        row, node = await self.awritable_row(customer_id)
        body = self.body(limit=CUSTOMER_BYTES)
        subscription = await change_subscription(
            self.workspace, row, property_id, body=body, by=self.caller
        )
        if not self.caller.may_read_profiles_in(node.id):
            schema = self.workspace.customer_schema
            own = {"base": {"subscriptions": [{"id": property_id} | body]}}
            own = schema.canonical(schema.without_disabled(schema.coerced(own)))
            subscription = own["base"]["subscriptions"][0]
        answer = self.complete(subscription)
        if answer["subscribed"] is None:
            del answer["subscribed"]  # stored, but not readable by this caller; never null
        return JsonResponse(answer)

    @extend_schema(responses={204: None})
    async def destroy(
        self, request: HttpRequest, workspace_id: str, customer_id: str, property_id: str
    ) -> HttpResponse:
        """Remove a subscription."""
        customer, _ = await self.awritable_row(customer_id)
        await remove_subscription(self.workspace, customer, property_id, by=self.caller)
        return NoContent()

    def complete(self, subscription: Mapping[str, Any]) -> dict[str, Any]:
        """Return every property of the subscription, absent ones null."""
        return self.workspace.customer_schema.complete_element("subscriptions", subscription)

    def moments(self) -> Positions:
        """Return the positions of timestamps in a subscription."""
        return element_moments(self.workspace.customer_schema, "subscriptions")
