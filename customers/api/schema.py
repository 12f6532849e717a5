"""OpenAPI schemas of customers, derived from the JSON Schema that validates them."""

from __future__ import annotations

from configuration.domain.customer_schema import BUILT_IN
from contacthub_project.api.components import (
    ID,
    INTEGER,
    MOMENT,
    NULL,
    OPEN_OBJECT,
    TEXT,
    TEXT_OR_NULL,
    Schema,
    component,
    enum_component,
    list_component,
    map_component,
    number_enum_component,
    object_component,
    page_component,
    reference_to,
)
from customers.api.published_schema import DEFINITION, ENUMS, published
from customers.api.refusals_schema import QUARANTINED_REQUEST
from customers.models import (
    ChangeCause,
    ConsentLogType,
    DeletedState,
    ErasureCause,
    ErasureScope,
    RequestState,
    RequestType,
    SuppressedKind,
)
from customers.queries.same_person import Reason

for _name, _schema in ENUMS.items():
    enum_component(_name, [value for value in _schema["enum"] if value is not None])


_PROPERTIES: dict[str, Schema] = {
    name: published(schema) for name, schema in BUILT_IN["properties"].items()
} | {"nodeId": ID}
_GENERATED: dict[str, Schema] = {
    "registeredAt": MOMENT,
    "updatedAt": MOMENT,
    "version": INTEGER,
    "deleted": number_enum_component(
        "CustomerDeletedState", {state.name: int(state) for state in DeletedState}
    ),
    "sourceInfo": object_component(
        "CustomerSourceInfo",
        {"registeredBy": TEXT_OR_NULL, "updatedBy": TEXT_OR_NULL},
        required=[],
    ),
}
_WHOLE: dict[str, Schema] = {"id": ID, "intId": INTEGER, **_PROPERTIES, **_GENERATED}

