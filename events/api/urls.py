"""URLs of events, by the contract's path templates."""

from contacthub_project.api.operations import route
from events.api.viewsets.event_batches import EventBatchViewSet
from events.api.viewsets.events import EventViewSet
from events.api.viewsets.inactive_customers import InactiveCustomerViewSet
from events.api.viewsets.live_events import LiveEventViewSet

EVENTS = "/workspaces/{workspaceId}/events"

INACTIVE = "/workspaces/{workspaceId}/data-protection/inactive-customers"

urlpatterns = [
    route(INACTIVE, InactiveCustomerViewSet, {"get": "list"}),
    route(EVENTS, EventViewSet, {"get": "list", "post": "create"}),
    route(EVENTS + "/live", LiveEventViewSet, {"get": "list"}),
    route(EVENTS + "/batch", EventBatchViewSet, {"post": "create"}),
    route(
        EVENTS + "/{id}",
        EventViewSet,
        {"get": "retrieve", "put": "update", "patch": "partial_update", "delete": "destroy"},
    ),
]
