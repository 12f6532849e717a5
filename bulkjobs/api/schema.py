"""How bulk jobs are described in the OpenAPI document."""

from __future__ import annotations

from bulkjobs.models import BulkJobEntity, BulkJobOperation, BulkJobStatus
from contacthub_project.api.components import (
    ID,
    INTEGER,
    MOMENT,
    TEXT,
    TEXT_OR_NULL,
    Schema,
    component,
    enum_component,
    nullable,
    object_component,
    page_component,
    reference_to,
)

OPERATION = enum_component("BulkJobOperation", BulkJobOperation.values)
STATUS = enum_component("BulkJobStatus", BulkJobStatus.values)
ENTITY: Schema = {"type": "string", "enum": BulkJobEntity.values}
EVENT_TYPE = reference_to("EventType")
JOB = object_component(
    "BulkJob",
    {
        "id": ID,
        "filename": TEXT,
        "operation": OPERATION,
        "workspaceId": ID,
        "nodeId": ID,
        "entity": ENTITY,
        "eventType": nullable(EVENT_TYPE),
        "bulkJobName": TEXT,
        "status": STATUS,
        "errorMessage": TEXT_OR_NULL,
        "createdAt": MOMENT,
        "updatedAt": MOMENT,
        "processedEntities": INTEGER,
        "failedEntities": INTEGER,
        "totalEntities": INTEGER,
    },
)
PAGE_OF_JOBS = page_component("BulkJobPage", JOB, "bulk jobs")
UPLOAD = object_component(
    "BulkJobInput",
    {
        "file": {"type": "string", "format": "binary"},
        "operation": OPERATION,
        "entity": ENTITY | {"default": BulkJobEntity.CUSTOMER.value},
        "eventType": EVENT_TYPE,
    },
    required=["file", "operation"],
)
CSV = component("CsvFile", TEXT)
