"""Aggregate nodes."""

from __future__ import annotations

from django.http import HttpRequest
from drf_spectacular.utils import extend_schema

from configuration.actions import aggregates as actions
from configuration.api.scoping import WorkspaceScopedViewSet
from configuration.api.serializers.aggregates import (
    AggregateNodeInput,
    AggregateNodeOutput,
    AggregateNodeState,
    AggregateNodeUpdate,
)
from configuration.models import Node
from contacthub_project.api import pagination
from contacthub_project.api.renderers import JsonResponse, NoContent
from contacthub_project.api.request_headers import expected_version
from contacthub_project.api.schema import page_of


class AggregateNodeViewSet(WorkspaceScopedViewSet):
    """Aggregate nodes of a workspace, those that the caller may access."""

    page_rules = pagination.CONFIGURATION

    @extend_schema(responses={200: page_of(AggregateNodeOutput, "aggregate nodes")})
    def list(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        page = self.requested_page()
        nodes = Node.objects.in_workspace(self.workspace.id).aggregates().reached_by(self.caller)
        elements = AggregateNodeOutput(page.slice(nodes), many=True).data
        return JsonResponse(page.of(elements, total=nodes.count()))

    @extend_schema(request=AggregateNodeInput, responses={201: AggregateNodeOutput})
    def create(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        node = actions.create_aggregate_node(
            self.workspace.id,
            values=AggregateNodeInput.read(self.body()),
        )
        return JsonResponse(AggregateNodeOutput(node).data, status=201, version=node.version)

    @extend_schema(responses={200: AggregateNodeOutput})
    def retrieve(
        self, request: HttpRequest, workspace_id: str, aggregate_node_id: str
    ) -> JsonResponse:
        node = self.aggregate_node(aggregate_node_id)
        return JsonResponse(AggregateNodeOutput(node).data, version=node.version)

    @extend_schema(request=AggregateNodeUpdate, responses={200: AggregateNodeOutput})
    def update(
        self, request: HttpRequest, workspace_id: str, aggregate_node_id: str
    ) -> JsonResponse:
        node = self.aggregate_node(aggregate_node_id)
        values = AggregateNodeUpdate.read(self.body(), current={"id": node.id})
        node = actions.modify_aggregate_node(
            node,
            values=values,
            expected_version=expected_version(request),
        )
        return JsonResponse(AggregateNodeOutput(node).data, version=node.version)

    @extend_schema(responses={204: None})
    def destroy(self, request: HttpRequest, workspace_id: str, aggregate_node_id: str) -> NoContent:
        node = self.aggregate_node(aggregate_node_id)
        self.check_if_match(node.version)
        actions.delete_aggregate_node(node)
        return NoContent()

    @extend_schema(request=AggregateNodeState, responses={200: AggregateNodeState})
    def set_state(
        self, request: HttpRequest, workspace_id: str, aggregate_node_id: str
    ) -> JsonResponse:
        node = self.aggregate_node(aggregate_node_id)
        state = AggregateNodeState.read(self.body())["state"]
        self.check_if_match(node.version)
        node = actions.set_aggregate_state(node, state=state)
        return JsonResponse(AggregateNodeState(node).data, version=node.version)
