"""URLs of the configuration, by the contract's path templates."""

from configuration.api.views.aggregates import (
    AggregateNodeStateView,
    AggregateNodesView,
    AggregateNodeView,
)
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
from configuration.api.views.nodes import (
    DefaultMatchingPolicyView,
    EntryNodeDataView,
    EntryNodeRekeyingView,
    EntryNodesView,
    EntryNodeView,
    MatchingPolicyView,
    NodesView,
)
from configuration.api.views.retention import (
    EntryNodeRetentionEnabledView,
    EntryNodeRetentionView,
    NodeRetentionView,
    RetentionStatusView,
    WorkspaceRetentionView,
)
from configuration.api.views.send_sources import (
    AggregateSendSubscriptionsView,
    GroupSendSourcesView,
    NodeSendSourceView,
    SendSourcesView,
    UserDatabaseFieldsView,
    UserDatabaseSendSourceView,
    UserDatabaseSubscriptionsView,
)
from configuration.api.views.sources import RefreshSourceTokenView, SourcesView, SourceView
from configuration.api.views.users import UsersView, UserView
from configuration.api.views.vocabulary import (
    BasePropertiesModelView,
    ContextsView,
    EventCategoriesView,
    MergePoliciesView,
    ProvidersView,
)
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
    route("/models/analytics/event-categories", EventCategoriesView),
    route("/send-sources", SendSourcesView),
    route("/send-sources/{groupPk}", GroupSendSourcesView),
    route("/send-sources/{groupPk}/{userdbId}", UserDatabaseSendSourceView),
    route(WORKSPACE + "/nodes/{nodeId}/send-source", NodeSendSourceView),
    route(
        WORKSPACE + "/models/send-sources/{subscriberSourceId}/subscriptions",
        UserDatabaseSubscriptionsView,
    ),
    route(WORKSPACE + "/models/send-sources/{subscriberSourceId}/fields", UserDatabaseFieldsView),
    route(
        CONFIGURATION + "/nodes/aggregates/{aggregateNodeId}/send-source-subscriptions",
        AggregateSendSubscriptionsView,
    ),
    route(WORKSPACE + "/models/properties/base", BasePropertiesModelView),
    route(WORKSPACE + "/models/merge-policies", MergePoliciesView),
    route(WORKSPACE + "/models/providers", ProvidersView),
    route(WORKSPACE + "/models/contexts", ContextsView),
    route(CONFIGURATION + "/users", UsersView),
    route(CONFIGURATION + "/users/{id}", UserView),
    route(CONFIGURATION + "/retention-policy", WorkspaceRetentionView),
    route(CONFIGURATION + "/retention-policy/status", RetentionStatusView),
    route(CONFIGURATION + "/nodes/{nodeId}/retention-policy", NodeRetentionView),
    route(CONFIGURATION + "/nodes/entries/{nodeId}/retention-policy", EntryNodeRetentionView),
    route(
        CONFIGURATION + "/nodes/entries/{nodeId}/retention-policy/enabled",
        EntryNodeRetentionEnabledView,
    ),
    route(CONFIGURATION + "/unique-customer-matching-policy", DefaultMatchingPolicyView),
    route(CONFIGURATION + "/nodes", NodesView),
    route(CONFIGURATION + "/nodes/aggregates", AggregateNodesView),
    route(CONFIGURATION + "/nodes/aggregates/{aggregateNodeId}", AggregateNodeView),
    route(CONFIGURATION + "/nodes/aggregates/{aggregateNodeId}/state", AggregateNodeStateView),
    route(CONFIGURATION + "/nodes/entries/{nodeId}/data", EntryNodeDataView),
    route(CONFIGURATION + "/nodes/entries/{nodeId}/rekeying", EntryNodeRekeyingView),
    route(
        CONFIGURATION + "/nodes/entries/{nodeId}/unique-customer-matching-policy",
        MatchingPolicyView,
    ),
    route(CONFIGURATION + "/nodes/entries", EntryNodesView),
    route(CONFIGURATION + "/nodes/entries/{nodeId}", EntryNodeView),
    route(CONFIGURATION + "/sources", SourcesView),
    route(CONFIGURATION + "/sources/{sourceId}", SourceView),
    route(CONFIGURATION + "/sources/{sourceId}/refresh-token", RefreshSourceTokenView),
]
