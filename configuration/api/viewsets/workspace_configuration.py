"""A workspace's own settings, and its limit of requests."""

from __future__ import annotations

from django.http import HttpRequest
from drf_spectacular.utils import extend_schema

from configuration.actions import configuration as actions
from configuration.api.serializers.workspace_configuration import (
    Throttling,
    WorkspaceConfigurationInput,
    WorkspaceConfigurationOutput,
)
from configuration.api.viewsets.base import ConfigurationViewSet
from contacthub_project.api.renderers import JsonResponse


class WorkspaceConfigurationViewSet(ConfigurationViewSet):
    """Name, industry, time zone, currency, placeholders."""

    @extend_schema(responses={200: WorkspaceConfigurationOutput})
    def retrieve(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        return self.answer(WorkspaceConfigurationOutput(self.row()).data)

    @extend_schema(
        request=WorkspaceConfigurationInput, responses={200: WorkspaceConfigurationOutput}
    )
    def update(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        current = WorkspaceConfigurationOutput(self.row()).data
        values = WorkspaceConfigurationInput.read(self.body(), current=current)
        workspace = actions.modify_workspace(
            self.workspace.id, values=values, expected_version=self.expected
        )
        return self.answer(WorkspaceConfigurationOutput(workspace).data)


class ThrottlingViewSet(ConfigurationViewSet):
    """The requests per minute. Not throttled itself, so that a low limit can be raised."""

    is_throttled = False

    @extend_schema(responses={200: Throttling})
    def retrieve(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        return self.answer(Throttling(self.row()).data)

    @extend_schema(request=Throttling, responses={200: Throttling})
    def update(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        values = Throttling.read(self.body())
        workspace = actions.modify_workspace(
            self.workspace.id, values=values, expected_version=self.expected
        )
        return self.answer(Throttling(workspace).data)
