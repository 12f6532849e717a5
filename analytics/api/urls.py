"""URLs of analytics, by the contract's path templates."""

from analytics.api.viewsets.behaviors import CustomerBehaviorViewSet
from analytics.api.viewsets.customers import CustomerStatsViewSet
from analytics.api.viewsets.data_quality import DataQualityViewSet
from analytics.api.viewsets.events import EventStatsViewSet, KeyFigureViewSet
from analytics.api.viewsets.updates import CustomerUpdateStatsViewSet, EventUpdateStatsViewSet
from analytics.api.viewsets.workspaces import NodeStatsViewSet, WorkspaceStatsViewSet
from contacthub_project.api.operations import route

STATS = "/workspaces/{workspaceId}/stats"
CUSTOMER = "/workspaces/{workspaceId}/customers/{customerId}/stats"

urlpatterns = [
    route("/workspaces/{workspaceId}/data-quality", DataQualityViewSet, {"get": "retrieve"}),
    route(STATS, WorkspaceStatsViewSet, {"get": "retrieve"}),
    route(STATS + "/nodes", NodeStatsViewSet, {"get": "list"}),
    route(STATS + "/customers", CustomerStatsViewSet, {"get": "count"}),
    route(STATS + "/customers/registrations", CustomerStatsViewSet, {"get": "registrations"}),
    route(STATS + "/customers/channels", CustomerStatsViewSet, {"get": "channels"}),
    route(STATS + "/customers/updates", CustomerUpdateStatsViewSet, {"get": "retrieve"}),
    route(STATS + "/events/updates", EventUpdateStatsViewSet, {"get": "retrieve"}),
    route(STATS + "/events/types", EventStatsViewSet, {"get": "types"}),
    route(STATS + "/events/kpi/purchases", KeyFigureViewSet, {"get": "purchases"}),
    route(STATS + "/events/kpi/ecommerce", KeyFigureViewSet, {"get": "ecommerce"}),
    route(STATS + "/events/kpi/web", KeyFigureViewSet, {"get": "web"}),
    route(
        CUSTOMER + "/event-category-distribution",
        CustomerBehaviorViewSet,
        {"get": "event_categories"},
    ),
    route(CUSTOMER + "/buying-behaviors", CustomerBehaviorViewSet, {"get": "buying_behaviors"}),
]
