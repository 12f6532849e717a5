"""URLs of events, by the contract's path templates."""

from contacthub_project.api.operations import route
from events.api.viewsets.event_batches import EventBatchViewSet
from events.api.viewsets.events import EventViewSet

EVENTS = "/workspaces/{workspaceId}/events"

urlpatterns = [
    route(EVENTS, EventViewSet, {"get": "list", "post": "create"}),
    route(EVENTS + "/batch", EventBatchViewSet, {"post": "create"}),
    route(
        EVENTS + "/{id}",
        EventViewSet,
        {"get": "retrieve", "put": "update", "patch": "partial_update", "delete": "destroy"},
    ),
]
