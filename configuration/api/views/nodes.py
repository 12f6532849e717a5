from __future__ import annotations

from django.http import HttpRequest
from drf_spectacular.utils import extend_schema
from rest_framework.serializers import ModelSerializer

from configuration.actions import nodes as actions
from configuration.actions.rekeying import rekey_in_request
from configuration.api.force import FORCE, forced
from configuration.api.scoping import WorkspaceView
from configuration.api.serializers.nodes import (
    EntryNodeInput,
    EntryNodeOutput,
    EntryNodeUpdate,
    MatchingPolicyInput,
    NodeOutput,
    RekeyingOutput,
    UniqueCustomerOutput,
)
from configuration.models import Node, NodeType, Rekeying
from contacthub_project.api import pagination
from contacthub_project.api.pagination import Page
from contacthub_project.api.parameters import choice_parameter, flag_parameter
from contacthub_project.api.query import QueryParameters
from contacthub_project.api.renderers import JsonResponse, NoContent
from contacthub_project.api.schema import PAGE_PARAMETERS, page_of
from contacthub_project.api.views import absolute_address, expected_version
from contacthub_project.core.errors import FieldError, Invalid, NotFound


class EntryNodesView(WorkspaceView):
    """Entry nodes of a workspace, those that the caller reaches."""

    @extend_schema(
        parameters=PAGE_PARAMETERS, responses={200: page_of(EntryNodeOutput, "entry nodes")}
    )
    def get(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        parameters = QueryParameters(request)
        page = Page.asked_for(parameters, pagination.CONFIGURATION)
        parameters.raise_faults()
        nodes = Node.objects.in_workspace(self.workspace.id).entries().reached_by(self.caller)
        elements = EntryNodeOutput(page.slice(nodes), many=True).data
        return JsonResponse(page.of(elements, total=nodes.count()))

    @extend_schema(request=EntryNodeInput, responses={201: EntryNodeOutput})
    def post(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        node = actions.create_entry_node(
            self.workspace.id,
            values=EntryNodeInput.read(self.body()),
        )
        return JsonResponse(EntryNodeOutput(node).data, status=201, version=node.version)


class NodesView(WorkspaceView):
    """Nodes of both kinds, those that the caller reaches."""

    @extend_schema(
        parameters=[
            *PAGE_PARAMETERS,
            choice_parameter("nodeType", NodeType.values, "Only nodes of this kind."),
        ],
        responses={200: page_of(NodeOutput, "nodes")},
    )
    def get(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        parameters = QueryParameters(request)
        page = Page.asked_for(parameters, pagination.CONFIGURATION)
        kind = parameters.choice("nodeType", NodeType.values, default=None)
        parameters.raise_faults()
        everything = Node.objects.in_workspace(self.workspace.id).reached_by(self.caller)
        nodes = everything.of_type(kind)
        elements = NodeOutput(page.slice(nodes), many=True).data
        return JsonResponse(page.of(elements, total=nodes.count(), unfiltered=everything.count()))


class EntryNodeDataView(WorkspaceView):
    @extend_schema(
        parameters=[flag_parameter("eventsOnly", "Remove the events and keep the customers.")],
        responses={204: None},
    )
    def delete(self, request: HttpRequest, workspace_id: str, node_id: str) -> NoContent:
        node = self.entry_node(node_id)
        parameters = QueryParameters(request)
        events_only = parameters.flag("eventsOnly", default=False)
        parameters.raise_faults()
        actions.empty_entry_node(node, events_only=events_only)
        return NoContent()


class DefaultMatchingPolicyView(WorkspaceView):
    """What a new entry node recognises customers by."""

    @extend_schema(responses={200: UniqueCustomerOutput})
    def get(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        return JsonResponse(UniqueCustomerOutput(Node()).data)


class EntryNodeRekeyingView(WorkspaceView):
    """How far the latest change of the matching policy has come; 404 when there was none."""

    @extend_schema(responses={200: RekeyingOutput})
    def get(self, request: HttpRequest, workspace_id: str, node_id: str) -> JsonResponse:
        node = self.entry_node(node_id)
        rekeying = Rekeying.objects.filter(node=node).first()
        if rekeying is None:
            raise NotFound(f"Customers of node {node_id} were never re-keyed")
        return JsonResponse(RekeyingOutput(rekeying).data)


class RekeyedNodeView(WorkspaceView):
    """Operations that may change how a node recognises its customers."""

    def changed(self, node: Node, output: type[ModelSerializer]) -> JsonResponse:
        """The changed node; or 202 and how far its customers are, when there are many."""
        node, rekeying = rekey_in_request(node)
        if rekeying is None:
            return JsonResponse(output(node).data, version=node.version)
        path = f"/workspaces/{node.workspace_id}/configuration/nodes/entries/{node.id}/rekeying"
        location = absolute_address(self.request, path)
        data = RekeyingOutput(rekeying).data
        return JsonResponse(data, status=202, headers={"Location": location})


class MatchingPolicyView(RekeyedNodeView):
    @extend_schema(responses={200: UniqueCustomerOutput}, deprecated=True)
    def get(self, request: HttpRequest, workspace_id: str, node_id: str) -> JsonResponse:
        node = self.entry_node(node_id)
        return JsonResponse(UniqueCustomerOutput(node).data, version=node.version)

    @extend_schema(
        parameters=[FORCE],
        request=MatchingPolicyInput,
        responses={200: UniqueCustomerOutput, 202: RekeyingOutput},
        deprecated=True,
    )
    def put(self, request: HttpRequest, workspace_id: str, node_id: str) -> JsonResponse:
        node = self.entry_node(node_id)
        node = actions.modify_entry_node(
            node,
            values=MatchingPolicyInput.read(self.body()),
            expected_version=expected_version(request),
            policy_at="",
            force=forced(request),
        )
        return self.changed(node, UniqueCustomerOutput)


class EntryNodeView(RekeyedNodeView):
    @extend_schema(responses={200: EntryNodeOutput})
    def get(self, request: HttpRequest, workspace_id: str, node_id: str) -> JsonResponse:
        node = self.entry_node(node_id)
        return JsonResponse(EntryNodeOutput(node).data, version=node.version)

    @extend_schema(
        parameters=[FORCE],
        request=EntryNodeUpdate,
        responses={200: EntryNodeOutput, 202: RekeyingOutput},
    )
    def put(self, request: HttpRequest, workspace_id: str, node_id: str) -> JsonResponse:
        node = self.entry_node(node_id)
        values = EntryNodeUpdate.read(self.body())
        if values.pop("id") != node.id:
            raise Invalid(errors=[FieldError("/id", "cannot be changed", "immutable")])
        node = actions.modify_entry_node(
            node,
            values=values,
            expected_version=expected_version(request),
            force=forced(request),
        )
        return self.changed(node, EntryNodeOutput)

    @extend_schema(responses={204: None})
    def delete(self, request: HttpRequest, workspace_id: str, node_id: str) -> NoContent:
        node = self.entry_node(node_id)
        self.check_if_match(node.version)
        actions.delete_entry_node(node)
        return NoContent()
