"""URLs of the configuration, by the contract's path templates."""

from configuration.api.viewsets.aggregate_nodes import AggregateNodeViewSet
from configuration.api.viewsets.event_policies import (
    ConsentPolicyViewSet,
    PayloadSizeViewSet,
    PlanModelViewSet,
    ProductsUpdatePolicyViewSet,
)
from configuration.api.viewsets.event_types import EventConfigurationViewSet, EventTypeViewSet
from configuration.api.viewsets.me import MeViewSet
from configuration.api.viewsets.nodes import (
    DefaultMatchingPolicyViewSet,
    EntryNodeViewSet,
    NodeViewSet,
)
from configuration.api.viewsets.properties import (
    BasePropertyViewSet,
    CustomerSchemaViewSet,
    ExtendedPropertyViewSet,
    ProductExtendedPropertyViewSet,
)
from configuration.api.viewsets.retention import (
    EntryNodeRetentionPolicyViewSet,
    NodeRetentionPolicyViewSet,
    RetentionPolicyViewSet,
)
from configuration.api.viewsets.send_sources import (
    NodeSendSourceViewSet,
    SendSourceViewSet,
    UserDatabaseViewSet,
)
from configuration.api.viewsets.sources import SourceViewSet
from configuration.api.viewsets.users import UserViewSet
from configuration.api.viewsets.vocabulary import EventCategoryViewSet, VocabularyViewSet
from configuration.api.viewsets.workspace_configuration import (
    ThrottlingViewSet,
    WorkspaceConfigurationViewSet,
)
from configuration.api.viewsets.workspaces import ShardViewSet, WorkspaceViewSet
from contacthub_project.api.operations import route

WORKSPACE = "/workspaces/{workspaceId}"
CONFIGURATION = WORKSPACE + "/configuration"
EVENT = CONFIGURATION + "/events/{eventType}"
ENTRY = CONFIGURATION + "/nodes/entries/{nodeId}"
AGGREGATE = CONFIGURATION + "/nodes/aggregates/{aggregateNodeId}"
MODELS = WORKSPACE + "/models"

LIST = {"get": "list"}
LIST_AND_CREATE = {"get": "list", "post": "create"}
SETTING = {"get": "retrieve", "put": "update"}
RESOURCE = {"get": "retrieve", "put": "update", "delete": "destroy"}

