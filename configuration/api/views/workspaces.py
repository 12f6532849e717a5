from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest
from drf_spectacular.utils import extend_schema

from configuration.actions import workspaces as actions
from configuration.api.scoping import WorkspaceView
from configuration.api.serializers.workspaces import (
    WorkspaceInput,
    WorkspaceOutput,
    WorkspaceStatusBody,
)
from configuration.models import Workspace
from contacthub_project.api import pagination
from contacthub_project.api.pagination import Page
from contacthub_project.api.parameters import number_parameter, text_parameter
from contacthub_project.api.query import QueryParameters
from contacthub_project.api.renderers import JsonResponse, NoContent
from contacthub_project.api.schema import ELEMENTS_OF_NAMES, PAGE_PARAMETERS, page_of
from contacthub_project.api.views import ContactHubViewSet

LARGEST_GROUP = 2**63 - 1


class WorkspacesView(ContactHubViewSet):
    """Workspaces of the whole installation, for its operators."""

    @extend_schema(
        parameters=[
            *PAGE_PARAMETERS,
            text_parameter("name", "Part of the name, in any case."),
            number_parameter("groupPk", "Number of the customer group.", most=LARGEST_GROUP),
        ],
        responses={200: page_of(WorkspaceOutput, "workspaces")},
    )
    def get(self, request: HttpRequest) -> JsonResponse:
        parameters = QueryParameters(request)
        page = Page.asked_for(parameters, pagination.CONFIGURATION)
        name = parameters.text("name")
        group = parameters.whole_number("groupPk", default=None, most=LARGEST_GROUP)
        parameters.raise_faults()
        everything = Workspace.objects.present().reached_by(self.caller)
        found = everything.matching(name=name, group_pk=group)
        return JsonResponse(
            page.of(
                WorkspaceOutput(page.slice(found), many=True).data,
                total=found.count(),
                unfiltered=everything.count(),
            )
        )

    @extend_schema(request=WorkspaceInput, responses={201: WorkspaceOutput})
    def post(self, request: HttpRequest) -> JsonResponse:
        workspace = actions.create_workspace(**WorkspaceInput.read(self.body()))
        return JsonResponse(WorkspaceOutput(workspace).data, status=201, version=workspace.version)


class WorkspaceDetailView(WorkspaceView):
    serves_closed_workspaces = True

    @extend_schema(responses={200: WorkspaceOutput})
    def get(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        workspace = Workspace.objects.get(id=self.workspace.id)
        return JsonResponse(WorkspaceOutput(workspace).data, version=workspace.version)

    @extend_schema(responses={204: None})
    def delete(self, request: HttpRequest, workspace_id: str) -> NoContent:
        workspace = Workspace.objects.get(id=self.workspace.id)
        self.check_if_match(workspace.version)
        actions.delete_workspace(workspace)
        return NoContent()


class WorkspaceStatusView(WorkspaceView):
    serves_closed_workspaces = True

    @extend_schema(request=WorkspaceStatusBody, responses={200: WorkspaceStatusBody})
    def put(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        values = WorkspaceStatusBody.read(self.body())
        workspace = Workspace.objects.get(id=self.workspace.id)
        self.check_if_match(workspace.version)
        actions.set_workspace_status(workspace, status=values["status"])
        return JsonResponse({"status": workspace.status}, version=workspace.version)


class ShardsView(ContactHubViewSet):
    """Where the data of workspaces can be placed."""

    @extend_schema(responses={200: ELEMENTS_OF_NAMES})
    def get(self, request: HttpRequest) -> JsonResponse:
        return JsonResponse({"elements": list(settings.SHARDS)})
