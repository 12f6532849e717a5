"""Numbers of customers of a workspace and of its nodes."""

from __future__ import annotations

from django.http import HttpRequest
from drf_spectacular.utils import extend_schema

from analytics.api import schema
from analytics.api.scoping import StatsViewSet
from analytics.queries import measures
from analytics.queries.counters import Counts
from configuration.models import Node, Workspace
from contacthub_project.api import pagination
from contacthub_project.api.renderers import JsonResponse


class WorkspaceStatsViewSet(StatsViewSet):
    """The workspace as a whole."""

    @extend_schema(responses={200: schema.WORKSPACE})
    def retrieve(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        """Return the workspace and its customers, in the nodes that the caller may read."""
        workspace = Workspace.objects.get(id=self.workspace.id)
        return JsonResponse(
            {
                "id": str(workspace.id),
                "name": workspace.name,
                "status": workspace.status,
                "customers": sum(self.counts(None).ever(measures.CUSTOMERS).values()),
            }
        )


class NodeStatsViewSet(StatsViewSet):
    """The workspace node by node."""

    page_rules = pagination.CONFIGURATION

    @extend_schema(responses={200: schema.NODES})
    def list(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        """Return the nodes the caller may read, by name, and their customers."""
        page = self.requested_page()
        nodes = Node.objects.in_workspace(self.workspace.id).readable_by(self.caller)
        nodes_of_page = [*page.slice(nodes.order_by("name", "id"))]
        customers = Counts(self.workspace.id, [node.id for node in nodes_of_page]).ever_by_node(
            measures.CUSTOMERS
        )
        elements = [
            {
                "id": str(node.id),
                "name": node.name,
                "type": node.type,
                "customers": customers.get(node.id, 0),
            }
            for node in nodes_of_page
        ]
        return JsonResponse(page.of(elements, total=nodes.count()))
