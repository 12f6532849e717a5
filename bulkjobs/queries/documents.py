"""Jobs and exports in the form of responses."""

from __future__ import annotations

from datetime import datetime
from typing import TypedDict
from uuid import UUID

from bulkjobs.domain.cells import CellRules, DecimalMark
from bulkjobs.domain.reading import Values
from bulkjobs.models import BulkJob, ExportJob, Outcome


class JobResponse(TypedDict):
    """A bulk job in the form of responses."""

    id: UUID
    filename: str
    operation: str
    workspaceId: UUID
    nodeId: UUID
    entity: str
    eventType: str | None
    bulkJobName: str
    status: str
    errorMessage: str | None
    createdAt: datetime
    updatedAt: datetime
    processedEntities: int
    failedEntities: int
    totalEntities: int | None


class ColumnResponse(TypedDict):
    """A column of a file, and the property that it is; None for one that is left out."""

    header: str
    property: str | None


class ReportResponse(TypedDict):
    """How the file of a job is understood, and how many rows had which outcome."""

    id: UUID
    dryRun: bool
    format: str | None
    encoding: str | None
    separator: str | None
    sheet: str | None
    values: str
    dateOrder: str | None
    decimal: str | None
    columns: list[ColumnResponse]
    blankRows: int
    outcomes: dict[str, int]


class ExportResponse(TypedDict):
    """An export in the form of responses."""

    id: UUID
    nodeId: UUID
    entity: str
    eventType: str | None
    format: str
    status: str
    errorMessage: str | None
    writtenEntities: int
    createdAt: datetime
    updatedAt: datetime


def job_response(job: BulkJob) -> JobResponse:
    """Return the job in the form of responses."""
    return {
        "id": job.id,
        "filename": job.filename,
        "operation": job.operation,
        "workspaceId": job.workspace_id,
        "nodeId": job.node_id,
        "entity": job.entity,
        "eventType": job.event_type,
        "bulkJobName": str(job),
        "status": job.status,
        "errorMessage": job.error_message,
        "createdAt": job.created_at,
        "updatedAt": job.updated_at,
        "processedEntities": job.processed,
        "failedEntities": job.failed,
        "totalEntities": job.total,
    }


def report_response(job: BulkJob) -> ReportResponse:
    """Return the report on a job in the form of responses."""
    layout = job.layout or {}
    rules = CellRules.from_json(job.cell_rules) if job.cell_rules else CellRules()
    return {
        "id": job.id,
        "dryRun": job.dry_run,
        "format": layout.get("container"),
        "encoding": layout.get("encoding"),
        "separator": layout.get("separator"),
        "sheet": layout.get("sheet"),
        "values": Values.LENIENT if rules.is_lenient else Values.STRICT,
        "dateOrder": rules.date_order,
        "decimal": None if rules.decimal_mark is DecimalMark.UNDETERMINED else rules.decimal_mark,
        "columns": [{"header": header, "property": path} for header, path in job.columns],
        "blankRows": job.blank,
        "outcomes": {outcome: job.outcomes.get(outcome, 0) for outcome in Outcome.values},
    }


def export_response(job: ExportJob) -> ExportResponse:
    """Return the export in the form of responses."""
    return {
        "id": job.id,
        "nodeId": job.node_id,
        "entity": job.entity,
        "eventType": job.request["eventType"],
        "format": job.file_format,
        "status": job.status,
        "errorMessage": job.error_message,
        "writtenEntities": job.written,
        "createdAt": job.created_at,
        "updatedAt": job.updated_at,
    }
