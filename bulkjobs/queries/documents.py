"""Jobs and exports in the form of responses."""

from __future__ import annotations

from typing import Any

from bulkjobs.domain.cells import CellRules, DecimalMark
from bulkjobs.domain.reading import Values
from bulkjobs.models import BulkJob, ExportJob, Outcome


def job_response(job: BulkJob) -> dict[str, Any]:
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


def report_response(job: BulkJob) -> dict[str, Any]:
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


def export_response(job: ExportJob) -> dict[str, Any]:
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