urlpatterns = [
    route("/me", MeViewSet, {"get": "retrieve"}),
    # workspaces
    route("/shards", ShardViewSet, LIST),
    route("/workspaces", WorkspaceViewSet, LIST_AND_CREATE),
    route(WORKSPACE, WorkspaceViewSet, {"get": "retrieve", "delete": "destroy"}),
    route(WORKSPACE + "/status", WorkspaceViewSet, {"put": "set_status"}),
    route(CONFIGURATION, WorkspaceConfigurationViewSet, SETTING),
    route(CONFIGURATION + "/throttling", ThrottlingViewSet, SETTING),
    # properties
    route(CONFIGURATION + "/properties", CustomerSchemaViewSet, {"get": "retrieve"}),
    route(CONFIGURATION + "/properties/base", BasePropertyViewSet, LIST),
    route(CONFIGURATION + "/properties/base/{name}", BasePropertyViewSet, {"put": "update"}),
    route(
        CONFIGURATION + "/properties/base/{baseProperty}/enabled",
        BasePropertyViewSet,
        {"put": "set_enabled"},
    ),
    route(CONFIGURATION + "/properties/extended", ExtendedPropertyViewSet, SETTING),
    route(CONFIGURATION + "/products/properties/extended", ProductExtendedPropertyViewSet, SETTING),
    # types of events
    route(CONFIGURATION + "/event-types", EventTypeViewSet, LIST),
    route(CONFIGURATION + "/events", EventConfigurationViewSet, LIST),
    route(EVENT, EventConfigurationViewSet, SETTING),
    route(EVENT + "/enabled", EventConfigurationViewSet, {"put": "set_enabled"}),
    route(EVENT + "/properties", EventConfigurationViewSet, {"get": "properties"}),
    route(
        EVENT + "/properties/extended",
        EventConfigurationViewSet,
        {"get": "extended", "put": "update_extended"},
    ),
    route(CONFIGURATION + "/payload-size", PayloadSizeViewSet, SETTING),
    route(CONFIGURATION + "/consent-policy", ConsentPolicyViewSet, SETTING),
    route(CONFIGURATION + "/products/update-policy", ProductsUpdatePolicyViewSet, SETTING),
    route(CONFIGURATION + "/plan-models/{planModel}", PlanModelViewSet, {"get": "retrieve"}),
    # how long events are kept
    route(CONFIGURATION + "/retention-policy", RetentionPolicyViewSet, SETTING),
    route(CONFIGURATION + "/retention-policy/status", RetentionPolicyViewSet, {"get": "status"}),
    route(CONFIGURATION + "/nodes/{nodeId}/retention-policy", NodeRetentionPolicyViewSet, SETTING),
    route(ENTRY + "/retention-policy", EntryNodeRetentionPolicyViewSet, SETTING),
    route(
        ENTRY + "/retention-policy/enabled",
        EntryNodeRetentionPolicyViewSet,
        {"get": "enabled", "put": "set_enabled"},
    ),
    # people
    route(CONFIGURATION + "/users", UserViewSet, LIST),
    route(CONFIGURATION + "/users/{id}", UserViewSet, SETTING),
    # nodes
    route(
        CONFIGURATION + "/unique-customer-matching-policy",
        DefaultMatchingPolicyViewSet,
        {"get": "retrieve"},
    ),
    route(CONFIGURATION + "/nodes", NodeViewSet, LIST),
    route(CONFIGURATION + "/nodes/entries", EntryNodeViewSet, LIST_AND_CREATE),
    route(ENTRY, EntryNodeViewSet, RESOURCE),
    route(ENTRY + "/data", EntryNodeViewSet, {"delete": "destroy_data"}),
    route(ENTRY + "/rekeying", EntryNodeViewSet, {"get": "rekeying"}),
    route(
        ENTRY + "/matching-rules",
        EntryNodeViewSet,
        {"get": "matching_rules", "put": "set_matching_rules"},
    ),
    route(
        ENTRY + "/unique-customer-matching-policy",
        EntryNodeViewSet,
        {"get": "matching_policy", "put": "set_matching_policy"},
    ),
    route(CONFIGURATION + "/nodes/aggregates", AggregateNodeViewSet, LIST_AND_CREATE),
    route(AGGREGATE, AggregateNodeViewSet, RESOURCE),
    route(AGGREGATE + "/state", AggregateNodeViewSet, {"put": "set_state"}),
    # sources and send sources
    route(CONFIGURATION + "/sources", SourceViewSet, LIST_AND_CREATE),
    route(CONFIGURATION + "/sources/{sourceId}", SourceViewSet, RESOURCE),
    route(
        CONFIGURATION + "/sources/{sourceId}/refresh-token",
        SourceViewSet,
        {"post": "refresh_token"},
    ),
    route("/send-sources", SendSourceViewSet, LIST),
    route("/send-sources/{groupPk}", SendSourceViewSet, {"get": "list_of_group"}),
    route("/send-sources/{groupPk}/{userdbId}", SendSourceViewSet, {"get": "retrieve"}),
    route(WORKSPACE + "/nodes/{nodeId}/send-source", NodeSendSourceViewSet, {"get": "retrieve"}),
    route(
        AGGREGATE + "/send-source-subscriptions", NodeSendSourceViewSet, {"get": "subscriptions"}
    ),
    route(
        MODELS + "/send-sources/{subscriberSourceId}/subscriptions",
        UserDatabaseViewSet,
        {"get": "subscriptions"},
    ),
    route(
        MODELS + "/send-sources/{subscriberSourceId}/fields", UserDatabaseViewSet, {"get": "fields"}
    ),
    # what every workspace has in common
    route(MODELS + "/properties/base", VocabularyViewSet, {"get": "base_properties"}),
    route(MODELS + "/merge-policies", VocabularyViewSet, {"get": "merge_policies"}),
    route(MODELS + "/providers", VocabularyViewSet, {"get": "providers"}),
    route(MODELS + "/contexts", VocabularyViewSet, {"get": "contexts"}),
    route("/models/analytics/event-categories", EventCategoryViewSet, LIST),
]
