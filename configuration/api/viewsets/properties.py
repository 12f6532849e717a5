"""Base and extended properties of customers and products, and their JSON Schema."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from drf_spectacular.utils import extend_schema

from configuration.actions import configuration as actions
from configuration.api.force import FORCE, forced
from configuration.api.schema import JSON_SCHEMA
from configuration.api.serializers.properties import (
    BaseProperty,
    BasePropertyInput,
    ExtendedProperties,
    Switch,
)
from configuration.api.viewsets.base import ConfigurationViewSet
from configuration.domain.customer_schema import CustomerSchema, base_properties
from configuration.domain.vocabulary import resolved
from contacthub_project.api.renderers import JsonResponse
from contacthub_project.api.schema import RESOLVE_REFERENCES, elements_of
from contacthub_project.core.errors import NotFound


class BasePropertyViewSet(ConfigurationViewSet):
    """The base properties that can be disabled; `name` is a dotted path below `base`."""

    @extend_schema(responses={200: elements_of(BaseProperty, "base properties")})
    def list(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        disabled = set(self.row().disabled_base_properties)
        elements = [
            _base_property(path, enabled=path not in disabled) for path in base_properties()
        ]
        return self.answer({"elements": BaseProperty(elements, many=True).data})

    @extend_schema(parameters=[FORCE], request=BasePropertyInput, responses={200: BaseProperty})
    def update(self, request: HttpRequest, workspace_id: str, name: str) -> JsonResponse:
        _check_known(name)
        current = _base_property(name, enabled=True)
        enabled = BasePropertyInput.read(self.body(), current=current)["enabled"]
        self._switch(name, enabled)
        return self.answer(BaseProperty(_base_property(name, enabled=enabled)).data)

    @extend_schema(parameters=[FORCE], request=Switch, responses={200: Switch})
    def set_enabled(
        self, request: HttpRequest, workspace_id: str, base_property: str
    ) -> JsonResponse:
        _check_known(base_property)
        enabled = Switch.read(self.body())["value"]
        self._switch(base_property, enabled)
        return self.answer(Switch({"value": enabled}).data)

    def _switch(self, path: str, enabled: bool) -> None:
        actions.set_base_property(
            self.workspace.id,
            path=path,
            enabled=enabled,
            expected_version=self.expected,
            force=forced(self.request),
        )


class ExtendedPropertyViewSet(ConfigurationViewSet):
    """The extended properties of customers, as one resource."""

    @extend_schema(responses={200: ExtendedProperties})
    def retrieve(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        return self.answer(ExtendedProperties(self.row().customer_extended).data)

    @extend_schema(
        parameters=[FORCE], request=ExtendedProperties, responses={200: ExtendedProperties}
    )
    def update(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        definitions = ExtendedProperties.read(self.body())
        actions.set_customer_extended(
            self.workspace.id,
            definitions=definitions,
            may_index=self.may_index,
            expected_version=self.expected,
            force=forced(request),
        )
        return self.answer(ExtendedProperties(definitions).data)


class ProductExtendedPropertyViewSet(ConfigurationViewSet):
    """The extended properties of products, as one resource."""

    @extend_schema(responses={200: ExtendedProperties})
    def retrieve(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        return self.answer(ExtendedProperties(self.row().product_extended).data)

    @extend_schema(request=ExtendedProperties, responses={200: ExtendedProperties})
    def update(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        definitions = ExtendedProperties.read(self.body())
        actions.set_product_extended(
            self.workspace.id,
            definitions=definitions,
            may_index=self.may_index,
            expected_version=self.expected,
        )
        return self.answer(ExtendedProperties(definitions).data)


class CustomerSchemaViewSet(ConfigurationViewSet):
    """The JSON Schema of the workspace's customers."""

    @extend_schema(parameters=[RESOLVE_REFERENCES], responses={200: JSON_SCHEMA})
    def retrieve(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        resolve = self.resolve_references()
        row = self.row()
        schema = CustomerSchema(row.disabled_base_properties, row.customer_extended).document
        return self.answer(resolved(schema) if resolve else schema)


def _check_known(path: str) -> None:
    if path not in base_properties():
        raise NotFound(f"base property not found {path}")


def _base_property(path: str, *, enabled: bool) -> dict[str, Any]:
    return {"name": path, "description": _description(path), "enabled": enabled}


def _description(path: str) -> str:
    """Return `contacts.mobilePhone` as `Contacts: mobile phone`."""
    words = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in path)
    return words.replace(".", ": ").capitalize()
