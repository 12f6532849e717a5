from __future__ import annotations

from functools import cached_property
from typing import Any

from django.http import HttpRequest
from drf_spectacular.utils import extend_schema

from configuration.actions import configuration as actions
from configuration.api.schema import (
    CONSENT_POLICY,
    EXTENDED_PROPERTIES,
    JSON_SCHEMA,
    PAYLOAD_SIZES,
    PLAN_MODEL,
)
from configuration.api.serializers.configuration import (
    ConfiguredEventType,
    EventConfiguration,
    EventConfigurationInput,
    PayloadSize,
    ProductsUpdatePolicy,
    Switch,
)
from configuration.api.views.configuration import ConfigurationView
from configuration.domain import plan
from configuration.domain.consent_paths import consent_path_faults
from configuration.domain.extended_properties import enabled_definitions
from configuration.domain.vocabulary import (
    EVENT_TYPES,
    PLAN_MODELS,
    PRODUCT_EVENT_TYPES,
    event_properties_schema,
)
from configuration.models import EventTypeSettings
from configuration.models.event_type import DEFAULT_BYTES
from contacthub_project.api.pagination import Page, PageRules
from contacthub_project.api.parameters import page_parameters
from contacthub_project.api.query import QueryParameters
from contacthub_project.api.renderers import JsonResponse
from contacthub_project.api.schema import RESOLVE_REFERENCES, elements_of, page_of
from contacthub_project.core.array_forms import as_list
from contacthub_project.core.errors import FieldError, Invalid, NotFound, pointer

ALL_AT_ONCE = PageRules(default_size=len(EVENT_TYPES), largest_size=50, last_page=50)


class EventTypeView(ConfigurationView):
    """Operations that name a built-in type of event."""

    def event_settings(self) -> dict[str, EventTypeSettings]:
        return EventTypeSettings.objects.by_type(self.workspace.id)

    @cached_property
    def product_extended(self) -> dict[str, Any]:
        """The enabled extended properties of products."""
        return enabled_definitions(self.row().product_extended)

    def resolve_references(self) -> bool:
        parameters = QueryParameters(self.request)
        resolve = parameters.flag("resolveReferences", default=False)
        parameters.raise_faults()
        return resolve

    def known(self, event_type: str) -> str:
        if event_type not in EVENT_TYPES:
            raise NotFound(f"event type not found {event_type}")
        return event_type

    def described(self, settings: EventTypeSettings, *, resolve: bool) -> dict[str, Any]:
        event = EVENT_TYPES[settings.type]
        return {
            "id": event.type,
            "type": event.type,
            "mode": event.mode,
            "label": event.label,
            "description": event.description,
            "propertiesSchema": event_properties_schema(
                event.type,
                enabled_definitions(settings.extended),
                self.product_extended,
                resolve_references=resolve,
            ),
            "enabled": settings.enabled,
        }

    def sent_back(self, body: dict[str, Any], event_type: str) -> dict[str, Any]:
        """What a body must equal: the type as it is answered, its schema in either form."""
        forms = [
            self.described(self.event_settings()[event_type], resolve=resolve)
            for resolve in (False, True)
        ]
        given = body.get("propertiesSchema")
        return next((form for form in forms if form["propertiesSchema"] == given), forms[0])


