"""How bulk jobs are described in the OpenAPI document."""

from __future__ import annotations

from typing import Any

from bulkjobs.models import BulkJobEntity, BulkJobOperation, BulkJobStatus
from contacthub_project.api.components import (
    component,
    enum_component,
    nullable,
    object_component,
    page_component,
    reference_to,
)

Schema = dict[str, Any]
ID: Schema = {"type": "string", "format": "uuid"}
TEXT: Schema = {"type": "string"}
TEXT_OR_NULL: Schema = {"type": ["string", "null"]}
WHOLE: Schema = {"type": "integer"}
MOMENT: Schema = {"type": "string", "format": "date-time"}

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
        "processedEntities": WHOLE,
        "failedEntities": WHOLE,
        "totalEntities": WHOLE,
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