CUSTOMER = object_component("Customer", _WHOLE, required=["id", "nodeId"])
SUBSCRIPTION = published({"$ref": DEFINITION + "subscription"})
EDUCATION = published({"$ref": DEFINITION + "education"})
JOB = published({"$ref": DEFINITION + "job"})
LIKE = published({"$ref": DEFINITION + "like"})
EDUCATIONS = list_component("CustomerEducationList", EDUCATION, "educations of a customer")
JOBS = list_component("CustomerJobList", JOB, "jobs of a customer")
LIKES = list_component("CustomerLikeList", LIKE, "likes of a customer")
CUSTOMER_INPUT = object_component(
    "CustomerInput", dict(_PROPERTIES), required=["nodeId"], closed=True
)
CUSTOMER_CHANGE = object_component("CustomerChange", dict(_WHOLE), required=[])
PAGE_OF_CUSTOMERS = page_component("CustomerPage", CUSTOMER, "customers", has_cursor=True)
CUSTOMER_SELECTION = object_component(
    "CustomerSelection",
    _WHOLE
    | {name: published(schema, selected=True) for name, schema in BUILT_IN["properties"].items()}
    | {"nodeId": ID},
    required=["id"],
)
PAGE_OF_SELECTIONS = page_component(
    "CustomerSelectionPage", CUSTOMER_SELECTION, "customers", has_cursor=True
)
CONSENT_LOG_LINE = object_component(
    "ExportedConsentLog",
    {
        "id": INTEGER,
        "date": MOMENT,
        "type": enum_component("ConsentLogType", ConsentLogType.values),
        "property": TEXT_OR_NULL,
        "value": TEXT_OR_NULL,
        "sourceId": {"anyOf": [ID, NULL]},
        "userId": {"type": ["integer", "null"]},
    },
)
CONSENT_LOG_LINES = component("ConsentLogLines", {"type": "string"})
CONSENT_STATE = object_component(
    "ConsentState",
    {
        "customerId": ID,
        "at": MOMENT,
        "consents": reference_to("CustomerConsents"),
        "leaves": {
            "type": "array",
            "items": object_component(
                "ConsentLeaf",
                {
                    "property": {"type": "string"},
                    "value": {"type": ["boolean", "string", "null"]},
                    "date": MOMENT,
                    "type": reference_to("ConsentLogType"),
                    "sourceId": {"anyOf": [ID, NULL]},
                    "sourceName": TEXT_OR_NULL,
                    "userId": {"type": ["integer", "null"]},
                    "userName": TEXT_OR_NULL,
                    "disclaimerVersion": TEXT_OR_NULL,
                    "customerId": ID,
                    "id": INTEGER,
                },
            ),
        },
    },
)
CONSENT_AUDIENCE = object_component(
    "ConsentAudience",
    {
        "path": {"type": "string"},
        "at": MOMENT,
        "nodeId": {"anyOf": [ID, NULL]},
        "reachable": INTEGER,
        "limited": INTEGER,
        "objected": INTEGER,
    },
)
EXPORT = object_component(
    "CustomerExport",
    {
        "customer": CUSTOMER,
        "events": {"type": "array", "items": reference_to("Event")},
        "segments": {
            "type": "array",
            "items": object_component(
                "CustomerExportSegment", {"id": ID, "name": {"type": "string"}, "since": MOMENT}
            ),
        },
        "sessions": {"type": "array", "items": reference_to("Session")},
        "consentLogs": {"type": "array", "items": CONSENT_LOG_LINE},
        "mergedCustomers": {"type": "array", "items": CUSTOMER},
        "formerValues": {
            "type": "array",
            "items": object_component(
                "FormerValues",
                {
                    "customerId": ID,
                    "version": INTEGER,
                    "replacedAt": MOMENT,
                    "cause": enum_component("ChangeCause", ChangeCause.values),
                    "values": OPEN_OBJECT,
                },
            ),
        },
        "quarantinedRequests": {"type": "array", "items": QUARANTINED_REQUEST},
    },
    required=["customer", "events", "sessions", "consentLogs"],
)
DELETED_CUSTOMER = object_component(
    "DeletedCustomer", {"customer": CUSTOMER, "deletedAt": MOMENT, "erasedFrom": MOMENT}
)
HTML_PAGE = component("HtmlPage", {"type": "string"})
EXPORT_FORMAT = enum_component("CustomerExportFormat", ["json", "html"])
REQUEST_STATE = enum_component("DataSubjectRequestState", RequestState.values)
REQUEST_STATE_FILTER = enum_component(
    "DataSubjectRequestStateFilter", [*RequestState.values, "OVERDUE"]
)
REQUEST_TYPE = enum_component("DataSubjectRequestType", RequestType.values)
ENTERED_TYPE = enum_component(
    "EnteredRequestType", [each for each in RequestType.values if each != RequestType.RETURN]
)
HELD = object_component(
    "HeldCustomer",
    {
        "customer": CUSTOMER,
        "deletedAt": {"anyOf": [MOMENT, NULL]},
        "erasedFrom": {"anyOf": [MOMENT, NULL]},
        "isRestricted": {"type": "boolean"},
        "tables": reference_to("ErasureCounts"),
        "files": reference_to("ErasureCounts"),
        "lists": map_component("HeldLists", {"type": "array", "items": OPEN_OBJECT}),
    },
)
FOUND_PEOPLE = object_component(
    "FoundPeople",
    {
        "elements": {
            "type": "array",
            "items": object_component(
                "FoundPerson",
                {
                    "customerId": ID,
                    "nodeId": ID,
                    "firstName": TEXT_OR_NULL,
                    "lastName": TEXT_OR_NULL,
                    "email": TEXT_OR_NULL,
                    "externalId": TEXT_OR_NULL,
                    "deletedAt": {"anyOf": [MOMENT, NULL]},
                },
            ),
        },
        "isComplete": {"type": "boolean"},
    },
)
RESTRICTED = object_component(
    "RestrictedCustomers",
    {"customerIds": {"type": "array", "items": ID}, "isRestricted": {"type": "boolean"}},
)
SUPPRESSION = object_component(
    "SuppressedValue",
    {
        "id": ID,
        "kind": enum_component("SuppressedKind", SuppressedKind.values),
        "nodeId": {"anyOf": [ID, NULL]},
        "hash": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
        "keyId": TEXT,
        "receiptId": ID,
        "createdAt": MOMENT,
        "returnedAt": {"anyOf": [MOMENT, NULL]},
        "returns": INTEGER,
        "liftedAt": {"anyOf": [MOMENT, NULL]},
        "liftedBy": {"type": ["integer", "null"]},
        "liftReason": TEXT_OR_NULL,
    },
)
ERASURE_REACH = enum_component("ErasureReach", ["node", "workspace"])
SUPPRESSION_STATE = enum_component("SuppressionState", ["IN_FORCE", "LIFTED"])
ERASURE_SCOPE = enum_component("ErasureScope", ErasureScope.values)
enum_component("ErasureScopeParameter", [scope.value.lower() for scope in ErasureScope])
ERASURE_COUNTS = map_component("ErasureCounts", INTEGER)
ERASURE_PLAN = object_component(
    "ErasurePlan",
    {
        "customerId": ID,
        "scope": ERASURE_SCOPE,
        "customers": {
            "type": "array",
            "items": object_component(
                "ErasurePlanCustomer",
                {
                    "id": ID,
                    "nodeId": ID,
                    "deleted": reference_to("CustomerDeletedState"),
                    "reason": enum_component("ErasureReason", Reason),
                    "tables": ERASURE_COUNTS,
                    "files": ERASURE_COUNTS,
                },
            ),
        },
        "tables": ERASURE_COUNTS,
        "files": ERASURE_COUNTS,
    },
)
SHA256 = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
ERASURE_RECEIPT = object_component(
    "ErasureReceipt",
    {
        "id": ID,
        "workspaceId": ID,
        "number": INTEGER,
        "moment": MOMENT,
        "cause": enum_component("ErasureCause", ErasureCause.values),
        "scope": ERASURE_SCOPE,
        "requestedBy": object_component(
            "ErasureRequester",
            {"userId": {"type": ["integer", "null"]}, "sourceId": {"anyOf": [ID, NULL]}},
        ),
        "customers": {
            "type": "array",
            "items": object_component("ErasedCustomer", {"id": ID, "nodeId": ID}),
        },
        "tables": ERASURE_COUNTS,
        "files": ERASURE_COUNTS,
        "previousHash": dict(SHA256),
        "hash": dict(SHA256),
    },
)
WRITE_MODE = enum_component("CustomerWriteMode", ["STRICT"])
CONSENT_LOG_FORMAT = enum_component("ConsentLogFormat", ["csv", "jsonl"])
NOTHING = component("Nothing", {"type": "object", "additionalProperties": False})
