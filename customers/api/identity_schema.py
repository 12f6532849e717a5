"""OpenAPI schemas of merges, duplicates, histories and identities of customers."""

from __future__ import annotations

from contacthub_project.api.components import (
    ID,
    INTEGER,
    MOMENT,
    NULL,
    TEXT,
    TEXT_OR_NULL,
    enum_component,
    object_component,
    page_object,
)
from customers.api.schema import CUSTOMER
from customers.domain.duplicates import DuplicateReason
from customers.domain.record_merge import MergeRule
from customers.models import (
    ChangeCause,
    DuplicateState,
)

MERGE_COUNTS = object_component(
    "MergeCounts", {"events": INTEGER, "sessions": INTEGER, "subscriptions": INTEGER}
)


MERGE_RULE = enum_component("MergeRule", MergeRule)


IDS = {"type": "array", "items": ID}


RECORD_MERGE = object_component(
    "CustomerMerge",
    {
        "id": ID,
        "nodeId": ID,
        "survivorId": ID,
        "mergedCustomers": IDS,
        "mergedAt": MOMENT,
        "mergedBy": TEXT_OR_NULL,
        "moved": MERGE_COUNTS,
        "values": {
            "type": "array",
            "items": object_component(
                "MergedValueOrigin",
                {"path": TEXT, "customerId": {"anyOf": [ID, NULL]}, "rule": MERGE_RULE},
            ),
        },
        "undoneAt": {"anyOf": [MOMENT, NULL]},
        "undoneBy": TEXT_OR_NULL,
        "canBeUndone": {"type": "boolean"},
    },
)


MERGE_RESULT = object_component(
    "CustomerMergeResult",
    {
        "id": {"anyOf": [ID, NULL]},
        "dryRun": {"type": "boolean"},
        "customer": CUSTOMER,
        "mergedCustomers": IDS,
        "values": {
            "type": "array",
            "items": object_component(
                "MergedValue",
                {
                    "path": TEXT,
                    "value": {},
                    "customerId": {"anyOf": [ID, NULL]},
                    "rule": MERGE_RULE,
                    "others": {
                        "type": "array",
                        "items": object_component(
                            "OtherMergedValue", {"customerId": ID, "value": {}}
                        ),
                    },
                },
            ),
        },
        "moved": MERGE_COUNTS,
    },
)


UNDONE_CHANGE = object_component(
    "CustomerChangeUndoResult",
    {
        "dryRun": {"type": "boolean"},
        "customer": CUSTOMER,
        "restored": {"type": "array", "items": TEXT},
        "kept": {"type": "array", "items": TEXT},
        "stricterConsents": {"type": "array", "items": TEXT},
    },
)
UNDO_RESULT = object_component(
    "CustomerMergeUndoResult",
    {
        "id": ID,
        "dryRun": {"type": "boolean"},
        "survivor": CUSTOMER,
        "customers": {"type": "array", "items": CUSTOMER},
        "given": {
            "type": "array",
            "items": object_component(
                "SeparatedCustomer",
                {
                    "customerId": ID,
                    "events": INTEGER,
                    "laterEvents": INTEGER,
                    "sessions": INTEGER,
                    "stricterConsents": {"type": "array", "items": TEXT},
                },
            ),
        },
    },
)


CHANGE_CAUSE = enum_component("ChangeCause", ChangeCause.values)


MERGE_STATE = enum_component("MergeState", ["IN_FORCE", "UNDONE"])


AGGREGATE_PIN = object_component(
    "AggregatePin",
    {
        "customerId": ID,
        "nodeId": ID,
        "isApart": {"type": "boolean"},
        "group": TEXT,
        "pinnedAt": MOMENT,
        "pinnedBy": TEXT_OR_NULL,
    },
)
DUPLICATE_STATE = enum_component("DuplicateState", DuplicateState.values)


DUPLICATE = object_component(
    "Duplicate",
    {
        "id": ID,
        "nodeId": ID,
        "score": {"type": "number", "minimum": 0, "maximum": 1},
        "reasons": {"type": "array", "items": enum_component("DuplicateReason", DuplicateReason)},
        "customers": {"type": "array", "items": CUSTOMER},
        "group": IDS,
        "foundAt": MOMENT,
        "state": DUPLICATE_STATE,
        "dismissedAt": {"anyOf": [MOMENT, NULL]},
        "dismissedBy": TEXT_OR_NULL,
    },
)


PAGE_OF_DUPLICATES = object_component(
    "DuplicatePage",
    {
        "elements": {"type": "array", "items": DUPLICATE},
        "page": page_object(),
        "search": enum_component("DuplicateSearchState", ["OFF", "BUILDING", "READY"]),
    },
)


CUSTOMER_HISTORY = object_component(
    "CustomerHistory",
    {
        "customerId": ID,
        "isKept": {"type": "boolean"},
        "isComplete": {"type": "boolean"},
        "properties": {
            "type": "array",
            "items": object_component(
                "PropertyHistory",
                {
                    "property": TEXT,
                    "value": {},
                    "since": MOMENT,
                    "author": TEXT_OR_NULL,
                    "cause": {"anyOf": [CHANGE_CAUSE, NULL]},
                    "rule": TEXT_OR_NULL,
                    "customerId": {"anyOf": [ID, NULL]},
                    "changes": {
                        "type": "array",
                        "items": object_component(
                            "PropertyChange",
                            {
                                "version": INTEGER,
                                "at": MOMENT,
                                "author": TEXT_OR_NULL,
                                "cause": CHANGE_CAUSE,
                                "mergeId": {"anyOf": [ID, NULL]},
                                "before": {},
                                "after": {},
                            },
                        ),
                    },
                },
            ),
        },
    },
)


CUSTOMER_IDENTITIES = object_component(
    "CustomerIdentities",
    {
        "customerId": ID,
        "key": {
            "type": "array",
            "items": object_component(
                "KeyProperty",
                {
                    "property": TEXT,
                    "value": {},
                    "since": {"anyOf": [MOMENT, NULL]},
                    "source": TEXT_OR_NULL,
                },
            ),
        },
        "externalIds": {
            "type": "array",
            "items": object_component(
                "KnownExternalId",
                {
                    "value": TEXT,
                    "mergeId": {"anyOf": [ID, NULL]},
                    "since": {"anyOf": [MOMENT, NULL]},
                    "source": TEXT_OR_NULL,
                },
            ),
        },
        "sessions": {
            "type": "array",
            "items": object_component(
                "KnownSession",
                {
                    "id": ID,
                    "value": TEXT,
                    "since": {"anyOf": [MOMENT, NULL]},
                    "source": TEXT_OR_NULL,
                },
            ),
        },
        "devices": {"type": "array", "items": {"type": "object", "additionalProperties": True}},
        "merged": {
            "type": "array",
            "items": object_component(
                "MergedInto",
                {
                    "customerId": ID,
                    "intoId": ID,
                    "mergeId": ID,
                    "mergedAt": MOMENT,
                    "mergedBy": TEXT_OR_NULL,
                },
            ),
        },
    },
)