class EventConfigurationsView(EventTypeView):
    @extend_schema(
        parameters=[*page_parameters(ALL_AT_ONCE), RESOLVE_REFERENCES],
        responses={200: page_of(EventConfiguration, "types of events")},
    )
    def get(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        resolve = self.resolve_references()
        parameters = QueryParameters(request)
        page = Page.asked_for(parameters, ALL_AT_ONCE)
        parameters.raise_faults()
        listed = list(self.event_settings().values())
        elements = [
            self.described(settings, resolve=resolve)
            for settings in listed[page.first : page.first + page.size]
        ]
        return self.answer(page.of(elements, total=len(listed)))


class EventConfigurationView(EventTypeView):
    @extend_schema(parameters=[RESOLVE_REFERENCES], responses={200: EventConfiguration})
    def get(self, request: HttpRequest, workspace_id: str, event_type: str) -> JsonResponse:
        settings = self.event_settings()[self.known(event_type)]
        return self.answer(self.described(settings, resolve=self.resolve_references()))

    @extend_schema(
        parameters=[RESOLVE_REFERENCES],
        request=EventConfigurationInput,
        responses={200: EventConfiguration},
        deprecated=True,
    )
    def put(self, request: HttpRequest, workspace_id: str, event_type: str) -> JsonResponse:
        self.known(event_type)
        resolve = self.resolve_references()
        body = self.body()
        values = EventConfigurationInput.read(body, current=self.sent_back(body, event_type))
        actions.set_event_enabled(
            self.workspace.id,
            event_type=event_type,
            enabled=values["enabled"],
            expected_version=self.expected,
        )
        return self.answer(self.described(self.event_settings()[event_type], resolve=resolve))


class EventEnabledView(EventTypeView):
    @extend_schema(request=Switch, responses={200: Switch})
    def put(self, request: HttpRequest, workspace_id: str, event_type: str) -> JsonResponse:
        self.known(event_type)
        enabled = Switch.read(self.body())["value"]
        actions.set_event_enabled(
            self.workspace.id,
            event_type=event_type,
            enabled=enabled,
            expected_version=self.expected,
        )
        return self.answer({"value": enabled})


class EventPropertiesView(EventTypeView):
    @extend_schema(parameters=[RESOLVE_REFERENCES], responses={200: JSON_SCHEMA})
    def get(self, request: HttpRequest, workspace_id: str, event_type: str) -> JsonResponse:
        settings = self.event_settings()[self.known(event_type)]
        resolve = self.resolve_references()
        extended = enabled_definitions(settings.extended)
        return self.answer(
            event_properties_schema(
                event_type, extended, self.product_extended, resolve_references=resolve
            )
        )


class EventExtendedView(EventTypeView):
    @extend_schema(responses={200: EXTENDED_PROPERTIES})
    def get(self, request: HttpRequest, workspace_id: str, event_type: str) -> JsonResponse:
        return self.answer(self.event_settings()[self.known(event_type)].extended)

    @extend_schema(
        request={"application/json": EXTENDED_PROPERTIES}, responses={200: EXTENDED_PROPERTIES}
    )
    def put(self, request: HttpRequest, workspace_id: str, event_type: str) -> JsonResponse:
        return self.answer(
            actions.set_event_extended(
                self.workspace.id,
                event_type=self.known(event_type),
                given=self.body(),
                may_index=self.may_index,
                expected_version=self.expected,
            )
        )


class EventTypesView(EventTypeView):
    @extend_schema(responses={200: elements_of(ConfiguredEventType, "types of events")})
    def get(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        elements = [
            {"id": name, "mode": EVENT_TYPES[name].mode, "enabled": settings.enabled}
            for name, settings in self.event_settings().items()
        ]
        return self.answer({"elements": elements})


class PayloadSizeView(EventTypeView):
    @extend_schema(responses={200: PAYLOAD_SIZES})
    def get(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        sizes = {name: {"maxBytes": each.max_bytes} for name, each in self.event_settings().items()}
        return self.answer(sizes)

    @extend_schema(request={"application/json": PAYLOAD_SIZES}, responses={200: PAYLOAD_SIZES})
    def put(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        values = read_by_type(self.body(), PayloadSize, "maxBytes")
        actions.set_for_event_types(
            self.workspace.id,
            field="max_bytes",
            values=values,
            otherwise=DEFAULT_BYTES,
            expected_version=self.expected,
        )
        return self.get(request, workspace_id)


class ConsentPolicyView(EventTypeView):
    """Which consents a customer must have given for events of a type to be accepted."""

    @extend_schema(responses={200: CONSENT_POLICY})
    def get(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        policy = {
            name: each.consents for name, each in self.event_settings().items() if each.consents
        }
        return self.answer(policy)

    @extend_schema(request={"application/json": CONSENT_POLICY}, responses={200: CONSENT_POLICY})
    def put(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        body = {name: as_list(paths) for name, paths in self.body().items()}
        faults = unknown_type_faults(body)
        for name, paths in body.items():
            faults += consent_path_faults(paths, at=pointer(name))
        if faults:
            raise Invalid(errors=faults)
        actions.set_for_event_types(
            self.workspace.id,
            field="consents",
            values=body,
            otherwise=[],
            expected_version=self.expected,
        )
        return self.get(request, workspace_id)


class ProductsUpdatePolicyView(EventTypeView):
    @extend_schema(responses={200: ProductsUpdatePolicy})
    def get(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        updating = [
            name for name, each in self.event_settings().items() if each.does_update_products
        ]
        return self.answer({"eventTypes": updating})

    @extend_schema(request=ProductsUpdatePolicy, responses={200: ProductsUpdatePolicy})
    def put(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        chosen = ProductsUpdatePolicy.read(self.body())["eventTypes"] or []
        faults = [
            FieldError(f"/eventTypes/{index}", "is not a type of event with products", "enum")
            for index, name in enumerate(chosen)
            if name not in PRODUCT_EVENT_TYPES
        ]
        if faults:
            raise Invalid(errors=faults)
        actions.set_for_event_types(
            self.workspace.id,
            field="updates_products",
            values={name: name in chosen for name in PRODUCT_EVENT_TYPES},
            otherwise=None,
            expected_version=self.expected,
        )
        return self.get(request, workspace_id)


class PlanModelView(EventTypeView):
    @extend_schema(responses={200: PLAN_MODEL})
    def get(self, request: HttpRequest, workspace_id: str, plan_model: str) -> JsonResponse:
        if plan_model not in PLAN_MODELS["models"]:
            raise NotFound(f"plan model not found {plan_model}")
        extended = {name: each.extended for name, each in self.event_settings().items()}
        return self.answer(plan.plan_model(plan_model, extended, self.row().product_extended))


def read_by_type(
    body: dict[str, Any], serializer: Any, field: str, *, at: str = ""
) -> dict[str, int]:
    """A body that maps types of events to objects with one field; raises Invalid.

    `at` points to it where it is part of a larger body.
    """
    faults = unknown_type_faults(body, at=at)
    values: dict[str, int] = {}
    for name, given in body.items():
        if name not in EVENT_TYPES:
            continue
        try:
            values[name] = serializer.read(given)[field]
        except Invalid as failure:
            faults += [
                FieldError(f"{at}/{name}{error.path}", error.message, error.code)
                for error in failure.errors
            ]
    if faults:
        raise Invalid(errors=faults)
    return values


def unknown_type_faults(body: dict[str, Any], *, at: str = "") -> list[FieldError]:
    """A fault for each key that is no built-in type of event; `at` points to the body."""
    return [
        FieldError(at + pointer(name), "is not a built-in type of event", "enum")
        for name in body
        if name not in EVENT_TYPES
    ]
