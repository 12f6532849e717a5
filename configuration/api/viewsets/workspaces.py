"""Workspaces, for the operators of the installation."""

from __future__ import annotations

from collections.abc import Sequence

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import BasePermission
from rest_framework.throttling import BaseThrottle

from configuration.actions import workspaces as actions
from configuration.api.filters import WorkspaceFilterSet
from configuration.api.scoping import WorkspaceScopedViewSet
from configuration.api.serializers.workspaces import (
    WorkspaceInput,
    WorkspaceOutput,
    WorkspaceStatusBody,
)
from configuration.models import Workspace
from configuration.queries.shards import shard_names
from contacthub_project.api import pagination
from contacthub_project.api.permissions import OperationPermission
from contacthub_project.api.renderers import JsonResponse, NoContent
from contacthub_project.api.schema import ELEMENTS_OF_NAMES, page_of
from contacthub_project.api.viewsets import ContactHubViewSet


class WorkspaceViewSet(WorkspaceScopedViewSet):
    """All workspaces of the installation, in any status."""

    serves_closed_workspaces = True
    outside = ("list", "create")  # actions outside of a workspace
    filterset_class = WorkspaceFilterSet
    page_rules = pagination.CONFIGURATION

    def get_permissions(self) -> Sequence[BasePermission]:
        return [OperationPermission()] if self.action in self.outside else super().get_permissions()

    def get_throttles(self) -> Sequence[BaseThrottle]:
        return [] if self.action in self.outside else super().get_throttles()

    def finalize_response(
        self, request: HttpRequest, response: HttpResponseBase, *args: object, **kwargs: object
    ) -> HttpResponseBase:
        if self.action in self.outside:
            return response
        return super().finalize_response(request, response, *args, **kwargs)

    @extend_schema(
        responses={200: page_of(WorkspaceOutput, "workspaces")},
    )
    def list(self, request: HttpRequest) -> JsonResponse:
        filters = WorkspaceFilterSet(request.GET)
        page = self.requested_page(filters)
        everything = Workspace.objects.present().reached_by(self.caller)
        found = filters.filter_queryset(everything)
        return JsonResponse(
            page.of(
                WorkspaceOutput(page.slice(found), many=True).data,
                total=found.count(),
                unfiltered=everything.count(),
            )
        )

    @extend_schema(request=WorkspaceInput, responses={201: WorkspaceOutput})
    def create(self, request: HttpRequest) -> JsonResponse:
        workspace = actions.create_workspace(**WorkspaceInput.read(self.body()))
        return JsonResponse(WorkspaceOutput(workspace).data, status=201, version=workspace.version)

    @extend_schema(responses={200: WorkspaceOutput})
    def retrieve(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        workspace = self.get_object()
        return JsonResponse(WorkspaceOutput(workspace).data, version=workspace.version)

    @extend_schema(responses={204: None})
    def destroy(self, request: HttpRequest, workspace_id: str) -> NoContent:
        workspace = self.get_object()
        self.check_if_match(workspace.version)
        actions.delete_workspace(workspace)
        return NoContent()

    @extend_schema(request=WorkspaceStatusBody, responses={200: WorkspaceStatusBody})
    def set_status(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        values = WorkspaceStatusBody.read(self.body())
        workspace = self.get_object()
        self.check_if_match(workspace.version)
        actions.set_workspace_status(workspace, status=values["status"])
        return JsonResponse(WorkspaceStatusBody(workspace).data, version=workspace.version)

    def get_object(self) -> Workspace:
        """Return the workspace of the path."""
        return Workspace.objects.get(id=self.workspace.id)


class ShardViewSet(ContactHubViewSet):
    """The shards for workspaces."""

    @extend_schema(responses={200: ELEMENTS_OF_NAMES})
    def list(self, request: HttpRequest) -> JsonResponse:
        return JsonResponse({"elements": shard_names()})
