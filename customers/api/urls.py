"""URLs of customers, by the contract's path templates."""

from contacthub_project.api.operations import route
from customers.api.session_views import SessionsView, SessionView
from customers.api.views import CustomersView, CustomerView

CUSTOMERS = "/workspaces/{workspaceId}/customers"

urlpatterns = [
    route(CUSTOMERS + "/{customerId}", CustomerView),
    route(CUSTOMERS, CustomersView),
    route(CUSTOMERS + "/{customerId}/sessions", SessionsView),
    route(CUSTOMERS + "/{customerId}/sessions/{sessionId}", SessionView),
]
