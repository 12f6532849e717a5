"""Nodes of both kinds in short, entry nodes, and their matching policies."""

from __future__ import annotations

from django.http import HttpRequest
from drf_spectacular.utils import extend_schema
from rest_framework.serializers import ModelSerializer

from configuration.actions import nodes as actions
from configuration.actions.rekeying import rekey_in_request
from configuration.api.filters import NodeFilterSet
from configuration.api.force import FORCE, forced
from configuration.api.scoping import WorkspaceScopedViewSet
from configuration.api.serializers.matching_rules import MatchingRulesInput, MatchingRulesOutput
from configuration.api.serializers.nodes import (
    EntryNodeInput,
    EntryNodeOutput,
    EntryNodeUpdate,
    MatchingPolicyInput,
    NodeOutput,
    RekeyingOutput,
    UniqueCustomerOutput,
)
from configuration.models import Node, Rekeying
from contacthub_project.api import pagination
from contacthub_project.api.addresses import absolute_address
from contacthub_project.api.parameters import flag_parameter
from contacthub_project.api.query import QueryParameters
from contacthub_project.api.renderers import JsonResponse, NoContent
from contacthub_project.api.request_headers import expected_version
from contacthub_project.api.schema import page_of
from contacthub_project.core.errors import NotFound


class NodeViewSet(WorkspaceScopedViewSet):
    """Nodes of both kinds in short, those that the caller may access."""

    filterset_class = NodeFilterSet
    page_rules = pagination.CONFIGURATION

    @extend_schema(
        responses={200: page_of(NodeOutput, "nodes")},
    )
    def list(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        filters = NodeFilterSet(request.GET)
        page = self.requested_page(filters)
        everything = Node.objects.in_workspace(self.workspace.id).reached_by(self.caller)
        nodes = filters.filter_queryset(everything)
        elements = NodeOutput(page.slice(nodes), many=True).data
        return JsonResponse(page.of(elements, total=nodes.count(), unfiltered=everything.count()))


class EntryNodeViewSet(WorkspaceScopedViewSet):
    """Entry nodes of a workspace, those that the caller may access."""

    page_rules = pagination.CONFIGURATION

    @extend_schema(responses={200: page_of(EntryNodeOutput, "entry nodes")})
    def list(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        page = self.requested_page()
        nodes = Node.objects.in_workspace(self.workspace.id).entries().reached_by(self.caller)
        elements = EntryNodeOutput(page.slice(nodes), many=True).data
        return JsonResponse(page.of(elements, total=nodes.count()))

    @extend_schema(request=EntryNodeInput, responses={201: EntryNodeOutput})
    def create(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        node = actions.create_entry_node(
            self.workspace.id,
            values=EntryNodeInput.read(self.body()),
        )
        return JsonResponse(EntryNodeOutput(node).data, status=201, version=node.version)

    @extend_schema(responses={200: EntryNodeOutput})
    def retrieve(self, request: HttpRequest, workspace_id: str, node_id: str) -> JsonResponse:
        node = self.entry_node(node_id)
        return JsonResponse(EntryNodeOutput(node).data, version=node.version)

    @extend_schema(
        parameters=[FORCE],
        request=EntryNodeUpdate,
        responses={200: EntryNodeOutput, 202: RekeyingOutput},
    )
    def update(self, request: HttpRequest, workspace_id: str, node_id: str) -> JsonResponse:
        node = self.entry_node(node_id)
        node = actions.modify_entry_node(
            node,
            values=EntryNodeUpdate.read(self.body(), current={"id": node.id}),
            expected_version=expected_version(request),
            force=forced(request),
        )
        return self._changed(node, EntryNodeOutput)

    @extend_schema(responses={204: None})
    def destroy(self, request: HttpRequest, workspace_id: str, node_id: str) -> NoContent:
        node = self.entry_node(node_id)
        self.check_if_match(node.version)
        actions.delete_entry_node(node)
        return NoContent()

    @extend_schema(
        parameters=[flag_parameter("eventsOnly", "Remove the events and keep the customers.")],
        responses={204: None},
    )
    def destroy_data(self, request: HttpRequest, workspace_id: str, node_id: str) -> NoContent:
        node = self.entry_node(node_id)
        parameters = QueryParameters(request)
        events_only = parameters.flag("eventsOnly", default=False)
        parameters.raise_faults()
        actions.empty_entry_node(node, events_only=events_only)
        return NoContent()

    @extend_schema(responses={200: RekeyingOutput})
    def rekeying(self, request: HttpRequest, workspace_id: str, node_id: str) -> JsonResponse:
        """Return the progress of the latest change of the matching policy.

        NotFound if there was none.
        """
        node = self.entry_node(node_id)
        rekeying = Rekeying.objects.in_workspace(node.workspace_id).filter(node_id=node.id).first()
        if rekeying is None:
            raise NotFound(f"Customers of node {node_id} were never re-keyed")
        return JsonResponse(RekeyingOutput(rekeying).data)

    @extend_schema(responses={200: UniqueCustomerOutput}, deprecated=True)
    def matching_policy(
        self, request: HttpRequest, workspace_id: str, node_id: str
    ) -> JsonResponse:
        node = self.entry_node(node_id)
        return JsonResponse(UniqueCustomerOutput(node).data, version=node.version)

    @extend_schema(
        parameters=[FORCE],
        request=MatchingPolicyInput,
        responses={200: UniqueCustomerOutput, 202: RekeyingOutput},
        deprecated=True,
    )
    def set_matching_policy(
        self, request: HttpRequest, workspace_id: str, node_id: str
    ) -> JsonResponse:
        node = self.entry_node(node_id)
        node = actions.modify_entry_node(
            node,
            values=MatchingPolicyInput.read(self.body()),
            expected_version=expected_version(request),
            policy_at="",
            force=forced(request),
        )
        return self._changed(node, UniqueCustomerOutput)

    @extend_schema(responses={200: MatchingRulesOutput})
    def matching_rules(self, request: HttpRequest, workspace_id: str, node_id: str) -> JsonResponse:
        node = self.entry_node(node_id)
        return JsonResponse(MatchingRulesOutput(node).data, version=node.version)

    @extend_schema(
        parameters=[FORCE],
        request=MatchingRulesInput,
        responses={200: MatchingRulesOutput, 202: RekeyingOutput},
    )
    def set_matching_rules(
        self, request: HttpRequest, workspace_id: str, node_id: str
    ) -> JsonResponse:
        node = actions.set_matching_rules(
            self.entry_node(node_id),
            MatchingRulesInput.read(self.body())["rules"],
            expected_version=expected_version(request),
            force=forced(request),
        )
        return self._changed(node, MatchingRulesOutput)

    def _changed(self, node: Node, output: type[ModelSerializer]) -> JsonResponse:
        """Return the changed node.

        Or 202 and the progress of its customers, when there are many.
        """
        node, rekeying = rekey_in_request(node)
        if rekeying is None:
            return JsonResponse(output(node).data, version=node.version)
        path = f"/workspaces/{node.workspace_id}/configuration/nodes/entries/{node.id}/rekeying"
        location = absolute_address(self.request, path)
        data = RekeyingOutput(rekeying).data
        return JsonResponse(data, status=202, headers={"Location": location})


class DefaultMatchingPolicyViewSet(WorkspaceScopedViewSet):
    """The matching policy of new entry nodes."""

    @extend_schema(responses={200: UniqueCustomerOutput})
    def retrieve(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        return JsonResponse(UniqueCustomerOutput(Node()).data)
