from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from drf_spectacular.utils import extend_schema

from configuration.actions import configuration as actions
from configuration.api.force import FORCE, forced
from configuration.api.schema import EXTENDED_PROPERTIES, JSON_SCHEMA
from configuration.api.scoping import WorkspaceView
from configuration.api.serializers.configuration import (
    BaseProperty,
    BasePropertyInput,
    Switch,
    Throttling,
    WorkspaceConfigurationInput,
    WorkspaceConfigurationOutput,
)
from configuration.domain.customer_schema import CustomerSchema, base_properties
from configuration.domain.vocabulary import resolved
from configuration.models import Workspace
from contacthub_project.api.query import QueryParameters
from contacthub_project.api.renderers import JsonResponse
from contacthub_project.api.schema import RESOLVE_REFERENCES, elements_of
from contacthub_project.api.views import expected_version
from contacthub_project.core.errors import NotFound

OPERATOR = "CLAB_OPERATOR"


class ConfigurationView(WorkspaceView):
    """Operations on what holds for the whole workspace; their version is the configuration's."""

    def answer(self, data: Any) -> JsonResponse:
        """`data`, with the configuration's version as it is now for an ETag."""
        return JsonResponse(data, version=self.row().configuration_version)

    def row(self) -> Workspace:
        return Workspace.objects.get(id=self.workspace.id)

    @property
    def expected(self) -> int | None:
        return expected_version(self.request)

    @property
    def may_index(self) -> bool:
        return OPERATOR in self.caller.roles


class WorkspaceConfigurationView(ConfigurationView):
    @extend_schema(responses={200: WorkspaceConfigurationOutput})
    def get(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        return self.answer(WorkspaceConfigurationOutput(self.row()).data)

    @extend_schema(
        request=WorkspaceConfigurationInput, responses={200: WorkspaceConfigurationOutput}
    )
    def put(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        current = WorkspaceConfigurationOutput(self.row()).data
        values = WorkspaceConfigurationInput.read(self.body(), current=current)
        workspace = actions.modify_workspace(
            self.workspace.id, values=values, expected_version=self.expected
        )
        return self.answer(WorkspaceConfigurationOutput(workspace).data)


class ThrottlingView(ConfigurationView):
    is_throttled = False

    @extend_schema(responses={200: Throttling})
    def get(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        return self.answer(Throttling(self.row()).data)

    @extend_schema(request=Throttling, responses={200: Throttling})
    def put(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        values = Throttling.read(self.body())
        workspace = actions.modify_workspace(
            self.workspace.id, values=values, expected_version=self.expected
        )
        return self.answer(Throttling(workspace).data)


class BasePropertiesView(ConfigurationView):
    """Every switchable base property."""

    @extend_schema(responses={200: elements_of(BaseProperty, "base properties")})
    def get(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        disabled = set(self.row().disabled_base_properties)
        elements = [
            _base_property(path, enabled=path not in disabled) for path in base_properties()
        ]
        return self.answer({"elements": elements})


class BasePropertyView(ConfigurationView):
    @extend_schema(parameters=[FORCE], request=BasePropertyInput, responses={200: BaseProperty})
    def put(self, request: HttpRequest, workspace_id: str, name: str) -> JsonResponse:
        _check_known(name)
        current = _base_property(name, enabled=True)
        enabled = BasePropertyInput.read(self.body(), current=current)["enabled"]
        actions.set_base_property(
            self.workspace.id,
            path=name,
            enabled=enabled,
            expected_version=self.expected,
            force=forced(request),
        )
        return self.answer(_base_property(name, enabled=enabled))


class BasePropertyEnabledView(ConfigurationView):
    @extend_schema(parameters=[FORCE], request=Switch, responses={200: Switch})
    def put(self, request: HttpRequest, workspace_id: str, base_property: str) -> JsonResponse:
        _check_known(base_property)
        enabled = Switch.read(self.body())["value"]
        actions.set_base_property(
            self.workspace.id,
            path=base_property,
            enabled=enabled,
            expected_version=self.expected,
            force=forced(request),
        )
        return self.answer({"value": enabled})


class CustomerExtendedView(ConfigurationView):
    @extend_schema(responses={200: EXTENDED_PROPERTIES})
    def get(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        return self.answer(self.row().customer_extended)

    @extend_schema(
        parameters=[FORCE],
        request={"application/json": EXTENDED_PROPERTIES},
        responses={200: EXTENDED_PROPERTIES},
    )
    def put(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        return self.answer(
            actions.set_customer_extended(
                self.workspace.id,
                given=self.body(),
                may_index=self.may_index,
                expected_version=self.expected,
                force=forced(request),
            )
        )


class ProductExtendedView(ConfigurationView):
    @extend_schema(responses={200: EXTENDED_PROPERTIES})
    def get(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        return self.answer(self.row().product_extended)

    @extend_schema(
        request={"application/json": EXTENDED_PROPERTIES}, responses={200: EXTENDED_PROPERTIES}
    )
    def put(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        return self.answer(
            actions.set_product_extended(
                self.workspace.id,
                given=self.body(),
                may_index=self.may_index,
                expected_version=self.expected,
            )
        )


class CustomerPropertiesView(ConfigurationView):
    """The JSON Schema of the workspace's customers."""

    @extend_schema(parameters=[RESOLVE_REFERENCES], responses={200: JSON_SCHEMA})
    def get(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        parameters = QueryParameters(request)
        resolve = parameters.flag("resolveReferences", default=False)
        parameters.raise_faults()
        row = self.row()
        schema = CustomerSchema(row.disabled_base_properties, row.customer_extended).document
        return self.answer(resolved(schema) if resolve else schema)


def _check_known(path: str) -> None:
    if path not in base_properties():
        raise NotFound(f"base property not found {path}")


def _base_property(path: str, *, enabled: bool) -> dict[str, Any]:
    return {"name": path, "description": _described(path), "enabled": enabled}


def _described(path: str) -> str:
    """`contacts.mobilePhone` as `Contacts: mobile phone`."""
    words = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in path)
    return words.replace(".", ": ").capitalize()
