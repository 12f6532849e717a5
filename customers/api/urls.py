"""URLs of customers, by the contract's path templates."""

from contacthub_project.api.operations import route
from customers.api.viewsets.consent_logs import ConsentLogViewSet
from customers.api.viewsets.consents import ConsentViewSet
from customers.api.viewsets.customers import CustomerViewSet
from customers.api.viewsets.data_protection import DataProtectionViewSet
from customers.api.viewsets.data_subject_requests import DataSubjectRequestViewSet
from customers.api.viewsets.deleted_customers import DeletedCustomerViewSet
from customers.api.viewsets.duplicates import DuplicateViewSet
from customers.api.viewsets.erasure_receipts import ErasureReceiptViewSet
from customers.api.viewsets.history import HistoryViewSet
from customers.api.viewsets.list_elements import EducationViewSet, JobViewSet, LikeViewSet
from customers.api.viewsets.look_ups import LookUpViewSet
from customers.api.viewsets.merges import MergeViewSet
from customers.api.viewsets.pins import AggregatePinViewSet
from customers.api.viewsets.refusals import QuarantineViewSet, RefusalViewSet
from customers.api.viewsets.sessions import SessionViewSet
from customers.api.viewsets.subscriptions import SubscriptionViewSet
from customers.api.viewsets.suppressions import SuppressionViewSet
from customers.api.viewsets.updates import UpdateStreamViewSet
from customers.api.viewsets.webhooks import WebhookAttemptViewSet, WebhookViewSet

WORKSPACE = "/workspaces/{workspaceId}"
CUSTOMERS = WORKSPACE + "/customers"
CUSTOMER = CUSTOMERS + "/{customerId}"
DATA_PROTECTION = WORKSPACE + "/data-protection/customers/{customerId}"
RECEIPTS = WORKSPACE + "/data-protection/receipts"
WEBHOOKS = WORKSPACE + "/webhooks"
WEBHOOK = WEBHOOKS + "/{webhookId}"
LOOK_UPS = WORKSPACE + "/data-protection/look-ups"
REQUESTS = WORKSPACE + "/data-protection/requests"
QUARANTINE = WORKSPACE + "/quarantine"
QUARANTINED = QUARANTINE + "/{quarantinedId}"
PINS = WORKSPACE + "/nodes/{nodeId}/pins"
DUPLICATES = WORKSPACE + "/nodes/{nodeId}/duplicates"
MERGES = WORKSPACE + "/merges"
SUPPRESSIONS = WORKSPACE + "/data-protection/suppressions"
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
    route(CUSTOMER + "/consents", ConsentViewSet, {"get": "retrieve"}),
    route(WORKSPACE + "/consents/audience", ConsentViewSet, {"get": "audience"}),
    route(WORKSPACE + "/consent-logs", ConsentLogViewSet, {"get": "list"}),
    route(WORKSPACE + "/consent-logs/export", ConsentLogViewSet, {"get": "export"}),
    route(WORKSPACE + "/consent-logs/{id}", ConsentLogViewSet, {"get": "retrieve"}),
    route(DATA_PROTECTION, DataProtectionViewSet, {"get": "retrieve", "delete": "destroy"}),
    route(DATA_PROTECTION + "/restriction", DataProtectionViewSet, {"post": "restrict"}),
    route(LOOK_UPS, LookUpViewSet, {"post": "create"}),
    route(REQUESTS, DataSubjectRequestViewSet, LIST),
    route(
        REQUESTS + "/{requestId}",
        DataSubjectRequestViewSet,
        {"get": "retrieve", "put": "update"},
    ),
    route(DATA_PROTECTION + "/export", DataProtectionViewSet, {"get": "export"}),
    route(DATA_PROTECTION + "/erasure-plan", DataProtectionViewSet, {"get": "erasure_plan"}),
    route(CUSTOMER + "/merge", MergeViewSet, {"post": "merge"}),
    route(MERGES, MergeViewSet, {"get": "list"}),
    route(MERGES + "/{mergeId}", MergeViewSet, {"get": "retrieve"}),
    route(MERGES + "/{mergeId}/undo", MergeViewSet, {"post": "undo"}),
    route(CUSTOMER + "/history", HistoryViewSet, {"get": "history"}),
    route(CUSTOMER + "/undo", HistoryViewSet, {"post": "undo"}),
    route(CUSTOMER + "/identities", HistoryViewSet, {"get": "identities"}),
    route(PINS, AggregatePinViewSet, {"get": "list"}),
    route(PINS + "/{customerId}", AggregatePinViewSet, {"put": "update", "delete": "destroy"}),
    route(DUPLICATES, DuplicateViewSet, {"get": "list"}),
    route(DUPLICATES + "/{duplicateId}/dismiss", DuplicateViewSet, {"post": "dismiss"}),
    route(DUPLICATES + "/{duplicateId}/reopen", DuplicateViewSet, {"post": "reopen"}),
    route(CUSTOMER + "/restore", CustomerViewSet, {"post": "restore"}),
    route(
        WORKSPACE + "/data-protection/deleted-customers",
        DeletedCustomerViewSet,
        {"get": "list"},
    ),
    route(SUPPRESSIONS, SuppressionViewSet, {"get": "list"}),
    route(SUPPRESSIONS + "/{suppressionId}/lift", SuppressionViewSet, {"post": "lift"}),
    route(RECEIPTS, ErasureReceiptViewSet, {"get": "list"}),
    route(RECEIPTS + "/{receiptId}", ErasureReceiptViewSet, {"get": "retrieve"}),
    route(WORKSPACE + "/refusals", RefusalViewSet, {"get": "list"}),
    route(QUARANTINE, QuarantineViewSet, {"get": "list"}),
    route(QUARANTINE + "/replay", QuarantineViewSet, {"post": "replay_many"}),
    route(QUARANTINED, QuarantineViewSet, {"get": "retrieve", "delete": "destroy"}),
    route(QUARANTINED + "/replay", QuarantineViewSet, {"post": "replay"}),
    route(WEBHOOKS, WebhookViewSet, LIST),
    route(WEBHOOKS + "/preview", WebhookViewSet, {"post": "preview"}),
    route(WEBHOOK, WebhookViewSet, ITEM),
    route(WEBHOOK + "/secret", WebhookViewSet, {"post": "rotate_secret"}),
    route(WEBHOOK + "/replay", WebhookViewSet, {"post": "replay"}),
    route(WEBHOOK + "/test", WebhookViewSet, {"post": "test"}),
    route(WEBHOOK + "/attempts", WebhookAttemptViewSet, {"get": "list_attempts"}),
]
