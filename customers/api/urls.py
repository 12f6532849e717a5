"""URLs of customers, by the contract's path templates."""

from django.urls import URLPattern

from contacthub_project.api.operations import route
from customers.api.data_protection_views import ExportView, ForgettingView
from customers.api.list_element_views import (
    EducationsViewSet,
    JobsViewSet,
    LikesViewSet,
    ListElementsViewSet,
)
from customers.api.session_views import SessionsView, SessionView
from customers.api.subscription_views import SubscriptionsView, SubscriptionView
from customers.api.update_views import LastOffsetView, UpdatesView, VerificationView
from customers.api.views import CustomersView, CustomerView, EntryCustomersView
from customers.api.viewsets.consent_logs import ConsentLogViewSet

CUSTOMERS = "/workspaces/{workspaceId}/customers"


def list_element_routes(name: str, viewset: type[ListElementsViewSet]) -> list[URLPattern]:
    """The URLs of one of a customer's lists and of its elements."""
    path = f"{CUSTOMERS}/{{customerId}}/{name}"
    one = {"get": "retrieve", "put": "update", "delete": "destroy"}
    return [
        route(path, viewset, {"get": "list", "post": "create"}),
        route(path + "/{itemId}", viewset, one),
    ]


urlpatterns = [
    route(CUSTOMERS + "/{customerId}", CustomerView),
    route(CUSTOMERS, CustomersView),
    route(CUSTOMERS + "/{customerId}/subscriptions", SubscriptionsView),
    route(CUSTOMERS + "/{customerId}/subscriptions/{propertyId}", SubscriptionView),
    *list_element_routes("educations", EducationsViewSet),
    *list_element_routes("jobs", JobsViewSet),
    *list_element_routes("likes", LikesViewSet),
    route(CUSTOMERS + "/{customerId}/entry-customers", EntryCustomersView),
    route(CUSTOMERS + "/{customerId}/sessions", SessionsView),
    route(CUSTOMERS + "/{customerId}/sessions/{sessionId}", SessionView),
    route("/workspaces/{workspaceId}/updates", UpdatesView),
    route("/workspaces/{workspaceId}/updates/last-offset", LastOffsetView),
    route("/workspaces/{workspaceId}/updates/verify", VerificationView),
    route("/workspaces/{workspaceId}/consent-logs", ConsentLogViewSet, {"get": "list"}),
    route("/workspaces/{workspaceId}/consent-logs/{id}", ConsentLogViewSet, {"get": "retrieve"}),
    route("/workspaces/{workspaceId}/data-protection/customers/{customerId}", ForgettingView),
    route("/workspaces/{workspaceId}/data-protection/customers/{customerId}/export", ExportView),
]
