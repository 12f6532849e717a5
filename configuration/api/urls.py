"""URLs of the configuration, by the contract's path templates."""

from configuration.api.views.configuration import (
    BasePropertiesView,
    BasePropertyEnabledView,
    BasePropertyView,
    CustomerExtendedView,
    CustomerPropertiesView,
    ProductExtendedView,
    ThrottlingView,
    WorkspaceConfigurationView,
)
from configuration.api.views.events import (
    ConsentPolicyView,
    EventConfigurationsView,
    EventConfigurationView,
    EventEnabledView,
    EventExtendedView,
    EventPropertiesView,
    EventTypesView,
    PayloadSizeView,
    PlanModelView,
    ProductsUpdatePolicyView,
)
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
    route(CONFIGURATION, WorkspaceConfigurationView),
    route(CONFIGURATION + "/throttling", ThrottlingView),
    route(CONFIGURATION + "/events", EventConfigurationsView),
    route(CONFIGURATION + "/events/{eventType}", EventConfigurationView),
    route(CONFIGURATION + "/events/{eventType}/enabled", EventEnabledView),
    route(CONFIGURATION + "/events/{eventType}/properties", EventPropertiesView),
    route(CONFIGURATION + "/events/{eventType}/properties/extended", EventExtendedView),
    route(CONFIGURATION + "/event-types", EventTypesView),
    route(CONFIGURATION + "/payload-size", PayloadSizeView),
    route(CONFIGURATION + "/consent-policy", ConsentPolicyView),
    route(CONFIGURATION + "/products/update-policy", ProductsUpdatePolicyView),
    route(CONFIGURATION + "/products/properties/extended", ProductExtendedView),
    route(CONFIGURATION + "/plan-models/{planModel}", PlanModelView),
    route(CONFIGURATION + "/properties", CustomerPropertiesView),
    route(CONFIGURATION + "/properties/base", BasePropertiesView),
    route(CONFIGURATION + "/properties/base/{name}", BasePropertyView),
    route(CONFIGURATION + "/properties/base/{baseProperty}/enabled", BasePropertyEnabledView),
    route(CONFIGURATION + "/properties/extended", CustomerExtendedView),
    route(CONFIGURATION + "/nodes/entries", EntryNodesView),
    route(CONFIGURATION + "/nodes/entries/{nodeId}", EntryNodeView),
    route(CONFIGURATION + "/sources", SourcesView),
    route(CONFIGURATION + "/sources/{sourceId}", SourceView),
    route(CONFIGURATION + "/sources/{sourceId}/refresh-token", RefreshSourceTokenView),
]
