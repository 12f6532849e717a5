"""URLs of the configuration, by the contract's path templates."""

from configuration.api.views.me import MeView
from configuration.api.views.nodes import EntryNodesView, EntryNodeView
from configuration.api.views.sources import RefreshSourceTokenView, SourcesView, SourceView
from configuration.api.views.workspaces import (
    ShardsView,
    WorkspaceDetailView,
    WorkspaceStatusView,
    WorkspacesView,
)
from contacthub_project.api.operations import route

WORKSPACE = "/workspaces/{workspaceId}"
CONFIGURATION = WORKSPACE + "/configuration"

urlpatterns = [
    route("/me", MeView),
    route("/shards", ShardsView),
    route("/workspaces", WorkspacesView),
    route(WORKSPACE, WorkspaceDetailView),
    route(WORKSPACE + "/status", WorkspaceStatusView),
    route(CONFIGURATION + "/nodes/entries", EntryNodesView),
    route(CONFIGURATION + "/nodes/entries/{nodeId}", EntryNodeView),
    route(CONFIGURATION + "/sources", SourcesView),
    route(CONFIGURATION + "/sources/{sourceId}", SourceView),
    route(CONFIGURATION + "/sources/{sourceId}/refresh-token", RefreshSourceTokenView),
]
