"""OpenAPI schemas of bulk jobs."""

from __future__ import annotations

from bulkjobs.domain.cells import DateOrder
from bulkjobs.domain.files.containers import Container
from bulkjobs.domain.files.encodings import NAMES
from bulkjobs.domain.reading import Values
from bulkjobs.models import BulkJobEntity, BulkJobOperation, BulkJobStatus, Outcome
from bulkjobs.queries.export_files import ExportFormat
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

BOOLEAN: Schema = {"type": "boolean"}
OPERATION = enum_component("BulkJobOperation", BulkJobOperation.values)
STATUS = enum_component("BulkJobStatus", BulkJobStatus.values)
ENTITY: Schema = {"type": "string", "enum": BulkJobEntity.values}
VALUES = enum_component("BulkJobValues", Values.values())
DATE_ORDER = enum_component("DateOrder", [each.value for each in DateOrder])
ENCODING = enum_component(
    "FileEncoding", NAMES, constants=[name.replace("-", "_").upper() for name in NAMES]
)
FORMAT = enum_component("FileFormat", [each.value for each in Container])
DECIMAL = enum_component("DecimalMark", [".", ","], constants=["POINT", "COMMA"])
DECIMAL_FOUND = enum_component(
    "DecimalMarkFound", [".", ",", "either"], constants=["POINT", "COMMA", "EITHER"]
)
OUTCOME = enum_component("RowOutcome", Outcome.values)
RESULTS_FORM = enum_component("BulkJobResultsForm", ["results", "input"])
EXPORT_FORMAT = enum_component("ExportFormat", [each.value for each in ExportFormat])
TEMPLATE_FORMAT = enum_component("TemplateFormat", ["csv", "xlsx"])
EXPORT_STATUS = enum_component("ExportStatus", ["LOADED", "PROCESSING", "PROCESSED", "FAILED"])
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
        "dryRun": BOOLEAN | {"default": False},
        "encoding": ENCODING,
        "sheet": TEXT,
        "values": VALUES | {"default": Values.STRICT.value},
        "dateOrder": DATE_ORDER,
        "decimal": DECIMAL,
        "mapping": {"type": "string", "contentMediaType": "application/json"},
    },
    required=["file", "operation"],
)
EXPORT_INPUT = object_component(
    "ExportInput",
    {
        "entity": ENTITY | {"default": BulkJobEntity.CUSTOMER.value},
        "eventType": EVENT_TYPE,
        "query": {"type": "object", "additionalProperties": True},
        "fields": {"type": "array", "items": TEXT},
        "sort": {"type": "array", "items": TEXT},
        "format": EXPORT_FORMAT | {"default": ExportFormat.CSV.value},
        "excel": BOOLEAN | {"default": False},
    },
    required=[],
)
EXPORT_JOB = object_component(
    "ExportJob",
    {
        "id": ID,
        "nodeId": ID,
        "entity": ENTITY,
        "eventType": nullable(EVENT_TYPE),
        "format": EXPORT_FORMAT,
        "status": EXPORT_STATUS,
        "errorMessage": TEXT_OR_NULL,
        "writtenEntities": INTEGER,
        "createdAt": MOMENT,
        "updatedAt": MOMENT,
    },
)
REPORT = object_component(
    "BulkJobReport",
    {
        "id": ID,
        "dryRun": BOOLEAN,
        "format": nullable(FORMAT),
        "encoding": nullable(ENCODING),
        "separator": TEXT_OR_NULL,
        "sheet": TEXT_OR_NULL,
        "values": VALUES,
        "dateOrder": nullable(DATE_ORDER),
        "decimal": nullable(DECIMAL_FOUND),
        "columns": {
            "type": "array",
            "items": object_component("BulkJobColumn", {"header": TEXT, "property": TEXT_OR_NULL}),
        },
        "blankRows": INTEGER,
        "outcomes": object_component("BulkJobOutcomes", dict.fromkeys(Outcome.values, INTEGER)),
    },
)
CSV = component("CsvFile", TEXT)
WORKBOOK = component("Workbook", {"type": "string", "format": "binary"})
JSON_LINES = component("JsonLinesFile", TEXT)
TEMPLATES = {(200, "text/csv"): CSV, (200, ExportFormat.XLSX.content_type): WORKBOOK}
EXPORTS = {**TEMPLATES, (200, ExportFormat.JSONL.content_type): JSON_LINES}
