"""The built-in types of events, and a workspace's settings of each of them."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django.http import HttpRequest
from drf_spectacular.utils import extend_schema

from configuration.actions import configuration as actions
from configuration.api.schema import JSON_SCHEMA
from configuration.api.serializers.event_types import (
    ConfiguredEventType,
    EventConfiguration,
    EventConfigurationInput,
)
from configuration.api.serializers.properties import ExtendedProperties, Switch
from configuration.api.viewsets.base import ConfigurationViewSet
from configuration.domain.extended_properties import enabled_definitions
from configuration.domain.vocabulary import EVENT_TYPES, event_properties_schema
from configuration.models import EventTypeSettings
from contacthub_project.api.pagination import PageRules
from contacthub_project.api.renderers import JsonResponse
from contacthub_project.api.schema import RESOLVE_REFERENCES, elements_of, page_of
from contacthub_project.core.errors import NotFound

ALL_AT_ONCE = PageRules(default_size=len(EVENT_TYPES), largest_size=50, last_page=50)


class EventTypeViewSet(ConfigurationViewSet):
    """Types of events in short."""

    def event_settings(self) -> dict[str, EventTypeSettings]:
        """The workspace's settings of all types, by type."""
        return EventTypeSettings.objects.by_type(self.workspace.id)

    @extend_schema(responses={200: elements_of(ConfiguredEventType, "types of events")})
    def list(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        elements = [
            {"id": name, "mode": EVENT_TYPES[name].mode, "enabled": settings.enabled}
            for name, settings in self.event_settings().items()
        ]
        return self.answer({"elements": ConfiguredEventType(elements, many=True).data})


class EventConfigurationViewSet(ConfigurationViewSet):
    """Types of events with their schema and switch, and each one's extended properties."""

    page_rules = ALL_AT_ONCE

    @extend_schema(
        parameters=[RESOLVE_REFERENCES],
        responses={200: page_of(EventConfiguration, "types of events")},
    )
    def list(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        resolve = self.resolve_references()
        page = self.requested_page()
        everything = list(EventTypeSettings.objects.by_type(self.workspace.id).values())
        elements = [
            self._described(settings, resolve=resolve)
            for settings in everything[page.first : page.first + page.size]
        ]
        return self.answer(
            page.of(EventConfiguration(elements, many=True).data, total=len(everything))
        )

    @extend_schema(parameters=[RESOLVE_REFERENCES], responses={200: EventConfiguration})
    def retrieve(self, request: HttpRequest, workspace_id: str, event_type: str) -> JsonResponse:
        settings = self.get_object(event_type)
        described = self._described(settings, resolve=self.resolve_references())
        return self.answer(EventConfiguration(described).data)

    @extend_schema(
        parameters=[RESOLVE_REFERENCES],
        request=EventConfigurationInput,
        responses={200: EventConfiguration},
        deprecated=True,
    )
    def update(self, request: HttpRequest, workspace_id: str, event_type: str) -> JsonResponse:
        settings = self.get_object(event_type)
        resolve = self.resolve_references()
        body = self.body()
        values = EventConfigurationInput.read(body, current=self._sent_back(body, settings))
        self._switch(event_type, values["enabled"])
        described = self._described(self.get_object(event_type), resolve=resolve)
        return self.answer(EventConfiguration(described).data)

    @extend_schema(request=Switch, responses={200: Switch})
    def set_enabled(self, request: HttpRequest, workspace_id: str, event_type: str) -> JsonResponse:
        self.get_object(event_type)
        enabled = Switch.read(self.body())["value"]
        self._switch(event_type, enabled)
        return self.answer(Switch({"value": enabled}).data)

    @extend_schema(parameters=[RESOLVE_REFERENCES], responses={200: JSON_SCHEMA})
    def properties(self, request: HttpRequest, workspace_id: str, event_type: str) -> JsonResponse:
        settings = self.get_object(event_type)
        return self.answer(self._schema(settings, resolve=self.resolve_references()))

    @extend_schema(responses={200: ExtendedProperties})
    def extended(self, request: HttpRequest, workspace_id: str, event_type: str) -> JsonResponse:
        return self.answer(ExtendedProperties(self.get_object(event_type).extended).data)

    @extend_schema(request=ExtendedProperties, responses={200: ExtendedProperties})
    def update_extended(
        self, request: HttpRequest, workspace_id: str, event_type: str
    ) -> JsonResponse:
        self.get_object(event_type)
        definitions = ExtendedProperties.read(self.body())
        actions.set_event_extended(
            self.workspace.id,
            event_type=event_type,
            definitions=definitions,
            may_index=self.may_index,
            expected_version=self.expected,
        )
        return self.answer(ExtendedProperties(definitions).data)

    def get_object(self, event_type: str) -> EventTypeSettings:
        """The workspace's settings of a built-in type; raises NotFound."""
        settings = EventTypeSettings.objects.by_type(self.workspace.id).get(event_type)
        if settings is None:
            raise NotFound(f"event type not found {event_type}")
        return settings

    def _switch(self, event_type: str, enabled: bool) -> None:
        actions.set_event_enabled(
            self.workspace.id,
            event_type=event_type,
            enabled=enabled,
            expected_version=self.expected,
        )

    @cached_property
    def _product_extended(self) -> dict[str, Any]:
        """The enabled extended properties of products."""
        return enabled_definitions(self.row().product_extended)

    def _schema(self, settings: EventTypeSettings, *, resolve: bool) -> dict[str, Any]:
        """The JSON Schema of a type's properties, the workspace's extended ones included."""
        return event_properties_schema(
            settings.type,
            enabled_definitions(settings.extended),
            self._product_extended,
            resolve_references=resolve,
        )

    def _described(self, settings: EventTypeSettings, *, resolve: bool) -> dict[str, Any]:
        event = EVENT_TYPES[settings.type]
        return {
            "id": event.type,
            "type": event.type,
            "mode": event.mode,
            "label": event.label,
            "description": event.description,
            "propertiesSchema": self._schema(settings, resolve=resolve),
            "enabled": settings.enabled,
        }

    def _sent_back(self, body: dict[str, Any], settings: EventTypeSettings) -> dict[str, Any]:
        """Return the current response for a body: the type, its schema in either form."""
        forms = [self._described(settings, resolve=resolve) for resolve in (False, True)]
        given = body.get("propertiesSchema")
        return next((form for form in forms if form["propertiesSchema"] == given), forms[0])
