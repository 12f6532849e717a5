"""URLs of customers, by the contract's path templates."""

from contacthub_project.api.operations import route
from customers.api.viewsets.consent_logs import ConsentLogViewSet
from customers.api.viewsets.customers import CustomerViewSet
from customers.api.viewsets.data_protection import DataProtectionViewSet
from customers.api.viewsets.list_elements import EducationViewSet, JobViewSet, LikeViewSet
from customers.api.viewsets.sessions import SessionViewSet
from customers.api.viewsets.subscriptions import SubscriptionViewSet
from customers.api.viewsets.updates import UpdateStreamViewSet

WORKSPACE = "/workspaces/{workspaceId}"
CUSTOMERS = WORKSPACE + "/customers"
CUSTOMER = CUSTOMERS + "/{customerId}"
DATA_PROTECTION = WORKSPACE + "/data-protection/customers/{customerId}"
LIST = {"get": "list", "post": "create"}
ITEM = {"get": "retrieve", "put": "update", "delete": "destroy"}

urlpatterns = [
    route(CUSTOMER, CustomerViewSet, {**ITEM, "patch": "partial_update"}),
    route(CUSTOMERS, CustomerViewSet, LIST),
    route(CUSTOMER + "/subscriptions", SubscriptionViewSet, {"post": "create"}),
    route(CUSTOMER + "/subscriptions/{propertyId}", SubscriptionViewSet, ITEM),
    route(CUSTOMER + "/educations", EducationViewSet, LIST),
    route(CUSTOMER + "/educations/{itemId}", EducationViewSet, ITEM),
    route(CUSTOMER + "/jobs", JobViewSet, LIST),
    route(CUSTOMER + "/jobs/{itemId}", JobViewSet, ITEM),
    route(CUSTOMER + "/likes", LikeViewSet, LIST),
    route(CUSTOMER + "/likes/{itemId}", LikeViewSet, ITEM),
    route(CUSTOMER + "/entry-customers", CustomerViewSet, {"get": "entry_customers"}),
    route(CUSTOMER + "/sessions", SessionViewSet, LIST),
    route(
        CUSTOMER + "/sessions/{sessionId}",
        SessionViewSet,
        {"get": "retrieve", "delete": "destroy"},
    ),
    route(WORKSPACE + "/updates", UpdateStreamViewSet, {"get": "list"}),
    route(WORKSPACE + "/updates/last-offset", UpdateStreamViewSet, {"get": "last_offset"}),
    route(WORKSPACE + "/updates/verify", UpdateStreamViewSet, {"get": "verify"}),
    route(WORKSPACE + "/consent-logs", ConsentLogViewSet, {"get": "list"}),
    route(WORKSPACE + "/consent-logs/{id}", ConsentLogViewSet, {"get": "retrieve"}),
    route(DATA_PROTECTION, DataProtectionViewSet, {"delete": "destroy"}),
    route(DATA_PROTECTION + "/export", DataProtectionViewSet, {"get": "export"}),
]
