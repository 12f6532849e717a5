"""URLs of analytics, by the contract's path templates."""

from analytics.api import views
from contacthub_project.api.operations import route

STATS = "/workspaces/{workspaceId}/stats"
CUSTOMER = "/workspaces/{workspaceId}/customers/{customerId}/stats"

urlpatterns = [
    route(STATS, views.WorkspaceStatsView),
    route(STATS + "/nodes", views.NodeStatsView),
    route(STATS + "/customers", views.CustomersCountView),
    route(STATS + "/customers/registrations", views.RegistrationsView),
    route(STATS + "/customers/channels", views.ChannelsView),
    route(STATS + "/customers/updates", views.CustomerUpdatesView),
    route(STATS + "/events/updates", views.EventUpdatesView),
    route(STATS + "/events/types", views.EventTypesView),
    route(STATS + "/events/kpi/purchases", views.PurchasesView),
    route(STATS + "/events/kpi/ecommerce", views.EcommerceView),
    route(STATS + "/events/kpi/web", views.WebView),
    route(CUSTOMER + "/event-category-distribution", views.CategoryDistributionView),
    route(CUSTOMER + "/buying-behaviors", views.BuyingBehaviorsView),
]
