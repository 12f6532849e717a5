"""A workspace's settings of all types of events at once."""

from __future__ import annotations

from django.http import HttpRequest
from drf_spectacular.utils import extend_schema

from configuration.actions import configuration as actions
from configuration.api.serializers.event_types import (
    ConsentPolicy,
    PayloadSizeByEventType,
    PlanModel,
    ProductsUpdatePolicy,
)
from configuration.api.viewsets.base import ConfigurationViewSet
from configuration.domain import plan
from configuration.domain.vocabulary import PLAN_MODELS, PRODUCT_EVENT_TYPES
from configuration.models import EventTypeSettings
from configuration.models.event_type import DEFAULT_BYTES
from contacthub_project.api.renderers import JsonResponse
from contacthub_project.core.errors import NotFound


class EventPolicyViewSet(ConfigurationViewSet):
    """A setting of all types of events."""

    def event_settings(self) -> dict[str, EventTypeSettings]:
        """The workspace's settings of all types, by type."""
        return EventTypeSettings.objects.by_type(self.workspace.id)


class PayloadSizeViewSet(EventPolicyViewSet):
    """The greatest sizes of events; types that a body does not name get the default."""

    @extend_schema(responses={200: PayloadSizeByEventType})
    def retrieve(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        sizes = {name: {"maxBytes": each.max_bytes} for name, each in self.event_settings().items()}
        return self.answer(PayloadSizeByEventType(sizes).data)

    @extend_schema(request=PayloadSizeByEventType, responses={200: PayloadSizeByEventType})
    def update(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        sizes = PayloadSizeByEventType.read(self.body())
        actions.set_for_event_types(
            self.workspace.id,
            field="max_bytes",
            values={name: size["maxBytes"] for name, size in sizes.items()},
            otherwise=DEFAULT_BYTES,
            expected_version=self.expected,
        )
        return self.retrieve(request, workspace_id)


class ConsentPolicyViewSet(EventPolicyViewSet):
    """The consents that a customer must have given for events of a type to be accepted."""

    @extend_schema(responses={200: ConsentPolicy})
    def retrieve(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        policy = {
            name: each.consents for name, each in self.event_settings().items() if each.consents
        }
        return self.answer(ConsentPolicy(policy).data)

    @extend_schema(request=ConsentPolicy, responses={200: ConsentPolicy})
    def update(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        actions.set_for_event_types(
            self.workspace.id,
            field="consents",
            values=ConsentPolicy.read(self.body()),
            otherwise=[],
            expected_version=self.expected,
        )
        return self.retrieve(request, workspace_id)


class ProductsUpdatePolicyViewSet(EventPolicyViewSet):
    """Which types of events keep the registry of products up to date."""

    @extend_schema(responses={200: ProductsUpdatePolicy})
    def retrieve(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        updating = [
            name for name, each in self.event_settings().items() if each.does_update_products
        ]
        return self.answer(ProductsUpdatePolicy({"eventTypes": updating}).data)

    @extend_schema(request=ProductsUpdatePolicy, responses={200: ProductsUpdatePolicy})
    def update(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        chosen = ProductsUpdatePolicy.read(self.body())["eventTypes"] or []
        actions.set_for_event_types(
            self.workspace.id,
            field="updates_products",
            values={name: name in chosen for name in PRODUCT_EVENT_TYPES},
            otherwise=None,
            expected_version=self.expected,
        )
        return self.retrieve(request, workspace_id)


class PlanModelViewSet(EventPolicyViewSet):
    """The fields that an export to Contactplan can have."""

    @extend_schema(responses={200: PlanModel})
    def retrieve(self, request: HttpRequest, workspace_id: str, plan_model: str) -> JsonResponse:
        if plan_model not in PLAN_MODELS["models"]:
            raise NotFound(f"plan model not found {plan_model}")
        extended = {name: each.extended for name, each in self.event_settings().items()}
        model = plan.plan_model(plan_model, extended, self.row().product_extended)
        return self.answer(PlanModel(model).data)
