"""URLs of events, by the contract's path templates."""

from contacthub_project.api.operations import route
from events.api.views import EventBatchView, EventsView, EventView

EVENTS = "/workspaces/{workspaceId}/events"

urlpatterns = [
    route(EVENTS, EventsView),
    route(EVENTS + "/batch", EventBatchView),
    route(EVENTS + "/{id}", EventView),
]
