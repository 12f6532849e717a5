from __future__ import annotations

from django.http import HttpRequest
from drf_spectacular.utils import extend_schema

from configuration.actions import aggregates as actions
from configuration.api.scoping import WorkspaceView
from configuration.api.serializers.aggregates import (
    AggregateNodeInput,
    AggregateNodeOutput,
    AggregateNodeState,
    AggregateNodeUpdate,
)
from configuration.models import Node
from contacthub_project.api import pagination
from contacthub_project.api.pagination import Page
from contacthub_project.api.query import QueryParameters
from contacthub_project.api.renderers import JsonResponse, NoContent
from contacthub_project.api.schema import PAGE_PARAMETERS, page_of
from contacthub_project.api.views import expected_version
from contacthub_project.core.errors import FieldError, Invalid


class AggregateNodesView(WorkspaceView):
    """Aggregate nodes of a workspace, those that the caller reaches."""

    @extend_schema(
        parameters=PAGE_PARAMETERS, responses={200: page_of(AggregateNodeOutput, "aggregate nodes")}
    )
    def get(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        parameters = QueryParameters(request)
        page = Page.asked_for(parameters, pagination.CONFIGURATION)
        parameters.raise_faults()
        nodes = Node.objects.in_workspace(self.workspace.id).aggregates().reached_by(self.caller)
        elements = AggregateNodeOutput(page.slice(nodes), many=True).data
        return JsonResponse(page.of(elements, total=nodes.count()))

    @extend_schema(request=AggregateNodeInput, responses={201: AggregateNodeOutput})
    def post(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        node = actions.create_aggregate_node(
            self.workspace.id,
            values=AggregateNodeInput.read(self.body()),
        )
        return JsonResponse(AggregateNodeOutput(node).data, status=201, version=node.version)


class AggregateNodeView(WorkspaceView):
    @extend_schema(responses={200: AggregateNodeOutput})
    def get(self, request: HttpRequest, workspace_id: str, aggregate_node_id: str) -> JsonResponse:
        node = self.aggregate_node(aggregate_node_id)
        return JsonResponse(AggregateNodeOutput(node).data, version=node.version)

    @extend_schema(request=AggregateNodeUpdate, responses={200: AggregateNodeOutput})
    def put(self, request: HttpRequest, workspace_id: str, aggregate_node_id: str) -> JsonResponse:
        node = self.aggregate_node(aggregate_node_id)
        values = AggregateNodeUpdate.read(self.body())
        if values.pop("id", node.id) != node.id:
            raise Invalid(errors=[FieldError("/id", "cannot be changed", "immutable")])
        node = actions.modify_aggregate_node(
            node,
            values=values,
            expected_version=expected_version(request),
        )
        return JsonResponse(AggregateNodeOutput(node).data, version=node.version)

    @extend_schema(responses={204: None})
    def delete(self, request: HttpRequest, workspace_id: str, aggregate_node_id: str) -> NoContent:
        node = self.aggregate_node(aggregate_node_id)
        self.check_if_match(node.version)
        actions.delete_aggregate_node(node)
        return NoContent()


class AggregateNodeStateView(WorkspaceView):
    @extend_schema(request=AggregateNodeState, responses={200: AggregateNodeState})
    def put(self, request: HttpRequest, workspace_id: str, aggregate_node_id: str) -> JsonResponse:
        node = self.aggregate_node(aggregate_node_id)
        state = AggregateNodeState.read(self.body())["state"]
        self.check_if_match(node.version)
        node = actions.set_aggregate_state(node, state=state)
        return JsonResponse({"state": node.state}, version=node.version)
