from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema

from bulkjobs.actions.loading import load_job
from bulkjobs.actions.removal import delete_job
from bulkjobs.api.forms import upload_of
from bulkjobs.api.results import failed_rows_csv, results_csv
from bulkjobs.api.schema import CSV, JOB, PAGE_OF_JOBS, REPORT, UPLOAD
from bulkjobs.domain.cells import CellRules
from bulkjobs.domain.reading import Values
from bulkjobs.models import BulkJob, BulkJobEntity, BulkJobStatus, Outcome
from configuration.api.scoping import WorkspaceView
from configuration.queries.rules import NodeRules
from contacthub_project.api import pagination
from contacthub_project.api.pagination import LARGEST_MATCH, Page
from contacthub_project.api.parameters import choice_parameter, sort_parameter
from contacthub_project.api.query import QueryParameters, SortKey, id_or_unknown
from contacthub_project.api.renderers import JsonResponse
from contacthub_project.api.schema import PAGE_PARAMETERS
from contacthub_project.core.errors import Conflict, NotFound

RESULT_FORMS = ("results", "input")
SORTED_BY = {
    "createdAt": "created_at", "updatedAt": "updated_at", "status": "status",
    "filename": "filename", "entity": "entity", "operation": "operation",
}  # fmt: skip
NEWEST_FIRST = (SortKey("createdAt", descending=True),)


class BulkJobsView(WorkspaceView):
    """The bulk jobs of a node."""

    @extend_schema(
        parameters=[
            *PAGE_PARAMETERS,
            choice_parameter("status", BulkJobStatus.values, "Jobs that are this far."),
            choice_parameter("entity", BulkJobEntity.values, "Jobs of customers, or of events."),
            sort_parameter(SORTED_BY, "createdAt,desc"),
        ],
        responses={200: PAGE_OF_JOBS},
    )
    def get(self, request: HttpRequest, workspace_id: str, node_id: str) -> JsonResponse:
        parameters = QueryParameters(request)
        page = Page.asked_for(parameters, pagination.CONFIGURATION)
        status = parameters.choice("status", BulkJobStatus.values, default=None)
        entity = parameters.choice("entity", BulkJobEntity.values, default=None)
        sort = parameters.sort(default=NEWEST_FIRST)
        for key in sort:
            if key.field not in SORTED_BY:
                parameters.fault("sort", f"must be one of {', '.join(SORTED_BY)}")
        parameters.raise_faults()
        node = self.readable_node(node_id)
        everything = BulkJob.objects.in_node(self.workspace.id, node.id)
        jobs = everything
        if status is not None:
            jobs = jobs.filter(status=status)
        if entity is not None:
            jobs = jobs.filter(entity=entity)
        order = [f"{'-' if key.descending else ''}{SORTED_BY[key.field]}" for key in sort]
        rows = page.slice(jobs.order_by(*order, "-id" if sort[-1].descending else "id"))
        return JsonResponse(
            page.of(
                [job_response(job) for job in rows],
                total=jobs.count_up_to(LARGEST_MATCH),
                unfiltered=everything.count_up_to(LARGEST_MATCH),
            )
        )

    @extend_schema(request={"multipart/form-data": UPLOAD}, responses={201: JOB})
    def post(self, request: HttpRequest, workspace_id: str, node_id: str) -> JsonResponse:
        """Take a file in as a job.

        While ten jobs of the node are LOADED it answers 409, with `Retry-After`.
        """
        node = self.writable_node(node_id)
        try:
            job = load_job(self.workspace, node, upload_of(request), by=self.caller)
        finally:
            request.close()  # removes what came in and was not kept
        return JsonResponse(job_response(job), status=201)


class _OneJobView(WorkspaceView):
    def job(self, node: NodeRules, job_id: str) -> BulkJob:
        """A job of the node; raises NotFound."""
        jobs = BulkJob.objects.in_node(self.workspace.id, node.id)
        job = jobs.filter(id=id_or_unknown(job_id)).first()
        if job is None:
            raise NotFound(f"bulk job not found {job_id}")
        return job


class BulkJobView(_OneJobView):
    writes_need_room = False  # the file of a deleted job goes

    @extend_schema(responses={200: JOB})
    def get(
        self, request: HttpRequest, workspace_id: str, node_id: str, job_id: str
    ) -> JsonResponse:
        return JsonResponse(job_response(self.job(self.readable_node(node_id), job_id)))

    @extend_schema(responses={204: None})
    def delete(
        self, request: HttpRequest, workspace_id: str, node_id: str, job_id: str
    ) -> HttpResponse:
        """Delete a job with its file and results; one that runs is stopped first.

        What its rows have changed stays.
        """
        delete_job(self.job(self.writable_node(node_id), job_id))
        return HttpResponse(status=204)


class BulkJobResultsView(_OneJobView):
    @extend_schema(
        parameters=[
            choice_parameter("outcome", Outcome.values, "Rows with this outcome only."),
            choice_parameter(
                "form",
                RESULT_FORMS,
                "`results`: what became of each row. `input`: the failed rows as they were in the"
                " file, to be mended and sent again, and a column that says why.",
                default="results",
            ),
        ],
        responses={(200, "text/csv"): CSV},
    )
    def get(
        self, request: HttpRequest, workspace_id: str, node_id: str, job_id: str
    ) -> HttpResponseBase:
        """What became of each row, as CSV; once the job is PROCESSED or FAILED."""
        parameters = QueryParameters(request)
        outcome = parameters.choice("outcome", Outcome.values, default=None)
        form = parameters.choice("form", RESULT_FORMS, default="results")
        if form == "input" and outcome not in {None, Outcome.FAILED}:
            parameters.fault("outcome", "must be failed: the cells of other rows are not kept")
        parameters.raise_faults()
        job = self.job(self.readable_node(node_id), job_id)
        if job.status not in {BulkJobStatus.PROCESSED, BulkJobStatus.FAILED}:
            raise Conflict(f"The job is {job.status}; its results come when it has ended")
        name = "results" if form == "results" else "failed"
        return StreamingHttpResponse(
            results_csv(job, outcome) if form == "results" else failed_rows_csv(job),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}-{job.id}.csv"'},
        )


class BulkJobReportView(_OneJobView):
    @extend_schema(responses={200: REPORT})
    def get(
        self, request: HttpRequest, workspace_id: str, node_id: str, job_id: str
    ) -> JsonResponse:
        """What a job's file was found to be, and how many of its rows had which outcome."""
        return JsonResponse(report_response(self.job(self.readable_node(node_id), job_id)))


def job_response(job: BulkJob) -> dict[str, Any]:
    """The job as the API shows it."""
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
    """The report on a job as the API shows it."""
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
        "decimal": rules.decimal_mark,
        "columns": [{"header": header, "property": path} for header, path in job.columns],
        "blankRows": job.blank,
        "outcomes": {outcome: job.outcomes.get(outcome, 0) for outcome in Outcome.values},
    }
